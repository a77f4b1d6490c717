package reach

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/rogpeppe/go-internal/txtar"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/state"
)

// site is what the hosts of a cloud answered, and its records.
type site struct {
	t       testing.TB
	files   map[string]string // fe1/links ...
	records *state.Tx
	inv     *inventory.Inventory
	missing map[string]Answer // instead of a file
	at      time.Time         // when they were asked
}

func openSite(t testing.TB) *site {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "healthy.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, files: map[string]string{}, missing: map[string]Answer{}, at: time.Date(2027, 1, 2, 12, 0, 0, 0, time.UTC)}
	for _, f := range archive.Files {
		s.files[f.Name] = string(f.Data)
	}
	if s.inv, err = inventory.Parse("inventory.yml", []byte(s.files["inventory.yml"])); err != nil {
		t.Fatal(err)
	}
	store, err := state.Open("state", state.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := store.Import(strings.NewReader(s.files["records"])); err != nil {
		t.Fatal(err)
	}
	s.records = store.View()
	return s
}

// change replaces text in a host's answer, which must be there, or the whole answer.
func (s *site) change(file, old, text string) {
	s.t.Helper()
	if old == "" {
		s.files[file] = text
		return
	}
	if !strings.Contains(s.files[file], old) {
		s.t.Fatalf("%s has no %q", file, old)
	}
	s.files[file] = strings.ReplaceAll(s.files[file], old, text)
}

const instance = "i-6b4cb0df"

func (s *site) why(q cloud.Why) cloud.Diagnosis {
	in, ok := s.records.Instance(instance)
	if !ok {
		s.t.Fatal("the records have no " + instance)
	}
	q.ID = instance
	p, broken := Find(s.records, s.inv, in, q, cloud.Admin)
	if broken != nil {
		return cloud.Diagnosis{Way: p.Way(), Broken: broken}
	}
	answers := func(host string) map[string]Answer {
		m := map[string]Answer{}
		for name, text := range s.files {
			if q, ok := strings.CutPrefix(name, host+"/"); ok {
				m[q] = Answer{Text: text}
				if a, ok := s.missing[name]; ok {
					m[q] = a
				}
			}
		}
		return m
	}
	front := ReadHost("fe1", p.FrontendQuestions(), answers("fe1"))
	node := ReadHost("node1", p.NodeQuestions(), answers("node1"))
	front.Answered, node.Answered = s.at.Add(400*time.Millisecond), s.at.Add(400*time.Millisecond)
	return p.Judge(front, node, map[string]string{"filter": s.files["expected/filter"], "nat": s.files["expected/nat"]})
}

func said(d cloud.Diagnosis) string {
	if d.Broken == nil {
		return "nothing wrong found"
	}
	return d.Broken.Host + ": " + d.Broken.Words
}

// edit is one change of an answer.
type edit struct{ file, old, text string }

// silentGuest is what hosts say of a guest that nobody hears.
func silentGuest() []edit {
	const silence = `10.50.1.2 known [{"dst":"10.50.1.2","dev":"eth0","state":["FAILED"]}]`
	return []edit{
		{"fe1/neighbours", "10.50.1.2 ping yes", "10.50.1.2 ping no"},
		{"fe1/neighbours", "10.50.1.2 reply d0:0d:6b:4c:b0:df\n", ""},
		{"fe1/neighbours", `10.50.1.2 known [{"dst":"10.50.1.2","dev":"eth0","lladdr":"d0:0d:6b:4c:b0:df","state":["DELAY"]}]`, silence},
		{"node1/senders", "window 14", "window 130"}, {"fe1/neighbours", "10.50.1.2 at 2", "10.50.1.2 at 2\n10.50.1.2 at 103"},
		{"fe1/elapsed", "", "200\n"}, {"node1/senders", "age d0:0d:6b:4c:b0:df 7\n", "age d0:0d:6b:4c:b0:df 900\n"},
	}
}

// TestJudge changes what a healthy cloud's hosts answered. What real tools say of
// real faults is in e2e/faults; here is what a lab cannot do, or not quickly.
func TestJudge(t *testing.T) {
	silent := silentGuest()
	for _, c := range []struct {
		name  string
		edits []edit
		q     cloud.Why
		want  string
	}{
		{name: "healthy", want: "nothing wrong found"},
		{
			name: "table full", want: "fe1: its connection tracking table is full: 65536 of 65536",
			edits: []edit{{"fe1/settings", "nf_conntrack_max=262144", "nf_conntrack_max=65536"}, {"fe1/settings", "nf_conntrack_count=", "nf_conntrack_count=65536\nx="}},
		},
		{
			name: "spanning tree", want: "node1: br0 does not forward to i-6b4cb0df, its card: the port is listening",
			edits: []edit{{"node1/links", `"state":"forwarding"`, `"state":"listening"`}},
		},
		{
			name: "no carrier", want: "fe1: eth0, the interface towards the guests, has no carrier",
			edits: []edit{{"fe1/links", `"LOWER_UP"],"mtu":1500,"qdisc":"noqueue","operstate":"UP"`, `"NO-CARRIER"],"mtu":1500,"qdisc":"noqueue","operstate":"DOWN"`}},
		},
		{
			name: "crashed", want: `node1: its machine is shut off \(crashed\)`,
			edits: []edit{{"node1/guest", "running (booted)", "shut off (crashed)"}},
		},
		{
			name: "another card", want: "node1: its machine has no network card d0:0d:6b:4c:b0:df",
			edits: []edit{{"node1/guest", "<mac address='d0:0d:6b:4c:b0:df'/>", "<mac address='d0:0d:00:00:00:01'/>"}},
		},
		{
			name: "no uplink", want: "node1: br0 has no uplink",
			edits: []edit{{"node1/links", `"master":"br0","operstate":"UP"`, `"operstate":"UP"`}},
		},
		{
			name: "another machine has the MAC", want: "node1: somebody else has its MAC d0:0d:6b:4c:b0:df: br0 hears it at eth0, not at i-6b4cb0df",
			edits: []edit{{"node1/senders", `"mac":"d0:0d:6b:4c:b0:df","ifname":"i-6b4cb0df"`, `"mac":"d0:0d:6b:4c:b0:df","ifname":"eth0"`}},
		},
		{
			name: "legacy and nft", want: "fe1: nothing lets tcp 22 through: iptables-legacy filter FORWARD: its policy is DROP",
			edits: []edit{{"fe1/rules", "== ebtables", "== iptables-legacy\n*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p udp -j ACCEPT\nCOMMIT\n== ebtables"}},
		},
		{
			name: "a rule that may fit is not blamed", want: "nothing wrong found",
			edits: []edit{{"fe1/rules", "-A FORWARD -j EUCA-FORWARD", "-A FORWARD -m geoip --source-country XX -j DROP\n-A FORWARD -j EUCA-FORWARD"}},
		},
		{
			name: "nor one behind a rule that may accept", want: "nothing wrong found",
			edits: []edit{{"fe1/rules", "-A FORWARD -j EUCA-FORWARD", "-A FORWARD -m geoip --source-country XX -j RETURN\n-A FORWARD -p tcp -j DROP\n-A FORWARD -j EUCA-FORWARD"}},
		},
		{
			name: "but one that drops either way", want: "fe1: a rule that is not eucactl's stops tcp 22: iptables filter FORWARD: -p tcp -j DROP",
			edits: []edit{{"fe1/rules", "-A FORWARD -j EUCA-FORWARD", "-A FORWARD -m geoip --source-country XX -j DROP\n-A FORWARD -p tcp -j DROP\n-A FORWARD -j EUCA-FORWARD"}},
		},
		{
			name: "a circle of chains", want: "nothing wrong found",
			edits: []edit{{"fe1/rules", ":EUCA-FORWARD - [0:0]", ":EUCA-FORWARD - [0:0]\n:a - [0:0]\n-A FORWARD -j a\n-A a -j a"}},
		},
		{
			name: "policy routing by a mark", want: "fe1: a route of fe1 refuses packets to 10.50.1.2: rule 100: prohibit",
			edits: []edit{
				{"fe1/rules", "*nat\n", "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i eth1 -j MARK --set-xmark 0x5/0xffffffff\nCOMMIT\n*nat\n"},
				{"fe1/routing", `[{"priority":0,`, `[{"priority":100,"src":"all","fwmark":"0x5","action":"prohibit"},{"priority":0,`},
			},
		},
		{
			name: "the guest is silent", edits: silent,
			want: "fe1: the guest does not answer ARP for 10.50.1.2, and all on the way to it is as it should be",
		},
		{
			name:  "the wire loses what comes from the frontend",
			edits: append(slices.Clone(silent), edit{"node1/senders", "age 02:1a:b0:95:cc:20 7\n", "age 02:1a:b0:95:cc:20 2000\n"}),
			want:  "fe1: fe1's frames do not arrive at node1: they are lost between eth0 of fe1 and eth0 of node1",
		},
		{
			name: "nobody listened", edits: append(slices.Clone(silent), edit{"fe1/neighbours", "10.50.1.2 at 103\n", ""}),
			want: "fe1: nobody answers ARP for 10.50.1.2, and all that can be seen on the way is as it should be: it is the guest, or the wire",
		},
		{
			name: "a bridge that filters VLANs", want: "node1: br0 filters VLANs: i-6b4cb0df, its card, is in VLAN 20, and the uplink eth0 is in .1.",
			edits: []edit{
				{"node1/links", `"vlan_filtering":0`, `"vlan_filtering":1`},
				{"node1/vlans", "", `[{"ifname":"i-6b4cb0df","vlans":[{"vlan":20,"flags":["PVID"]}]},{"ifname":"eth0","vlans":[{"vlan":1,"flags":["PVID"]}]}]`},
			},
		},
		{
			name: "one that passes the card's VLAN", want: "nothing wrong found",
			edits: []edit{
				{"node1/links", `"vlan_filtering":0`, `"vlan_filtering":1`},
				{"node1/vlans", "", `[{"ifname":"i-6b4cb0df","vlans":[{"vlan":20,"flags":["PVID"]}]},{"ifname":"eth0","vlans":[{"vlan":2,"vlanEnd":4094}]}]`},
			},
		},
		{
			name: "losses on purpose", want: "fe1: a queue on eth0 loses 100 % of the packets that leave there",
			edits: []edit{{"fe1/queues", "", `[{"kind":"netem","dev":"eth0","options":{"loss-random":{"loss":1,"correlation":0}}}]`}},
		},
		{
			name: "a few losses, and others' queues", want: "nothing wrong found",
			edits: []edit{{"fe1/queues", "", `[{"kind":"netem","dev":"eth0","options":{"loss-random":{"loss":0.01},"rate":{"rate":125000}}},{"kind":"tbf","dev":"spare","options":{"rate":1}}]`}},
		},
		{
			name: "no libvirt, but the card is there to see", want: "node1: i-6b4cb0df, its card, is switched off",
			edits: []edit{{"node1/guest", "", "nonsense"}, {"node1/links", `"ifname":"i-6b4cb0df","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"]`, `"ifname":"i-6b4cb0df","flags":["BROADCAST"]`}},
		},
		{
			name: "no permission", q: cloud.Why{From: netip.MustParseAddr("198.51.100.7"), Port: 443},
			want: ": no rule of its group default permits tcp 443 from 198.51.100.7",
		},
		{name: "a guest of another group asks", q: cloud.Why{From: netip.MustParseAddr("10.50.1.34")}, want: "nothing wrong found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openSite(t)
			for _, e := range c.edits {
				s.change(e.file, e.old, e.text)
			}
			d := s.why(c.q)
			if got := said(d); !regexp.MustCompile("^" + c.want).MatchString(got) {
				t.Errorf("%s\nwant %s\n%+v", got, c.want, d)
			}
		})
	}
}

