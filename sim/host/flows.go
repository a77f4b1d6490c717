package host

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Flow is an entry of the connection tracking table; From and To are the source
// and the destination of the answers.
type Flow struct {
	Proto                string // tcp, udp, icmp
	Src, Dst, From, To   netip.Addr
	Sport, Dport, Rsport int // Rsport is the answers' source port
	Type, Code, ID       int // of icmp
	Unreplied            bool
}

// Track adds an entry, as a packet does that was let through.
func (m *Machine) Track(f Flow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.flows, f) {
		m.flows = append(m.flows, f)
	}
}

// TrackScript adds the entry of a tcp or udp flow to a real host's table.
func (f Flow) TrackScript() string {
	state := ""
	if f.Proto == "tcp" {
		state = " --state ESTABLISHED"
	}
	return fmt.Sprintf("conntrack -I -p %s -s %s -d %s -r %s -q %s --sport %d --dport %d --reply-port-src %d --reply-port-dst %d -t 100000 -u SEEN_REPLY%s >/dev/null 2>&1",
		f.Proto, f.Src, f.Dst, f.From, f.To, f.Sport, f.Dport, f.Rsport, f.Sport, state)
}

// Flows are the entries, oldest first.
func (m *Machine) Flows() []Flow {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.flows)
}

// Know makes a guest a neighbour that the kernel knows.
func (m *Machine) Know(guest netip.Addr, dev string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.neighbour[guest] = dev
}

// tracking is a content of the kind flows.
type tracking struct {
	cidr       netip.Prefix
	live, pool map[netip.Addr]bool
	nat        map[netip.Addr]netip.Addr
	groups     map[netip.Addr][]string
	member     map[string]map[netip.Addr]bool
	permits    map[string][]permit
}

type permit struct {
	proto    string
	from, to int
	net      netip.Prefix
	group    string
}

// readTracking reads a content and refuses what it must not be.
func readTracking(p *process, cidr, sum string) (*tracking, int) {
	net, err := netip.ParsePrefix(cidr)
	if err != nil {
		return nil, p.words(2, "flows: not a network: "+cidr)
	}
	text, ok := p.blob(sum)
	if !ok {
		return nil, p.words(2, "flows: the entries to look at arrived incomplete")
	}
	t := &tracking{
		cidr: net.Masked(), live: map[netip.Addr]bool{}, pool: map[netip.Addr]bool{}, nat: map[netip.Addr]netip.Addr{},
		groups: map[netip.Addr][]string{}, member: map[string]map[netip.Addr]bool{}, permits: map[string][]permit{},
	}
	for line := range strings.Lines(text) {
		if err := t.line(strings.Fields(line)); err != nil {
			return nil, p.words(2, "flows: "+err.Error())
		}
	}
	for _, tool := range []string{"conntrack", "ip"} {
		if p.dead(tool) {
			return nil, p.words(2, "flows: "+tool+" failed, so the flows of this host are unknown")
		}
	}
	return t, 0
}

func (t *tracking) line(w []string) (err error) {
	if len(w) == 0 {
		return nil
	}
	var a []netip.Addr
	switch key := fmt.Sprintf("%s %d", w[0], len(w)); {
	case key == "live 2":
		a, err = addresses(w[1:])
		t.live[a[0]] = true
	case key == "pool 2":
		a, err = addresses(w[1:])
		t.pool[a[0]] = true
	case key == "nat 3":
		a, err = addresses(w[1:])
		if _, twice := t.nat[a[0]]; twice {
			return fmt.Errorf("%s is translated twice", w[1])
		}
		t.nat[a[0]] = a[1]
	case w[0] == "group" && len(w) > 1:
		a, err = addresses(w[2:])
		t.group(w[1], a)
	case key == "permit 6":
		t.permit(w)
	default:
		err = fmt.Errorf("not a line of flows: %s", strings.Join(w, " "))
	}
	return err
}

// addresses reads each word; what is none is the zero address, and an error.
func addresses(words []string) (list []netip.Addr, err error) {
	for _, w := range words {
		a, e := netip.ParseAddr(w)
		if e != nil || !a.Is4() {
			err = fmt.Errorf("not an IPv4 address: %s", w)
		}
		list = append(list, a)
	}
	return list, err
}

