package state

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"eucactl/cloud"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// model is the store as maps.
type model struct {
	instances map[string]cloud.Instance
	claims    map[string]cloud.Claim
	seen      map[string]cloud.Seen
	buried    map[string]bool
	rev       uint64
}

func (m model) clone() model {
	m.instances, m.claims = maps.Clone(m.instances), maps.Clone(m.claims)
	m.seen, m.buried = maps.Clone(m.seen), maps.Clone(m.buried)
	return m
}

// machine drives a store and its model with the same random steps.
type machine struct {
	fs    *vfs.MemFS
	store *Store
	now   model
	views []*Tx
	then  []model // what the views must show for ever
}

var (
	someHost   = rapid.SampledFrom([]string{"", "n1", "n2", "n3"})
	someNumber = rapid.IntRange(0, 12)
	someName   = rapid.SampledFrom([]string{"vlan/one/2", "vlan/one/3", "vlan/two/2", "mac/d0:0d:00:00:00:01"})
	someHolder = rapid.SampledFrom([]string{"net-1", "net-2", "net-3"})
)

// step is one random change inside an update.
func (m *machine) step(t *rapid.T, tx *Tx, next *model) {
	n := someNumber.Draw(t, "n")
	id := fmt.Sprintf("i-%08x", n)
	switch rapid.SampledFrom([]string{"put", "delete", "claim", "release"}).Draw(t, "step") {
	case "put":
		if next.buried[id] {
			return
		}
		v := instance(n, someHost.Draw(t, "host"))
		tx.PutInstance(v)
		v.Meta = cloud.Meta{V: 1, Rev: m.now.rev + 1}
		next.instances[id] = m.settled(id, v)
	case "delete":
		tx.DeleteInstance(cloud.InstanceID(id))
		if _, ok := next.instances[id]; ok {
			_, old := m.now.instances[id]
			next.buried[id] = old
			delete(next.instances, id)
		}
	case "claim":
		name, holder := someName.Draw(t, "name"), someHolder.Draw(t, "holder")
		err := tx.PutClaim(cloud.Claim{Name: name, Holder: holder})
		now, held := next.claims[name]
		var claimed *ClaimedError
		if refused := errors.As(err, &claimed); refused != (held && now.Holder != holder) {
			t.Fatalf("claim %s for %s: %v, held %v by %s", name, holder, err, held, now.Holder)
		}
		if err != nil && (claimed.Name != name || claimed.Holder != now.Holder) {
			t.Fatalf("refused with %+v, held by %s", claimed, now.Holder)
		}
		if !held {
			v := cloud.Claim{Meta: cloud.Meta{V: 1, Rev: m.now.rev + 1}, Name: name, Holder: holder}
			if old := m.now.claims[name]; old.Holder == holder {
				v = old
			}
			next.claims[name] = v
		}
	case "release":
		name := someName.Draw(t, "name")
		tx.DeleteClaim(name)
		delete(next.claims, name)
	}
}

// settled is the old record if the new one says the same.
func (m *machine) settled(id string, v cloud.Instance) cloud.Instance {
	old, ok := m.now.instances[id]
	if v.Rev = old.Rev; ok && cmp.Equal(old, v, compareAddrs) {
		return old
	}
	v.Rev = m.now.rev + 1
	return v
}

func (m *machine) Update(t *rapid.T) {
	next := m.now.clone()
	refuse := rapid.Bool().Draw(t, "refuse")
	no := errors.New("no")
	rev, err := m.store.Update(by("random"), func(tx *Tx) error {
		for range rapid.IntRange(0, 6).Draw(t, "steps") {
			m.step(t, tx, &next)
			next.compare(t, tx, "inside")
		}
		if refuse {
			return no
		}
		return nil
	})
	switch {
	case refuse && err != no || !refuse && err != nil:
		t.Fatalf("update: %v", err)
	case refuse:
		return
	}
	next.rev = rev
	same := cmp.Equal(next.instances, m.now.instances, compareAddrs) && maps.Equal(next.claims, m.now.claims)
	if want := m.now.rev + 1; same && rev != m.now.rev || !same && rev != want {
		t.Fatalf("revision %d after %d, changed %v", rev, m.now.rev, !same)
	}
	m.now = next
}

