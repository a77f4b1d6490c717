package playbooks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"eucactl/inventory"
	"eucactl/tasks"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawnHost answers programs with drawn outcomes, by the names of tasks, and obeys
// guards and flags as the prelude does.
type drawnHost struct {
	*Machines
	rt       *rapid.T
	drawn    draw
	notified map[string]bool // markers
	stages   int
}

func (d *drawnHost) Stage(_ context.Context, _ string, s Stage) (tasks.Report, error) {
	d.stages++
	report := tasks.Report{Hello: true, Stage: true}
	was := make([]string, len(s.Program.Tasks))
	for i, t := range s.Program.Tasks {
		r := tasks.Result{Index: i, Needs: -1}
		was[i] = d.outcome(t, was[:i], &r)
		report.Results = append(report.Results, r)
	}
	return report, nil
}

// outcome is what becomes of a task.
func (d *drawnHost) outcome(t tasks.Task, was []string, r *tasks.Result) string {
	for term := range strings.FieldsSeq(t.Guard) {
		if verdict := weigh(d.rt, term, was); verdict != "" {
			r.Outcome, r.Why = tasks.Skipped, "when"
			if verdict == "blocked" {
				r.Why, r.Needs = "needs 0", 0
			}
			return verdict
		}
	}
	if h := t.Flags.Handler; h != "" && !d.notified[h] {
		r.Outcome, r.Why = tasks.Skipped, "when"
		return "skipped"
	}
	if t.Kind == "notified" {
		r.Outcome = tasks.OK
		return "ok"
	}
	is := d.drawn.of(t.Name)
	r.Data = map[string]string{"rc": "0"}
	if is == "failed" {
		r.Data["rc"] = "1"
	}
	switch {
	case is == "ok" && t.Flags.Changed == tasks.Yes:
		is = "changed"
	case is == "changed" && t.Flags.Changed == tasks.No:
		is = "ok"
	}
	if is == "changed" {
		for _, key := range t.Flags.Notify {
			d.notified[key] = true
		}
	}
	if is != "failed" && t.Flags.Handled != "" {
		delete(d.notified, t.Flags.Handled)
	}
	r.Outcome = map[string]tasks.Outcome{"ok": tasks.OK, "changed": tasks.Changed, "failed": tasks.Failed}[is]
	return is
}

// model walks through a playbook as Ansible does, one task after the other.
type model struct {
	drawn   draw
	told    []string
	results map[string]map[string]any
	facts   map[string]bool
	notices map[string]bool
	counts  map[string]int
}

type modelStep struct {
	name, kind    string // task, fact, debug, block
	when          string
	ignore        bool
	register      string
	notify        string
	changed       string // changed_when
	failed        string // failed_when
	items         []string
	block, rescue []modelStep
	always        []modelStep
}

// steps returns whether the level failed.
func (m *model) steps(list []modelStep) bool {
	for _, s := range list {
		if m.step(s) {
			return true
		}
	}
	return false
}

func (m *model) step(s modelStep) bool {
	if s.kind != "block" {
		return m.task(s)
	}
	failed := m.steps(s.block)
	if failed && s.rescue != nil {
		failed = m.steps(s.rescue)
	}
	if s.always != nil && m.steps(s.always) {
		failed = true
	}
	return failed
}

func (m *model) task(s modelStep) bool {
	items := s.items
	if items == nil {
		items = []string{""}
	}
	ends := map[string]bool{}
	for _, item := range items {
		is := m.one(s, strings.TrimSpace(s.name+" "+item))
		ends[is] = true
		if s.items != nil {
			m.told = append(m.told, fmt.Sprintf("%s: %s (%s)", s.name, is, item))
		} else {
			m.told = append(m.told, s.name+": "+is)
		}
	}
	result := map[string]any{"changed": ends["changed"] || ends["failed"] && s.changed == "true", "failed": ends["failed"], "skipped": ends["skipped"] && len(ends) == 1, "rc": "0"}
	if ends["failed"] && s.items == nil && m.drawn.of(s.name) == "failed" && s.kind == "task" {
		result["rc"] = "1"
	}
	if s.failed != "" && !ends["skipped"] && m.drawn.of(s.name) == "failed" {
		result["rc"] = "1"
	}
	if s.register != "" {
		m.results[s.register] = result
	}
	// Unlike Ansible a loop that changed something notifies also if another of its
	// items failed: what was changed is followed up.
	if s.notify != "" && ends["changed"] {
		m.notices[s.notify] = true
	}
	return ends["failed"] && !s.ignore
}

