package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"eucactl/cloud"
	"eucactl/state"
)

func text(t tester, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(b) + "\n"
}

// scene is a cluster with a bit of everything.
func scene(t *testing.T) *world {
	w := newWorld(t, oneCluster)
	ssh := cloud.Permission{Protocol: "tcp", From: 22, To: 22, CIDR: cidr("0.0.0.0/0")}
	web := w.group("alice", "web", ssh,
		cloud.Permission{Protocol: "tcp", From: 8000, To: 8999, CIDR: cidr("198.51.100.7/24")},
		cloud.Permission{Protocol: "icmp", From: -1, To: -1, CIDR: cidr("0.0.0.0/0")},
		cloud.Permission{Protocol: "udp", From: 0, To: 65535, Source: cloud.GroupRef{User: "bob", Name: "db"}},
		cloud.Permission{Protocol: "tcp", From: 1, To: 2, Source: cloud.GroupRef{User: "bob", Name: "no such group"}})
	db := w.group("bob", "db", cloud.Permission{Protocol: "all", From: -1, To: -1, Source: cloud.GroupRef{User: "alice", Name: "web"}},
		cloud.Permission{Protocol: "icmp", From: 8, To: -1, CIDR: cidr("192.0.2.0/24")},
		cloud.Permission{Protocol: "icmp", From: 3, To: 4, CIDR: cidr("192.0.2.0/24")},
		cloud.Permission{Protocol: "tcp", From: 1, To: 1, Source: cloud.GroupRef{User: "alice", Name: "idle"}})
	w.group("alice", "idle", ssh)
	list := w.run(2, web, w.group("alice", "$(reboot)", ssh))
	o := w.order(1, 1, db)
	o.Private = true
	if _, err := w.place(o); err != nil {
		t.Fatal(err)
	}
	a := w.elastic("alice")
	w.associate(a, list[0].ID)
	w.end(list[1].ID)
	w.do(func(tx *state.Tx) {
		in, _ := tx.Instance(list[0].ID)
		in.Reboots = 3
		tx.PutInstance(in)
	})
	w.silent("n2") // where the one that ends is
	return w
}

// proves A24 A42 A43 A44 A45 A48 A49 A64 A66 A122
func TestCompile(t *testing.T) {
	w := scene(t)
	for _, host := range []string{"fe1", "n1", "n2", "n3"} {
		golden(t, host+".json", text(t, Compile(w.store.View(), w.inv, w.host(host))))
	}
}

// Twice the same bytes; and the order in which things were written does not matter.
func TestCompileIsDeterministic(t *testing.T) {
	w := scene(t)
	for _, h := range w.inv.Hosts() {
		first := text(t, Compile(w.store.View(), w.inv, h))
		for range 20 {
			if again := text(t, Compile(w.store.View(), w.inv, h)); again != first {
				t.Fatalf("%s:\n%s\n%s", h.Name, first, again)
			}
		}
	}
}

// Absence is never an order: a controller with empty records tells hosts nothing.
func TestEmptyRecordsOrderNothing(t *testing.T) {
	w := newWorld(t, oneCluster)
	f := Compile(w.store.View(), w.inv, w.host("fe1")).Frontend
	want := &Frontend{PrivInterface: "eth0", PubInterface: "eth1", Subnet: cidr("192.168.0.0/16")}
	equal(t, "frontend", f, want)
	equal(t, "node", Compile(w.store.View(), w.inv, w.host("n1")).Node, &Node{Bridge: "br0", Hypervisor: "kvm"})
}

// The hosts that a change concerns are those whose plans differ.
func TestWhoIsConcerned(t *testing.T) {
	w := newWorld(t, oneCluster)
	web := w.group("alice", "web")
	in := w.run(1, web)[0] // on n1
	a := w.elastic("alice")
	compile := func() map[string]string {
		all := map[string]string{}
		for _, h := range w.inv.Hosts() {
			all[h.Name] = text(t, Compile(w.store.View(), w.inv, h))
		}
		return all
	}
	for _, test := range []struct {
		name string
		do   func()
		want string
	}{
		{"a launch", func() { w.run(1, web) }, "fe1 n2"},
		{"an authorization", func() {
			w.group("alice", "web", cloud.Permission{Protocol: "all", From: -1, To: -1, CIDR: cidr("0.0.0.0/0")})
		}, "fe1"},
		{"an authorization of an idle group", func() {
			w.group("alice", "idle", cloud.Permission{Protocol: "all", From: -1, To: -1, CIDR: cidr("0.0.0.0/0")})
		}, ""},
		{"an elastic address", func() { w.associate(a, in.ID) }, "fe1"},
		{"a reboot", func() {
			w.do(func(tx *state.Tx) { i := w.instance(in.ID); i.Reboots++; tx.PutInstance(i) })
		}, "n1"},
		{"an image", func() { w.do(func(tx *state.Tx) { tx.PutImage(cloud.Image{ID: "emi-00000009", Sum: sum("x")}) }) }, ""},
		{"an end", func() { w.end(in.ID) }, "fe1 n1"},
	} {
		before := compile()
		test.do()
		after := compile()
		var names []string
		for _, h := range w.inv.Hosts() {
			if before[h.Name] != after[h.Name] {
				names = append(names, h.Name)
			}
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%s concerns %q, want %q", test.name, got, test.want)
		}
	}
}

// The order to destroy a silent node's instance goes to its neighbours by name, and
// stops when it was released.
//
// proves A24 E15
func TestTombstones(t *testing.T) {
	w := newWorld(t, twoClusters)
	list, err := w.placeIn(w.inv.Clusters()[0], w.order(1, 1, w.group("alice", "web")))
	if err != nil {
		t.Fatal(err)
	}
	in := list[0]
	gone := func(host string) []Gone { return Compile(w.store.View(), w.inv, w.host(host)).Node.Gone }
	w.end(in.ID)
	equal(t, "its own node", gone("n1"), []Gone{{string(in.ID), "/var/lib/eucalyptus/instances/alice/" + string(in.ID)}})
	w.silent("n1")
	equal(t, "another cluster's", gone("n2"), []Gone(nil))

	w = newWorld(t, oneCluster)
	in = w.run(1, w.group("alice", "web"))[0]
	w.silent("n1")
	equal(t, "while it is wanted", gone("n2"), []Gone(nil))
	w.end(in.ID)
	equal(t, "its neighbour", gone("n2"), []Gone{{string(in.ID), InstanceDir(in)}})
	w.converge()
	equal(t, "afterwards", gone("n2"), []Gone(nil))
}

func TestUUID(t *testing.T) {
	a, b := uuid("c1000001", "i-00000001"), uuid("c1000002", "i-00000001")
	if a == b || a != uuid("c1000001", "i-00000001") || len(a) != 36 || a[14] != '5' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Error(a, b)
	}
}
