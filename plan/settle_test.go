package plan

import (
	"strings"
	"testing"
	"time"

	"eucactl/cloud"
	"eucactl/state"
)

// without takes an instance off a node's list, or off any other's.
func without(id cloud.InstanceID) func(*cloud.Seen) {
	return func(s *cloud.Seen) {
		var rest []cloud.SeenDomain
		for _, d := range s.Domains {
			if d.Name != string(id) {
				rest = append(rest, d)
			}
		}
		s.Domains = rest
	}
}

// with changes an instance's line in a node's list.
func with(id cloud.InstanceID, edit func(*cloud.SeenDomain)) func(*cloud.Seen) {
	return func(s *cloud.Seen) {
		for i := range s.Domains {
			if s.Domains[i].Name == string(id) {
				edit(&s.Domains[i])
			}
		}
	}
}

func powerOff(d *cloud.SeenDomain) {
	d.State, d.Reason, d.PoweredOff = "shut off", "shutdown", true
}

// What a terminated instance held is released only when its own node gave a complete
// list without it and its frontend acknowledged, both under plans that knew of its end.
//
// proves A26 A28 E15
func TestRelease(t *testing.T) {
	type step func(*world, cloud.Instance)
	say := func(host string, edits ...func(*cloud.Seen)) step {
		return func(w *world, _ cloud.Instance) { w.report(host, edits...) }
	}
	node, front := say("n1"), say("fe1")
	older := func(s *cloud.Seen) { s.PlanRev--; s.DomainsRev--; s.FrontRev-- }
	noList := func(s *cloud.Seen) { s.Domains, s.DomainsAt, s.DomainsRev = nil, time.Time{}, 0 }
	notWhole := func(s *cloud.Seen) { s.Ran, s.FrontRev, s.Failed = false, 0, []string{"firewall rules: no"} }
	still := func(w *world, in cloud.Instance) {
		w.report("n1", func(s *cloud.Seen) {
			s.Domains = append(s.Domains, cloud.SeenDomain{Name: string(in.ID), Cloud: "c1000001", State: "running"})
		})
	}
	for _, test := range []struct {
		name     string
		steps    []step
		released bool
	}{
		{"both", []step{node, front}, true},
		{"in the other order", []step{front, node}, true},
		{"nobody", nil, false},
		{"the node alone", []step{node}, false},
		{"the frontend alone", []step{front}, false},
		{"the other nodes", []step{front, say("n2"), say("n3")}, false},
		{"the node under an older plan", []step{front, say("n1", older)}, false},
		{"the frontend under an older plan", []step{say("fe1", older), node}, false},
		{"the node cannot tell", []step{front, say("n1", noList)}, false},
		{"a task of the frontend failed", []step{say("fe1", notWhole), node}, false},
		{"a task of the node failed, but its list is complete", []step{front, say("n1", func(s *cloud.Seen) { s.Ran = false })}, true},
		{"it still runs", []step{front, still}, false},
		{"the node is silent", []step{front, func(w *world, _ cloud.Instance) { w.silent("n1") }}, false},
		{"the frontend fell silent after it did its part", []step{node, front, func(w *world, _ cloud.Instance) { w.silent("fe1") }}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, oneCluster)
			in := w.run(1, w.group("alice", "web"))[0]
			w.converge()
			port := w.port(in.ID)
			w.end(in.ID)
			for _, step := range test.steps {
				step(w, in)
			}
			w.settle()
			w.settle() // what was released is not released twice
			got := w.instance(in.ID)
			if got.Released.IsZero() == test.released {
				t.Errorf("released: %v", got.Released)
			}
			_, claimed := w.store.View().Claim(ipClaim(port.Network, port.IP))
			_, hasPort := w.store.View().Port(in.Port)
			if claimed == test.released || hasPort == test.released {
				t.Errorf("released %v, but claimed %v, port %v", test.released, claimed, hasPort)
			}
		})
	}
}

