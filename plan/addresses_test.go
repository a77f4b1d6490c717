package plan

import (
	"fmt"
	"strings"
	"testing"

	"eucactl/cloud"
	"eucactl/state"
)

// elastic allocates an address of the pool.
func (w *world) elastic(owner string) cloud.Address {
	w.t.Helper()
	var a cloud.Address
	w.do(func(tx *state.Tx) {
		c, _ := tx.Cloud()
		next, err := NextPublic(tx, w.cluster(), c, func(claim string) bool { _, ok := tx.Claim(claim); return ok })
		if err != nil {
			w.t.Fatalf("%v", err)
		}
		tx.PutCloud(WithLastPublic(c, "one", next))
		a = cloud.Address{IP: next, Cluster: "one", Owner: owner, Elastic: true}
		if err := tx.PutClaim(cloud.Claim{Name: "public/" + next.String(), Holder: "user " + owner}); err != nil {
			w.t.Fatalf("%v", err)
		}
		tx.PutAddress(a)
	})
	return a
}

// move makes an address change, and returns its notes.
func (w *world) move(how func(*Moves) error) (notes []string) {
	w.t.Helper()
	w.do(func(tx *state.Tx) {
		m := NewMoves(tx)
		if err := how(m); err != nil {
			w.t.Fatalf("%v", err)
		}
		if err := write(tx, m.Changes()); err != nil {
			w.t.Fatalf("%v", err)
		}
		notes = m.Notes
	})
	return notes
}

func (w *world) associate(a cloud.Address, id cloud.InstanceID) []string {
	w.t.Helper()
	return w.move(func(m *Moves) error { return m.Associate(w.cluster(), a.IP, id) })
}

func (w *world) disassociate(a cloud.Address) []string {
	w.t.Helper()
	return w.move(func(m *Moves) error { return m.Disassociate(w.cluster(), a.IP) })
}

// addresses shows the addresses in use, one a line.
func (w *world) addresses() (list []string) {
	for _, a := range w.store.View().Addresses() {
		s := a.IP.String()
		if a.Elastic {
			s += " elastic of " + a.Owner
		}
		if a.Instance != "" {
			s += " at " + string(a.Instance)
		}
		if a.Gone {
			s += " gone"
		}
		list = append(list, s)
	}
	return list
}

// The address that an instance was launched with goes back to the pool while an
// elastic one is in front of it, and comes back afterwards.
//
// proves A120 A123 A124 E10
func TestAssociateAndBack(t *testing.T) {
	w := newWorld(t, oneCluster)
	in := w.run(1, w.group("alice", "web"))[0]
	a := w.elastic("alice")
	w.associate(a, in.ID)
	equal(t, "while on its way", w.addresses(), []string{"203.0.113.10 gone", "203.0.113.11 elastic of alice at " + string(in.ID)})
	if got := w.instance(in.ID); got.Public != a.IP || got.Previous != in.Public {
		t.Errorf("%+v", got)
	}
	w.associate(a, in.ID) // again: nothing
	w.converge()
	equal(t, "given back", w.addresses(), []string{"203.0.113.11 elastic of alice at " + string(in.ID)})

	notes := w.disassociate(a)
	equal(t, "notes", notes, []string(nil))
	equal(t, "previous one", w.addresses(), []string{"203.0.113.10 at " + string(in.ID), "203.0.113.11 elastic of alice"})
	if got := w.instance(in.ID); got.Public != in.Public || got.Previous.IsValid() {
		t.Errorf("%+v", got)
	}
	if notes := w.disassociate(a); notes != nil {
		t.Error(notes)
	}
	w.converge()
	equal(t, "claims", w.claims("public/"), []string{"public/203.0.113.10", "public/203.0.113.11"})
}

// The launch address is asked back before the frontend was seen without it.
func TestDisassociateWhileStillOnItsWay(t *testing.T) {
	w := newWorld(t, oneCluster)
	in := w.run(1, w.group("alice", "web"))[0]
	a := w.elastic("alice")
	w.associate(a, in.ID)
	equal(t, "notes", w.disassociate(a), []string(nil))
	w.converge()
	equal(t, "addresses", w.addresses(), []string{"203.0.113.10 at " + string(in.ID), "203.0.113.11 elastic of alice"})
	equal(t, "claims", w.claims("public/"), []string{"public/203.0.113.10", "public/203.0.113.11"})
}

