package playbooks

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"testing"

	"eucactl/tasks"
	"eucactl/templates"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// draw is the outcome that a task has if it runs.
type draw uint64

func (d draw) of(name string) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", d, name)
	return []string{"ok", "ok", "changed", "failed"}[h.Sum64()>>7%4]
}

// simulate runs a program as the prelude does: guards first.
func simulate(t *rapid.T, p *tasks.Program, drawn draw) map[string]string {
	was := make([]string, len(p.Tasks))
	named := map[string]string{}
	for i, task := range p.Tasks {
		was[i] = drawn.of(task.Name)
		for term := range strings.FieldsSeq(task.Guard) {
			if verdict := weigh(t, term, was[:i]); verdict != "" {
				was[i] = verdict
				break
			}
		}
		if named[task.Name] != "" {
			t.Fatalf("two tasks %q", task.Name)
		}
		named[task.Name] = was[i]
	}
	return named
}

// weigh is what becomes of a task because of one term: blocked, skipped or "".
func weigh(t *rapid.T, term string, was []string) string {
	verdict := "skipped"
	for alternative := range strings.SplitSeq(term, "|") {
		n, err := strconv.Atoi(alternative[1:])
		if err != nil || n >= len(was) {
			t.Fatalf("term %q of a task %d", term, len(was))
		}
		switch letter, outcome := alternative[:1], was[n]; {
		case letter == "n" && bad(outcome):
			verdict = "blocked"
		case letter == "n",
			letter == "o" && (outcome == "ok" || outcome == "changed"),
			letter == "c" && outcome == "changed",
			letter == "f" && outcome == "failed",
			letter == "s" && (outcome == "skipped" || outcome == "blocked"):
			return ""
		}
	}
	return verdict
}

func bad(outcome string) bool { return outcome == "failed" || outcome == "blocked" }

// ansible walks the steps as Ansible would and says what becomes of each task.
type ansible struct {
	drawn   draw
	was     map[string]string
	results map[string][]string
}

// level is what a step has from those around it.
type level struct {
	ignore, when bool
	prefix       string
}

// steps returns whether the level has come to a halt.
func (a *ansible) steps(list []Step, halted bool, l level) bool {
	for _, s := range list {
		halted = a.step(s, halted, l)
	}
	return halted
}

func (a *ansible) step(s Step, halted bool, l level) bool {
	l.ignore = l.ignore || s.Settings["ignore_errors"].Value == true
	for _, w := range s.When {
		l.when = a.asks(w.Text) && l.when
	}
	items := []any{""}
	if s.Loop != nil {
		items = s.Loop.Items.([]any)
	}
	after := halted
	var ends []string
	for _, item := range items {
		name := strings.TrimSpace(fmt.Sprint(s.Name, " ", item))
		switch {
		case !s.IsBlock():
			end := a.task(l.prefix+name, halted, l.when)
			ends = append(ends, end)
			after = after || !l.ignore && bad(end)
		case s.Loop == nil:
			after = a.steps(s.Block, halted, l)
		default:
			inner := l
			inner.prefix += name + ": "
			a.steps(s.Block, halted, inner)
		}
	}
	if s.Register != "" {
		a.results[s.Register] = ends
	}
	return after
}

func (a *ansible) task(name string, halted, when bool) string {
	a.was[name] = a.drawn.of(name)
	switch {
	case halted:
		a.was[name] = "blocked"
	case !when:
		a.was[name] = "skipped"
	}
	return a.was[name]
}

// asks answers "[not] NAME is TEST".
func (a *ansible) asks(question string) bool {
	bare, not := strings.CutPrefix(question, "not ")
	words := strings.Fields(bare)
	ends := a.results[words[0]]
	count := map[string]int{}
	for _, e := range ends {
		count[strings.Replace(e, "blocked", "skipped", 1)]++
	}
	yes := map[string]bool{
		"changed": count["changed"] > 0, "failed": count["failed"] > 0,
		"succeeded": count["failed"] == 0, "skipped": count["skipped"] == len(ends),
	}[words[2]]
	return yes != not
}

// maker draws steps.
type maker struct {
	t          *rapid.T
	n          int
	registered []string
}