func (t *tracking) group(name string, members []netip.Addr) {
	if t.member[name] == nil {
		t.member[name] = map[netip.Addr]bool{}
	}
	for _, a := range members {
		t.member[name][a] = true
		t.groups[a] = append(t.groups[a], name)
	}
}

func (t *tracking) permit(w []string) {
	p := permit{proto: w[2], from: atoi(w[3]), to: atoi(w[4]), group: w[5]}
	if net, err := netip.ParsePrefix(w[5]); err == nil {
		p.net = net.Masked()
	}
	t.permits[w[1]] = append(t.permits[w[1]], p)
}

func (t *tracking) dead(a netip.Addr) bool { return !t.live[a] && t.cidr.Contains(a) }

// permitted: may client reach server? port is icmp's type, code icmp's.
func (t *tracking) permitted(client, server netip.Addr, proto string, port, code int) bool {
	for _, g := range t.groups[server] {
		if t.member[g][client] {
			return true
		}
		for _, p := range t.permits[g] {
			if p.allows(proto, port, code) && (p.net.IsValid() && p.net.Contains(client) || t.member[p.group][client]) {
				return true
			}
		}
	}
	return false
}

func (p permit) allows(proto string, port, code int) bool {
	switch {
	case p.proto != "all" && p.proto != proto:
		return false
	case p.proto == "icmp":
		return (p.from < 0 || p.from == port) && (p.to < 0 || p.to == code)
	case p.proto == "tcp" || p.proto == "udp":
		return port >= p.from && port <= p.to
	}
	return true
}

// stale tells whether an entry must go.
func (t *tracking) stale(f Flow) bool {
	private, translated := t.nat[f.Dst]
	if t.pool[f.Dst] && (f.From != f.Dst || translated) && f.From != private {
		return true
	}
	if t.pool[f.To] && f.Src != f.To && f.Src != t.nat[f.To] {
		return true
	}
	if t.dead(f.Src) || t.dead(f.To) || t.dead(f.From) && (!f.Unreplied || f.From != f.Dst) {
		return true
	}
	if len(t.groups[f.Src]) == 0 || len(t.groups[f.From]) == 0 {
		return false
	}
	if f.Proto == "icmp" {
		return !t.permitted(f.Src, f.From, f.Proto, f.Type, f.Code)
	}
	return !t.permitted(f.Src, f.From, f.Proto, f.Rsport, 0)
}

// service is the flow without what its client chose: flows that are alike in it go together.
func (f Flow) service() Flow {
	f.Sport, f.ID, f.Unreplied = 0, 0, false
	return f
}

// find is what is stale in the tables of the host.
func (t *tracking) find(m *Machine) (flows []Flow, neighbours []netip.Addr) {
	for _, f := range m.flows {
		if t.stale(f) {
			flows = append(flows, f)
		}
	}
	for a := range m.neighbour {
		if t.dead(a) {
			neighbours = append(neighbours, a)
		}
	}
	slices.SortFunc(neighbours, netip.Addr.Compare)
	return flows, neighbours
}

func checkFlows(p *process, args []string) int {
	t, rc := readTracking(p, args[0], args[1])
	if rc != 0 {
		return rc
	}
	flows, neighbours := t.find(p.m)
	return oneIf(len(flows)+len(neighbours) > 0)
}

func applyFlows(p *process, args []string) int {
	t, rc := readTracking(p, args[0], args[1])
	if rc != 0 {
		return rc
	}
	flows, neighbours := t.find(p.m)
	gone := map[Flow]bool{}
	for _, f := range flows {
		if gone[f.service()] {
			continue
		}
		gone[f.service()] = true
		p.do(fmt.Sprintf("conntrack -D -p %s -s %s -d %s", f.Proto, f.Src, f.Dst), func() {
			p.m.flows = slices.DeleteFunc(p.m.flows, func(o Flow) bool { return o.service() == f.service() })
		})
	}
	for _, a := range neighbours {
		p.do("ip neigh flush to "+a.String(), func() { delete(p.m.neighbour, a) })
	}
	return 0
}
