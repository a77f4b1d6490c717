package plan

import (
	"fmt"
	"strings"
	"testing"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/state"
)

func TestPlaceRoundRobin(t *testing.T) {
	w := newWorld(t, oneCluster)
	g := w.group("alice", "web")
	equal(t, "nodes", hosts(w.run(2, g)), []string{"n1", "n2"})
	equal(t, "the next ones", hosts(w.run(2, w.group("bob", "db"))), []string{"n3", "n1"})
}

// proves A28 A62 A63 A102 A124
func TestPlaceChoosesAddresses(t *testing.T) {
	w := newWorld(t, oneCluster)
	web, db := w.group("alice", "web"), w.group("bob", "db")
	list := w.run(2, web)
	equal(t, "private", w.privates(list), []string{"192.168.2.2", "192.168.2.3"})
	equal(t, "public", ips(list), []string{"203.0.113.10", "203.0.113.11"})
	other := w.run(1, db)
	equal(t, "another group's slice", w.privates(other), []string{"192.168.2.66"})
	for _, in := range list {
		p := w.port(in.ID)
		if p.MAC != MAC(in.ID) || p.Instance != in.ID {
			t.Errorf("%+v", p)
		}
		for _, claim := range []string{ipClaim(p.Network, p.IP), "mac/" + p.MAC, "public/" + in.Public.String()} {
			if c, ok := w.store.View().Claim(claim); !ok || c.Holder != string(in.ID) {
				t.Errorf("%s is held by %q", claim, c.Holder)
			}
		}
	}
	equal(t, "VLANs", w.claims("vlan/"), []string{"vlan/one/10", "vlan/one/11"})

	// Next after the last given, also when an earlier one is free again.
	w.end(list[0].ID)
	w.converge()
	next := w.run(2, web)
	equal(t, "private, later", w.privates(next), []string{"192.168.2.4", "192.168.2.5"})
	equal(t, "public, later", ips(next), []string{"203.0.113.13", "203.0.113.10"})
}

func TestPlaceMinMax(t *testing.T) {
	w := newWorld(t, oneCluster)
	g := w.group("alice", "web")
	list, err := w.place(w.order(2, 9, g)) // the pool has four addresses
	if err != nil || len(list) != 4 {
		t.Errorf("%d instances, %v", len(list), err)
	}
	before := w.store.Rev()
	_, err = w.place(w.order(1, 1, g))
	refused(t, err, "InsufficientAddressCapacity")
	if w.store.Rev() != before {
		t.Error("a refused launch left something")
	}
	private := w.order(1, 1, g)
	private.Private = true
	if list, err := w.place(private); err != nil || list[0].Public.IsValid() {
		t.Errorf("private addressing: %+v, %v", list, err)
	}
}

func TestPlaceLaunchIndexes(t *testing.T) {
	w := newWorld(t, oneCluster)
	for i, in := range w.run(3, w.group("alice", "web")) {
		if in.LaunchIndex != i || in.Cluster != "one" || in.Reservation == "" {
			t.Errorf("%+v", in)
		}
	}
}

func TestPlaceCapacity(t *testing.T) {
	w := newWorld(t, oneCluster)
	g := w.group("alice", "web")
	big := w.order(1, 30, g)
	big.Private, big.Instance.Type = true, cloud.InstanceType{Name: "c1.xlarge", Cores: 4, Memory: 2048, Disk: 20}
	list, err := w.place(big)
	if err != nil || len(list) != 6 { // 8 cores and 4096 MiB on each of three nodes
		t.Fatalf("%d instances, %v", len(list), err)
	}
	_, err = w.place(w.order(1, 1, g))
	refused(t, err, "InsufficientInstanceCapacity")
	if !strings.Contains(err.Error(), "room for a m1.small (1 cores, 128 MiB, 2 GiB)") {
		t.Error(err)
	}

	// What is being terminated holds its place until it was seen to be gone.
	w.end(list[0].ID)
	_, err = w.place(w.order(1, 1, g))
	refused(t, err, "InsufficientInstanceCapacity")
	w.converge()
	if _, err = w.place(w.order(1, 1, g)); err != nil {
		t.Error(err)
	}
}

// The inventory says how many cores guests have together, also more than there are;
// of memory and disk it is an upper bound, which never adds to what a node has.
func TestPlaceCappedCapacity(t *testing.T) {
	capped := strings.Replace(oneCluster, "n1: {}, n2: {}, n3: {}", "n1: {node_cores: 2}, n2: {node_cores: 9, node_memory: 8192}, n3: {node_memory: 64}", 1)
	w := newWorld(t, capped)
	free := Free(w.store.View(), w.cluster())
	equal(t, "n1", free["n1"], cloud.Capacity{Cores: 2, Memory: 4096, Disk: 100})
	equal(t, "n2", free["n2"], cloud.Capacity{Cores: 9, Memory: 4096, Disk: 100})
	equal(t, "n3", free["n3"], cloud.Capacity{Cores: 8, Memory: 64, Disk: 100})
	o := w.order(1, 30, w.group("alice", "web"))
	o.Private = true
	list, err := w.place(o)
	if err != nil || len(list) != 11 {
		t.Errorf("%d instances, %v", len(list), err)
	}
	if contains(hosts(list), "n3") {
		t.Error("n3 has no room for any")
	}
}

