package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"eucactl/cloud"
	"eucactl/sim/policy"
)

var (
	someCIDRs = []string{"0.0.0.0/0", "198.51.100.0/24", "198.51.100.7/32", "192.168.0.0/16", "192.168.2.2/32", "192.168.2.0/26"}
	somePorts = []int{0, 1, 22, 80, 8080, 65535}
)

func drawPermission(t *rapid.T, groups []string) cloud.Permission {
	p := cloud.Permission{Protocol: rapid.SampledFrom([]string{"tcp", "udp", "icmp", "all"}).Draw(t, "protocol"), From: -1, To: -1}
	switch p.Protocol {
	case "tcp", "udp":
		a, b := rapid.SampledFrom(somePorts).Draw(t, "from"), rapid.SampledFrom(somePorts).Draw(t, "to")
		p.From, p.To = min(a, b), max(a, b)
	case "icmp":
		if p.From = rapid.SampledFrom([]int{-1, 0, 3, 8}).Draw(t, "type"); p.From >= 0 {
			p.To = rapid.SampledFrom([]int{-1, 0, 4}).Draw(t, "code")
		}
	}
	if rapid.Bool().Draw(t, "from a group") {
		user, name, _ := strings.Cut(rapid.SampledFrom(groups).Draw(t, "source"), "/")
		p.Source = cloud.GroupRef{User: user, Name: name}
	} else {
		p.CIDR = cidr(rapid.SampledFrom(someCIDRs).Draw(t, "cidr"))
	}
	if err := p.Check(); err != nil {
		t.Fatalf("%+v: %v", p, err)
	}
	return p
}

func drawPacket(t *rapid.T, addresses []netip.Addr) policy.Packet {
	proto := rapid.SampledFrom([]string{"tcp", "udp", "icmp", "gre"}).Draw(t, "proto")
	p := policy.Packet{
		In:  rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(t, "in"),
		Src: rapid.SampledFrom(addresses).Draw(t, "src"), Dst: rapid.SampledFrom(addresses).Draw(t, "dst"),
		Proto: proto, Port: rapid.SampledFrom(append(somePorts, 21, 23, 8081)).Draw(t, "port"),
		Type: rapid.SampledFrom([]int{0, 3, 8, 13}).Draw(t, "kind"), Code: rapid.SampledFrom([]int{0, 4}).Draw(t, "code"),
		State: rapid.SampledFrom([]string{"NEW", "NEW", "ESTABLISHED", "RELATED", "INVALID"}).Draw(t, "state"),
		Syn:   proto == "tcp" && rapid.Bool().Draw(t, "syn"),
	}
	p.Reply = p.State == "ESTABLISHED" && rapid.Bool().Draw(t, "reply")
	return p
}

// someGroups is a number of groups, some of which may not exist.
var someGroups = []string{"alice/web", "alice/db", "alice/default", "bob/web", "bob/default", "nobody/web"}

// shuffle changes groups, rules and instances at random.
func (w *world) shuffle(t *rapid.T) {
	for _, ref := range someGroups[:5] {
		if !rapid.Bool().Draw(t, "change "+ref) {
			continue
		}
		owner, name, _ := strings.Cut(ref, "/")
		var rules []cloud.Permission
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			rules = append(rules, drawPermission(t, someGroups))
		}
		w.group(owner, name, rules...)
	}
	for _, in := range w.store.View().Instances() {
		if in.Want == cloud.Running && rapid.IntRange(0, 3).Draw(t, "end") == 0 {
			w.end(in.ID)
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "launches") {
		var groups []cloud.Group
		for _, g := range rapid.SliceOfNDistinct(rapid.SampledFrom(w.store.View().Groups()), 1, 2, func(g cloud.Group) cloud.GroupID { return g.ID }).Draw(t, "groups") {
			groups = append(groups, g)
		}
		o := w.order(1, 1, groups...)
		o.Private = true
		if _, err := w.place(o); err != nil {
			t.Fatalf("%v", err)
		}
	}
}