func (m *maker) steps(depth int, top bool) []Step {
	var out []Step
	for range rapid.IntRange(1, 4).Draw(m.t, "steps") {
		m.n++
		s := Step{}
		s.Name = fmt.Sprintf("s%d", m.n)
		if rapid.IntRange(0, 5).Draw(m.t, "ignore") == 0 {
			s.set("ignore_errors", Setting{Value: true})
		}
		if len(m.registered) > 0 && rapid.IntRange(0, 2).Draw(m.t, "when") == 0 {
			s.When = []Expr{{Text: m.question()}}
		}
		if rapid.IntRange(0, 2).Draw(m.t, "loop") == 0 {
			s.Loop = &Loop{Var: "item", Items: []any{"a", "b", "c"}[:rapid.IntRange(0, 3).Draw(m.t, "items")]}
		}
		if depth < 3 && rapid.IntRange(0, 1).Draw(m.t, "block") == 0 {
			s.Block = m.steps(depth+1, false)
		} else {
			s.Kind, s.Args = "kernel_setting", []Arg{{Name: "name", Value: fmt.Sprintf("t%d", m.n)}, {Name: "value", Value: "1"}}
			if top && rapid.Bool().Draw(m.t, "register") {
				s.Register = fmt.Sprintf("r%d", m.n)
				m.registered = append(m.registered, s.Register)
			}
		}
		out = append(out, s)
	}
	return out
}

func (m *maker) question() string {
	name := rapid.SampledFrom(m.registered).Draw(m.t, "name")
	question := rapid.SampledFrom([]string{"%s is changed", "%s is failed", "%s is skipped", "%s is succeeded",
		"not %s is failed", "not %s is skipped", "not %s is succeeded"}).Draw(m.t, "question")
	return fmt.Sprintf(question, name)
}

// TestGuardsMeanAnsible compares the guards of random playbooks with a walk
// through the playbook itself, for random outcomes.
func TestGuardsMeanAnsible(t *testing.T) {
	lib, set := library(t), templates.New()
	rapid.Check(t, func(t *rapid.T) {
		m := &maker{t: t}
		pb := Playbook{source: &Source{Cloud: true}, Plays: []Play{{Hosts: "all", Tasks: m.steps(0, true)}, {Hosts: "all", Tasks: m.steps(0, true)}}}
		p, err := pb.Build(In{Host: host()}, lib, set)
		if err != nil {
			t.Fatal(err)
		}
		a := &ansible{drawn: draw(rapid.Uint64().Draw(t, "outcomes")), was: map[string]string{}, results: map[string][]string{}}
		halted := a.steps(pb.Plays[0].Tasks, false, level{when: true})
		a.steps(pb.Plays[1].Tasks, halted, level{when: true})
		got := simulate(t, p, a.drawn)
		// What a condition known beforehand leaves out is not in the program.
		for name, want := range a.was {
			if _, ok := got[name]; !ok && (want == "skipped" || want == "blocked") {
				delete(a.was, name)
			}
		}
		if d := cmp.Diff(a.was, got); d != "" {
			t.Fatalf("(-want +got) %s\n%s", d, listing(p))
		}
	})
}

// TestOneFailureStopsItsOwn fails each task of the built-in programs in turn.
func TestOneFailureStopsItsOwn(t *testing.T) {
	var out strings.Builder
	for name, group := range map[string]string{"frontend": "frontends", "node": "nodes"} {
		p := program(t, name, group)
		out.Reset()
		for fails := range p.Tasks {
			was := make([]string, len(p.Tasks))
			var blocked []string
			for i, task := range p.Tasks {
				was[i] = "ok"
				if i == fails {
					was[i] = "failed"
				}
				for term := range strings.FieldsSeq(task.Guard) {
					if n, err := strconv.Atoi(term[1:]); err == nil && term[0] == 'n' && bad(was[n]) {
						was[i] = "blocked"
					}
				}
				if was[i] == "blocked" {
					blocked = append(blocked, task.Name)
				}
			}
			fmt.Fprintf(&out, "%s fails:\n", p.Tasks[fails].Name)
			for _, b := range blocked {
				fmt.Fprintf(&out, "    stops %s\n", b)
			}
		}
		golden(t, name+".failures", out.String())
	}
}
