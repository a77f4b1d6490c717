package host

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"eucactl/playbooks"
	"eucactl/tasks"
)

// A kindTry is a task of one kind, and what must be there before.
type kindTry struct {
	kind   string
	args   map[string]any
	before []call
	wreck  func(m *Machine)
	others bool // what is not ours changes
}

type call struct {
	kind string
	args map[string]any
}

const (
	i1  = "/var/lib/eucalyptus/instances/admin/i-00000001"
	xml = `<domain type="kvm">
  <name>i-00000001</name>
  <uuid>0badcafe-0000-5000-8000-000000000001</uuid>
  <metadata>
    <eucactl:instance xmlns:eucactl="urn:eucactl" cloud="c10d0001" name="i-00000001"/>
  </metadata>
  <source file="` + i1 + `/disk"/>
  <mac address="d0:0d:00:00:00:01"/>
  <source bridge="br0"/>
</domain>
`
	conf = `# eucactl c10d0001
subnet 10.0.0.0 netmask 255.255.255.0 {
}
host node-10.0.0.2 {
  hardware ethernet d0:0d:00:00:00:01;
  fixed-address 10.0.0.2;
}
`
	setsText  = "EUCA-sg-1 hash:ip 10.0.0.2 10.0.0.3\nEUCA-sg-2 hash:ip\n"
	chainText = `:EUCA-FORWARD -
:admin-web -
hook FORWARD EUCA-FORWARD
-A EUCA-FORWARD -m comment --comment "eucactl c10d0001 forward"
-A EUCA-FORWARD -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT
-A EUCA-FORWARD -d 10.0.0.0/24 -m set --match-set EUCA-sg-1 dst -j admin-web
-A EUCA-FORWARD -d 10.0.0.0/24 -j DROP
-A admin-web -m comment --comment "eucactl c10d0001 sg-1"
-A admin-web -s 198.51.100.0/24 -p tcp --dport 22 -j ACCEPT
`
	antispoofText = "table bridge eucactl_c10d0001 {\n}\n"
	flowsText     = "live 10.0.0.1\nlive 10.0.0.2\nnat 203.0.113.10 10.0.0.2\npool 203.0.113.10\npool 203.0.113.11\n"
)

