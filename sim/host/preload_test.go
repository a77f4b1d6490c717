package host

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// randomPreload is a file as an operator may have saved or written it.
func randomPreload(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString("# by hand\n*filter\n")
	if r.IntN(2) == 0 {
		b.WriteString(":INPUT DROP [3:4]\n")
	}
	for _, name := range []string{"site-log", "bob-web", "EUCA-FORWARD", "admin-web"} {
		if r.IntN(3) > 0 {
			continue
		}
		b.WriteString(":" + name + " - [0:0]\n")
		switch r.IntN(4) {
		case 0:
			fmt.Fprintf(&b, "-A %s -m comment --comment \"eucactl %s x\"\n", name, testCloud)
		case 1:
			fmt.Fprintf(&b, "-A %s -j DROP\n", name)
		}
		if r.IntN(2) == 0 {
			fmt.Fprintf(&b, "-A FORWARD -j %s\n", name)
		}
		if r.IntN(12) == 0 {
			fmt.Fprintf(&b, "-A OUTPUT -s 1.2.3.4/32 -j %s\n", name)
		}
	}
	b.WriteString([]string{"[0:0] -A INPUT -s 10.9.0.0/16 -j DROP\n", "", ""}[r.IntN(3)])
	b.WriteString([]string{"COMMIT\n", "COMMIT\n", "COMMIT\n", "COMMIT\n", "", "COMMIT\n*filter\nCOMMIT\n", "-F\nCOMMIT\n", ":a - -\n:a - -\nCOMMIT\n"}[r.IntN(8)])
	return b.String()
}

// The model weighs preloaded rules as preload.sh's awk does, and comes to the same table.
func TestPreloadAgrees(t *testing.T) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]int{}
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 5))
		m := node(t)
		m.boot = strings.TrimSpace(string(boot))
		m.files.mkdirAll(runDir, 0o755)
		m.files.put(preloadPath, randomPreload(r), 0o600)
		chains := call{"chains", named("table", "filter", "content", randomRules(r))}
		preload := call{"preload", named("table", "filter", "path", preloadPath)}
		for range r.IntN(3) {
			if _, err := visit(t, m, programOf(t, m, preload, chains), env(), Faults{}); err != nil {
				t.Fatal(err)
			}
		}
		for range r.IntN(4) {
			meddle(r, m)
		}
		switch r.IntN(6) {
		case 0:
			m.files.put(preloadPath, randomPreload(r), 0o600)
		case 1:
			m.files.remove(preloadPath)
		case 2:
			m.files.remove(preloadPath)
			if text, ok := m.files.read(hostDir + "/preload/filter"); ok {
				m.files.put(hostDir+"/preload/filter", "Bother\n"+text[strings.Index(text, "\n")+1:], 0o600)
			}
		}
		seen[preloadAgrees(t, m, seed)]++
	}
	if len(seen) != 3 {
		t.Errorf("not every end came about: %v", seen)
	}
}

func preloadAgrees(t *testing.T, m *Machine, seed uint64) int {
	t.Helper()
	p := newProcess(newSession(m, Faults{}))
	p.cloud, p.hostDir = testCloud, hostDir
	dir := t.TempDir()
	must(t, dir+"/now", m.tables["filter"].save("filter"))
	for path, name := range map[string]string{preloadPath: "file", hostDir + "/preload/filter": "preload/filter", hostDir + "/chains/filter": "chains/filter"} {
		if text, ok := m.files.read(path); ok {
			must(t, dir+"/"+name, text)
		}
	}
	real := dash(t, "preload", dir, `
HOST_DIR=. preload_now=$(cat now) preload_rc=0
preload_ready file
preload_awk check filter file 2>words; echo $?
preload_awk apply filter file 2>>words; :
`)
	code, text, _ := strings.Cut(real, "\n")
	want := map[string]int{"10": 0, "11": 1, "2": 2}[code]
	got := checkPreload(p, []string{"filter", preloadPath})
	words, _ := os.ReadFile(dir + "/words")
	file, _ := m.files.read(preloadPath)
	if got != want {
		t.Fatalf("seed %d: the model says %d %q, awk %s %q\n%s\n%s", seed, got, p.out, code, words, m.tables["filter"].save("filter"), file)
	}
	if want == 2 {
		return 2
	}
	next, err := weighPreload(p, []string{"filter", preloadPath}).transaction()
	if err != nil {
		t.Fatalf("seed %d: the model refuses: %v\n%s", seed, err, text)
	}
	after := newTable("filter")
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); line[0] == ':' && f[1] != "-" {
			after.policy[f[0][1:]] = f[1]
		}
	}
	if err := after.perform(text); err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, text)
	}
	if diff := cmp.Diff(after.save("filter"), next.save("filter")); diff != "" {
		t.Fatalf("seed %d (-awk +model):\n%s\n%s", seed, diff, text)
	}
	return want
}