// one is what becomes of one item.
func (m *model) one(s modelStep, name string) string {
	if s.when != "" && !m.holds(s.when) {
		return "skipped"
	}
	switch s.kind {
	case "fact":
		m.facts[s.name] = true
		return "ok"
	case "debug":
		return "ok"
	}
	is := m.drawn.of(name)
	rc := map[bool]string{true: "1", false: "0"}[is == "failed"]
	changed, failed := is == "changed", is == "failed"
	if s.changed != "" {
		changed = s.changed == "true" || s.changed == "late" && rc == "0"
	}
	if s.failed != "" {
		failed = s.failed == "late" && rc == "1"
	}
	switch {
	case failed:
		return "failed"
	case changed:
		return "changed"
	}
	return "ok"
}

// holds answers "[not] rN is TEST", "rN.rc == 1" and "fN is defined".
func (m *model) holds(question string) bool {
	bare, not := strings.CutPrefix(question, "not ")
	words := strings.Fields(bare)
	if words[0][0] == 'f' {
		return m.facts[words[0]] != not
	}
	name, field, isField := strings.Cut(words[0], ".")
	r := m.results[name]
	switch {
	case field == "changed":
		return (r["changed"] == true) != not
	case isField:
		return (r["rc"] == "1") != not
	}
	yes := map[string]bool{"changed": r["changed"] == true, "failed": r["failed"] == true, "succeeded": r["failed"] != true, "skipped": r["skipped"] == true}[words[2]]
	return yes != not
}

// modelMaker draws playbooks.
type modelMaker struct {
	t          *rapid.T
	n          int
	registered []string
	facts      []string
}

func (m *modelMaker) chance(label string, n int) bool {
	return rapid.IntRange(0, n).Draw(m.t, label) == 0
}

func (m *modelMaker) steps(depth int, top bool) []modelStep {
	var out []modelStep
	for range rapid.IntRange(1, 4).Draw(m.t, "steps") {
		m.n++
		s := modelStep{name: fmt.Sprintf("t%d", m.n), kind: "task"}
		if (len(m.registered) > 0 || len(m.facts) > 0) && m.chance("when", 2) {
			s.when = m.question()
		}
		switch rapid.IntRange(0, 9).Draw(m.t, "kind") {
		case 0:
			s.kind, s.name = "fact", fmt.Sprintf("f%d", m.n)
			m.facts = append(m.facts, s.name)
		case 1:
			s.kind = "debug"
		case 2, 3, 4:
			if depth < 3 {
				s.kind, s.when = "block", ""
				s.block = m.steps(depth+1, false)
				if m.chance("rescue", 1) {
					s.rescue = m.steps(depth+1, false)
				}
				if m.chance("always", 1) {
					s.always = m.steps(depth+1, false)
				}
				out = append(out, s)
				continue
			}
		}
		if s.kind == "task" {
			m.decorate(&s, top)
		}
		out = append(out, s)
	}
	return out
}

func (m *modelMaker) decorate(s *modelStep, top bool) {
	s.ignore = m.chance("ignore", 4)
	if m.chance("loop", 4) {
		s.items = []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(m.t, "items")]
	}
	if m.chance("changed_when", 4) && s.items == nil {
		s.changed = rapid.SampledFrom([]string{"true", "false", "late"}).Draw(m.t, "changed")
	}
	if m.chance("failed_when", 6) && s.items == nil {
		s.failed = rapid.SampledFrom([]string{"late"}).Draw(m.t, "failed")
	}
	if m.chance("notify", 3) {
		s.notify = rapid.SampledFrom([]string{"h1", "h2"}).Draw(m.t, "handler")
	}
	if top && m.chance("register", 1) || s.changed == "late" || s.failed == "late" {
		s.register = fmt.Sprintf("r%d", m.n)
		if top {
			m.registered = append(m.registered, s.register)
		}
	}
}

