package host

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"eucactl/facts"
	"eucactl/plan"
	"eucactl/playbooks"
	"eucactl/tasks"
)

// site is the built-in program of a host that is frontend and node.
func site(t testing.TB, kinds *tasks.Library) *tasks.Program { return siteThat(t, kinds) }

// siteThat flushes these tables.
func siteThat(t testing.TB, kinds *tasks.Library, flush ...string) *tasks.Program {
	t.Helper()
	data, err := os.ReadFile("../../playbooks/testdata/frontend.json")
	if err != nil {
		t.Fatal(err)
	}
	var h plan.Host
	if err := json.Unmarshal(data, &h); err != nil {
		t.Fatal(err)
	}
	h.Cloud, h.Host, h.Frontend.Flush = testCloud, "h1", flush
	replaceMark(&h)
	h.Node = &plan.Node{Bridge: "br0", Hypervisor: "kvm", Gone: []plan.Gone{{ID: "i-00000009", Dir: instancesDir + "/bob/i-00000009"}}}
	img := plan.Image{ID: "emi-00000001", Sum: image, Size: 8, Format: "raw", Path: hostDir + "/images/" + image}
	h.Node.Images = []plan.Image{img}
	for _, id := range []string{"i-0a0b0c01", "i-0a0b0c02"} {
		h.Node.Machines = append(h.Node.Machines, plan.Machine{
			ID: id, UUID: "uuid-" + id, Owner: "admin", Dir: instancesDir + "/admin/" + id, Hostname: id, Cores: 1, Memory: 128, Disk: 1024,
			Image: img, Seed: plan.Seed{Sum: tasks.Sum("a seed"), Size: 6}, MAC: "d0:0d:0a:0b:0c:" + id[8:], Bridge: "br0",
		})
	}
	return build(t, kinds, h)
}

// replaceMark makes the rules this test's cloud's.
func replaceMark(h *plan.Host) {
	for _, table := range []plan.Table{h.Frontend.Filter, h.Frontend.Nat} {
		for i, c := range table.Chains {
			table.Chains[i].Mark = strings.Replace(c.Mark, "0badcafe", testCloud, 1)
		}
	}
}

