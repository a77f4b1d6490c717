package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"eucactl/cloud"
	"eucactl/e2e/wire"
)

// TestRevokeExactly keeps a hundred flows going through the frontend, of tcp and udp, from the world to public
// addresses and between guests of several groups; both ends of each talk all the time. A rule is revoked that ten of
// them have nothing else to go by, of the world's; then another, that ten between guests live by. Those are cut at once,
// and of all others the frontend swallows not one packet, in either direction; also of those that had two rules and keep
// one. On both back ends of iptables. The guests are network namespaces on the nodes' switch with the kernel's own tcp.
//
// proves A40 A43 A44 A45 A47
func TestRevokeExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "revoke", 1)
	w.on("node1", roomyNode)
	w.must("reconcile", "node1")
	w.on("client", "ip addr add 203.0.113.101/24 dev eth0")
	for _, args := range [][]string{
		{"create-group", "web"}, {"create-group", "db"}, {"create-group", "extra"},
		{"authorize", "web", "-P", "tcp", "-p", "7000-7009", "-s", "203.0.113.100"},
		{"authorize", "web", "-P", "udp", "-p", "7000-7009", "-s", "203.0.113.96/29"},
		{"authorize", "web", "-P", "tcp", "-p", "7000"},
		{"authorize", "db", "-P", "tcp", "-p", "5000-5004", "--source-group", "web"},
		{"authorize", "db", "-P", "udp", "-p", "5000-5009", "--source-group", "web"},
		{"run-instances", w.image, "-g", "web"}, {"run-instances", w.image, "-g", "web", "-g", "extra"},
		{"run-instances", w.image, "-g", "db", "-n", "2"},
	} {
		w.must(append(args, "--no-wait")...)
	}
	guests := w.standIns()
	for _, backend := range []string{"nft", "legacy"} {
		w.on("fe1", "update-alternatives --quiet --set iptables /usr/sbin/iptables-"+backend)
		w.revokes(backend, guests)
		if err := w.lab.Reboot("fe1"); err != nil {
			t.Fatal(err)
		}
	}
}

// byWorld and byGuest are the rules that are revoked.
var (
	byWorld = []string{"web", "-P", "all", "-s", "203.0.113.101"}
	byGuest = []string{"db", "-P", "all", "--source-group", "extra"}
)

func (w *world) revokes(backend string, guests []standIn) {
	w.t.Helper()
	for _, rule := range [][]string{byWorld, byGuest} {
		w.must(append(append([]string{"authorize"}, rule...), "--no-wait")...)
	}
	w.must("reconcile", "fe1")
	if version := w.on("fe1", "iptables --version"); !strings.Contains(version, strings.Replace(backend, "nft", "nf_tables", 1)) {
		w.t.Fatalf("%s: %s", backend, version)
	}
	ctx, stop := context.WithCancel(context.Background())
	hung, hang := context.WithCancel(context.Background())
	defer hang()
	defer stop()
	b := &switchboard{w: w, ctx: ctx, hung: hung, calls: calls(guests)}
	b.connect(guests)
	seen, err := b.watch("fe1", "eth0", "eth1")
	if err != nil {
		w.t.Fatal(err)
	}
	cut := map[*call]bool{}
	for _, rule := range [][]string{byWorld, byGuest} {
		w.must(append([]string{"revoke"}, append(rule, "--no-wait")...)...)
		w.must("reconcile", "fe1")
		b.cutNow(cut, rule[0] == "db")
	}
	time.Sleep(500 * time.Millisecond)
	stop()
	b.eventually("all that was said is heard", func(c *call) bool {
		said, heard, _ := c.up.counts()
		told, answered, _ := c.down.counts()
		return cut[c] || said == heard && told == answered
	})
	b.losses(cut, seen)
	w.t.Logf("%s: %d calls cut, %d segments sent again by the others' callers", backend, len(cut), b.again(cut))
}

// connect lets the guests take calls wherever one goes to, and begins them all.
func (b *switchboard) connect(guests []standIn) {
	b.w.t.Helper()
	served := map[string]bool{}
	for _, c := range b.calls {
		i := slices.IndexFunc(guests, func(g standIn) bool { return c.to.Addr() == g.ip || c.to.Addr() == g.public })
		where := fmt.Sprint(guests[i].space, c.proto, c.to.Port())
		if !served[where] {
			served[where] = true
			if err := b.serve(guests[i].space, c.proto, c.to.Port()); err != nil {
				b.w.t.Fatal(err)
			}
		}
	}
	for _, c := range b.calls {
		if err := b.dial(c); err != nil {
			b.w.t.Fatal(err)
		}
	}
	b.eventually("everybody is heard", func(c *call) bool {
		_, up, _ := c.up.counts()
		_, down, _ := c.down.counts()
		return up > 5 && down > 5
	})
}

// calls are the hundred.
func calls(guests []standIn) (list []*call) {
	add := func(proto, from, source string, to netip.Addr, first, last uint16) {
		for port := first; port <= last; port++ {
			c := &call{id: len(list), proto: proto, from: from, to: netip.AddrPortFrom(to, port)}
			if source != "" {
				c.source = netip.MustParseAddr(source)
			}
			list = append(list, c)
		}
	}
	w1, w2, d1, d2 := guests[0], guests[1], guests[2], guests[3]
	for _, g := range []standIn{w1, w2} {
		add("tcp", "client", "203.0.113.100", g.public, 7000, 7009)
		add("udp", "client", "203.0.113.100", g.public, 7000, 7009)
	}
	add("tcp", "client", "203.0.113.101", w1.public, 7001, 7009) // cut: nine,
	add("udp", "client", "203.0.113.101", w1.public, 7001, 7005) // not these, which a network includes,
	add("tcp", "client", "203.0.113.101", w2.public, 7009, 7009) // and one
	add("tcp", "client", "203.0.113.101", w2.public, 7000, 7000) // not this one, which everybody may
	add("tcp", w1.space, "", d1.ip, 5000, 5004)
	add("udp", w1.space, "", d1.ip, 5000, 5009)
	add("tcp", w2.space, "", d1.ip, 5000, 5004)
	add("udp", w2.space, "", d1.ip, 5000, 5004)
	add("tcp", w2.space, "", d2.ip, 6000, 6004) // cut: five
	add("udp", w2.space, "", d2.ip, 6000, 6004) // and five
	add("udp", w1.space, "", d2.ip, 5000, 5008)
	return list
}

