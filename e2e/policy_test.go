package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"eucactl/e2e/crowd"
	"eucactl/e2e/wire"
)

// TestPolicy lets three users make and change groups, rules and thirty guests at random. After each round 500 packets
// go through the frontend: of guests, of the world, of guests to the world, and of strangers who pretend to be guests;
// of tcp, udp, icmp and protocols without ports, around the edges of the rules. Exactly those arrive that sim/policy
// says do, which knows the records alone; those to a public address at the guest behind it, those of a guest to the
// world under the guest's public address.
//
// Three rounds, of dice; with EUCACTL_SOAK 100.
//
// proves A40 A42 A43 A44 A45 A47 A66
func TestPolicy(t *testing.T) {
	t.Parallel()
	f := newFront(t, "policy")
	random := dice(t)
	n := 3
	if soak() {
		n = 100
	}
	c := &clerk{front: f, random: random, rules: map[string][][]string{}}
	c.begin()
	for round := range n {
		c.change(4)
		f.must("reconcile", "fe1")
		p := f.policed()
		f.known(p.guests())
		let := f.compare(p, random, 500)
		t.Logf("round %d: %d guests, %d packets of 500 let through", round, len(p.Members), let)
		if t.Failed() {
			t.Fatalf("round %d\n%s", round, strings.Join(c.did, "\n"))
		}
		f.on("fe1", "conntrack -F")
	}
	for _, l := range f.crowd.Late() {
		t.Errorf("late: %s", l.Shot)
	}
}

// compare sends n packets and holds what becomes of them against the policy.
func (f *front) compare(p policed, random *rand.Rand, n int) (let int) {
	f.t.Helper()
	var shots []crowd.Shot
	for range n {
		s := wild(random, p)
		s.Sure = p.opens(s)
		shots = append(shots, s)
	}
	for _, l := range f.crowd.Try(shots) {
		switch {
		case l.Arrived() && !l.Sure:
			f.t.Errorf("%s (%s): no rule lets it through, and it arrives at %s", l.Shot, l.Side, l.Landed.To)
		case !l.Arrived() && l.Sure:
			f.t.Errorf("%s (%s): a rule lets it through, and it does not arrive", l.Shot, l.Side)
		case l.Arrived():
			let++
			if from := p.seen(l.Shot); l.Landed.From != from {
				f.t.Errorf("%s (%s): arrives from %s, not from %s", l.Shot, l.Side, l.Landed.From, from)
			}
			if to, ok := p.behind[l.To]; ok && l.Landed.To != to {
				f.t.Errorf("%s (%s): arrives at %s, not at %s", l.Shot, l.Side, l.Landed.To, to)
			}
		}
	}
	return let
}

// seen is the address under which the sender of a shot is seen where it arrives.
func (p policed) seen(s crowd.Shot) netip.Addr {
	if !p.Subnet.Contains(s.From) || p.Subnet.Contains(s.To) || p.behind[s.To].IsValid() {
		return s.From
	}
	for public, private := range p.behind {
		if private == s.From {
			return public
		}
	}
	return frontendsOwn
}

var frontendsOwn = netip.MustParseAddr("203.0.113.2")

// wild is a packet as draw makes it, or a stranger one.
func wild(random *rand.Rand, p policed) crowd.Shot {
	s := draw(random, p)
	guests := p.guests()
	switch random.IntN(10) {
	case 0: // to the world
		s.Side, s.From, s.To = crowd.Private, guests[random.IntN(len(guests))], outsiders[random.IntN(2)]
	case 1: // somebody out there who says that he is a guest
		s.Side, s.From, s.To = crowd.Public, guests[random.IntN(len(guests))], guests[random.IntN(len(guests))]
	case 2: // one whom nobody has, in the cloud's network
		s.To = netip.MustParseAddr("10.50.200.200")
	}
	if s.Proto == wire.ICMP && !p.behind[s.To].IsValid() && p.Subnet.Contains(s.To) && random.IntN(3) == 0 {
		s.Type, s.Code = byte(random.IntN(30)), byte(random.IntN(3)) // what is of no flow is not translated, but it is judged
	}
	if s.Proto != wire.TCP && s.Proto != wire.UDP && s.Proto != wire.ICMP {
		s.Proto = p.portless(s)
		if p.seen(s) == frontendsOwn {
			s.Proto = wire.UDP // behind one address there can be only one flow without ports
		}
	}
	return s
}