// Not reported is its own state, however long it lasts.
func TestNotReportedIsNotTerminated(t *testing.T) {
	w := newWorld(t, oneCluster)
	in := w.run(1, w.group("alice", "web"))[0]
	w.converge()
	w.silent("n1")
	w.now = w.now.Add(100 * 24 * time.Hour)
	if c := w.settle(); !c.Empty() {
		t.Errorf("%+v", c)
	}
	if s := StatusOf(w.store.View(), w.instance(in.ID)); s.State != cloud.StateNotReported {
		t.Errorf("%+v", s)
	}
	w.report("n1", without(in.ID)) // destroyed by hand: it is to be started again
	if c := w.settle(); !c.Empty() {
		t.Errorf("%+v", c)
	}
	if w.instance(in.ID).Want != cloud.Running {
		t.Error("it is not wanted any more")
	}
}

func TestPoweredOff(t *testing.T) {
	for _, test := range []struct {
		name  string
		edit  func(*cloud.SeenDomain)
		seen  func(*cloud.Seen)
		ended bool
	}{
		{name: "by its guest", edit: powerOff, ended: true},
		{name: "crashed", edit: func(d *cloud.SeenDomain) { d.State, d.Reason = "shut off", "crashed" }},
		{name: "destroyed", edit: func(d *cloud.SeenDomain) { d.State, d.Reason = "shut off", "destroyed" }},
		{name: "another cloud's of the same name", edit: func(d *cloud.SeenDomain) { powerOff(d); d.Cloud = "c2000002" }},
		{name: "nobody's of the same name", edit: func(d *cloud.SeenDomain) { powerOff(d); d.Cloud = "" }},
		{name: "seen under an older plan", edit: powerOff, seen: func(s *cloud.Seen) { s.DomainsRev = 1 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, oneCluster)
			in := w.run(1, w.group("alice", "web"))[0]
			seen := test.seen
			if seen == nil {
				seen = func(*cloud.Seen) {}
			}
			w.report("n1", with(in.ID, test.edit), seen)
			w.settle()
			got := w.instance(in.ID)
			if (got.Want == cloud.Terminated) != test.ended || test.ended && (got.Reason != GuestShutdown || !got.Ended.Equal(w.now)) {
				t.Errorf("%s, %q", got.Want, got.Reason)
			}
		})
	}
}

// Another cloud's domain of the same name is on the list: ours is not gone for sure.
func TestForeignDomainOfTheSameName(t *testing.T) {
	w := newWorld(t, oneCluster)
	in := w.run(1, w.group("alice", "web"))[0]
	w.end(in.ID)
	w.report("fe1")
	w.report("n1", func(s *cloud.Seen) {
		s.Domains = append(s.Domains, cloud.SeenDomain{Name: string(in.ID), Cloud: "c2000002", State: "running"})
	})
	w.settle()
	if got := w.instance(in.ID); !got.Released.IsZero() {
		t.Error("released")
	}
}

// An operator's word ends a dead node's instances without its answer, but not
// without the frontend's; and the records stay until the node, back, was seen clean.
func TestDeclaredDead(t *testing.T) {
	w := newWorld(t, oneCluster)
	list := w.run(2, w.group("alice", "web"))
	in, other := list[0], list[1]
	w.converge()
	w.silent("n1")
	w.do(func(tx *state.Tx) {
		tx.PutDeadHost(cloud.DeadHost{Host: "n1", Who: "admin", When: w.now, Why: "burnt"})
	})
	w.settle()
	got := w.instance(in.ID)
	if got.Want != cloud.Terminated || !strings.Contains(got.Reason, "n1 was declared dead") || !got.Released.IsZero() {
		t.Fatalf("%+v", got)
	}
	w.settle()
	if got := w.instance(in.ID); !got.Released.IsZero() {
		t.Error("released before the frontend knew")
	}
	w.report("fe1")
	w.settle()
	if got := w.instance(in.ID); got.Released.IsZero() || got.DeclaredBy != "admin" {
		t.Errorf("%+v", got)
	}
	if got := w.instance(other.ID); got.Want != cloud.Running {
		t.Error("another node's instance was ended")
	}
	w.now = w.now.Add(time.Hour)
	w.settle()
	if _, ok := w.store.View().Instance(in.ID); !ok {
		t.Error("buried, though the node may still run it")
	}

	// The node is back, with the machine still on it.
	w.do(func(tx *state.Tx) { tx.DeleteDeadHost("n1") })
	gone := Compile(w.store.View(), w.inv, w.host("n1")).Node.Gone
	equal(t, "to be destroyed", gone, []Gone{{ID: string(in.ID), Dir: InstanceDir(in)}})
	w.report("n1", func(s *cloud.Seen) {
		s.Domains = append(s.Domains, cloud.SeenDomain{Name: string(in.ID), Cloud: "c1000001", State: "running"})
	})
	w.settle()
	w.instance(in.ID)
	w.report("n1")
	w.settle()
	if _, ok := w.store.View().Instance(in.ID); ok {
		t.Error("not buried, though the node was seen without it")
	}
}