func build(t testing.TB, kinds *tasks.Library, h plan.Host) *tasks.Program {
	t.Helper()
	pb, err := playbooks.Parse(playbooks.Builtin(), playbooks.Site)
	if err != nil {
		t.Fatal(err)
	}
	in := playbooks.In{Host: playbooks.Host{Name: "h1", Groups: []string{"frontends", "nodes"}}, Plan: playbooks.Map(h), Facts: map[string]string{"arch": "x86_64"}}
	p, err := pb.Build(in, kinds, playbooks.Templates(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range facts.Observe(true, true) {
		p.Sections = append(p.Sections, tasks.Section{Name: s.Name, Script: s.Script})
	}
	p.Secret("an image")
	p.Secret("a seed")
	return p
}

func siteEnv(m *Machine) tasks.Env {
	e := env()
	e.Fence = &tasks.Fence{Token: "t1"}
	e.FactsScript, e.Facts = facts.HostScript, tasks.Sum(m.hostFacts()+"\n")
	return e
}

// clean tells whether a run reached its end without a failure.
func clean(r tasks.Report) bool {
	for _, res := range r.Results {
		if res.Outcome.Bad() || res.Needs >= 0 {
			return false
		}
	}
	return r.Done
}

func TestSite(t *testing.T) {
	m := node(t)
	p := site(t, m.o.Kinds)
	foreign := m.Foreign()
	r, err := visit(t, m, p, siteEnv(m), Faults{})
	if err != nil || !clean(r) {
		t.Fatalf("%v %+v", err, r)
	}
	if m.Foreign() != foreign || m.Done() != testCloud+" t1" || m.Token() != m.Done() || m.Runs() != 1 {
		t.Errorf("token %q, done %q, runs %d", m.Token(), m.Done(), m.Runs())
	}
	if list, err := facts.ReadDomains(r.Sections["domains"].Text); err != nil || len(list) != 4 {
		t.Errorf("%v %+v", err, list)
	}
	if list, err := facts.ReadInstances(r.Sections["instances"].Text); err != nil || len(list) != 2 || list[0].Name != "i-0a0b0c01" {
		t.Errorf("%v %+v", err, list)
	}
	if c, err := facts.ReadCapacity(r.Sections["capacity"].Text); err != nil || c != (facts.Capacity{Cores: 4, Memory: 4096, Disk: 100, DiskFree: 100}) {
		t.Errorf("%v %+v", err, c)
	}
	if _, err := facts.ReadBoot(r.Sections["boot"].Text); err != nil {
		t.Error(err)
	}
	if _, err := facts.ReadHost(m.hostFacts()); err != nil {
		t.Error(err)
	}
	after := m.Dump()
	r, err = visit(t, m, p, siteEnv(m), Faults{})
	if err != nil || strings.Trim(outcomes(r), "ok ") != "" {
		t.Errorf("the second run: %v %s", err, outcomes(r))
	}
	if diff := cmp.Diff(after, m.Dump()); diff != "" {
		t.Error(diff)
	}
	siteServes(t, m)
}

// siteServes: what the rules, leases and translations do to packets.
func siteServes(t *testing.T, m *Machine) {
	t.Helper()
	a := netip.MustParseAddr
	to := Packet{Src: a("198.51.100.7"), Dst: a("172.19.0.2"), Proto: "tcp", Port: 22, State: "NEW", Syn: true}
	if !m.Forwards(to) {
		t.Error("what is permitted does not pass")
	}
	for what, p := range map[string]Packet{
		"another port":    {Src: to.Src, Dst: to.Dst, Proto: "tcp", Port: 2000, State: "NEW", Syn: true},
		"another source":  {Src: a("192.0.2.7"), Dst: to.Dst, Proto: "tcp", Port: 22, State: "NEW", Syn: true},
		"another guest":   {Src: to.Src, Dst: a("172.19.0.40"), Proto: "tcp", Port: 22, State: "NEW", Syn: true},
		"a stray segment": {Src: a("172.19.0.2"), Dst: to.Src, Proto: "tcp", Port: 22, State: "NEW"},
	} {
		if m.Forwards(p) {
			t.Error(what, "passes")
		}
	}
	if private, ok := m.Nat(a("203.0.113.10")); !ok || private != a("172.19.0.2") {
		t.Error(private, ok)
	}
	if _, ok := m.Nat(a("203.0.113.11")); ok {
		t.Error("translated without being told")
	}
	if public, ok := m.Snat(a("172.19.0.2"), a("192.0.2.7")); !ok || public != a("203.0.113.10") {
		t.Error(public, ok)
	}
	if lease, ok := m.Lease("d0:0d:0a:0b:0c:01"); !ok || lease != a("172.19.0.2") {
		t.Error(lease, ok)
	}
}

// What the operator preloads is all that others have, also after a reboot that took
// the file.
func TestSiteFlushed(t *testing.T) {
	m := node(t)
	p, e := siteThat(t, m.o.Kinds, "filter", "nat"), siteEnv(m)
	m.files.mkdirAll(runDir, 0o755)
	m.files.put(preloadPath, preloadText, 0o600)
	check := func(what string) {
		t.Helper()
		if r, err := visit(t, m, p, e, Faults{}); err != nil || !clean(r) {
			t.Fatalf("%s: %v %+v", what, err, r)
		}
		if r, err := visit(t, m, p, e, Faults{}); err != nil || strings.Trim(outcomes(r), "ok ") != "" {
			t.Errorf("%s, once more: %v %s", what, err, outcomes(r))
		}
		want := []string{"-A FORWARD -j EUCA-FORWARD", "-A FORWARD -j site-log"}
		if diff := cmp.Diff(want, texts(m.tables["filter"].chains["FORWARD"])); diff != "" || m.tables["filter"].policy["FORWARD"] != "DROP" {
			t.Errorf("%s: FORWARD %s:\n%s", what, m.tables["filter"].policy["FORWARD"], diff)
		}
		siteServes(t, m)
	}
	check("first")
	m.Reboot()
	check("rebooted")
	m.tables["filter"].must("-A EUCA-FORWARD -j ACCEPT")
	m.tables["nat"].must("-A PREROUTING -j ACCEPT")
	check("meddled with")
}

func TestSiteKilled(t *testing.T) {
	m := node(t)
	p, e := site(t, m.o.Kinds), siteEnv(m)
	born := m.Clone()
	if _, err := visit(t, m, p, e, Faults{}); err != nil {
		t.Fatal(err)
	}
	after := m.Dump()
	for n := 1; ; n++ {
		m := born.Clone()
		r, err := visit(t, m, p, e, Faults{Kill: n})
		if err != nil || r.Done {
			t.Logf("%d commands: %v", n-1, err)
			return
		}
		if r, err = visit(t, m, p, e, Faults{}); err != nil || !clean(r) {
			t.Fatalf("after a kill at %d: %v %+v", n, err, r)
		}
		if diff := cmp.Diff(after, m.Dump()); diff != "" {
			t.Fatalf("killed at %d:\n%s", n, diff)
		}
	}
}

func TestSiteWrecked(t *testing.T) {
	m := node(t)
	p, e := site(t, m.o.Kinds), siteEnv(m)
	if what := m.Wreck(rand.New(rand.NewPCG(0, 0)), false).What; what != "" {
		t.Fatal("nothing of ours, and yet wrecked:", what)
	}
	if _, err := visit(t, m, p, e, Faults{}); err != nil {
		t.Fatal(err)
	}
	whole := m.Clone()
	after, foreign := m.Dump(), m.Foreign()
	check := e
	check.Check = true
	seen := map[string]bool{}
	for seed := range uint64(600) {
		m := whole.Clone()
		what := m.Wreck(rand.New(rand.NewPCG(seed, 2)), false).What
		if seen[what] {
			continue
		}
		seen[what] = true
		r, err := visit(t, m, p, check, Faults{})
		if err != nil || !strings.Contains(outcomes(r), "would") {
			t.Errorf("%s: a check does not see it: %v %s", what, err, outcomes(r))
		}
		if r, err = visit(t, m, p, e, Faults{}); err != nil || !clean(r) {
			t.Errorf("%s: %v %+v", what, err, r)
		}
		if diff := cmp.Diff(after, m.Dump()); diff != "" {
			t.Errorf("%s:\n%s", what, diff)
		}
		if m.Foreign() != foreign {
			t.Errorf("%s: what is not ours was touched", what)
		}
	}
	t.Logf("%d kinds of damage", len(seen))
	whole.Reboot()
	if r, err := visit(t, whole, p, e, Faults{}); err != nil || !clean(r) || whole.Dump() != after || whole.Foreign() != foreign {
		t.Errorf("after a reboot: %v %+v\n%s", err, r, cmp.Diff(after, whole.Dump()))
	}
}

func BenchmarkSite(b *testing.B) {
	m := node(b)
	p, e := site(b, m.o.Kinds), siteEnv(m)
	if _, err := visit(b, m, p, e, Faults{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := visit(b, m, p, e, Faults{}); err != nil || !r.Done {
			b.Fatal(err)
		}
	}
}

func BenchmarkClone(b *testing.B) {
	m := node(b)
	if _, err := visit(b, m, site(b, m.o.Kinds), siteEnv(m), Faults{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m.Clone()
	}
}

func BenchmarkText(b *testing.B) {
	m := node(b)
	p, e := site(b, m.o.Kinds), siteEnv(m)
	for b.Loop() {
		if _, err := p.Text(e); err != nil {
			b.Fatal(err)
		}
	}
}