func (m *modelMaker) question() string {
	not := rapid.SampledFrom([]string{"", "not "}).Draw(m.t, "not")
	if len(m.facts) > 0 && (len(m.registered) == 0 || m.chance("fact", 3)) {
		return not + rapid.SampledFrom(m.facts).Draw(m.t, "fact") + " is defined"
	}
	name := rapid.SampledFrom(m.registered).Draw(m.t, "name")
	return not + fmt.Sprintf(rapid.SampledFrom([]string{
		"%s is changed", "%s is failed", "%s is succeeded", "%s is skipped", "%s.changed", "%s.rc | default(0) == 1",
	}).Draw(m.t, "test"), name)
}

// yamlOf writes steps down.
func yamlOf(list []modelStep, indent string) string {
	var b strings.Builder
	for _, s := range list {
		fmt.Fprintf(&b, "%s- name: %s\n", indent, s.name)
		in := indent + "  "
		line := func(key, value string) {
			if value != "" {
				fmt.Fprintf(&b, "%s%s: %s\n", in, key, value)
			}
		}
		line("when", s.when)
		line("register", s.register)
		line("notify", s.notify)
		if s.ignore {
			line("ignore_errors", "true")
		}
		if s.items != nil {
			line("loop", "["+strings.Join(s.items, ", ")+"]")
		}
		late := map[string]string{"late": "", "true": "true", "false": "false"}
		if late["late"] = s.register + `.rc == 0`; s.changed != "" {
			line("changed_when", late[s.changed])
		}
		if s.failed != "" {
			line("failed_when", s.register+".rc == 1")
		}
		switch s.kind {
		case "fact":
			line("set_fact", "{ "+s.name+": x }")
		case "debug":
			line("debug", "{ msg: x }")
		case "task":
			line("keep", "{ file: x, content: x }")
		case "block":
			line("block", "\n"+yamlOf(s.block, in+"  "))
			if s.rescue != nil {
				line("rescue", "\n"+yamlOf(s.rescue, in+"  "))
			}
			if s.always != nil {
				line("always", "\n"+yamlOf(s.always, in+"  "))
			}
		}
	}
	return b.String()
}

// TestStagesMeanAnsible compares random playbooks, which are run in as few stages as
// possible, with a walk that knows every result at once.
func TestStagesMeanAnsible(t *testing.T) {
	lib, err := library(t).Overlay(testKinds, "test")
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Open(inventory.Sources{Paths: []string{"h,"}})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		mk := &modelMaker{t: rt}
		steps := mk.steps(0, true)
		text := "- hosts: all\n  gather_facts: false\n  tasks:\n" + yamlOf(steps, "    ") +
			"  handlers:\n    - { name: h1, keep: { file: x, content: x } }\n    - { name: h2, keep: { file: x, content: x } }\n"
		d := draw(rapid.Uint64().Draw(rt, "outcomes"))
		m := &model{drawn: d, results: map[string]map[string]any{}, facts: map[string]bool{}, notices: map[string]bool{}}
		if !m.steps(steps) {
			for _, h := range []string{"h1", "h2"} {
				if m.notices[h] && m.task(modelStep{name: h, kind: "task"}) {
					break
				}
			}
		}
		host := &drawnHost{Machines: NewMachines(t), rt: rt, drawn: d, notified: map[string]bool{}}
		var out told
		src := &Source{Files: fstest.MapFS{"site.yml": {Data: []byte(text)}}}
		pb, err := src.Load("site.yml")
		if err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		run := Run{Playbook: pb, Inventory: inv, Library: lib, Runner: host, Events: &out}
		if _, err := run.Do(context.Background()); err != nil {
			rt.Fatalf("%v\n%s", err, text)
		}
		var got []string
		for _, r := range out.all {
			line := r.Task.Name + ": " + string(r.Status)
			if r.Loop {
				continue
			}
			if r.HasItem {
				line += " (" + r.Item + ")"
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(m.told, got); diff != "" {
			rt.Fatalf("(-want +got) %s\n%s", diff, text)
		}
		for _, name := range slices.Sorted(maps.Keys(m.results)) {
			v, ok := run.hosts["h"].own(name)
			f, _ := v.Value.(map[string]any)
			if !ok || f["failed"] == true != (m.results[name]["failed"] == true) || f["skipped"] == true != (m.results[name]["skipped"] == true) {
				rt.Fatalf("%s is %v, want %v\n%s", name, f, m.results[name], text)
			}
		}
	})
}
