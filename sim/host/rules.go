package host

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"eucactl/sim/policy"
)

// table is one of iptables': chains by name, built-in ones with a policy.
type table struct {
	policy map[string]string
	chains map[string][]*rule
}

// rule is one line "-A CHAIN ...", and what it means. It is a value: never changed.
type rule struct {
	text    string
	chain   string
	matches []match
	target  string
	jumps   bool // the last two words are -j CHAIN or -g CHAIN
	to      netip.Addr
	toPort  int
	sets    []string
}

type match func(m *Machine, p *Packet) bool

// Packet is one that a frontend is asked to route. An In of "" meets no rule that
// names an interface.
type Packet = policy.Packet

var (
	standard = []string{"INPUT", "FORWARD", "OUTPUT", "PREROUTING", "POSTROUTING"}
	verdicts = []string{"ACCEPT", "DROP", "RETURN", "REJECT", "LOG", "DNAT", "SNAT", "MASQUERADE"}
	builtins = map[string][]string{
		"filter": {"INPUT", "FORWARD", "OUTPUT"}, "nat": {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"},
		"mangle": standard, "raw": {"PREROUTING", "OUTPUT"},
	}
)

func newTable(name string) *table {
	t := &table{policy: map[string]string{}, chains: map[string][]*rule{}}
	for _, chain := range builtins[name] {
		t.policy[chain], t.chains[chain] = "ACCEPT", nil
	}
	return t
}

func (t *table) clone() *table {
	c := &table{policy: map[string]string{}, chains: map[string][]*rule{}}
	for name, policy := range t.policy {
		c.policy[name] = policy
	}
	for name, rules := range t.chains {
		c.chains[name] = slices.Clone(rules)
	}
	return c
}

// ruleWords cuts a rule into words, as iptables-restore does with its quotes.
func ruleWords(text string) (words []string, err error) {
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		if text[0] != '"' {
			w, rest, _ := strings.Cut(text, " ")
			words, text = append(words, w), rest
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(text) && text[i] != '"'; i++ {
			if text[i] == '\\' && i+1 < len(text) {
				i++
			}
			b.WriteByte(text[i])
		}
		if i == len(text) {
			return nil, fmt.Errorf("a quote is not closed: %s", text)
		}
		words, text = append(words, b.String()), text[i+1:]
	}
	return words, nil
}

// ruleReader goes through the words of a rule.
type ruleReader struct {
	words []string
	rule  *rule
	err   error
}

// readRule reads "-A CHAIN ..."; what the model has no idea of is an error.
func readRule(text string) (*rule, error) {
	words, err := ruleWords(text)
	if err != nil {
		return nil, err
	}
	if len(words) < 2 || words[0] != "-A" {
		return nil, fmt.Errorf("not a rule: %s", text)
	}
	r := &ruleReader{words: words[2:], rule: &rule{text: text, chain: words[1]}}
	for len(r.words) > 0 && r.err == nil {
		r.option()
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w in: %s", r.err, text)
	}
	return r.rule, nil
}

// next takes a word.
func (r *ruleReader) next() string {
	if len(r.words) == 0 {
		r.err = fmt.Errorf("a word is missing")
		return ""
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w
}

// option reads one option with its value, and ! in front.
func (r *ruleReader) option() {
	w := r.next()
	not := w == "!"
	if not {
		w = r.next()
	}
	var m match
	switch w {
	case "-j", "-g":
		r.rule.target = r.next()
		r.rule.jumps = len(r.words) == 0
		return
	case "-m":
		r.next()
		return
	case "--comment":
		r.next()
		return
	case "--to-destination", "--to-source":
		address, port, has := strings.Cut(r.next(), ":")
		if r.rule.to = r.address(address); has {
			r.rule.toPort, _ = r.ports(port)
		}
		return
	default:
		m = r.match(w)
	}
	if not && m != nil {
		plain := m
		m = func(h *Machine, p *Packet) bool { return !plain(h, p) }
	}
	r.rule.matches = append(r.rule.matches, m)
}

func (r *ruleReader) address(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		r.err = err
	}
	return a
}

func (r *ruleReader) match(option string) match {
	switch option {
	case "-i":
		dev := r.next()
		if all, wild := strings.CutSuffix(dev, "+"); wild {
			return func(_ *Machine, p *Packet) bool { return strings.HasPrefix(p.In, all) }
		}
		return func(_ *Machine, p *Packet) bool { return p.In == dev }
	case "-o":
		r.next()
		return func(*Machine, *Packet) bool { return false }
	case "-s":
		net := r.network(r.next())
		return func(_ *Machine, p *Packet) bool { return net.Contains(p.Src) }
	case "-d":
		net := r.network(r.next())
		return func(_ *Machine, p *Packet) bool { return net.Contains(p.Dst) }
	case "-p":
		proto := r.next()
		return func(_ *Machine, p *Packet) bool { return p.Proto == proto || proto == "all" }
	case "--syn":
		return func(_ *Machine, p *Packet) bool { return p.Syn }
	case "--dport":
		from, to := r.ports(r.next())
		return func(_ *Machine, p *Packet) bool { return p.Port >= from && p.Port <= to }
	case "--icmp-type":
		return r.icmp(r.next())
	case "--ctstate":
		states := strings.Split(r.next(), ",")
		return func(_ *Machine, p *Packet) bool {
			return slices.Contains(states, p.State) || p.Led && slices.Contains(states, "DNAT")
		}
	case "--ctdir":
		reply := r.next() == "REPLY"
		return func(_ *Machine, p *Packet) bool { return p.State != "INVALID" && p.Reply == reply }
	case "--match-set":
		return r.set(r.next(), r.next())
	}
	r.err = fmt.Errorf("the model of a host does not know %q", option)
	return nil
}

func (r *ruleReader) network(s string) netip.Prefix {
	if !strings.Contains(s, "/") {
		s += "/32"
	}
	net, err := netip.ParsePrefix(s)
	if err != nil {
		r.err = err
	}
	return net.Masked()
}

func (r *ruleReader) ports(s string) (from, to int) {
	low, high, ranged := strings.Cut(s, ":")
	if !ranged {
		high = low
	}
	var err1, err2 error
	from, err1 = strconv.Atoi(low)
	to, err2 = strconv.Atoi(high)
	if err1 != nil || err2 != nil || from < 0 || to > 65535 || from > to {
		r.err = fmt.Errorf("bad ports %q", s)
	}
	return from, to
}

// icmp takes type 255 for any, as the real ones do.
func (r *ruleReader) icmp(s string) match {
	kind, code, coded := strings.Cut(s, "/")
	if kind == "any" || kind == "255" {
		return func(*Machine, *Packet) bool { return true }
	}
	t, c := atoi(kind), atoi(code)
	if t < 0 || coded && c < 0 {
		r.err = fmt.Errorf("bad icmp type %q", s)
	}
	return func(_ *Machine, p *Packet) bool { return p.Type == t && (!coded || p.Code == c) }
}

func (r *ruleReader) set(name, side string) match {
	r.rule.sets = append(r.rule.sets, name)
	return func(m *Machine, p *Packet) bool {
		if side == "src" {
			return m.sets[name].has(p.Src)
		}
		return m.sets[name].has(p.Dst)
	}
}

// has looks for an address, alone or in a network.
func (s *set) has(a netip.Addr) bool {
	if s == nil {
		return false
	}
	if s.kind == "hash:ip" {
		return s.members[a.String()]
	}
	for member := range s.members {
		if net, err := netip.ParsePrefix(member); err == nil && net.Contains(a) {
			return true
		}
	}
	return false
}

// walk is a packet's way through a chain; nil: it came out at the end.
func (m *Machine) walk(t *table, chain string, p *Packet, depth int) *rule {
	for _, r := range t.chains[chain] {
		if depth > 16 || !r.meets(m, p) {
			continue
		}
		switch r.target {
		case "", "LOG":
		case "RETURN":
			return nil
		case "ACCEPT", "DROP", "REJECT", "DNAT", "SNAT", "MASQUERADE":
			return r
		default:
			if verdict := m.walk(t, r.target, p, depth+1); verdict != nil {
				return verdict
			}
		}
	}
	return nil
}

func (r *rule) meets(m *Machine, p *Packet) bool {
	for _, match := range r.matches {
		if !match(m, p) {
			return false
		}
	}
	return true
}

// Forwards tells whether the host would route a packet: it forwards at all, and
// the filter's FORWARD chain lets it pass.
func (m *Machine) Forwards(p Packet) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if on, _ := m.sysctl("net/ipv4/ip_forward"); on != "1" {
		return false
	}
	t := m.tables["filter"]
	if r := m.walk(t, "FORWARD", &p, 0); r != nil {
		return r.target == "ACCEPT"
	}
	return t.policy["FORWARD"] == "ACCEPT"
}

