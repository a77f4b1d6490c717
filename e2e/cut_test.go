package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"eucactl/controller"
)

// cutKind is a kind of task that ends the program which it is part of, as a power cut of the host would.
const cutKind = `# cut
# Ends the shell that runs the program, whatever it is about to do next.
check_cut() { return 1; }
apply_cut() { kill -9 $$; }
`

// TestCut cuts the program off after each of its tasks, on the frontend and on nodes, while instances are started and
// while they are terminated. After one reconcile the hosts are what they are without a cut.
func TestCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "cut", 2)
	random := dice(t)
	start := func() { w.must("run-instances", w.image, "-n", "2", "--no-wait") }
	end := func() { w.must(append([]string{"terminate-instances", "--no-wait"}, w.instances()...)...) }
	start() // once, for what the very first one makes
	w.must("reconcile")
	end()
	w.must("reconcile")

	steps := [][2]func(){{start, end}, {end, start}}
	var want [2][]string
	for i, s := range steps {
		s[0]()
		w.must("reconcile")
		want[i] = w.settled()
	}
	cuts := w.cuts()
	random.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
	// Some tasks are not there in this mode, or in one of the steps.
	least := 2
	if soak() {
		least = len(cuts)
	}
	reached := 0
	for _, cut := range cuts {
		if reached >= least && !soak() {
			break
		}
		for i, s := range steps {
			s[0]()
			reached += w.cutAt(cut, want[i])
			if t.Failed() {
				t.Fatalf("cut by %s, step %d", cut, i)
			}
		}
	}
	if reached < least {
		t.Errorf("of %d programs only %d were cut", 2*len(cuts), reached)
	}
}

// cuts are folders of playbooks, each with one task more than the built-in ones: the one that cuts.
func (w *world) cuts() (dirs []string) {
	w.t.Helper()
	whole := filepath.Join(w.t.TempDir(), "whole")
	w.must("playbook", "eject", whole)
	for _, name := range []string{"frontend.yml", "node.yml"} {
		text, err := os.ReadFile(filepath.Join(whole, name))
		if err != nil {
			w.t.Fatal(err)
		}
		lines := strings.SplitAfter(string(text), "\n")
		for i, line := range lines {
			indent := len(line) - len(strings.TrimLeft(line, " "))
			if indent < 4 || !strings.HasPrefix(line[indent:], "- name:") {
				continue
			}
			// Before a task is after the one above it; the plays' own end is cut by no reader being there (TestCrash).
			cut := strings.Repeat(" ", indent) + "- name: cut\n" + strings.Repeat(" ", indent+2) + "cut:\n"
			edited := strings.Join(lines[:i], "") + cut + strings.Join(lines[i:], "")
			dirs = append(dirs, w.playbooks(fmt.Sprintf("%s-%d", name, i+1), name, edited))
		}
	}
	return dirs
}

// playbooks is a folder with one edited playbook, and the kind that cuts.
func (w *world) playbooks(dir, name, text string) string {
	w.t.Helper()
	dir = filepath.Join(w.dir, "cuts", dir)
	for path, text := range map[string]string{name: text, "library/cut.sh": cutKind} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	return dir
}

// cutAt reconciles with those playbooks, says whether a program was cut, and looks what one whole reconcile makes of it.
func (w *world) cutAt(dir string, want []string) (cut int) {
	w.t.Helper()
	for _, h := range w.reconcile("--playbooks", dir).Hosts {
		switch {
		case h.Outcome == controller.HostOK || h.Outcome == controller.HostChanged:
		case strings.Contains(h.Words+fmt.Sprint(h.Tasks), "did not reach its end") || strings.Contains(fmt.Sprint(h.Tasks), "unknown"):
			cut = 1
		default:
			w.t.Errorf("%s is neither whole nor cut: %+v", h.Host, h)
		}
	}
	if a := w.run("reconcile"); a.code != 0 {
		w.t.Errorf("reconcile: %d\n%s%s", a.code, a.out, a.err)
	}
	if diff := cmp.Diff(want, w.settled()); diff != "" {
		w.t.Errorf("it is not as without the cut (-want +got):\n%s", diff)
	}
	return cut
}