func TestDisassociateWhenThePreviousOneIsTaken(t *testing.T) {
	w := newWorld(t, oneCluster)
	g := w.group("alice", "web")
	in := w.run(1, g)[0]
	a := w.elastic("alice")
	w.associate(a, in.ID)
	w.converge()
	others := w.run(3, g) // the rest of the pool, the launch address among it
	if !contains(ips(others), in.Public.String()) {
		t.Fatal(ips(others))
	}
	notes := w.disassociate(a)
	equal(t, "notes", notes, []string{fmt.Sprintf("%s had 203.0.113.10 before, which is taken, and no other address is free: it has none now", in.ID)})
	if got := w.instance(in.ID); got.Public.IsValid() || got.Previous.IsValid() {
		t.Errorf("%+v", got)
	}

	w.associate(a, in.ID) // from none
	equal(t, "to none", w.disassociate(a), []string(nil))

	// With one free it gets that, and is told.
	w.associate(a, others[0].ID)
	w.converge()
	taken := w.run(1, g)
	equal(t, "taken", ips(taken), ips(others[:1]))
	w.end(others[1].ID)
	w.converge()
	notes = w.disassociate(a)
	if len(notes) != 1 || !strings.HasSuffix(notes[0], "which is taken: it has "+others[1].Public.String()+" now") {
		t.Errorf("%q", notes)
	}
	if c, _ := w.store.View().Cloud(); c.LastPublic["one"] != others[1].Public {
		t.Errorf("the last given is %s", c.LastPublic["one"])
	}
	if got := w.instance(others[0].ID); got.Public != others[1].Public {
		t.Errorf("%+v", got)
	}
}

// An address that the inventory has no more is not given again.
func TestDisassociateWhenThePreviousOneLeftThePool(t *testing.T) {
	w := newWorld(t, oneCluster)
	in := w.run(1, w.group("alice", "web"))[0]
	a := w.elastic("alice")
	w.associate(a, in.ID)
	w.converge()
	smaller := w.cluster()
	smaller.Network.PublicIPs = smaller.Network.PublicIPs[1:]
	notes := w.move(func(m *Moves) error { return m.Disassociate(smaller, a.IP) })
	if got := w.instance(in.ID); got.Public != ip("203.0.113.12") || len(notes) != 1 {
		t.Errorf("%s, %q", got.Public, notes)
	}
}

func TestElasticReplacedByElastic(t *testing.T) {
	w := newWorld(t, oneCluster)
	in := w.run(1, w.group("alice", "web"))[0]
	a, b := w.elastic("alice"), w.elastic("alice")
	w.associate(a, in.ID)
	w.converge()
	w.associate(b, in.ID)
	equal(t, "addresses", w.addresses(), []string{"203.0.113.11 elastic of alice", "203.0.113.12 elastic of alice at " + string(in.ID)})
	w.disassociate(b)
	if got := w.instance(in.ID); got.Public != in.Public {
		t.Errorf("it has %s back, not %s", got.Public, in.Public)
	}
}

func TestElasticMovesBetweenInstances(t *testing.T) {
	w := newWorld(t, oneCluster)
	list := w.run(2, w.group("alice", "web"))
	first, second := list[0], list[1]
	a := w.elastic("alice")
	w.associate(a, first.ID)
	w.converge()
	if notes := w.associate(a, second.ID); notes != nil {
		t.Error(notes)
	}
	if got := w.instance(first.ID); got.Public != first.Public || got.Previous.IsValid() {
		t.Errorf("the first has %s", got.Public)
	}
	if got := w.instance(second.ID); got.Public != a.IP || got.Previous != second.Public {
		t.Errorf("the second has %s, before %s", got.Public, got.Previous)
	}
	equal(t, "addresses", w.addresses(), []string{
		"203.0.113.10 at " + string(first.ID), "203.0.113.11 gone", "203.0.113.12 elastic of alice at " + string(second.ID),
	})
}

// An elastic address stays its user's when the instance ends; a launch address goes.
//
// proves A28
func TestEndGivesAddressesBack(t *testing.T) {
	w := newWorld(t, oneCluster)
	list := w.run(2, w.group("alice", "web"))
	a := w.elastic("alice")
	w.associate(a, list[0].ID)
	w.end(list[0].ID, list[1].ID)
	equal(t, "at once", w.addresses(), []string{"203.0.113.10 gone", "203.0.113.11 gone", "203.0.113.12 elastic of alice"})
	w.converge()
	equal(t, "in the end", w.addresses(), []string{"203.0.113.12 elastic of alice"})
	equal(t, "claims", w.claims(""), []string{"public/203.0.113.12"})
	for _, in := range list {
		if got := w.instance(in.ID); got.Public.IsValid() || got.Previous.IsValid() {
			t.Errorf("%+v", got)
		}
	}
}

// The same moves give the same changes, in the same order.
func TestMovesAreOrdered(t *testing.T) {
	w := newWorld(t, oneCluster)
	list := w.run(2, w.group("alice", "web"))
	a := w.elastic("alice")
	w.associate(a, list[0].ID)
	tx := w.store.View()
	var first string
	for i := range 20 {
		m := NewMoves(tx)
		if err := m.Associate(w.cluster(), a.IP, list[1].ID); err != nil {
			t.Fatal(err)
		}
		m.Changes() // asking does not change them
		got := fmt.Sprintf("%+v", m.Changes())
		if i == 0 {
			first = got
		}
		if got != first {
			t.Fatalf("%s\n%s", got, first)
		}
	}
}
