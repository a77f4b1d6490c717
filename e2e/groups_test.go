package e2e

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"eucactl/cloud"
	"eucactl/e2e/crowd"
	"eucactl/e2e/wire"
)

// TestGroups tells what security groups mean, one request after the other, each with packets: what is said of them is
// what the frontend does, and what the records say of them is the same.
//
// A is in web, B in web and db, C in db, D in bob's shop; W, X and Y are in the world. "W>A tcp:22" is a packet from W to
// A, to the public address and to the private one; "8/0" and the like are icmp's type and code, a bare number a protocol.
//
// proves A40 A42 A43 A44 A45 A47 A50
func TestGroups(t *testing.T) {
	t.Parallel()
	f := newFront(t, "groups")
	for _, args := range [][]string{
		{"create-group", "web"}, {"create-group", "db"}, {"create-user", "bob"}, {"--as", "bob", "create-group", "shop"}, {"--as", "bob", "create-group", "web"},
		{"run-instances", f.image, "-g", "web"}, {"run-instances", f.image, "-g", "web", "-g", "db"}, {"run-instances", f.image, "-g", "db"},
		{"--as", "bob", "run-instances", f.image, "-g", "shop"}, {"--as", "bob", "run-instances", f.image, "-g", "web"},
	} {
		f.must(append(args, "--no-wait")...)
	}
	f.must("reconcile", "fe1")
	f.known(f.policed().guests())
	at := f.cast("ABCDE")
	for _, s := range groupStory {
		if s.ask != "" {
			f.must(append(strings.Fields(s.ask), "--no-wait")...)
			f.must("reconcile", "fe1")
		}
		f.tells(s.name, at, s.passes, s.not)
		if t.Failed() {
			t.Fatal(f.on("fe1", "iptables-save; ipset save"))
		}
	}
}

// groupStory is what is asked, what passes then, and what does not.
var groupStory = []struct{ name, ask, passes, not string }{
	{"Nothing is open from outside, and between groups; members of a group do as they like, and who is in two groups is a member of both.", "",
		"A>B tcp:1, A>B udp:0, A>B 8/0, A>B 13/0, A>B 47, B>A tcp:65535, B>C tcp:1, C>B 50, A>W tcp:80, D>X 8/0",
		"W>A tcp:22, W>A 8/0, W>B 47, A>C tcp:1, C>A udp:0, A>D tcp:80, D>A 8/0, D>E tcp:1, E>D udp:1"},
	{"A port is one port, of one protocol, for whom it was opened.", "authorize web -P tcp -p 22 -s 203.0.113.101",
		"W>A tcp:22, W>B tcp:22", "W>A tcp:21, W>A tcp:23, W>A udp:22, X>A tcp:22, Y>B tcp:22, W>C tcp:22, W>E tcp:22, C>A tcp:22"},
	{"A range has both its ends.", "authorize web -P udp -p 5000-5010", "W>A udp:5000, Y>B udp:5010, C>A udp:5005, D>A udp:5005", "W>A udp:4999, W>A udp:5011, W>A tcp:5005, W>C udp:5005"},
	{"Port 0 is a port.", "authorize db -P tcp -p 0", "W>C tcp:0, W>B tcp:0", "W>C tcp:1, W>C udp:0, W>A tcp:0"},
	{"All of them are 0 to 65535.", "authorize db -P udp -p 0-65535 -s 198.51.100.0/24", "Y>C udp:0, Y>C udp:65535, Y>B udp:1", "Y>C tcp:1, W>C udp:0, Y>A udp:1"},
	{"Of icmp a type and a code,", "authorize web -P icmp -t 13:0", "W>A 13/0", "W>A 8/0, W>A 13/1, W>A 17/0, W>C 13/0"},
	{"or a type with any code,", "authorize web -P icmp -t 8:-1", "W>A 8/0, W>A 8/7, W>A 13/0", "W>A 17/0, W>A tcp:8"},
	{"or everything.", "authorize db -P icmp -t -1:-1 -s 203.0.113.0/24", "W>C 8/0, X>C 13/0, W>C 17/0, W>B 15/3", "Y>C 8/0, W>A 17/0"},
	{"All protocols are all of them.", "authorize db -P all -s 203.0.113.102", "X>C tcp:1, X>C udp:9, X>C 47, X>C 132, X>B 50", "W>C 47, X>A 47, Y>C tcp:1"},
	{"A group is a source by its user's name and its own: bob's shop,", "authorize web -P tcp -p 80 --source-group shop -u bob", "D>A tcp:80, D>B tcp:80", "E>A tcp:80, W>A tcp:80, C>A tcp:80, A>D tcp:80, D>A tcp:81"},
	{"and for bob the admin's web, which is not his own web.", "--as bob authorize shop -P tcp -p 80 --source-group web -u admin", "A>D tcp:80, B>D tcp:80", "E>D tcp:80, C>D tcp:80, W>D tcp:80"},
	{"Without a user it is the caller's own.", "--as bob authorize shop -P udp -p 53 --source-group web", "E>D udp:53", "A>D udp:53, W>D udp:53"},
	{"Two networks that overlap are two rules:", "authorize db -P tcp -p 443 -s 203.0.113.101/32", "W>C tcp:443", "Y>C tcp:443"},
	{"the wider one lets more in,", "authorize db -P tcp -p 443 -s 0.0.0.0/0", "W>C tcp:443, Y>C tcp:443, A>C tcp:443", "W>C tcp:444"},
	{"and when the narrow one is taken back the wider one stays;", "revoke db -P tcp -p 443 -s 203.0.113.101/32", "W>C tcp:443, Y>C tcp:443", "W>C tcp:444"},
	{"taken back as well, nothing is left,", "revoke db -P tcp -p 443 -s 0.0.0.0/0", "X>C tcp:443", "W>C tcp:443, Y>C tcp:443, A>C tcp:443"},
	{"also for ranges that overlap:", "authorize web -P udp -p 5010-5020", "W>A udp:5005, W>A udp:5010, W>A udp:5020", "W>A udp:5021"},
	{"what another rule includes stays open.", "revoke web -P udp -p 5000-5010", "W>A udp:5010, W>A udp:5020", "W>A udp:5009, W>A udp:5005"},
	{"Who is in two groups has what either permits, and loses what the one of them gave:", "revoke web -P tcp -p 22 -s 203.0.113.101", "W>B tcp:0, X>B tcp:22", "W>B tcp:22, W>A tcp:22"},
	{"A network in the cloud is a network of guests.", "authorize db -P tcp -p 9 -s 10.50.0.0/16", "A>C tcp:9, D>B tcp:9", "W>C tcp:9, A>D tcp:9"},
	{"A taken source group shuts its members out, and nobody else.", "revoke web -P tcp -p 80 --source-group shop -u bob", "A>D tcp:80, A>B tcp:80", "D>A tcp:80, D>B tcp:80"},
}

