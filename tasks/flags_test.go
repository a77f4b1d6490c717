package tasks

import (
	"strings"
	"testing"
)

// giver gives fields, and ends as it is told.
const giver = `# giver end check=1
check_giver() { return "$2"; }
apply_giver() {
	result_begin stdout
	printf 'one\ntwo\n\n'
	printf '%s\n' "$WHO"
	result_end stdout
	result rc "$1"
	result rc "last $1"
	echo words
	return "$1"
}
`

func TestResultsCarryFields(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		p := program(t, "giver.sh", giver)
		call(t, p, "giver", "end", "0", "check", "10")
		p.Tasks[0].Flags.Environment = []Variable{{"WHO", "it's me"}}
		r := run(t, sh, p, hostEnv(t))
		want(t, r, "changed")
		if got := r.Results[0].Data["stdout"]; got != "one\ntwo\n\nit's me\n" {
			t.Errorf("stdout %q", got)
		}
		if got := r.Results[0].Data["rc"]; got != "last 0" {
			t.Errorf("rc %q", got)
		}
		if r.Results[0].Words != "words" {
			t.Errorf("words %q", r.Results[0].Words)
		}
	})
}

func TestStatusTenAndVerdicts(t *testing.T) {
	for _, c := range []struct {
		end, check      string
		changed, failed Switch
		want, inCheck   string
	}{
		{"0", "10", "", "", "changed", "unknown"},
		{"10", "10", "", "", "ok", "unknown"},
		{"10", "1", "", "", "ok", "would"},
		{"3", "10", "", "", "failed", "unknown"},
		{"0", "10", No, "", "ok", "unknown"},
		{"3", "10", "", No, "changed", "unknown"}, // a deed that failed may have done something
		{"3", "10", No, No, "ok", "unknown"},
		{"0", "10", "", Yes, "failed", "unknown"},
		{"0", "0", Yes, "", "changed", "changed"},
		{"0", "1", No, "", "ok", "ok"},
	} {
		underEach(t, func(t *testing.T, sh shell) {
			p := program(t, "giver.sh", giver)
			call(t, p, "giver", "end", c.end, "check", c.check)
			p.Tasks[0].Flags = Flags{Changed: c.changed, Failed: c.failed}
			e := hostEnv(t)
			if c.check != "1" || c.end == "10" { // check 1 again after apply is unsettled
				want(t, run(t, sh, p, e), c.want)
			}
			e.Check = true
			want(t, run(t, sh, p, e), c.inCheck)
		})
	}
}

func TestTimeoutEndsATaskAndItsChildren(t *testing.T) {
	const sleeper = "# sleeper dir\napply_sleeper() {\n\tresult_begin stdout\n\techo begun\n\t(sleep 60; : >\"$1/late\")\n}\n"
	underEach(t, func(t *testing.T, sh shell) {
		p := program(t, "sleeper.sh", sleeper)
		call(t, p, "sleeper", "dir", t.TempDir())
		p.Tasks[0].Flags.Timeout = 1
		r := run(t, sh, p, hostEnv(t))
		want(t, r, "failed")
		if !strings.Contains(r.Results[0].Words, "timed out after 1 seconds") || !r.Done {
			t.Errorf("%+v", r)
		}
	})
}

// A handler runs once after a notifying task changed something, also when the run
// broke off in between, and never without.
func TestHandlersOutliveARun(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e, dir := hostEnv(t), t.TempDir()
		playbook := func(breaks string) *Program {
			p := program(t, "fate.sh", fate)
			call(t, p, "fate", "end", "first", "dir", dir)
			p.Tasks[0].Flags.Notify = []string{"k1"}
			call(t, p, "fate", "end", breaks, "dir", dir)
			call(t, p, "fate", "end", "handled-"+breaks, "dir", dir)
			p.Tasks[2].Guard, p.Tasks[2].Flags = "n1", Flags{Handler: "k1", Handled: "k1"}
			return p
		}
		e.Check = true
		want(t, run(t, sh, playbook("ok"), e), "would ok would")
		e.Check = false
		want(t, run(t, sh, playbook("failed"), e), "changed failed skipped(needs 1)")
		want(t, run(t, sh, playbook("ok"), e), "ok ok changed")
		want(t, run(t, sh, playbook("ok"), e), "ok ok skipped(when)")
	})
}

func TestCheckOfOneTask(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		p := program(t, "fate.sh", fate)
		dir := t.TempDir()
		call(t, p, "fate", "end", "a", "dir", dir)
		call(t, p, "fate", "end", "b", "dir", dir)
		p.Tasks[0].Flags.Check = Yes
		want(t, run(t, sh, p, hostEnv(t)), "would changed")
		e := hostEnv(t)
		e.Check = true
		p.Tasks[0].Flags.Check = No
		want(t, run(t, sh, p, e), "changed ok")
	})
}

func TestFormsOfParameters(t *testing.T) {
	k, err := parseKind("k", "# k dest|path|name list[]? env{}? any@? on=true mode?\napply_k() { :; }\n")
	if err != nil {
		t.Fatal(err)
	}
	l := &Library{kinds: map[string]Kind{"k": k}}
	args, _, err := l.Args("k", map[string]any{
		"name": "/x", "list": []any{"a b", int64(2)}, "env": map[string]any{"B": true, "A": "1"},
		"any": map[string]any{"x": []any{int64(1)}}, "on": "off", "mode": int64(0o644),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(args, "|"), "/x|a b\n2|A=1\nB=true|{\"x\":[1]}|false|0644"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, _, err := l.Args("k", map[string]any{"name": "/x", "dest": "/y"}); err == nil {
		t.Error("two names of one parameter are taken")
	}
}
