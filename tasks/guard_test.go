package tasks

import (
	"fmt"
	"strings"
	"testing"
)

// Each letter against each outcome: does a task guarded so run?
func TestGuardTruthTable(t *testing.T) {
	// The tasks before: index is the place in this list.
	ends := []string{"ok", "changed", "failed", "unsettled", "skipped", "blocked", "act"}
	const n, y, m = "skipped", "ok", "unknown"
	for _, c := range []struct {
		check  bool
		letter string
		want   []string
	}{
		{false, "n", []string{y, y, "skipped(needs 2)", "skipped(needs 3)", y, "skipped(needs 5)", y}},
		{false, "o", []string{y, y, n, n, n, n, y}},
		{false, "c", []string{n, y, n, n, n, n, y}},
		{false, "f", []string{n, n, y, y, n, n, n}},
		{false, "s", []string{n, n, n, n, y, y, n}},
		// In a check what would fail is not known to: "failed" and "unsettled" are would.
		{true, "n", []string{y, y, y, y, y, "skipped(needs 5)", y}},
		{true, "o", []string{y, y, y, y, n, n, y}},
		{true, "c", []string{n, y, y, y, n, n, m}},
		{true, "f", []string{n, n, n, n, n, n, n}},
		{true, "s", []string{n, n, n, n, y, y, n}},
	} {
		t.Run(fmt.Sprintf("%s check=%v", c.letter, c.check), func(t *testing.T) {
			underEach(t, func(t *testing.T, sh shell) {
				dir, e := t.TempDir(), hostEnv(t)
				e.Check = c.check
				p := program(t, "fate.sh", fate, "act.sh", act)
				blind := Task{Kind: "fate", Args: []string{"blind", dir}}
				for _, end := range ends {
					task := Task{Kind: "fate", Args: []string{end, dir}}
					switch end {
					case "skipped":
						task.Guard = "f0"
					case "blocked":
						task.Guard = fmt.Sprintf("n%d", len(ends))
					case "act":
						task = Task{Kind: "act", Args: []string{dir + "/act"}}
					}
					p.Add(task)
				}
				// "blocked" needs a failure in both modes, before everything else.
				p = shifted(p, blind)
				for i := range ends {
					p.Add(Task{Kind: "fate", Args: []string{"ok", dir}, Guard: fmt.Sprintf("%s%d", c.letter, i+1)})
				}
				r := run(t, sh, p, e)
				for i, res := range r.Results[len(ends)+1:] {
					got := string(res.Outcome)
					if strings.HasPrefix(res.Why, "needs") {
						got += fmt.Sprintf("(needs %d)", res.Needs-1)
					}
					if got != c.want[i] {
						t.Errorf("%s over %s: %s, want %s", c.letter, ends[i], got, c.want[i])
					}
				}
			})
		})
	}
}

// shifted puts a task in front; the guards of those behind speak of it as 0.
func shifted(p *Program, first Task) *Program {
	tasks := p.Tasks
	p.Tasks = []Task{first}
	for _, t := range tasks {
		switch {
		case strings.HasPrefix(t.Guard, "n"):
			t.Guard = "n0"
		case t.Guard == "f0":
			t.Guard = "f1"
		}
		p.Add(t)
	}
	return p
}

func TestGuardTermsAndAlternatives(t *testing.T) {
	// 0 failed, 1 ok, 2 changed, 3 skipped, 4 blocked
	for _, c := range []struct{ guard, want string }{
		{"", "ok"},
		{"n1 n2", "ok"},
		{"n1 n0", "skipped(needs 0)"},
		{"n0 n1", "skipped(needs 0)"},
		{"n0|n1", "ok"},
		{"n0|n4", "skipped(needs 0)"},
		{"n4|n0", "skipped(needs 4)"},
		{"c1|c2", "ok"},
		{"c2|c1", "ok"},
		{"c1|c3", "skipped(when)"},
		{"c1|f0|s1", "ok"},
		{"f0 c2 s3 o1 n3", "ok"},
		{"f0 c2 s3 o0 n3", "skipped(when)"},
		{"c1 n0", "skipped(when)"},
		{"n0 c1", "skipped(needs 0)"},
		{"n0|f0", "ok"},
	} {
		t.Run(c.guard, func(t *testing.T) {
			underEach(t, func(t *testing.T, sh shell) {
				dir := t.TempDir()
				p := program(t, "fate.sh", fate)
				for _, f := range [][2]string{{"failed", ""}, {"ok", ""}, {"changed", ""}, {"ok", "f1"}, {"ok", "n0"}, {"ok", c.guard}} {
					p.Add(Task{Kind: "fate", Args: []string{f[0], dir}, Guard: f[1]})
				}
				want(t, run(t, sh, p, hostEnv(t)), "failed ok changed skipped(when) skipped(needs 0) "+c.want)
			})
		})
	}
}

func TestGuardsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, guard := range []string{"n1", "n2", "x0", "n", "n0|", "|n0", "n0||n0", "n-1", "n0;reboot", "$(reboot)", "n99999999999999999999"} {
		p := program(t, "fate.sh", fate)
		p.Add(Task{Kind: "fate", Args: []string{"ok", "/"}})
		p.Add(Task{Kind: "fate", Args: []string{"ok", "/"}, Guard: guard})
		if _, err := p.Text(hostEnv(t)); err == nil {
			t.Errorf("%q was accepted", guard)
		}
	}
}