// cast are the addresses of those whom a story speaks of: instances in the order of their launch, and who is outside.
func (f *front) cast(letters string) map[string][]netip.Addr {
	f.t.Helper()
	at := map[string][]netip.Addr{"W": outsiders[:1], "X": outsiders[1:2], "Y": outsiders[2:3]}
	r := f.records()
	living := r.living()
	slices.SortFunc(living, func(a, b cloud.Instance) int { return a.Launched.Compare(b.Launched) })
	for i, in := range living {
		at[letters[i:i+1]] = []netip.Addr{r.ports[string(in.Port)].IP, in.Public}
	}
	return at
}

// tells sends the packets that a story speaks of. The records must say of them what it says.
func (f *front) tells(what string, at map[string][]netip.Addr, passes, not string) {
	f.t.Helper()
	p := f.policed()
	var shots []crowd.Shot
	for _, s := range f.spoken(at, passes) {
		s.Sure = true
		shots = append(shots, s)
	}
	shots = append(shots, f.spoken(at, not)...)
	for _, l := range f.crowd.Try(shots) {
		if l.Arrived() != l.Sure {
			f.t.Errorf("%s\n%s (%s): passes: %v", what, l.Shot, l.Side, l.Arrived())
		}
		if p.opens(l.Shot) != l.Sure {
			f.t.Errorf("%s\n%s (%s): the records say otherwise", what, l.Shot, l.Side)
		}
	}
}

// spoken reads "W>A tcp:22, A>B 8/0, B>C 47".
func (f *front) spoken(at map[string][]netip.Addr, text string) (shots []crowd.Shot) {
	f.t.Helper()
	for _, one := range strings.Split(text, ", ") {
		who, what, _ := strings.Cut(one, " ")
		from, to, _ := strings.Cut(who, ">")
		s := crowd.Shot{Side: crowd.Private}
		if strings.Contains("WXY", from) {
			s.Side = crowd.Public
		}
		s.From = at[from][0]
		var port, code int
		var err error
		if proto, number, ok := strings.Cut(what, ":"); ok {
			s.Proto = map[string]byte{"tcp": wire.TCP, "udp": wire.UDP}[proto]
			port, err = strconv.Atoi(number)
			s.DstPort = uint16(port)
		} else if kind, number, ok := strings.Cut(what, "/"); ok {
			s.Proto = wire.ICMP
			port, err = strconv.Atoi(kind)
			s.Type = byte(port)
			code, _ = strconv.Atoi(number)
			s.Code = byte(code)
		} else {
			port, err = strconv.Atoi(what)
			s.Proto = byte(port)
		}
		if err != nil || s.Proto == 0 {
			f.t.Fatalf("no packet: %q", one)
		}
		for i, address := range at[to] {
			if i == 1 && (s.Side == crowd.Private || s.Proto != wire.TCP && s.Proto != wire.UDP && s.Proto != wire.ICMP) {
				continue // guests know each other by the private address; without ports both would be one flow
			}
			s.To = address
			shots = append(shots, s)
		}
	}
	return shots
}

