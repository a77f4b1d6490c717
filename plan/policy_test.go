package plan

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"eucactl/cloud"
	"eucactl/sim/policy"
)

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
func (e filter) judge(chain string, p policy.Packet) string {
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

func (e filter) matches(r Rule, p policy.Packet) bool {
	direction := "ORIGINAL"
	if p.Reply {
		direction = "REPLY"
	}
	return (r.In == "" || r.In == p.In) && (r.NotIn == "" || r.NotIn != p.In) &&
		(!r.Source.IsValid() || r.Source.Contains(p.Src)) &&
		(r.SourceSet == "" || slices.Contains(e.sets[r.SourceSet], p.Src)) &&
		(!r.Dest.IsValid() || r.Dest.Contains(p.Dst)) &&
		(!r.NotDest.IsValid() || !r.NotDest.Contains(p.Dst)) &&
		(r.DestSet == "" || slices.Contains(e.sets[r.DestSet], p.Dst)) &&
		(r.Proto == "" || r.Proto == p.Proto) &&
		(r.Ports == "" || portIn(r.Ports, p.Port)) &&
		(r.ICMP == "" || icmpIn(r.ICMP, p)) &&
		(r.State == "" || slices.Contains(strings.Split(r.State, ","), p.State)) &&
		(r.Direction == "" || r.Direction == direction) &&
		(!r.NotSyn || !p.Syn)
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

func icmpIn(spec string, p policy.Packet) bool {
	kind, code, both := strings.Cut(spec, "/")
	return spec == "any" || kind == strconv.Itoa(p.Type) && (!both || code == strconv.Itoa(p.Code))
}

// permitted says whether a tracked flow between two guests that began like this packet
// is kept.
func permitted(f *Frontend, k policy.Packet) bool {
	sets := filterOf(f).sets
	for group, members := range sets {
		if !slices.Contains(members, k.Dst) {
			continue
		}
		if slices.Contains(members, k.Src) {
			return true
		}
		for _, p := range f.Flows.Permits {
			network, err := netip.ParsePrefix(p.Whom)
			from := err == nil && network.Contains(k.Src) || err != nil && slices.Contains(sets[p.Whom], k.Src)
			if p.Group == group && from && policy.Covers(cloud.Permission{Protocol: p.Proto, From: p.From, To: p.To}, k) {
				return true
			}
		}
	}
	return false
}
