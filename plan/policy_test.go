package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"eucactl/cloud"
	"eucactl/state"
)

// packet is what a frontend judges: where it is from and to, and what connection
// tracking knows of its flow.
type packet struct {
	in         string
	src, dst   netip.Addr
	proto      string
	port       int // destination
	kind, code int // icmp
	syn        bool
	state      string // NEW, ESTABLISHED, RELATED
	reply      bool
}

func (p packet) String() string {
	return fmt.Sprintf("%s %s>%s port %d icmp %d/%d syn %v %s reply %v", p.proto, p.src, p.dst, p.port, p.kind, p.code, p.syn, p.state, p.reply)
}

// filter is a frontend's filter table with its sets, evaluated as the kernel does.
type filter struct {
	chains map[string][]Rule
	sets   map[string][]netip.Addr
}

func filterOf(f *Frontend) filter {
	e := filter{chains: map[string][]Rule{}, sets: map[string][]netip.Addr{}}
	for _, c := range f.Filter.Chains {
		e.chains[c.Name] = c.Rules
	}
	for _, s := range f.Sets {
		e.sets[s.Name] = s.Members
	}
	return e
}

// judge gives ACCEPT, DROP, or "" if the chain leaves it to what comes after it.
func (e filter) judge(chain string, p packet) string {
	for _, r := range e.chains[chain] {
		if !e.matches(r, p) {
			continue
		}
		if r.Target == "ACCEPT" || r.Target == "DROP" {
			return r.Target
		}
		if verdict := e.judge(r.Target, p); verdict != "" {
			return verdict
		}
	}
	return ""
}

func (e filter) matches(r Rule, p packet) bool {
	direction := "ORIGINAL"
	if p.reply {
		direction = "REPLY"
	}
	return (r.In == "" || r.In == p.in) &&
		(!r.Source.IsValid() || r.Source.Contains(p.src)) &&
		(r.SourceSet == "" || slices.Contains(e.sets[r.SourceSet], p.src)) &&
		(!r.Dest.IsValid() || r.Dest.Contains(p.dst)) &&
		(!r.NotDest.IsValid() || !r.NotDest.Contains(p.dst)) &&
		(r.DestSet == "" || slices.Contains(e.sets[r.DestSet], p.dst)) &&
		(r.Proto == "" || r.Proto == p.proto) &&
		(r.Ports == "" || portIn(r.Ports, p.port)) &&
		(r.ICMP == "" || icmpIn(r.ICMP, p)) &&
		(r.State == "" || slices.Contains(strings.Split(r.State, ","), p.state)) &&
		(r.Direction == "" || r.Direction == direction) &&
		(!r.NotSyn || !p.syn)
}

func portIn(ports string, port int) bool {
	first, last, isRange := strings.Cut(ports, ":")
	if !isRange {
		last = first
	}
	a, _ := strconv.Atoi(first)
	b, _ := strconv.Atoi(last)
	return a <= port && port <= b
}

func icmpIn(spec string, p packet) bool {
	kind, code, both := strings.Cut(spec, "/")
	return spec == "any" || kind == strconv.Itoa(p.kind) && (!both || code == strconv.Itoa(p.code))
}

// policy is what the records allow, said without any rules or sets.
type policy struct {
	subnet  netip.Prefix
	members map[netip.Addr][]cloud.Group // by private address
}

func policyOf(tx *state.Tx, cluster string) policy {
	c, _ := tx.Cloud()
	p := policy{c.Networks[cluster].Subnet, map[netip.Addr][]cloud.Group{}}
	for _, in := range tx.Instances() {
		if in.Cluster != cluster || in.Want != cloud.Running {
			continue
		}
		port, _ := tx.Port(in.Port)
		for _, id := range in.Groups {
			g, _ := tx.Group(id)
			p.members[port.IP] = append(p.members[port.IP], g)
		}
	}
	return p
}

func (p policy) in(a netip.Addr, user, name string) bool {
	return slices.ContainsFunc(p.members[a], func(g cloud.Group) bool { return g.Owner == user && g.Name == name })
}

// opens says whether the records let a new flow begin with this packet.
func (p policy) opens(k packet) bool {
	for _, g := range p.members[k.dst] {
		if p.in(k.src, g.Owner, g.Name) {
			return true
		}
		for _, r := range g.Rules {
			from := r.CIDR.IsValid() && r.CIDR.Contains(k.src) || !r.CIDR.IsValid() && p.in(k.src, r.Source.User, r.Source.Name)
			if from && covers(r, k) {
				return true
			}
		}
	}
	return false
}

func covers(r cloud.Permission, k packet) bool {
	switch r.Protocol {
	case "all":
		return true
	case "icmp":
		return k.proto == "icmp" && (r.From == -1 || r.From == k.kind && (r.To == -1 || r.To == k.code))
	}
	return k.proto == r.Protocol && r.From <= k.port && k.port <= r.To
}

// verdict is what a frontend must do with the packet.
func (p policy) verdict(k packet) string {
	toCloud, fromCloud := p.subnet.Contains(k.dst), p.subnet.Contains(k.src)
	switch {
	case k.state == "RELATED", k.state == "ESTABLISHED" && k.reply:
		return "ACCEPT"
	case !toCloud && !fromCloud:
		return "" // not ours to judge
	case fromCloud && k.proto == "tcp" && k.state == "NEW" && !k.syn:
		return "DROP" // it would revive a flow that was cut
	case !toCloud, p.opens(k):
		return "ACCEPT"
	}
	return "DROP"
}

// permitted says whether a tracked flow between two guests that began like this packet
// is kept.
func permitted(f *Frontend, k packet) bool {
	sets := filterOf(f).sets
	for group, members := range sets {
		if !slices.Contains(members, k.dst) {
			continue
		}
		if slices.Contains(members, k.src) {
			return true
		}
		for _, p := range f.Flows.Permits {
			network, err := netip.ParsePrefix(p.Whom)
			from := err == nil && network.Contains(k.src) || err != nil && slices.Contains(sets[p.Whom], k.src)
			if p.Group == group && from && covers(cloud.Permission{Protocol: p.Proto, From: p.From, To: p.To}, k) {
				return true
			}
		}
	}
	return false
}