func TestPlaceOnlyWhereNodesReport(t *testing.T) {
	w := newWorld(t, oneCluster)
	g := w.group("alice", "web")
	w.silent("n1")
	w.do(func(tx *state.Tx) { tx.PutDeadHost(cloud.DeadHost{Host: "n2", Who: "admin", Why: "burnt"}) })
	equal(t, "nodes", hosts(w.run(2, g)), []string{"n3", "n3"})
	w.report("n3", func(s *cloud.Seen) { s.Capacity = cloud.Capacity{} })
	_, err := w.place(w.order(1, 1, g))
	refused(t, err, "InsufficientInstanceCapacity")
	if !strings.Contains(err.Error(), "no node of one has reported") {
		t.Error(err)
	}
	if err := w.store.Forget("n1", "n2", "n3"); err != nil {
		t.Fatal(err)
	}
	_, err = w.place(w.order(1, 1, g))
	refused(t, err, "InsufficientInstanceCapacity")
}

func TestPlaceInAFullNetwork(t *testing.T) {
	w := newWorld(t, strings.Replace(oneCluster, "vnet_addrspernet: 64", "vnet_addrspernet: 4", 1))
	g := w.group("alice", "web")
	o := w.order(1, 5, g)
	if list, err := w.place(o); err != nil || len(list) != 1 {
		t.Errorf("%d instances, %v", len(list), err)
	}
	_, err := w.place(w.order(1, 1, g))
	refused(t, err, "InsufficientFreeAddressesInSubnet")
	if !strings.Contains(err.Error(), "holds 1 instances") {
		t.Error(err)
	}
	if _, err := w.place(w.order(1, 1, w.group("alice", "other"))); err != nil {
		t.Error(err)
	}
}

func TestPlaceWithoutAFreeNetwork(t *testing.T) {
	text := strings.NewReplacer("255.255.0.0", "255.255.255.0", "addrspernet: 64", "addrspernet: 16").Replace(oneCluster)
	w := newWorld(t, text)
	for i := range 8 { // a /24 of 16 has VLANs 10 to 17
		o := w.order(1, 1, w.group("alice", strings.Repeat("g", i+1)))
		o.Private = true
		if _, err := w.place(o); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.place(w.order(1, 1, w.group("alice", "one-more")))
	refused(t, err, "SecurityGroupLimitExceeded")
	if !strings.Contains(err.Error(), "all 8 networks of one") {
		t.Error(err)
	}
}

// The lowest VLAN that is free is taken, also one that was given back.
func TestPlaceReusesVLANs(t *testing.T) {
	w := newWorld(t, oneCluster)
	first := w.run(1, w.group("alice", "a"))
	w.run(1, w.group("alice", "b"))
	w.end(first[0].ID)
	w.converge()
	equal(t, "in use", w.claims("vlan/"), []string{"vlan/one/11"})
	again := w.run(1, w.group("alice", "c"))
	equal(t, "in use", w.claims("vlan/"), []string{"vlan/one/10", "vlan/one/11"})
	equal(t, "address", w.privates(again), []string{"192.168.2.2"})
}

// A group whose network is being taken down gets the same network again.
func TestPlaceRevivesANetwork(t *testing.T) {
	w := newWorld(t, oneCluster)
	g := w.group("alice", "web")
	in := w.run(1, g)[0]
	before, _ := w.store.View().NetworkOf("one", g.ID)
	w.end(in.ID)
	for _, h := range []string{"n1", "n2", "n3", "fe1"} {
		w.report(h)
	}
	w.settle()
	if n, _ := w.store.View().NetworkOf("one", g.ID); !n.Gone {
		t.Fatalf("%+v should be on its way out", n)
	}
	list := w.run(1, g)
	n, _ := w.store.View().NetworkOf("one", g.ID)
	if n.ID != before.ID || n.Gone || n.Index != 10 {
		t.Errorf("%+v, was %+v", n, before)
	}
	equal(t, "address", w.privates(list), []string{"192.168.2.3"})
	w.converge()
	if n, _ := w.store.View().NetworkOf("one", g.ID); n.Gone {
		t.Error("it went away under its instance")
	}
}

// Several groups: the first one's network, all groups' rules.
//
// proves A40
func TestPlaceSeveralGroups(t *testing.T) {
	w := newWorld(t, oneCluster)
	web, db := w.group("alice", "web"), w.group("alice", "db")
	in := w.run(1, db, web)[0]
	equal(t, "groups", in.Groups, []cloud.GroupID{db.ID, web.ID})
	if _, ok := w.store.View().NetworkOf("one", web.ID); ok {
		t.Error("the second group has a network too")
	}
	if n, ok := w.store.View().NetworkOf("one", db.ID); !ok || n.ID != w.port(in.ID).Network {
		t.Error("the first group has none")
	}
}

func TestPlaceKeepsClustersApart(t *testing.T) {
	w := newWorld(t, twoClusters)
	g := w.group("alice", "web")
	east, west := w.inv.Clusters()[0], w.inv.Clusters()[1]
	a, err := w.placeIn(east, w.order(2, 2, g))
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.placeIn(west, w.order(2, 2, g))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "east", append(w.privates(a), ips(a)...), []string{"10.1.2.2", "10.1.2.3", "203.0.113.10", "203.0.113.11"})
	equal(t, "west", append(w.privates(b), ips(b)...), []string{"10.2.2.2", "10.2.2.3", "203.0.113.20", "203.0.113.21"})
	equal(t, "hosts", append(hosts(a), hosts(b)...), []string{"n1", "n1", "n2", "n2"})
	equal(t, "VLANs", w.claims("vlan/"), []string{"vlan/east/10", "vlan/west/10"})
	_, err = w.placeIn(east, w.order(1, 1, g))
	refused(t, err, "InsufficientAddressCapacity")
}