// clerk does users' requests.
type clerk struct {
	*front
	random *rand.Rand
	groups []string // USER/NAME
	rules  map[string][][]string
	did    []string
}

func (c *clerk) ask(user string, args ...string) {
	c.t.Helper()
	args = append([]string{"--as", user}, append(args, "--no-wait")...)
	c.did = append(c.did, strings.Join(args, " "))
	c.must(args...)
}

// begin makes the users, their groups and thirty guests.
func (c *clerk) begin() {
	c.t.Helper()
	for _, user := range []string{"admin", "bob", "eve"} {
		if user != "admin" {
			c.ask("admin", "create-user", user)
		}
		c.groups = append(c.groups, user+"/default")
		for _, name := range []string{"web", "db"} {
			c.ask(user, "create-group", name)
			c.groups = append(c.groups, user+"/"+name)
		}
	}
	for len(c.policed().Members) < 30 {
		c.launch()
	}
	for range 12 {
		c.authorize()
	}
}

// change does several requests of each kind.
func (c *clerk) change(n int) {
	c.t.Helper()
	for range n {
		c.authorize()
		c.revoke()
	}
	p := c.policed()
	c.must("terminate-instances", p.newest, "--no-wait")
	c.did = append(c.did, "terminate "+p.newest)
	c.launch()
}

// launch starts some guests in one to three groups of one user.
func (c *clerk) launch() {
	c.t.Helper()
	user := []string{"admin", "bob", "eve"}[c.random.IntN(3)]
	args := []string{"run-instances", c.image, "-n", fmt.Sprint(1 + c.random.IntN(3))}
	names := []string{"default", "web", "db"}
	c.random.Shuffle(3, func(i, j int) { names[i], names[j] = names[j], names[i] })
	for _, name := range names[:1+c.random.IntN(3)] {
		args = append(args, "-g", name)
	}
	if c.random.IntN(3) == 0 {
		args = append(args, "--addressing", "private")
	}
	c.ask(user, args...)
}

// authorize adds a rule that the group does not have.
func (c *clerk) authorize() {
	c.t.Helper()
	group := c.groups[c.random.IntN(len(c.groups))]
	rule := c.rule()
	for _, have := range c.rules[group] {
		if meaning(have) == meaning(rule) {
			return
		}
	}
	user, name, _ := strings.Cut(group, "/")
	c.ask(user, append([]string{"authorize", name}, rule...)...)
	c.rules[group] = append(c.rules[group], rule)
}

// meaning is a rule in one of the ways in which it may be spelled.
func meaning(rule []string) string {
	words := slices.Clone(rule)
	for i, w := range words {
		if one, ok := map[string]string{"-1": "all", "6": "tcp", "17": "udp", "0-0": "0", "203.0.113.101/32": "203.0.113.101"}[w]; ok {
			words[i] = one
		}
	}
	return strings.Join(words, " ")
}

// revoke takes a rule back; others that overlap with it stay.
func (c *clerk) revoke() {
	c.t.Helper()
	group := c.groups[c.random.IntN(len(c.groups))]
	if len(c.rules[group]) == 0 {
		return
	}
	user, name, _ := strings.Cut(group, "/")
	c.ask(user, append([]string{"revoke", name}, c.rules[group][0]...)...)
	c.rules[group] = c.rules[group][1:]
}

// rule is of any kind that can be asked for; many overlap.
func (c *clerk) rule() (args []string) {
	ports := []string{"0", "22", "0-65535", "22-80", "80", "65535", "0-0", "23-5432"}
	switch protocol := []string{"tcp", "udp", "icmp", "all", "-1", "6", "17"}[c.random.IntN(7)]; protocol {
	case "icmp":
		args = []string{"-P", protocol, "-t", []string{"-1:-1", "8:-1", "8:0", "3:1", "13:0", "0:-1"}[c.random.IntN(6)]}
	case "all", "-1":
		args = []string{"-P", protocol}
	default:
		args = []string{"-P", protocol, "-p", ports[c.random.IntN(len(ports))]}
	}
	if c.random.IntN(2) == 0 {
		user, name, _ := strings.Cut(c.groups[c.random.IntN(len(c.groups))], "/")
		return append(args, "--source-group", name, "-u", user)
	}
	return append(args, "-s", []string{"0.0.0.0/0", "203.0.113.0/24", "203.0.113.101/32", "203.0.113.101", "198.51.100.0/25", "10.50.1.0/27", "192.0.0.0/2"}[c.random.IntN(7)])
}
