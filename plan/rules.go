package plan

import (
	"fmt"
	"net/netip"

	"eucactl/cloud"
)

// The frontend's firewall. It was found by experiment; three things matter most.
// There is no blanket ESTABLISHED: packets in a flow's original direction always
// meet the group's rules, so a revoked rule cuts exactly the flows that lose their
// permission, in the transaction that removes it. A TCP segment that belongs to no
// known flow opens none, or the server's next segment would revive what was cut.
// And the filter speaks of private addresses only: translation is nat's business.
// What nat cannot translate stays here, or private addresses would be seen outside;
// and who calls himself a guest has to come from where the guests are.

// filter is our part of the filter table.
func (e *edge) filter() Table {
	t := Table{Hooks: []Hook{{"FORWARD", "EUCA-FORWARD"}, {"INPUT", "EUCA-INPUT"}}}
	t.Chains = append(t.Chains, e.forward(), e.input())
	for _, g := range e.groups {
		t.Chains = append(t.Chains, e.group(g))
	}
	return t
}

func (e *edge) chain(name, object string, rules ...Rule) Chain {
	return Chain{Name: name, Mark: e.mark + " " + object, Rules: rules}
}

// forward judges what is routed to, from and between guests.
func (e *edge) forward() Chain {
	all := e.settings.Subnet
	rules := []Rule{
		{NotIn: e.guestside(), Source: all, Target: "DROP"},
		{State: "RELATED", Target: "ACCEPT"},
		{State: "ESTABLISHED", Direction: "REPLY", Target: "ACCEPT"},
		{Source: all, NotDest: all, State: "INVALID", Target: "DROP"},
		{Source: all, Proto: "tcp", State: "NEW", NotSyn: true, Target: "DROP"},
		{Source: all, NotDest: all, Target: "ACCEPT"},
	}
	// A set is looked into only by packets to a network in which the group has members:
	// in front of thousands of groups that is what a packet's way costs.
	for _, g := range e.groups {
		for _, net := range e.slices[g.ID] {
			rules = append(rules, Rule{Dest: net, DestSet: SetName(g.ID), Target: g.Chain})
		}
	}
	rules = append(rules, Rule{Dest: all, Target: "DROP"}, Rule{Source: all, Target: "DROP"})
	return e.chain("EUCA-FORWARD", "forward", rules...)
}

// input lets guests reach leases, echo and their metadata on the frontend, and nothing
// else there. What comes first keeps loopback closed: only what was led there passes.
func (e *edge) input() Chain {
	all := e.settings.Subnet
	return e.chain("EUCA-INPUT", "input", append(e.metadataRules(),
		Rule{In: e.guestside(), Proto: "udp", Ports: "67", Target: "ACCEPT"},
		Rule{Source: all, State: "ESTABLISHED", Direction: "REPLY", Target: "ACCEPT"},
		Rule{Source: all, Proto: "icmp", ICMP: "8", Target: "ACCEPT"},
		Rule{Source: all, Target: "DROP"},
	)...)
}

// group is a security group's chain: its members among themselves, and who else
// was authorized.
func (e *edge) group(g cloud.Group) Chain {
	rules := []Rule{{SourceSet: SetName(g.ID), Target: "ACCEPT"}}
	for _, p := range g.Rules {
		if rule, ok := e.permission(p); ok {
			rules = append(rules, rule)
		}
	}
	return e.chain(g.Chain, string(g.ID), rules...)
}

// permission is a rule for what was authorized; none if its source group is gone.
func (e *edge) permission(p cloud.Permission) (Rule, bool) {
	rule := Rule{Target: "ACCEPT"}
	if p.CIDR.IsValid() {
		if p.CIDR.Bits() > 0 {
			rule.Source = p.CIDR.Masked()
		}
	} else {
		src, ok := e.source(p)
		if !ok {
			return Rule{}, false
		}
		rule.SourceSet = SetName(src)
	}
	switch p.Protocol {
	case "tcp", "udp":
		rule.Proto, rule.Ports = p.Protocol, fmt.Sprintf("%d:%d", p.From, p.To)
		if p.From == p.To {
			rule.Ports = fmt.Sprint(p.From)
		}
	case "icmp":
		rule.Proto, rule.ICMP = "icmp", icmp(p)
	}
	return rule, true
}

// icmp spells a type and code; -1 is any.
func icmp(p cloud.Permission) string {
	switch {
	case p.From < 0:
		return "any"
	case p.To < 0:
		return fmt.Sprint(p.From)
	}
	return fmt.Sprintf("%d/%d", p.From, p.To)
}

// nat is our part of the nat table: each public address in front of its private
// one, and everybody else behind the frontend's.
func (e *edge) nat() Table {
	all := e.settings.Subnet
	list := e.translations()
	in, local, out := make([]Rule, 0, len(list)+1), make([]Rule, 0, len(list)), make([]Rule, 0, len(list)+1)
	in = append(in, e.toMetadata())
	for _, t := range list {
		public, private := netip.PrefixFrom(t.Public, 32), netip.PrefixFrom(t.Private, 32)
		in = append(in, Rule{Dest: public, Target: "DNAT", To: t.Private})
		local = append(local, Rule{Dest: public, Target: "DNAT", To: t.Private})
		out = append(out, Rule{Source: private, NotDest: all, Target: "SNAT", To: t.Public})
	}
	out = append(out, Rule{Source: all, NotDest: all, Target: "MASQUERADE"})
	return Table{
		Hooks: []Hook{{"PREROUTING", "EUCA-PREROUTING"}, {"OUTPUT", "EUCA-OUTPUT"}, {"POSTROUTING", "EUCA-POSTROUTING"}},
		Chains: []Chain{
			e.chain("EUCA-PREROUTING", "prerouting", in...),
			e.chain("EUCA-OUTPUT", "output", local...),
			e.chain("EUCA-POSTROUTING", "postrouting", out...),
		},
	}
}
