package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"eucactl/cloud"
	"eucactl/e2e/crowd"
	"eucactl/e2e/wire"
)

// TestClosed holds law 7 against a real kernel. The frontend's program is stopped before each program that it starts,
// and at one of these moments killed; then it runs anew, stopped as often. Each time, 200 packets are sent through the
// frontend that the policy before the change or the one after it forbids. None passes that both forbid; and never do at
// one moment some pass that the old one forbids, and some that the new one does: what is open is always a part of one
// policy. (A flow that was open before may go on where it led, until it is ended.) What both permit passes at every
// moment.
//
// CI's sample kills each change at one moment; EUCACTL_SOAK=1 kills it at every one.
//
// proves A43 A45 A47
func TestClosed(t *testing.T) {
	t.Parallel()
	f := newFront(t, "closed")
	random := dice(t)
	f.settle()
	g := f.gate()
	begin := time.Now()
	for round, reached := 1, true; reached; round++ {
		reached = false
		for _, c := range f.changes(random, round) {
			kill := round
			if !soak() {
				kill = 1 + random.IntN(60)
			}
			m := f.moments(c, random)
			reached = m.run(g, kill) >= kill && soak() || reached
			if t.Failed() {
				t.Fatalf("%s, killed at %d", c.name, kill)
			}
			t.Logf("%s: %s, %d moments, %s", c.name, m.killed, m.n, time.Since(begin).Round(time.Millisecond))
		}
	}
	for _, l := range f.crowd.Late() {
		t.Errorf("late: %s", l)
	}
}

// change is a step from one policy to another, or damage to what there is.
type change struct {
	name string
	do   func()
	// wrecked: until the frontend's rules are back it may be as open as it likes, and dead: what is permitted need not pass.
	wrecked, dead bool
}

// settle makes the groups and guests of the scenarios.
func (f *front) settle() {
	f.t.Helper()
	for _, args := range [][]string{
		{"create-group", "web"}, {"create-group", "db"}, {"create-user", "bob"}, {"--as", "bob", "create-group", "shop"},
		{"authorize", "web", "-P", "tcp", "-p", "80-89"}, {"authorize", "web", "-P", "icmp", "-t", "8:0", "-s", "203.0.113.0/24"},
		{"authorize", "db", "-P", "tcp", "-p", "5432", "--source-group", "web"}, {"authorize", "db", "-P", "all", "-s", "198.51.100.7/32"},
		{"--as", "bob", "authorize", "shop", "-P", "udp", "-p", "53", "--source-group", "web", "-u", "admin"},
		{"allocate-address"},
	} {
		f.must(append(args, "--no-wait")...)
	}
	f.launch(1, "-g", "web")
	f.launch(1, "-g", "web", "-g", "db")
	f.launch(2, "-g", "db")
	f.launch(1)
	f.must("--as", "bob", "run-instances", f.image, "--no-wait", "-g", "shop")
	f.must("reconcile", "fe1")
}