// An inventory that would break what runs is refused; one that does not is taken.
func TestPlaceComparesSettings(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{"vnet_dns: 192.0.2.53", "vnet_dns: 192.0.2.54", ""},
		{"vnet_privinterface: eth0", "vnet_privinterface: eth7", "vnet_privinterface is eth7, was eth0"},
		{"203.0.113.10-203.0.113.13", "203.0.113.10-203.0.113.99", ""},
		{"vnet_addrspernet: 64", "vnet_addrspernet: 32", "vnet_addrspernet is 32, was 64"},
		{"vnet_subnet: 192.168.0.0", "vnet_subnet: 172.16.0.0", "vnet_subnet is 172.16.0.0/16, was 192.168.0.0/16"},
		{"vnet_netmask: 255.255.0.0", "vnet_netmask: 255.255.128.0", "vnet_subnet is 192.168.0.0/17, was 192.168.0.0/16"},
	} {
		w := newWorld(t, oneCluster)
		g := w.group("alice", "web")
		w.run(1, g)
		inv, err := inventory.Parse("inventory.yml", []byte(strings.Replace(oneCluster, test.old, test.new, 1)))
		if err != nil {
			t.Fatal(err)
		}
		w.inv = inv
		_, err = w.place(w.order(1, 1, g))
		if test.want == "" && err != nil {
			t.Errorf("%s: %v", test.new, err)
		}
		if test.want != "" {
			refused(t, err, "InvalidState")
			if err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", test.new, err)
			}
		}
	}
}

// A frontend is told by which interfaces it led guests under settings that an emptied
// cluster had before.
//
// proves A70
func TestPlaceLeavesNothingBehind(t *testing.T) {
	w := newWorld(t, oneCluster)
	g := w.group("alice", cloud.DefaultGroup)
	static := "vnet_mode: STATIC\n    vnet_broadcast: 192.168.255.255\n    vnet_router: 192.168.0.1\n    vnet_macmap: d0:0d:00:00:00:01=192.168.0.9"
	for _, step := range []struct {
		replace []string
		left    []string
	}{
		{nil, nil},
		{nil, nil},
		{[]string{"MANAGED-NOVLAN", "MANAGED"}, []string{"eth0"}},
		{[]string{"MANAGED-NOVLAN", "MANAGED", "vnet_privinterface: eth0", "vnet_privinterface: eth2"}, []string{"eth0"}},
		{[]string{"vnet_privinterface: eth0", "vnet_privinterface: eth2"}, []string{"eth0"}},
		{nil, []string{"eth2"}},
		{[]string{"vnet_mode: MANAGED-NOVLAN", static, "    vnet_addrspernet: 64\n    vnet_publicips: 203.0.113.10-203.0.113.13\n", ""}, []string{"eth0", "eth2"}},
		{[]string{"fe1", "fe9"}, nil},
	} {
		inv, err := inventory.Parse("inventory.yml", []byte(strings.NewReplacer(append(step.replace, "hosts: {n1: {}", "hosts: {n1: {vnet_privinterface: eth0}")...).Replace(oneCluster)))
		if err != nil {
			t.Fatal(err)
		}
		w.inv = inv
		list := w.run(1, g)
		f := Compile(w.store.View(), w.inv, w.cluster().Frontend).Frontend
		equal(t, fmt.Sprint(step.replace), f.Left, step.left)
		w.end(list[0].ID)
		w.converge()
	}
}

func TestFit(t *testing.T) {
	for _, test := range []struct {
		c    cloud.Capacity
		it   cloud.InstanceType
		want int
	}{
		{cloud.Capacity{Cores: 8, Memory: 1024, Disk: 100}, small, 8},
		{cloud.Capacity{Cores: 8, Memory: 300, Disk: 100}, small, 2},
		{cloud.Capacity{Cores: 8, Memory: 1024, Disk: 5}, small, 2},
		{cloud.Capacity{Cores: -3, Memory: 1024, Disk: 100}, small, 0},
		{cloud.Capacity{}, cloud.InstanceType{}, 0},
	} {
		if got := Fit(test.c, test.it); got != test.want {
			t.Errorf("%+v in %+v: %d, want %d", test.it, test.c, got, test.want)
		}
	}
}
