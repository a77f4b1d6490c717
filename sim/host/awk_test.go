package host

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"eucactl/tasks"
)

// dash runs functions of a kind's real file; files of dir are its input.
func dash(t *testing.T, kind, dir, script string) string {
	t.Helper()
	k, err := library(t).Kind(kind)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/dash", "-s")
	cmd.Stdin = strings.NewReader("CLOUD=" + testCloud + "\ncd " + dir + "\n" + k.Text + script)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func must(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(dirOf(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// randomRules is a content of the kind chains.
func randomRules(r *rand.Rand) string {
	var names []string
	for _, name := range []string{"EUCA-FORWARD", "EUCA-INPUT", "admin-web", "bob-web"} {
		if r.IntN(3) > 0 {
			names = append(names, name)
		}
	}
	var b strings.Builder
	for _, name := range names {
		b.WriteString(":" + name + " -\n")
	}
	if len(names) > 0 {
		for _, from := range []string{"FORWARD", "INPUT"} {
			if r.IntN(4) > 0 {
				b.WriteString("hook " + from + " " + names[r.IntN(len(names))] + "\n")
			}
		}
	}
	for i, name := range names {
		fmt.Fprintf(&b, "-A %s -m comment --comment \"eucactl %s %s\"\n", name, testCloud, name)
		for range r.IntN(3) {
			fmt.Fprintf(&b, "-A %s -s 10.0.%d.0/24 -j ACCEPT\n", name, r.IntN(2))
		}
		if i+1 < len(names) && r.IntN(2) == 0 {
			fmt.Fprintf(&b, "-A %s -d 10.0.0.0/24 -j %s\n", name, names[i+1])
		}
	}
	return b.String()
}

// meddle does to the table what others might.
func meddle(r *rand.Rand, m *Machine) {
	f := m.tables["filter"]
	name := []string{"EUCA-FORWARD", "EUCA-INPUT", "admin-web", "bob-web"}[r.IntN(4)]
	_, there := f.chains[name]
	switch r.IntN(9) {
	case 0:
		m.files.remove(hostDir + "/chains/filter")
	case 1:
		f.chains[name] = nil
	case 2:
		if there {
			f.must("-A FORWARD -s 1.2.3.4/32 -j " + name)
		}
	case 3:
		f.chains[name] = nil
		f.must("-A " + name + ` -m comment --comment "eucactl deadbeef x"`)
	case 4:
		f.chains[name] = nil
		f.must("-A " + name + " -j DROP")
	case 5:
		if there {
			f.must("-A OUTPUT -j " + name)
		}
	case 6:
		if there {
			f.must("-A DOCKER -j " + name)
		}
	case 7:
		// What was stored in another boot means nothing.
		if text, ok := m.files.read(hostDir + "/chains/filter"); ok {
			m.files.put(hostDir+"/chains/filter", "Bother"+text, 0o600)
		}
	default:
		if list := m.wreckRules(); len(list) > 0 {
			list[r.IntN(len(list))].do()
		}
	}
}

// perform does what a transaction's text says, as iptables-restore --noflush would.
func (t *table) perform(text string) (err error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch line = strings.TrimSuffix(line, "\n"); {
		case line[0] == ':':
			t.chains[f[0][1:]] = nil
		case f[0] == "-A":
			err = t.add(line)
		case f[0] == "-D":
			err = t.drop(f[1], f[3])
		case f[0] == "-I":
			err = t.insert(f[1], f[4])
		case f[0] == "-X":
			delete(t.chains, f[1])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// The model weighs rules as chains.sh's awk does, and comes to the same transaction.
func TestChainsAgree(t *testing.T) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]int{}
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		m := node(t)
		m.boot = strings.TrimSpace(string(boot))
		content := randomRules(r)
		for range r.IntN(3) {
			if _, err := visit(t, m, programOf(t, m, call{"chains", named("table", "filter", "content", content)}), env(), Faults{}); err != nil {
				t.Fatal(err)
			}
		}
		for range r.IntN(4) {
			meddle(r, m)
		}
		if r.IntN(3) > 0 {
			content = randomRules(r)
		}
		seen[chainsAgree(t, m, seed, content)]++
	}
	if len(seen) != 3 {
		t.Errorf("not every end came about: %v", seen)
	}
}

func chainsAgree(t *testing.T, m *Machine, seed uint64, content string) int {
	t.Helper()
	sum := tasks.Sum(content)
	s := newSession(m, Faults{})
	p := newProcess(s)
	p.cloud, p.hostDir, p.program = testCloud, hostDir, &program{blobs: map[string]string{sum: content}}
	dir := t.TempDir()
	must(t, dir+"/blob", content)
	must(t, dir+"/now", m.tables["filter"].save("filter"))
	if text, ok := m.files.read(hostDir + "/chains/filter"); ok {
		must(t, dir+"/chains/filter", text)
	}
	real := dash(t, "chains", dir, `
HOST_DIR=. chains_now=$(cat now) chains_rc=0
blob() { cat blob; }
chains_awk check filter `+sum+` 2>words; echo $?
chains_awk apply filter `+sum+` 2>>words; :
`)
	code, text, _ := strings.Cut(real, "\n")
	want := map[string]int{"10": 0, "11": 1}[code]
	if code == "2" {
		want = 2
	}
	if got := checkChains(p, []string{"filter", sum}); got != want {
		words, _ := os.ReadFile(dir + "/words")
		t.Fatalf("seed %d: the model says %d %q, awk %s %q\n%s\n%s", seed, got, p.out, code, words, m.tables["filter"].save("filter"), content)
	}
	if want == 2 {
		return 2
	}
	next, _, err := weigh(p, "filter", sum).transaction()
	if err != nil {
		if m.tables["filter"].clone().perform(text) == nil && !strings.Contains(err.Error(), "no chain or target") {
			t.Fatalf("seed %d: the model refuses: %v\n%s", seed, err, text)
		}
		return want
	}
	after := m.tables["filter"].clone()
	if err := after.perform(text); err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, text)
	}
	if diff := cmp.Diff(after.save("filter"), next.save("filter")); diff != "" {
		t.Fatalf("seed %d (-awk +model):\n%s\n%s", seed, diff, text)
	}
	return want
}

// randomFlows is a content of the kind flows and a table to look at.
func randomFlows(r *rand.Rand) (content string, flows []Flow) {
	guest := func() string { return fmt.Sprintf("10.0.0.%d", 2+r.IntN(4)) }
	public := func() string { return fmt.Sprintf("203.0.113.%d", 10+r.IntN(3)) }
	some := func() string { return []string{guest(), guest(), public(), "192.0.2.7"}[r.IntN(4)] }
	b := "live 10.0.0.1\nlive 10.0.0.2\nlive 10.0.0.3\nlive 10.0.0.4\npool 203.0.113.10\npool 203.0.113.11\n"
	if r.IntN(2) == 0 {
		b += "nat 203.0.113.10 " + guest() + "\n"
	}
	for _, g := range []string{"g1", "g2"} {
		b += "group " + g
		for i := 2; i < 5; i++ {
			if r.IntN(2) == 0 {
				b += fmt.Sprintf(" 10.0.0.%d", i)
			}
		}
		b += "\n"
		for range r.IntN(3) {
			proto := []string{"tcp", "udp", "icmp", "all"}[r.IntN(4)]
			whom := []string{"g1", "g2", "10.0.0.0/30", "192.0.2.0/24"}[r.IntN(4)]
			b += fmt.Sprintf("permit %s %s %d %d %s\n", g, proto, r.IntN(3)-1, r.IntN(3)-1, whom)
		}
	}
	for range 12 {
		f := Flow{Proto: []string{"tcp", "udp", "icmp"}[r.IntN(3)], Unreplied: r.IntN(3) == 0}
		for _, a := range []*netip.Addr{&f.Src, &f.Dst} {
			*a = netip.MustParseAddr(some())
		}
		f.From, f.To = f.Dst, f.Src
		if r.IntN(2) == 0 {
			f.From = netip.MustParseAddr(some())
		}
		if r.IntN(3) == 0 {
			f.To = netip.MustParseAddr(some())
		}
		if f.Proto == "icmp" {
			f.Type, f.Code, f.ID = r.IntN(2), r.IntN(2), r.IntN(9)
		} else {
			f.Sport, f.Dport, f.Rsport = r.IntN(9), r.IntN(2), r.IntN(2)
		}
		flows = append(flows, f)
	}
	return b, flows
}

// tracked is the entry as conntrack -L prints it.
func (f Flow) tracked() string {
	mark := "[ASSURED]"
	if f.Unreplied {
		mark = "[UNREPLIED]"
	}
	if f.Proto == "icmp" {
		return fmt.Sprintf("icmp 1 29 src=%s dst=%s type=%d code=%d id=%d %s src=%s dst=%s type=0 code=0 id=%d mark=0 use=1\n",
			f.Src, f.Dst, f.Type, f.Code, f.ID, mark, f.From, f.To, f.ID)
	}
	return fmt.Sprintf("%s 6 29 src=%s dst=%s sport=%d dport=%d %s src=%s dst=%s sport=%d dport=%d mark=0 use=1\n",
		f.Proto, f.Src, f.Dst, f.Sport, f.Dport, mark, f.From, f.To, f.Rsport, f.Sport)
}

// deletion is the arguments of conntrack -D for it.
func (f Flow) deletion() string {
	s := fmt.Sprintf("-p %s -s %s -d %s -r %s -q %s", f.Proto, f.Src, f.Dst, f.From, f.To)
	if f.Proto == "icmp" {
		return s + fmt.Sprintf(" --icmp-type %d --icmp-code %d\n", f.Type, f.Code)
	}
	return s + fmt.Sprintf(" --dport %d --reply-port-src %d\n", f.Dport, f.Rsport)
}

// The model takes the same entries for stale as flows.sh's awk.
func TestFlowsAgree(t *testing.T) {
	stale := 0
	for seed := range uint64(60) {
		content, flows := randomFlows(rand.New(rand.NewPCG(seed, 4)))
		dir, sum, list := t.TempDir(), tasks.Sum(content), ""
		for _, f := range flows {
			list += f.tracked()
		}
		must(t, dir+"/blob", content)
		must(t, dir+"/list", list)
		real := dash(t, "flows", dir, `
blob() { cat blob; }
conntrack() { cat list; }
ip() { echo "10.0.0.5 dev eth1 lladdr d0:0d:00:00:00:05 STALE"; echo "10.0.0.2 dev eth1 lladdr d0:0d:00:00:00:02 STALE"; }
flows_awk apply 10.0.0.0/24 `+sum+`; :
`)
		p := &process{program: &program{blobs: map[string]string{sum: content}}}
		tr, rc := readTracking(p, "10.0.0.0/24", sum)
		if rc != 0 {
			t.Fatalf("%s", p.out)
		}
		known := map[netip.Addr]string{netip.MustParseAddr("10.0.0.5"): "eth1", netip.MustParseAddr("10.0.0.2"): "eth1"}
		found, neighbours := tr.find(&Machine{flows: flows, neighbour: known})
		got := ""
		for _, f := range found {
			if !strings.Contains(got, f.deletion()) {
				got += f.deletion()
			}
		}
		for _, a := range neighbours {
			got += "neigh " + a.String() + " eth1\n"
		}
		if diff := cmp.Diff(real, got); diff != "" {
			t.Fatalf("seed %d (-awk +model):\n%s\n%s\n%s", seed, diff, content, list)
		}
		stale += len(found)
	}
	if stale == 0 {
		t.Error("nothing was stale")
	}
}