// changes come in an order in which they can be done round after round.
func (f *front) changes(random *rand.Rand, round int) []change {
	addressing := "public"
	if round > 20 {
		addressing = "private" // no node says that an instance has ended, so addresses do not come back
	}
	record := func(args ...string) func() {
		return func() { f.must(append(args, "--no-wait")...) }
	}
	rule := [][]string{
		{"web", "-P", "tcp", "-p", "22"}, {"db", "-P", "udp", "-p", "0-65535", "--source-group", "shop", "-u", "bob"},
		{"default", "-P", "all", "--source-group", "db"}, {"default", "-P", "icmp", "-s", "203.0.113.102/32"},
	}[random.IntN(4)]
	elastic := strings.Split(strings.TrimSpace(f.must("describe-addresses")), "\t")[1]
	ids := f.instances()
	newest := ""
	return []change{
		{name: "authorize", do: record(append([]string{"authorize"}, rule...)...)},
		{name: "revoke", do: record(append([]string{"revoke"}, rule...)...)},
		{name: "run", do: func() {
			name := fmt.Sprintf("new%d", time.Now().UnixNano())
			f.must("create-group", name, "--no-wait")
			f.must("authorize", name, "-P", "udp", "-p", "1-1000", "--source-group", "web", "--no-wait")
			newest = f.launch(1, "-g", name, "-g", "web", "--addressing", addressing)
		}},
		{name: "terminate", do: func() { f.must("terminate-instances", newest, "--no-wait") }},
		{name: "several at once", do: func() {
			f.must("revoke", "web", "-P", "tcp", "-p", "80-89", "--no-wait")
			f.must("authorize", "web", "-P", "udp", "-p", "80-89", "--source-group", "default", "--no-wait")
			newest = f.launch(1, "-g", "web", "-g", "default", "--addressing", addressing)
		}},
		{name: "several at once, back", do: func() {
			f.must("terminate-instances", newest, "--no-wait")
			f.must("authorize", "web", "-P", "tcp", "-p", "80-89", "--no-wait")
			f.must("revoke", "web", "-P", "udp", "-p", "80-89", "--source-group", "default", "--no-wait")
		}},
		{name: "associate", do: record("associate-address", elastic, ids[0])},
		{name: "associate with another", do: record("associate-address", elastic, ids[2])},
		{name: "disassociate", do: record("disassociate-address", elastic)},
		{name: "restore after a flush", do: func() { f.on("fe1", "iptables -F") }, wrecked: true, dead: true},
		{name: "restore after a flush, closed", do: func() { f.on("fe1", "iptables -P FORWARD DROP; iptables -F; iptables -X; iptables -t nat -F") }, dead: true},
		{name: "reboot", do: f.reboot, dead: true},
		{name: "reboot, forwarding from the start", do: func() { f.reboot(); f.on("fe1", "echo 1 >/proc/sys/net/ipv4/ip_forward") }, dead: true},
	}
}

// moments are a change under way.
type moments struct {
	*front
	change
	old, now policed
	shots    []crowd.Shot
	n        int
	killed   string
}

// moments does the change in the records, or the damage, and draws the packets: 200 that one of the policies forbids,
// and some that both permit.
func (f *front) moments(c change, random *rand.Rand) *moments {
	f.t.Helper()
	f.on("fe1", "conntrack -F") // the packets of other changes; those of this one stay
	m := &moments{front: f, change: c, old: f.policed()}
	c.do()
	m.now = f.policed()
	f.known(m.now.guests())
	forbidden, permitted := 0, 0
	for tries := 0; forbidden < 200 || permitted < 20; tries++ {
		if tries > 100000 {
			f.t.Fatalf("%s: of %d packets %d are forbidden and %d permitted", c.name, tries, forbidden, permitted)
		}
		s := draw(random, m.old, m.now)
		if s.Proto == wire.UDP && random.IntN(3) == 0 {
			s.Answered, s.SrcPort = true, uint16(1024+tries%10000) // a flow that is known from the first moment on
		}
		s.Sure = m.old.opens(s) && m.now.opens(s)
		switch {
		case s.Sure && permitted < 20:
			permitted++
		case !s.Sure && forbidden < 200:
			forbidden++
		default:
			continue
		}
		m.shots = append(m.shots, s)
	}
	return m
}

// run brings the frontend to the new policy, with a kill before its kill-th program; it returns how many programs the
// first try came to.
func (m *moments) run(g *gate, kill int) (programs int) {
	m.t.Helper()
	if m.dead && m.root() != "" {
		m.listen(g)
	}
	m.killed = "not killed"
	m.look("before")
	g.while(func(words string) bool {
		programs++
		m.look("before " + words)
		if programs == kill {
			m.killed = fmt.Sprintf("killed before %d, %.60s", kill, words)
		}
		return programs == kill
	}, func() { m.crash("", 5*time.Minute, "reconcile", "fe1") })
	if kill <= programs {
		m.look("killed")
		g.while(func(words string) bool { m.look("again before " + words); return false }, func() { m.must("reconcile", "fe1") })
	}
	m.wrecked, m.dead, m.old = false, false, m.now
	for i, s := range m.shots {
		m.shots[i].Sure = m.now.opens(s)
	}
	m.look(theEnd)
	return programs
}

// theEnd is when the frontend has the new policy: from now on it is the only one.
const theEnd = "at the end"

