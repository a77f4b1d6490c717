package sim

import (
	"maps"
	"net/netip"
	"slices"

	"eucactl/cloud"
	"eucactl/sim/host"
	"eucactl/sim/policy"
)

// openings watches what the frontend lets through: law 7. A packet may pass while
// either the policy that the frontend last reached whole lets it, or one that it was
// told since.
type openings struct {
	front   string // the frontend's name
	reached policy.Policy
	since   []policy.Policy
	token   string // of the program that reached it
	wreck   bool   // somebody damaged it: until the next whole program nothing is promised
}

// watchFrontend judges after each command that a program carries out there.
func (w *world) watchFrontend() {
	w.openings.front = w.front()
	m := w.machines[w.front()]
	m.OnCommand(func(kind, _ string) {
		w.tally.Commands++
		switch kind {
		case "preload", "chains", "ipsets_shrink", "ipsets_grow", "ipsets_gone", "kernel_setting":
			w.later(func() { w.closed(kind) })
		}
	})
	for _, name := range w.names[1:] {
		w.machines[name].OnCommand(func(string, string) { w.tally.Commands++ })
	}
}

// sent: a program of this policy is on its way to the frontend.
func (o *openings) sent(w *world, name string, p policy.Policy) {
	if name != o.front {
		return
	}
	o.refresh(w.machines[w.front()])
	o.since = append(o.since, p)
}

// refresh: what the frontend reached whole is where it begins now.
func (o *openings) refresh(m *host.Machine) {
	if done := m.Done(); done != o.token && done != "" {
		o.token, o.wreck = done, false
		if n := len(o.since); n > 0 {
			o.reached, o.since = o.since[n-1], nil
		}
	}
}

// told: the frontend carried out a program that was about nothing of this.
func (o openings) told(m *host.Machine) openings {
	o.token = m.Done()
	return o
}

// wrecked: somebody else changed the frontend's rules.
func (o *openings) wrecked(name string) {
	if name == o.front {
		o.wreck = true
	}
}

// forget: a host that was rebooted forwards nothing.
func (o *openings) forget(name string) {
	if name == o.front {
		o.token = ""
	}
}

// closed samples packets that no policy lets through.
func (w *world) closed(kind string) {
	if w.wreck {
		return
	}
	w.guarded()
	m := w.machines[w.front()]
	policies := append([]policy.Policy{w.reached}, w.since...)
	for range 16 {
		p := w.packet(policies)
		lawful := false
		for _, one := range policies {
			if !one.Subnet.IsValid() {
				continue
			}
			lawful = lawful || one.Verdict(p) == "ACCEPT" || one.Verdict(p) == ""
		}
		w.tally.Checks++
		if m.Forwards(p) && !lawful && w.within(p, policies) {
			w.breach("7 closed", "after a command of %s, the frontend lets through what neither the old nor the new policy does: %s", kind, p)
		}
	}
}

// within says whether a packet is the cloud's to judge at all.
func (w *world) within(p policy.Packet, policies []policy.Policy) bool {
	return slices.ContainsFunc(policies, func(one policy.Policy) bool {
		return one.Subnet.IsValid() && (one.Subnet.Contains(p.Src) || one.Subnet.Contains(p.Dst))
	})
}

// aim makes a packet that some rule of a policy may be about.
func (w *world) aim(p *policy.Packet, one policy.Policy) {
	var rules []cloud.Permission
	for _, ip := range slices.SortedFunc(maps.Keys(one.Members), netip.Addr.Compare) {
		for _, g := range one.Members[ip] {
			rules = append(rules, g.Rules...)
		}
	}
	if len(rules) == 0 {
		return
	}
	rule := pick(w.rand, rules...)
	if rule.CIDR.IsValid() {
		p.Src = world1
	}
	switch rule.Protocol {
	case "all":
	case "icmp":
		p.Proto = "icmp"
	default:
		p.Proto, p.Port = rule.Protocol, rule.From
	}
	p.State = "NEW"
}

var world1 = netip.MustParseAddr("198.51.100.7")

// packet draws one between guests that are or were there, and the world.
func (w *world) packet(policies []policy.Policy) policy.Packet {
	addresses := []netip.Addr{world1, netip.MustParseAddr("192.0.2.9")}
	for _, one := range policies {
		for a := range one.Members {
			if !slices.Contains(addresses, a) {
				addresses = append(addresses, a)
			}
		}
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	r := w.rand
	p := policy.Packet{
		Src: pick(r, addresses...), Dst: pick(r, addresses...), In: "eth0",
		Proto: pick(r, "tcp", "udp", "icmp", "gre"), Port: pick(r, 21, 22, 23, 24, 25), Type: pick(r, 0, 8), Code: 0,
		State: pick(r, "NEW", "NEW", "NEW", "ESTABLISHED", "INVALID"),
	}
	if one := pick(r, policies...); r.IntN(4) > 0 {
		w.aim(&p, one)
	}
	p.Syn = p.Proto == "tcp" && p.State == "NEW" && r.IntN(2) == 0
	p.Reply = p.State == "ESTABLISHED" && r.IntN(2) == 0
	return p
}