// A frontend lets through exactly what the groups allow: law 7 and A40 to A45, over
// sampled records and packets. In the steps from one policy to the next (sets shrink,
// rules change, sets grow) it never lets a packet through that both would not.
//
// proves A40 A42 A43 A44 A45
func TestRulesAreThePolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := openWorld(t, oneCluster)
		defer w.close()
		w.group("alice", "default")
		w.group("bob", "default")
		w.shuffle(t)
		var old *Frontend
		var was policy.Policy
		for range 3 {
			tx := w.store.View()
			f := Compile(tx, w.inv, w.host("fe1")).Frontend
			now := policy.Of(tx, "one")
			addresses := []netip.Addr{ip("198.51.100.7"), ip("198.51.100.8"), ip("192.0.2.9"), ip("192.168.2.2"), ip("192.168.2.66"), ip("192.168.77.7")}
			for a := range now.Members {
				addresses = append(addresses, a)
			}
			for a := range was.Members {
				addresses = append(addresses, a)
			}
			slices.SortFunc(addresses, netip.Addr.Compare)
			for range 40 {
				k := drawPacket(t, addresses)
				if !f.Active {
					break
				}
				if got, want := filterOf(f).judge("EUCA-FORWARD", k), now.Verdict(k); got != want {
					t.Fatalf("%s: %q, want %q", k, got, want)
				}
				if now.Members[k.Src] != nil && now.Members[k.Dst] != nil && permitted(f, k) != now.Opens(k) {
					t.Fatalf("%s: the flow is kept: %v", k, permitted(f, k))
				}
				if old != nil && old.Active {
					between(t, old, f, was, now, k)
				}
			}
			old, was = f, now
			w.shuffle(t)
		}
	})
}

// between checks the moments at which a run may be cut.
func between(t *rapid.T, old, new *Frontend, was, now policy.Policy, k policy.Packet) {
	shrunk := map[string][]netip.Addr{}
	target := filterOf(new).sets
	for name, members := range filterOf(old).sets {
		for _, a := range members {
			if slices.Contains(target[name], a) {
				shrunk[name] = append(shrunk[name], a)
			}
		}
	}
	before, after := filterOf(old), filterOf(new)
	before.sets, after.sets = shrunk, shrunk
	if before.judge("EUCA-FORWARD", k) == "ACCEPT" && was.Verdict(k) != "ACCEPT" {
		t.Fatalf("%s: open after the sets shrank, and was not before", k)
	}
	if after.judge("EUCA-FORWARD", k) == "ACCEPT" && now.Verdict(k) != "ACCEPT" {
		t.Fatalf("%s: open after the rules changed, and must not be afterwards", k)
	}
}