// TestNames gives groups names that iptables cannot bear, or that mean something to others. Their rules work, and
// describe-group says in which chain they stand.
//
// proves A41 A49 A50
func TestNames(t *testing.T) {
	t.Parallel()
	f := newFront(t, "names")
	f.on("fe1", "iptables -N DOCKER-USER; iptables -A DOCKER-USER -s 192.0.2.1 -j DROP; iptables -A FORWARD -j DOCKER-USER")
	foreign := f.on("fe1", "iptables -S DOCKER-USER")
	names := []string{"ad min", "日本-web", "a;b", "USER", "--help", "$(reboot)", `it's "quoted"`, "#", "x -j ACCEPT", "plain", strings.Repeat("n", 24), strings.Repeat("n", 25), strings.Repeat("é", 127)}
	plain := map[string]string{"--help": "ann---help", "plain": "ann-plain", names[10]: "ann-" + names[10]}
	for _, user := range []string{"ann", "DOCKER"} {
		f.must("create-user", user, "--no-wait")
	}
	owner := func(name string) string {
		if name == "USER" {
			return "DOCKER"
		}
		return "ann"
	}
	for i, name := range names {
		f.must("--as", owner(name), "create-group", "--no-wait", "--", name)
		f.must("--as", owner(name), "authorize", "--no-wait", "-P", "tcp", "-p", fmt.Sprint(1000+i), "--", name)
		f.must("--as", owner(name), "run-instances", f.image, "--no-wait", "-g", name)
	}
	// One is a source by its odd name.
	f.must("--as", "ann", "authorize", "--no-wait", "-P", "udp", "-p", "9", "--source-group", names[1], "--", names[0])
	f.must("reconcile", "fe1")
	p := f.policed()
	f.known(p.guests())
	var shots []crowd.Shot
	for ip, groups := range p.Members {
		for port := range len(names) {
			s := crowd.Shot{Side: crowd.Public, Packet: wire.Packet{From: outsiders[0], To: ip, Proto: wire.TCP, DstPort: uint16(1000 + port)}}
			s.Sure = groups[0].Name == names[port]
			shots = append(shots, s)
		}
		for from, source := range p.Members {
			s := crowd.Shot{Side: crowd.Private, Packet: wire.Packet{From: from, To: ip, Proto: wire.UDP, DstPort: 9}}
			s.Sure = groups[0].Name == names[0] && source[0].Name == names[1]
			if from != ip {
				shots = append(shots, s)
			}
		}
	}
	for _, l := range f.crowd.Try(shots) {
		if l.Arrived() != l.Sure {
			t.Errorf("%s, of %q: passes: %v", l.Shot, p.Members[l.To][0].Name, l.Arrived())
		}
	}
	chains := map[string]bool{}
	for i, name := range names {
		row := strings.SplitN(f.must("--as", owner(name), "describe-group", "--", name), "\n", 2)[0]
		cells := strings.Split(row, "\t")
		chain := strings.TrimPrefix(cells[len(cells)-1], "chain ")
		if len(cells) != 6 || cells[3] != name || chains[chain] {
			t.Errorf("%q is shown as %q", name, row)
		}
		if want := plain[name]; want != "" && chain != want || want == "" && !strings.HasPrefix(chain, "EUCA-g-") {
			t.Errorf("%q has the chain %q", name, chain)
		}
		chains[chain] = true
		if rules := f.on("fe1", `iptables -n -L "$1"`, chain); !strings.Contains(rules, fmt.Sprintf("dpt:%d", 1000+i)) {
			t.Errorf("%q: iptables -L %s says\n%s", name, chain, rules)
		}
	}
	if now := f.on("fe1", "iptables -S DOCKER-USER"); now != foreign {
		t.Errorf("Docker's chain was\n%s, and is\n%s", foreign, now)
	}
	if hook := f.on("fe1", "iptables -S FORWARD | tail -n 1"); hook != "-A FORWARD -j DOCKER-USER\n" {
		t.Errorf("Docker's hook is now %q", hook)
	}
}
