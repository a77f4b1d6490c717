package reach

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"eucactl/facts"
)

// packet is the one whose way is walked, as rules see it. What is not known of it
// is empty: rules that ask for it may or may not fit.
type packet struct {
	ether              string // ip or arp
	in, out            string // interfaces
	physin, physout    string // ports of a bridge
	inbridge           string
	bridged            bool
	src, dst           netip.Addr
	proto              string
	dport              int // 0: not known
	sport              int // 0: any above 1023
	icmp               string
	state              string // new, established, untracked
	reply              bool
	translated         bool // its destination was
	mark               uint32
	markUnclear        bool
	smac, dmac         string
	broadcast          bool
	vlan               int
	arpop              string
	local              func(netip.Addr) bool
	failsReversePath   truth
	reversePathChecked bool
}

// truth is what can be said of a condition.
type truth int

const (
	no truth = iota
	maybe
	yes
)

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth { return yes - t }

// fits tells whether a rule is for the packet.
func (p *packet) fits(r facts.Rule, sets map[string]facts.AddressSet) truth {
	all := yes
	for _, m := range r.Matches {
		t := p.holds(m, sets)
		if m.Key == "chance" && r.Do == facts.Drop && often(m.Values) {
			t = yes // what is lost that often is as good as lost
		}
		if m.Not {
			t = t.not()
		}
		if all = min(all, t); all == no {
			return no
		}
	}
	return all
}

// often tells whether a chance is one in five or more.
func often(values []string) bool {
	chance, err := strconv.ParseFloat(strings.Join(values, ""), 64)
	return err == nil && chance >= 0.2
}

// holds tells whether one condition does, before it is negated.
func (p *packet) holds(m facts.Match, sets map[string]facts.AddressSet) truth {
	if strings.Contains(m.Key, facts.Concat) {
		return p.together(m, sets)
	}
	switch m.Key {
	case "src", "dst", "arpsrc", "arpdst":
		return p.addressed(m, sets)
	case "in":
		return named(p.in, m.Values)
	case "out":
		return named(p.out, m.Values)
	case "physin":
		return named(p.physin, m.Values)
	case "physout":
		return named(p.physout, m.Values)
	case "inbridge", "outbridge":
		return named(p.inbridge, m.Values)
	case "proto":
		return p.speaks(m.Values)
	case "dport", "sport", "port":
		return p.ports(m)
	case "icmp":
		return p.echo(m.Values)
	case "ctstate", "ctdir", "ctstatus":
		return p.tracked(m)
	case "smac":
		return sameMAC(p.smac, m.Values)
	case "dmac":
		return sameMAC(p.dmac, m.Values)
	case "flags":
		return p.flags(m.Values)
	case "mark":
		return p.marked(m.Values)
	}
	return p.plain(m)
}

// together tells whether several things are those of one element.
func (p *packet) together(m facts.Match, sets map[string]facts.AddressSet) truth {
	keys := strings.Split(m.Key, facts.Concat)
	best := no
	for _, v := range m.Values {
		values := strings.Split(v, facts.Concat)
		if len(values) != len(keys) {
			return maybe
		}
		all := yes
		for i, key := range keys {
			all = min(all, p.holds(facts.Match{Key: key, Values: values[i : i+1]}, sets))
		}
		best = max(best, all)
	}
	return best
}

// plain are conditions with a few words for values.
func (p *packet) plain(m facts.Match) truth {
	has := func(words ...string) truth {
		for _, w := range words {
			if slices.Contains(m.Values, w) {
				return yes
			}
		}
		return no
	}
	switch m.Key {
	case "ether":
		return has(p.ether)
	case "nfproto":
		return has("ipv4", "2")
	case "bridged":
		return is(p.bridged)
	case "fragment":
		return no
	case "vlan":
		return has(strconv.Itoa(p.vlan))
	case "srctype":
		return p.kind(p.src, m.Values)
	case "dsttype":
		return p.kind(p.dst, m.Values)
	case "pkttype":
		if p.broadcast {
			return has("broadcast")
		}
		return has("unicast", "host", "other")
	case "arpop":
		if p.arpop == "reply" {
			return has("reply", "2")
		}
		return has("request", "1")
	case "rpfailed":
		if p.reversePathChecked {
			return p.failsReversePath
		}
	}
	return maybe
}

func (p *packet) addressed(m facts.Match, sets map[string]facts.AddressSet) truth {
	arp := strings.HasPrefix(m.Key, "arp")
	if arp != (p.ether == "arp") {
		return no
	}
	a := p.dst
	if strings.HasSuffix(m.Key, "src") {
		a = p.src
	}
	return among(a, m.Values, sets)
}

// among tells whether an address is one of those that are spelled out.
func among(a netip.Addr, values []string, sets map[string]facts.AddressSet) truth {
	if !a.IsValid() {
		return maybe
	}
	best := no
	for _, v := range values {
		name, ok := strings.CutPrefix(v, "@")
		if !ok {
			best = max(best, covers(v, a))
			continue
		}
		s, known := sets[name]
		if !known || s.Type != "hash:ip" && s.Type != "hash:net" && s.Type != "bitmap:ip" {
			best = max(best, maybe)
			continue
		}
		best = max(best, among(a, s.Members, nil))
	}
	return best
}