// Guests reach leases and echo on the frontend, and nothing else there; others are
// not judged.
func TestInput(t *testing.T) {
	w := newWorld(t, oneCluster)
	w.run(1, w.group("alice", "web", cloud.Permission{Protocol: "all", From: -1, To: -1, CIDR: cidr("0.0.0.0/0")}))
	f := filterOf(Compile(w.store.View(), w.inv, w.host("fe1")).Frontend)
	guest, gateway, world := ip("192.168.2.2"), ip("192.168.2.1"), ip("198.51.100.7")
	for _, test := range []struct {
		name string
		p    policy.Packet
		want string
	}{
		{"a lease, before it has an address", policy.Packet{In: "eth0", Src: ip("0.0.0.0"), Dst: ip("255.255.255.255"), Proto: "udp", Port: 67, State: "NEW"}, "ACCEPT"},
		{"a lease from outside", policy.Packet{In: "eth1", Src: world, Dst: gateway, Proto: "udp", Port: 67, State: "NEW"}, ""},
		{"echo", policy.Packet{In: "eth0", Src: guest, Dst: gateway, Proto: "icmp", Type: 8, State: "NEW"}, "ACCEPT"},
		{"another icmp", policy.Packet{In: "eth0", Src: guest, Dst: gateway, Proto: "icmp", Type: 13, State: "NEW"}, "DROP"},
		{"ssh", policy.Packet{In: "eth0", Src: guest, Dst: gateway, Proto: "tcp", Port: 22, Syn: true, State: "NEW"}, "DROP"},
		{"an answer to the frontend", policy.Packet{In: "eth0", Src: guest, Dst: gateway, Proto: "tcp", Port: 4000, State: "ESTABLISHED", Reply: true}, "ACCEPT"},
		{"a flow it began itself", policy.Packet{In: "eth0", Src: guest, Dst: gateway, Proto: "tcp", Port: 22, State: "ESTABLISHED"}, "DROP"},
		{"the operator's ssh", policy.Packet{In: "eth1", Src: world, Dst: ip("192.0.2.1"), Proto: "tcp", Port: 22, Syn: true, State: "NEW"}, ""},
	} {
		if got := f.judge("EUCA-INPUT", test.p); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// One public address leads to one private one and back; others leave as the frontend.
//
// proves A66 A122
func TestTranslations(t *testing.T) {
	w := newWorld(t, oneCluster)
	list := w.run(2, w.group("alice", "web"))
	a := w.elastic("alice")
	w.associate(a, list[1].ID)
	o := w.order(1, 1, w.group("bob", "db"))
	o.Private = true
	if _, err := w.place(o); err != nil {
		t.Fatal(err)
	}
	nat := Compile(w.store.View(), w.inv, w.host("fe1")).Frontend.Nat
	var lines []string
	for _, c := range nat.Chains {
		for _, r := range c.Rules {
			line := c.Name
			for _, part := range []struct {
				word string
				p    netip.Prefix
			}{{" -s ", r.Source}, {" -d ", r.Dest}, {" ! -d ", r.NotDest}} {
				if part.p.IsValid() {
					line += part.word + part.p.String()
				}
			}
			line += " " + r.Target
			if r.To.IsValid() {
				line += " " + r.To.String()
			}
			if r.ToPort > 0 {
				line += fmt.Sprintf(":%d", r.ToPort)
			}
			lines = append(lines, line)
		}
	}
	equal(t, "nat", lines, []string{
		"EUCA-PREROUTING -s 192.168.0.0/16 -d 169.254.169.254/32 DNAT 127.0.0.1:8773",
		"EUCA-PREROUTING -d 203.0.113.10/32 DNAT 192.168.2.2", "EUCA-PREROUTING -d 203.0.113.12/32 DNAT 192.168.2.3",
		"EUCA-OUTPUT -d 203.0.113.10/32 DNAT 192.168.2.2", "EUCA-OUTPUT -d 203.0.113.12/32 DNAT 192.168.2.3",
		"EUCA-POSTROUTING -s 192.168.2.2/32 ! -d 192.168.0.0/16 SNAT 203.0.113.10",
		"EUCA-POSTROUTING -s 192.168.2.3/32 ! -d 192.168.0.0/16 SNAT 203.0.113.12",
		"EUCA-POSTROUTING -s 192.168.0.0/16 ! -d 192.168.0.0/16 MASQUERADE",
	})
	f := Compile(w.store.View(), w.inv, w.host("fe1")).Frontend.Flows
	equal(t, "live", f.Live, []netip.Addr{ip("192.168.2.1"), ip("192.168.2.2"), ip("192.168.2.3"), ip("192.168.2.65"), ip("192.168.2.66")})
	equal(t, "pool", len(f.Pool), 4)
}

// The rules of a group work for whoever is in it, also across users; a source that
// does not exist lets nobody in.
func TestSourceGroups(t *testing.T) {
	w := newWorld(t, oneCluster)
	ref := func(user, name string) cloud.Permission {
		return cloud.Permission{Protocol: "tcp", From: 5432, To: 5432, Source: cloud.GroupRef{User: user, Name: name}}
	}
	web, db := w.group("alice", "web"), w.group("bob", "db", ref("alice", "web"), ref("alice", "gone"), ref("carol", "web"))
	bobs := w.group("bob", "web") // of the same name
	for _, g := range []cloud.Group{web, db, bobs} {
		o := w.order(1, 1, g)
		o.Private = true
		if _, err := w.place(o); err != nil {
			t.Fatal(err)
		}
	}
	f := filterOf(Compile(w.store.View(), w.inv, w.host("fe1")).Frontend)
	for src, want := range map[string]string{"192.168.2.2": "ACCEPT", "192.168.2.130": "DROP", "198.51.100.7": "DROP"} {
		p := policy.Packet{In: "eth0", Src: ip(src), Dst: ip("192.168.2.66"), Proto: "tcp", Port: 5432, Syn: true, State: "NEW"}
		if got := f.judge("EUCA-FORWARD", p); got != want {
			t.Errorf("%s: %s, want %s", src, got, want)
		}
	}
}