// Enters is where on the host a packet that begins a flow from a network gets to, if
// the host lets it in at all.
func (m *Machine) Enters(p Packet) (to netip.AddrPort, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.walk(m.tables["nat"], "PREROUTING", &p, 0); r != nil && r.target == "DNAT" {
		p.Dst, p.Led = r.to, true
		if r.toPort != 0 {
			p.Port = r.toPort
		}
	}
	to = netip.AddrPortFrom(p.Dst, uint16(p.Port))
	all, _ := m.sysctl("net/ipv4/conf/all/route_localnet")
	if one, _ := m.sysctl("net/ipv4/conf/" + p.In + "/route_localnet"); (p.Dst.IsLoopback() || p.Src.IsLoopback()) && all != "1" && one != "1" {
		return to, false // a martian
	}
	t := m.tables["filter"]
	if r := m.walk(t, "INPUT", &p, 0); r != nil {
		return to, r.target == "ACCEPT"
	}
	return to, t.policy["INPUT"] == "ACCEPT"
}

// Nat is where a new connection to a public address is led.
func (m *Machine) Nat(public netip.Addr) (private netip.Addr, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.walk(m.tables["nat"], "PREROUTING", &Packet{Dst: public, Proto: "tcp", State: "NEW", Syn: true}, 0)
	if r == nil || r.target != "DNAT" {
		return private, false
	}
	return r.to, true
}

// Snat is the address that a guest's new connection to the world comes from.
func (m *Machine) Snat(private, world netip.Addr) (public netip.Addr, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.walk(m.tables["nat"], "POSTROUTING", &Packet{Src: private, Dst: world, Proto: "tcp", State: "NEW", Syn: true}, 0)
	if r == nil || r.target != "SNAT" {
		return public, false
	}
	return r.to, true
}

// references counts the rules that name a set.
func (m *Machine) references(name string) (n int) {
	for _, t := range m.tables {
		for _, rules := range t.chains {
			for _, r := range rules {
				if slices.Contains(r.sets, name) {
					n++
				}
			}
		}
	}
	return n
}

// save is what iptables-save prints of a table.
func (t *table) save(name string) string {
	var b strings.Builder
	b.WriteString("*" + name + "\n")
	for _, chain := range slices.Sorted(maps.Keys(t.chains)) {
		b.WriteString(":" + chain + " " + or(t.policy[chain], "-") + " [0:0]\n")
	}
	for _, chain := range slices.Sorted(maps.Keys(t.chains)) {
		for _, r := range t.chains[chain] {
			b.WriteString(r.text + "\n")
		}
	}
	return b.String() + "COMMIT\n"
}