func named(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

var image = tasks.Sum("an image")

func tries() []kindTry {
	imageCall := call{"image", named("sum", image, "size", "8", "upload", image)}
	folder := call{"machine_dir", named("path", i1, "name", "i-00000001")}
	disk := call{"disk", named("path", i1+"/disk", "image", image, "format", "raw", "size_mib", "10")}
	domain := call{"domain", named("name", "i-00000001", "dir", i1, "reboots", "0", "content", xml)}
	shrink := call{"ipsets_shrink", named("content", setsText)}
	grow := call{"ipsets_grow", named("content", setsText)}
	chains := call{"chains", named("table", "filter", "content", chainText)}
	vlan := call{"vlan", named("link", "eth1.10", "dev", "eth1", "id", "10", "network", "net-00000001", "bridge", "eucabr10")}
	vlanGone := maps.Clone(vlan.args)
	vlanGone["state"] = "absent"
	antispoof := call{"antispoof", named("content", antispoofText)}
	preload := call{"preload", named("table", "filter", "path", preloadPath)}
	address := call{"address", named("dev", "eth1", "cidr", "10.0.0.1/24 10.0.0.9/24")}
	dhcpd := call{"dhcpd", named("daemon", "/usr/sbin/dhcpd", "user", "root", "interfaces", "eth1", "content", conf)}
	return []kindTry{
		{kind: "dir", args: named("path", "/srv/a/b", "mode", "0711")},
		{kind: "rendered", args: named("path", "/srv/f", "content", "text\n")},
		{kind: "rendered", args: named("path", "/srv/f", "content", "two\n"), before: []call{{"rendered", named("path", "/srv/f", "content", "one\n")}}},
		{kind: "rendered", args: named("path", "/srv/big", "content", strings.Repeat("x", 70<<10))},
		{kind: "absent", args: named("path", "/srv/f"), before: []call{{"rendered", named("path", "/srv/f", "content", "# eucactl c10d0001\n")}}},
		{kind: "kernel_setting", args: named("name", "net.ipv4.ip_forward", "value", "1")},
		{kind: "bridge", args: named("name", "br0"), wreck: func(m *Machine) { m.links["br0"].up = false }},
		{kind: vlan.kind, args: vlan.args},
		{kind: vlan.kind, args: vlan.args, before: []call{vlan}, wreck: func(m *Machine) { m.links["eucabr10"].up = false }},
		{kind: vlan.kind, args: vlan.args, before: []call{vlan}, wreck: func(m *Machine) { m.deleteLink("eth1.10") }},
		{kind: vlan.kind, args: vlan.args, before: []call{vlan}, wreck: (*Machine).Reboot},
		{kind: vlan.kind, args: vlanGone, before: []call{vlan}},
		{kind: antispoof.kind, args: antispoof.args},
		{kind: antispoof.kind, args: named("content", antispoofText+"# more\n"), before: []call{antispoof}},
		{kind: antispoof.kind, args: antispoof.args, before: []call{antispoof}, wreck: (*Machine).Reboot},
		{kind: antispoof.kind, args: named("state", "absent"), before: []call{antispoof}},
		{kind: address.kind, args: address.args},
		{kind: "address_gone", args: named("dev", "eth1", "cidr", "10.0.0.1/24"), before: []call{address}},
		{kind: shrink.kind, args: shrink.args},
		{kind: grow.kind, args: grow.args, before: []call{shrink}},
		{kind: "ipsets_shrink", args: named("content", "EUCA-sg-1 hash:ip 10.0.0.3\n"), before: []call{shrink, grow}},
		{kind: "ipsets_gone", args: named("content", "EUCA-sg-1 hash:ip\n"), before: []call{shrink, grow}},
		{kind: chains.kind, args: chains.args, before: []call{shrink}},
		{kind: chains.kind, args: chains.args, before: []call{shrink, chains}, wreck: func(m *Machine) { m.tables["filter"].cut("admin-web") }},
		{kind: chains.kind, args: chains.args, before: []call{shrink, chains}, wreck: func(m *Machine) { m.files.remove(hostDir + "/chains/filter") }},
		{kind: chains.kind, args: named("table", "filter", "content", strings.ReplaceAll(chainText, "admin-web", "bob-web")), before: []call{shrink, chains}},
		{kind: preload.kind, args: preload.args, before: []call{shrink, chains}, wreck: preloaded, others: true},
		{kind: preload.kind, args: preload.args, before: []call{shrink, chains, preload}, wreck: meddled, others: true},
		{kind: "chains_gone", before: []call{shrink, chains}, wreck: (*Machine).switchBackend},
		{kind: "chains_gone", args: named("flush", "filter nat"), before: []call{shrink, chains}, wreck: (*Machine).switchBackend},
		{kind: "flows", args: named("cloud_cidr", "10.0.0.0/24", "content", flowsText), wreck: staleFlows},
		{kind: dhcpd.kind, args: dhcpd.args, before: []call{address}},
		{kind: dhcpd.kind, args: named("daemon", "/usr/sbin/dhcpd", "user", "root", "interfaces", "eth1", "content", conf+"\n"), before: []call{address, dhcpd}},
		{kind: "dhcpd_gone", before: []call{address, dhcpd}},
		{kind: folder.kind, args: folder.args},
		{kind: imageCall.kind, args: imageCall.args},
		{kind: disk.kind, args: disk.args, before: []call{imageCall, folder}},
		{kind: "seed", args: named("path", i1+"/seed.img", "upload", tasks.Sum("a seed")), before: []call{folder}},
		{kind: domain.kind, args: domain.args, before: []call{imageCall, folder, disk}},
		{kind: domain.kind, args: domain.args, before: []call{imageCall, folder, disk, domain}, wreck: func(m *Machine) { m.Crash("i-00000001") }},
		{kind: domain.kind, args: domain.args, before: []call{imageCall, folder, disk, domain}, wreck: (*Machine).Reboot},
		{kind: domain.kind, args: named("name", "i-00000001", "dir", i1, "reboots", "1", "content", xml), before: []call{imageCall, folder, disk, domain}},
		{kind: domain.kind, args: named("name", "i-00000001", "dir", i1, "reboots", "0", "content", xml+"\n"), before: []call{imageCall, folder, disk, domain}},
		{kind: "domain_gone", args: named("name", "i-00000001", "dir", i1), before: []call{imageCall, folder, disk, domain}},
		{kind: "service", args: named("name", "cron", "state", "started", "config", "/etc/operator.conf"), others: true},
		{kind: "service", args: named("name", "cron", "state", "stopped"), others: true},
	}
}

// preloadPath and preloadText are the guide's way with a frontend's own rules.
const (
	preloadPath = runDir + "/iptables-preload"
	preloadText = `*filter
:INPUT ACCEPT [0:0]
:site-log - [0:0]
:EUCA-FORWARD - [0:0]
-A FORWARD -j EUCA-FORWARD
-A EUCA-FORWARD -m comment --comment "eucactl c10d0001 forward"
-A INPUT -s 192.0.2.0/24 -j DROP
-A FORWARD -j site-log
COMMIT
`
)

func preloaded(m *Machine) { m.file(preloadPath, preloadText) }

// meddled: others went on after the rules were preloaded, which did not say so yet.
func meddled(m *Machine) {
	m.tables["filter"].must("-A INPUT -p tcp --dport 23 -j ACCEPT")
	m.tables["filter"].policy["FORWARD"] = "ACCEPT"
}

func staleFlows(m *Machine) {
	a := netip.MustParseAddr
	world, public, guest, gone := a("192.0.2.77"), a("203.0.113.10"), a("10.0.0.2"), a("10.0.0.7")
	m.Track(Flow{Proto: "tcp", Src: world, Dst: public, From: guest, To: world, Dport: 22, Rsport: 22})
	m.Track(Flow{Proto: "tcp", Src: world, Dst: public, From: gone, To: world, Dport: 22, Rsport: 22})
	m.Track(Flow{Proto: "udp", Src: gone, Dst: world, From: world, To: public})
	m.Know(guest, "eth1")
	m.Know(gone, "eth1")
}

// programOf makes one of calls; it holds the uploads that tests offer.
func programOf(t testing.TB, m *Machine, calls ...call) *tasks.Program {
	t.Helper()
	p := &tasks.Program{Kinds: m.o.Kinds}
	for _, c := range calls {
		args := c.args
		if args == nil {
			args = map[string]any{}
		}
		task, err := p.Call(c.kind, args, false)
		if err != nil {
			t.Fatal(err)
		}
		p.Add(task)
	}
	for _, content := range []string{"an image", "a seed"} {
		if _, offered := p.Uploads[tasks.Sum(content)]; offered {
			p.Secret(content)
		}
	}
	return p
}

func (k kindTry) ready(t *testing.T) *Machine {
	t.Helper()
	m := node(t)
	k.prepare(t, m)
	return m
}

func (k kindTry) prepare(t *testing.T, m *Machine) {
	t.Helper()
	m.files.mkdirAll("/srv", 0o755)
	if len(k.before) > 0 {
		r, err := visit(t, m, programOf(t, m, k.before...), env(), Faults{})
		if err != nil || strings.Contains(outcomes(r), "failed") || !r.Done {
			t.Fatalf("before: %v %+v", err, r)
		}
	}
	if k.wreck != nil {
		k.wreck(m)
	}
}

func TestEveryKind(t *testing.T) {
	for _, k := range tries() {
		t.Run(k.kind, func(t *testing.T) {
			m := k.ready(t)
			foreign, before := m.Foreign(), m.Dump()
			p := programOf(t, m, call{k.kind, k.args})
			check := env()
			check.Check, check.Diff = true, true
			k.wants(t, m, p, check, "would")
			if diff := cmp.Diff(before, m.Dump()); diff != "" {
				t.Fatal("a check changed the host:\n", diff)
			}
			k.wants(t, m, p, env(), "changed")
			k.wants(t, m, p, check, "ok")
			k.wants(t, m, p, env(), "ok")
			after := m.Dump()
			if diff := cmp.Diff(foreign, m.Foreign()); diff != "" && !k.others {
				t.Fatal("touched what is not ours:\n", diff)
			}
			k.killed(t, after)
		})
	}
}

func (k kindTry) wants(t *testing.T, m *Machine, p *tasks.Program, e tasks.Env, want string) {
	t.Helper()
	r, err := visit(t, m, p, e, Faults{})
	if got := outcomes(r); err != nil || got != want {
		t.Fatalf("got %s, want %s: %v\n%+v\n%s", got, want, err, r, m.Dump())
	}
}

// killed in front of every command; the next run repairs it.
func (k kindTry) killed(t *testing.T, after string) {
	t.Helper()
	for n := 1; ; n++ {
		m := k.ready(t)
		p := programOf(t, m, call{k.kind, k.args})
		r, err := visit(t, m, p, env(), Faults{Kill: n})
		if err != nil {
			t.Fatal(err)
		}
		if r.Done {
			if n == 1 {
				t.Fatal("it changed nothing")
			}
			return
		}
		r, err = visit(t, m, p, env(), Faults{})
		if got := outcomes(r); err != nil || got != "changed" && got != "ok" {
			t.Fatalf("killed at %d, then %s: %v %+v", n, got, err, r)
		}
		if diff := cmp.Diff(after, m.Dump()); diff != "" {
			t.Fatalf("killed at %d:\n%s", n, diff)
		}
		if diff := cmp.Diff(k.ready(t).Foreign(), m.Foreign()); diff != "" && !k.others {
			t.Fatalf("killed at %d, and what is not ours was touched:\n%s", n, diff)
		}
	}
}

// Every kind that the cloud's own playbooks use has a model, and every model a try.
func TestEveryKindIsKnown(t *testing.T) {
	tried := map[string]bool{}
	for _, k := range tries() {
		tried[k.kind] = true
		if _, ok := kinds(k.kind); !ok {
			t.Errorf("no model of %s", k.kind)
		}
	}
	for _, name := range usedByPlaybooks(t) {
		if !tried[name] {
			t.Errorf("%s is not tried", name)
		}
	}
}

// usedByPlaybooks are the kinds of the built-in playbooks' tasks.
func usedByPlaybooks(t *testing.T) []string {
	t.Helper()
	site, err := playbooks.Parse(playbooks.Builtin(), playbooks.Site)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"rendered": true} // which a template is
	var visit func([]playbooks.Step)
	visit = func(steps []playbooks.Step) {
		for _, s := range steps {
			if !s.IsBlock() {
				used[s.Kind] = true
			}
			visit(s.Block)
			visit(s.Rescue)
			visit(s.Always)
		}
	}
	for _, p := range site.Plays {
		visit(p.Tasks)
		visit(p.Handlers)
	}
	if len(used) < 10 {
		t.Fatalf("only %d kinds are used", len(used))
	}
	return slices.Sorted(maps.Keys(used))
}