// look sends the packets and judges those that pass.
func (m *moments) look(when string) {
	m.t.Helper()
	if m.t.Failed() {
		return
	}
	m.n++
	shots := slices.Clone(m.shots)
	if m.dead {
		for i := range shots {
			shots[i].Sure = false
		}
	}
	var beyondOld, beyondNow []string
	for _, l := range m.crowd.Try(shots) {
		if !l.Arrived() {
			if l.Sure {
				m.t.Errorf("%s, %s: what is permitted does not pass: %s", m.name, when, l.Shot)
			}
			continue
		}
		old, now := m.old.lets(l.Shot, l.Landed.To), m.now.lets(l.Shot, l.Landed.To)
		words := fmt.Sprintf("%s, at %s", l.Shot, l.Landed.To)
		known := when != theEnd && (l.Answered || !slices.Contains([]byte{wire.TCP, wire.UDP, wire.ICMP}, l.Proto)) // the flow is
		if !old && !known {
			beyondOld = append(beyondOld, words)
		}
		if !now && !known {
			beyondNow = append(beyondNow, words)
		}
		if !old && !now && !m.wrecked {
			m.t.Errorf("%s, %s: passes, and neither policy lets it: %s", m.name, when, words)
		}
	}
	if len(beyondOld) > 0 && len(beyondNow) > 0 && !m.wrecked {
		m.t.Errorf("%s, %s: neither the old policy:\n  %s\nnor the new one:\n  %s", m.name, when, strings.Join(beyondOld, "\n  "), strings.Join(beyondNow, "\n  "))
	}
	if len(beyondNow) == 0 {
		m.wrecked = false // once it is closed it stays so
	}
}

// draw makes a packet between guests that are or were there, and the world; most are such that some rule speaks of them.
func draw(random *rand.Rand, policies ...policed) crowd.Shot {
	p := policies[random.IntN(len(policies))]
	guests := p.guests()
	s := crowd.Shot{Side: crowd.Private}
	from := random.IntN(len(guests))
	s.From, s.To = guests[from], guests[(from+1+random.IntN(len(guests)-1))%len(guests)]
	if random.IntN(2) == 0 {
		s.Side, s.From = crowd.Public, outsiders[random.IntN(len(outsiders))]
		for public, private := range p.behind {
			if private == s.To && random.IntN(2) == 0 {
				s.To = public
			}
		}
	}
	s.Proto = []byte{wire.TCP, wire.UDP, wire.ICMP, p.portless(s)}[random.IntN(4)]
	s.DstPort, s.Type = uint16(random.IntN(100)), 8
	var rules []cloud.Permission
	for _, ip := range guests {
		for _, g := range p.Members[ip] {
			rules = append(rules, g.Rules...)
		}
	}
	if len(rules) > 0 && random.IntN(4) > 0 {
		aim(random, &s, rules[random.IntN(len(rules))])
	}
	return s
}

// portless is a protocol without ports. Where there are none, all that goes to and fro between two is one flow: each
// direction, and each address of the same guest, has a protocol of its own, so that no packet is an answer to another.
func (p policed) portless(s crowd.Shot) byte {
	switch {
	case p.behind[s.To].IsValid():
		return 99
	case !p.Subnet.Contains(s.To):
		return 50
	case s.From.Less(s.To):
		return 47
	}
	return 253
}

// aim makes a packet one that a rule speaks of, or that it just does not.
func aim(random *rand.Rand, s *crowd.Shot, r cloud.Permission) {
	near := func(n int) uint16 { return uint16(min(max(0, n), 65535)) }
	switch r.Protocol {
	case "tcp", "udp":
		s.Proto = map[string]byte{"tcp": wire.TCP, "udp": wire.UDP}[r.Protocol]
		s.DstPort = near([]int{r.From - 1, r.From, r.From + random.IntN(r.To-r.From+1), r.To, r.To + 1}[random.IntN(5)])
	case "icmp":
		s.Proto = wire.ICMP
		s.Type = []byte{8, 13}[random.IntN(2)]
		if r.From >= 0 {
			s.Type = byte(r.From)
		}
		if r.To >= 0 {
			s.Code = byte(r.To) + byte(random.IntN(2))
		}
	}
}