// loses says whether a call had nothing but the rule that was revoked.
func (c *call) loses(between bool) bool {
	if between {
		return c.to.Port() >= 6000 && c.to.Port() < 7000
	}
	return c.source == netip.MustParseAddr("203.0.113.101") && c.proto == "tcp" && c.to.Port() != 7000
}

// eventually waits until it is so of every call.
func (b *switchboard) eventually(what string, so func(*call) bool) {
	b.w.t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var wrong []string
		for _, c := range b.calls {
			if !so(c) {
				wrong = append(wrong, fmt.Sprint(c))
			}
		}
		if len(wrong) == 0 {
			return
		}
		if time.Now().After(limit) {
			b.w.t.Fatalf("it is not so that %s, for:\n%s", what, strings.Join(wrong, "\n"))
		}
	}
}

// cutNow: since the verb is done the servers of those that lost their permission have heard nothing; between guests the
// callers neither.
func (b *switchboard) cutNow(cut map[*call]bool, between bool) {
	b.w.t.Helper()
	time.Sleep(100 * time.Millisecond) // what was under way
	before := map[*call][2]int{}
	for _, c := range b.calls {
		if c.loses(between) {
			cut[c] = true
		}
		_, up, _ := c.up.counts()
		_, down, _ := c.down.counts()
		before[c] = [2]int{up, down}
	}
	time.Sleep(time.Second)
	n := 0
	for _, c := range b.calls {
		said, up, _ := c.up.counts()
		_, down, _ := c.down.counts()
		up, down = up-before[c][0], down-before[c][1]
		switch {
		case c.loses(between) && (up > 0 || between && down > 0):
			b.w.t.Errorf("%s goes on: of %d it was heard %d times more, and answered %d times", c, said, up, down)
		case c.loses(between):
			n++
		case !cut[c] && (up == 0 || down == 0):
			b.w.t.Errorf("%s stopped", c)
		}
	}
	if n != 10 {
		b.w.t.Errorf("%d calls were cut, not 10", n)
	}
}

// losses: of the calls that nobody cut the router swallowed nothing.
func (b *switchboard) losses(cut map[*call]bool, seen *passing) {
	b.w.t.Helper()
	mine := map[passed]*call{}
	for _, c := range b.calls {
		proto := map[string]byte{"tcp": wire.TCP, "udp": wire.UDP}[c.proto]
		local := netip.MustParseAddrPort(c.conn.LocalAddr().String()).Port()
		mine[passed{proto: proto, from: local, to: c.to.Port()}] = c
		mine[passed{proto: proto, from: c.to.Port(), to: local}] = c
	}
	time.Sleep(500 * time.Millisecond) // until all that was seen is counted
	lost := seen.lost()
	swallowed := 0
	for one, n := range lost {
		if c := mine[one]; c != nil && cut[c] {
			swallowed++
		} else if c != nil {
			b.w.t.Errorf("%s: %d packets did not leave the frontend: %+v", c, n, one)
		}
	}
	if swallowed < 20 {
		b.w.t.Errorf("only of %d calls that were cut the frontend swallowed anything", swallowed)
	}
	for _, c := range b.calls {
		if _, _, missing := c.up.counts(); missing > 0 && !cut[c] {
			b.w.t.Errorf("%s: the server missed %d", c, missing)
		}
		if _, _, missing := c.down.counts(); missing > 0 && !cut[c] {
			b.w.t.Errorf("%s: the caller missed %d", c, missing)
		}
	}
}

// again counts segments that were sent twice, which a busy machine does too.
func (b *switchboard) again(cut map[*call]bool) (n int) {
	for _, c := range b.calls {
		if !cut[c] {
			n += c.retransmitted()
		}
	}
	return n
}

// standIn is a network namespace with a guest's address and MAC on the switch of the nodes.
type standIn struct {
	space      string
	ip, public netip.Addr
}

// standIns makes one for each instance, in the order of their launch.
func (w *world) standIns() (list []standIn) {
	w.t.Helper()
	r := w.records()
	for i, id := range w.instances() {
		in := r.instances[id]
		port := r.ports[string(in.Port)]
		var subnet cloud.Subnet
		for _, s := range r.subnets {
			if s.CIDR.Contains(port.IP) {
				subnet = s
			}
		}
		g := standIn{fmt.Sprintf("guest%d", i+1), port.IP, in.Public}
		space, cable := w.lab.Net(g.space), g.space+".0"
		script := fmt.Sprintf(`ip netns add %[1]s
			ip -n %[2]s link add %[3]s type veth peer name eth0 address %[4]s netns %[1]s
			ip -n %[2]s link set %[3]s master priv up
			ip -n %[1]s link set eth0 up
			ip -n %[1]s addr add %[5]s dev eth0
			ip -n %[1]s route add default via %[6]s`,
			space, w.lab.Net("."), cable, port.MAC, netip.PrefixFrom(port.IP, subnet.CIDR.Bits()), subnet.Gateway)
		if words, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
			w.t.Fatalf("%s: %v: %s", g.space, err, words)
		}
		list = append(list, g)
	}
	return list
}