// What a tool cannot tell is not taken for absent.
func TestDeadTools(t *testing.T) {
	tools := map[string][]string{
		"address": {"ip"}, "address_gone": {"ip"}, "ipsets_shrink": {"ipset"}, "ipsets_grow": {"ipset"}, "ipsets_gone": {"ipset"},
		"chains":  {"iptables-save", "iptables-restore"},
		"preload": {"iptables-save", "iptables-restore"}, "chains_gone": {"iptables"}, "flows": {"conntrack", "ip"}, "dhcpd": {"dhcpd"},
		"vlan": {"ip"}, "domain": {"virsh"}, "domain_gone": {"virsh"}, "disk": {"qemu-img"},
	}
	for _, k := range tries() {
		for _, tool := range tools[k.kind] {
			m := k.ready(t)
			before := m.Dump()
			r, err := visit(t, m, programOf(t, m, call{k.kind, k.args}), env(), Faults{Dead: []string{tool}})
			if err != nil || outcomes(r) != "failed" || r.Results[0].Words == "" || m.Dump() != before {
				t.Errorf("%s without %s: %v %+v", k.kind, tool, err, r)
			}
		}
	}
}

func TestFailAndFull(t *testing.T) {
	for _, k := range tries() {
		m := k.ready(t)
		before := m.Dump()
		r, err := visit(t, m, programOf(t, m, call{k.kind, k.args}), env(), Faults{Fail: []string{k.kind}})
		if err != nil || outcomes(r) != "failed" || r.Results[0].RC != 1 || m.Dump() != before {
			t.Errorf("%s that fails: %v %+v", k.kind, err, r)
		}
		if _, err = visit(t, m, programOf(t, m, call{k.kind, k.args}), env(), Faults{Full: true}); err != nil {
			t.Error(err)
		}
		r, err = visit(t, m, programOf(t, m, call{k.kind, k.args}), env(), Faults{})
		if got := outcomes(r); err != nil || got != "changed" && got != "ok" {
			t.Errorf("%s after a full disk: %v %+v", k.kind, err, r)
		}
	}
}