func (m *machine) Observe(t *rapid.T) {
	v := cloud.Seen{Host: rapid.SampledFrom([]string{"n1", "n2"}).Draw(t, "host"), PlanRev: uint64(someNumber.Draw(t, "n"))}
	if err := m.store.Observe(v); err != nil {
		t.Fatal(err)
	}
	m.now = m.now.clone()
	if old, ok := m.now.seen[v.Host]; !ok || old.PlanRev != v.PlanRev {
		v.Meta = cloud.Meta{V: 1, Rev: m.now.rev}
		m.now.seen[v.Host] = v
	}
}

func (m *machine) Look(*rapid.T) {
	m.views, m.then = append(m.views, m.store.View()), append(m.then, m.now.clone())
}

func (m *machine) Reopen(t *rapid.T) {
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open("state", Options{FS: m.fs})
	if err != nil {
		t.Fatal(err)
	}
	m.store = s
}

func (m *machine) Check(t *rapid.T) {
	m.now.compare(t, m.store.View(), "now")
	for i, view := range m.views {
		m.then[i].compare(t, view, fmt.Sprintf("view %d", i))
	}
	if rev := m.store.Rev(); rev != m.now.rev {
		t.Fatalf("revision %d, want %d", rev, m.now.rev)
	}
}

func (m model) compare(t *rapid.T, tx *Tx, when string) {
	var all []cloud.Instance
	on := map[string][]cloud.Instance{}
	for _, id := range sorted(m.instances) {
		v := m.instances[id]
		all, on[v.Host] = append(all, v), append(on[v.Host], v)
	}
	equal(t, when+": instances", all, tx.Instances())
	for _, host := range []string{"n1", "n2", "n3"} {
		equal(t, when+": on "+host, on[host], tx.InstancesOn(host))
	}
	held, vlans := map[string][]cloud.Claim{}, []cloud.Claim(nil)
	for _, name := range sorted(m.claims) {
		v := m.claims[name]
		held[v.Holder] = append(held[v.Holder], v)
		if len(name) > 9 && name[:9] == "vlan/one/" {
			vlans = append(vlans, v)
		}
	}
	equal(t, when+": vlans", vlans, tx.Claims("vlan/one/"))
	count := 0
	for _, holder := range []string{"net-1", "net-2", "net-3"} {
		equal(t, when+": held by "+holder, held[holder], tx.ClaimsOf(holder))
		count += len(held[holder])
	}
	equal(t, when+": claims", count, len(tx.Claims("")))
	var seen []cloud.Seen
	for _, host := range sorted(m.seen) {
		seen = append(seen, m.seen[host])
	}
	equal(t, when+": seen", seen, tx.SeenHosts())
	for id, is := range m.buried {
		equal(t, when+": buried "+id, is, tx.Buried(id))
	}
}

func equal(t *rapid.T, what string, want, got any) {
	if d := cmp.Diff(want, got, compareAddrs); d != "" {
		t.Fatalf("%s: -want +got\n%s", what, d)
	}
}

func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{fs: vfs.NewMem(), now: model{
			instances: map[string]cloud.Instance{}, claims: map[string]cloud.Claim{},
			seen: map[string]cloud.Seen{}, buried: map[string]bool{},
		}}
		s, err := Open("state", Options{FS: m.fs})
		if err != nil {
			t.Fatal(err)
		}
		m.store = s
		defer func() {
			if err := m.store.Close(); err != nil {
				t.Error(err)
			}
		}()
		t.Repeat(rapid.StateMachineActions(m))
	})
}
