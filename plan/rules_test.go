package plan

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"eucactl/cloud"
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

func drawPacket(t *rapid.T, addresses []netip.Addr) packet {
	proto := rapid.SampledFrom([]string{"tcp", "udp", "icmp", "gre"}).Draw(t, "proto")
	p := packet{
		in:  rapid.SampledFrom([]string{"eth0", "eth1"}).Draw(t, "in"),
		src: rapid.SampledFrom(addresses).Draw(t, "src"), dst: rapid.SampledFrom(addresses).Draw(t, "dst"),
		proto: proto, port: rapid.SampledFrom(append(somePorts, 21, 23, 8081)).Draw(t, "port"),
		kind: rapid.SampledFrom([]int{0, 3, 8, 13}).Draw(t, "kind"), code: rapid.SampledFrom([]int{0, 4}).Draw(t, "code"),
		state: rapid.SampledFrom([]string{"NEW", "NEW", "ESTABLISHED", "RELATED", "INVALID"}).Draw(t, "state"),
		syn:   proto == "tcp" && rapid.Bool().Draw(t, "syn"),
	}
	p.reply = p.state == "ESTABLISHED" && rapid.Bool().Draw(t, "reply")
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
		var was policy
		for range 3 {
			tx := w.store.View()
			f := Compile(tx, w.inv, w.host("fe1")).Frontend
			now := policyOf(tx, "one")
			addresses := []netip.Addr{ip("198.51.100.7"), ip("198.51.100.8"), ip("192.0.2.9"), ip("192.168.2.2"), ip("192.168.2.66"), ip("192.168.77.7")}
			for a := range now.members {
				addresses = append(addresses, a)
			}
			for a := range was.members {
				addresses = append(addresses, a)
			}
			slices.SortFunc(addresses, netip.Addr.Compare)
			for range 40 {
				k := drawPacket(t, addresses)
				if !f.Active {
					break
				}
				if got, want := filterOf(f).judge("EUCA-FORWARD", k), now.verdict(k); got != want {
					t.Fatalf("%s: %q, want %q", k, got, want)
				}
				if now.members[k.src] != nil && now.members[k.dst] != nil && permitted(f, k) != now.opens(k) {
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
func between(t *rapid.T, old, new *Frontend, was, now policy, k packet) {
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
	if before.judge("EUCA-FORWARD", k) == "ACCEPT" && was.verdict(k) != "ACCEPT" {
		t.Fatalf("%s: open after the sets shrank, and was not before", k)
	}
	if after.judge("EUCA-FORWARD", k) == "ACCEPT" && now.verdict(k) != "ACCEPT" {
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
		p    packet
		want string
	}{
		{"a lease, before it has an address", packet{in: "eth0", src: ip("0.0.0.0"), dst: ip("255.255.255.255"), proto: "udp", port: 67, state: "NEW"}, "ACCEPT"},
		{"a lease from outside", packet{in: "eth1", src: world, dst: gateway, proto: "udp", port: 67, state: "NEW"}, ""},
		{"echo", packet{in: "eth0", src: guest, dst: gateway, proto: "icmp", kind: 8, state: "NEW"}, "ACCEPT"},
		{"another icmp", packet{in: "eth0", src: guest, dst: gateway, proto: "icmp", kind: 13, state: "NEW"}, "DROP"},
		{"ssh", packet{in: "eth0", src: guest, dst: gateway, proto: "tcp", port: 22, syn: true, state: "NEW"}, "DROP"},
		{"an answer to the frontend", packet{in: "eth0", src: guest, dst: gateway, proto: "tcp", port: 4000, state: "ESTABLISHED", reply: true}, "ACCEPT"},
		{"a flow it began itself", packet{in: "eth0", src: guest, dst: gateway, proto: "tcp", port: 22, state: "ESTABLISHED"}, "DROP"},
		{"the operator's ssh", packet{in: "eth1", src: world, dst: ip("192.0.2.1"), proto: "tcp", port: 22, syn: true, state: "NEW"}, ""},
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
			lines = append(lines, line)
		}
	}
	equal(t, "nat", lines, []string{
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
		p := packet{src: ip(src), dst: ip("192.168.2.66"), proto: "tcp", port: 5432, syn: true, state: "NEW"}
		if got := f.judge("EUCA-FORWARD", p); got != want {
			t.Errorf("%s: %s, want %s", src, got, want)
		}
	}
}