// A guest that was launched a moment ago may still be starting, which is said before it
// is suggested to reboot it.
func TestStarting(t *testing.T) {
	for age, want := range map[time.Duration]string{
		20 * time.Second: "it was launched 20s ago and may still be starting: ask again in a moment",
		time.Hour:        "eucactl get-console-output " + instance,
	} {
		s := openSite(t)
		in, _ := s.records.Instance(instance)
		s.at = in.Launched.Add(age)
		for _, e := range silentGuest() {
			s.change(e.file, e.old, e.text)
		}
		d := s.why(cloud.Why{})
		if d.Broken == nil || d.Broken.Next[0] != want {
			t.Errorf("%s: %+v, want %q", age, d.Broken, want)
		}
	}
}

// A host that cannot tell is not blamed, and what was not looked at is said.
func TestUnanswered(t *testing.T) {
	for _, question := range []string{"fe1/links", "fe1/rules", "fe1/neighbours", "fe1/routing", "fe1/settings", "fe1/leases", "fe1/servers", "node1/guest", "node1/links", "node1/rules", "node1/vlans", "node1/queues"} {
		s := openSite(t)
		s.missing[question] = Answer{RC: 2, Words: "no such tool\n"}
		d := s.why(cloud.Why{})
		if d.Broken != nil || len(d.Unseen) == 0 {
			t.Errorf("%s: %s, not looked at: %v", question, said(d), d.Unseen)
		}
	}
}

// What is not for everybody's eyes is not in the file.
func TestTestdata(t *testing.T) {
	text, err := os.ReadFile("testdata/healthy.txtar")
	if err != nil || strings.Contains(string(text), "PRIVATE") {
		t.Errorf("%v", err)
	}
}

// FuzzJudge changes bytes of the answers: whatever hosts say, there is a verdict.
func FuzzJudge(f *testing.F) {
	s := openSite(f)
	names := []string{}
	for name := range s.files {
		names = append(names, name)
	}
	slices.Sort(names)
	f.Add(uint(3), uint(100), "x")
	f.Add(uint(9), uint(10), "[]")
	f.Fuzz(func(t *testing.T, file, at uint, text string) {
		name := names[file%uint(len(names))]
		if name == "records" || name == "inventory.yml" {
			return
		}
		was := s.files[name]
		defer func() { s.files[name] = was }()
		i := int(at % uint(len(was)+1))
		s.files[name] = was[:i] + text + was[min(len(was), i+len(text)):]
		if d := s.why(cloud.Why{}); d.Way == "" {
			t.Error("no verdict")
		}
	})
}