// proves A27 E9 E12
func TestBury(t *testing.T) {
	w := newWorld(t, oneCluster)
	in := w.run(1, w.group("alice", "web"))[0]
	w.end(in.ID)
	w.converge()
	released := w.now
	if s := StatusOf(w.store.View(), w.instance(in.ID)); s.State != cloud.StateEnded || s.Why != "User initiated" {
		t.Errorf("%+v", s)
	}
	w.now = released.Add(BuryAfter - time.Second)
	if c := w.settle(); !c.Empty() {
		t.Errorf("%+v", c)
	}
	w.now = released.Add(BuryAfter)
	w.settle()
	if _, ok := w.store.View().Instance(in.ID); ok {
		t.Error("still there")
	}
	if !w.store.View().IDTaken(string(in.ID)) {
		t.Error("its id could be given again")
	}
	equal(t, "claims", w.claims(""), []string(nil))
}

// Things go in order: the instance's address, then its network, each when the
// frontend was seen without it.
func TestReleaseInOrder(t *testing.T) {
	w := newWorld(t, oneCluster)
	g := w.group("alice", "web")
	in := w.run(1, g)[0]
	w.converge()
	w.end(in.ID)
	w.report("n1")
	w.report("fe1")
	w.settle()
	equal(t, "first", w.claims(""), []string{"vlan/one/10"})
	n, _ := w.store.View().NetworkOf("one", g.ID)
	if !n.Gone {
		t.Errorf("%+v", n)
	}
	front := Compile(w.store.View(), w.inv, w.host("fe1")).Frontend
	equal(t, "ordered away", front.GoneAddresses, []Address{{"eth0", cidr("192.168.2.1/26")}})
	equal(t, "kept", front.Addresses, []Address{{"eth0", cidr("169.254.169.254/32")}})
	w.settle()
	equal(t, "not before the frontend says so", w.claims(""), []string{"vlan/one/10"})
	w.report("fe1")
	w.settle()
	equal(t, "then", w.claims(""), []string(nil))
	if len(w.store.View().Networks()) > 0 {
		t.Error("the network is still there")
	}
	if _, ok := w.store.View().SubnetOf(n.ID); ok {
		t.Error("its subnet is still there")
	}
}

func TestNetworkStaysWhileOneInstanceDoes(t *testing.T) {
	w := newWorld(t, oneCluster)
	g := w.group("alice", "web")
	list := w.run(2, g)
	w.end(list[0].ID)
	w.converge()
	if n, ok := w.store.View().NetworkOf("one", g.ID); !ok || n.Gone {
		t.Errorf("%+v, %v", n, ok)
	}
	w.end(list[1].ID)
	w.converge()
	if n, ok := w.store.View().NetworkOf("one", g.ID); ok {
		t.Errorf("%+v", n)
	}
}

// Each cluster's own frontend has to acknowledge.
func TestReleaseAsksTheRightFrontend(t *testing.T) {
	w := newWorld(t, twoClusters)
	list, err := w.placeIn(w.inv.Clusters()[1], w.order(1, 1, w.group("alice", "web")))
	if err != nil {
		t.Fatal(err)
	}
	w.converge()
	w.end(list[0].ID)
	w.report("n2")
	w.report("fe1")
	w.settle()
	if !w.instance(list[0].ID).Released.IsZero() {
		t.Error("released by the other cluster's frontend")
	}
	w.report("fe2")
	w.settle()
	if w.instance(list[0].ID).Released.IsZero() {
		t.Error("not released")
	}
}