// covers reads an address, a network or a range.
func covers(text string, a netip.Addr) truth {
	if one, err := netip.ParseAddr(text); err == nil {
		return is(one == a)
	}
	if net, err := netip.ParsePrefix(text); err == nil {
		return is(net.Contains(a))
	}
	first, last, ok := strings.Cut(text, "-")
	low, err1 := netip.ParseAddr(first)
	high, err2 := netip.ParseAddr(last)
	if !ok || err1 != nil || err2 != nil {
		return maybe
	}
	return is(low.Compare(a) <= 0 && a.Compare(high) <= 0)
}

// named tells whether an interface is one of those: eth0, or eth*.
func named(name string, values []string) truth {
	for _, v := range values {
		begin, any := strings.CutSuffix(v, "*")
		if name != "" && (v == name || any && strings.HasPrefix(name, begin)) {
			return yes
		}
	}
	return no
}

func (p *packet) speaks(values []string) truth {
	if p.ether == "arp" {
		return no
	}
	numbers := map[string]string{"1": "icmp", "6": "tcp", "17": "udp"}
	for _, v := range values {
		if v == "all" || v == "0" || v == p.proto || numbers[v] == p.proto && p.proto != "" {
			return yes
		}
	}
	if p.proto == "" {
		return maybe
	}
	return no
}

// ports: those of whoever asks are any above 1023.
func (p *packet) ports(m facts.Match) truth {
	if p.proto != "tcp" && p.proto != "udp" {
		return no
	}
	asked, own := [2]int{p.dport, p.dport}, [2]int{1024, 65535}
	if p.dport == 0 {
		asked = [2]int{0, 65535}
	}
	if p.sport != 0 {
		own = [2]int{p.sport, p.sport}
	}
	if p.reply {
		asked, own = own, asked
	}
	best := no
	if m.Key != "sport" {
		best = within(asked, m.Values)
	}
	if m.Key != "dport" {
		best = max(best, within(own, m.Values))
	}
	return best
}

// within tells whether all, some or none of a range of ports is named.
func within(ports [2]int, values []string) truth {
	best := no
	for _, v := range values {
		first, last, ok := strings.Cut(v, "-")
		if !ok {
			last = first
		}
		low, err1 := strconv.Atoi(first)
		high, err2 := strconv.Atoi(last)
		switch {
		case err1 != nil || err2 != nil:
			best = max(best, maybe)
		case low <= ports[0] && ports[1] <= high:
			return yes
		case low <= ports[1] && ports[0] <= high:
			best = max(best, maybe)
		}
	}
	return best
}

func (p *packet) echo(values []string) truth {
	if p.proto != "icmp" {
		return no
	}
	kind := "8"
	if p.reply {
		kind = "0"
	}
	words := map[string]string{"echo-request": "8", "echo-reply": "0", "ping": "8", "pong": "0"}
	for _, v := range values {
		number, code, _ := strings.Cut(v, "/")
		if v == "any" || v == "255" || (number == kind || words[v] == kind) && (code == "" || code == "0") {
			return yes
		}
	}
	return no
}

func (p *packet) tracked(m facts.Match) truth {
	best := no
	for _, v := range m.Values {
		switch {
		case m.Key == "ctdir":
			best = max(best, is((v == "reply") == p.reply && p.state != "untracked"))
		case v == "dnat":
			best = max(best, is(p.translated && p.state != "untracked"))
		case m.Key == "ctstate":
			best = max(best, is(v == p.state))
		default:
			best = max(best, maybe)
		}
	}
	return best
}

// flags: the first packet of a connection has SYN alone, its answer SYN and ACK.
func (p *packet) flags(values []string) truth {
	if p.proto != "tcp" {
		return no
	}
	has := map[string]bool{"SYN": true, "ACK": p.reply}
	for _, v := range values {
		mask, want, _ := strings.Cut(v, " ")
		set := strings.Split(want, ",")
		for _, f := range strings.Split(mask, ",") {
			if f == "ALL" || f == "NONE" {
				return maybe
			}
			if has[f] != slices.Contains(set, f) {
				return no
			}
		}
	}
	return yes
}

func (p *packet) marked(values []string) truth {
	if p.markUnclear {
		return maybe
	}
	for _, v := range values {
		value, mask, ok := markOf(v)
		if !ok {
			return maybe
		}
		if p.mark&mask == value {
			return yes
		}
	}
	return no
}

// markOf reads VALUE/MASK.
func markOf(text string) (value, mask uint32, ok bool) {
	v, m, has := strings.Cut(text, "/")
	value64, err := strconv.ParseUint(v, 0, 32)
	mask64 := uint64(0xffffffff)
	if has && err == nil {
		mask64, err = strconv.ParseUint(m, 0, 32)
	}
	return uint32(value64), uint32(mask64), err == nil
}

func sameMAC(mac string, values []string) truth {
	if mac == "" {
		return maybe
	}
	for _, v := range values {
		if strings.Contains(v, "/") || !strings.Contains(v, ":") {
			return maybe
		}
		if strings.EqualFold(v, mac) {
			return yes
		}
	}
	return no
}

// kind compares the type that the host's routes give an address.
func (p *packet) kind(a netip.Addr, values []string) truth {
	if p.local == nil || !a.IsValid() {
		return maybe
	}
	if p.local(a) {
		return is(slices.Contains(values, "local"))
	}
	return is(slices.Contains(values, "unicast"))
}
