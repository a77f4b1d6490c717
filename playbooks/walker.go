package playbooks

import (
	"context"
	"slices"

	"eucactl/tasks"
	"eucactl/templates"
)

// walker walks through plays for one host. It makes a program as long as nothing
// needs a result's content; then the host is asked, and it goes on.
type walker struct {
	ctx   context.Context
	pb    *Playbook
	lib   *tasks.Library
	set   *templates.Set
	opts  Options
	run   *Run   // nil: the host is not asked
	batch *batch // as well
	mem   *memory
	magic magic

	play  *Play
	vars  *playVars
	words *lexicon

	stage      *stage
	queue      []*entry
	tentative  []*entry // that set something, and may turn out not to have run
	stats      Stats
	gone       bool
	lastFailed *entry
	handlers   handlers
	ran        map[string]bool // roles
	started    bool            // --start-at-task was met
	place      string

	probed, opened bool            // the first program has asked what comes first
	left, marks    map[string]bool // handlers that an earlier run left; that the host remembers
	sets           map[string]bool // names that tasks of the play set
	learns         bool            // tasks of the play give facts
	includes       bool            // files that are yet to be included may set others
	connecting     map[*memory][]string
	itemsFailed    error
	contacted      bool // the host was reached, or nothing is to be asked of it
	cleared        bool // clear_host_errors
	shownTasks     int
}

// scope is the outermost one of a play.
func (w *walker) scope() scope {
	set := w.set
	if set == nil {
		set = w.pb.source.setOf(nil)
	}
	var others func([]string) map[string]any
	if w.asks() {
		others = w.others
	}
	return scope{others: others, set: set, words: w.words, extra: w.opts.Extra, host: w.mem, play: w.vars, magic: w.magic, typed: w.pb.source.Cloud}
}

// steps walks through steps in order: each needs those before it. It returns what
// the next step of the level needs; since a task that lacks what it needs counts
// as failed itself, the last one stands for those before.
func (w *walker) steps(list []Step, needs []*cell, a around) ([]*cell, error) {
	for i, s := range list {
		if dead(needs) {
			return needs, nil
		}
		var err error
		if needs, err = w.step(s, needs, a.deeper(i)); err != nil {
			return nil, err
		}
	}
	return needs, nil
}

// dead tells whether something that is needed failed.
func dead(needs []*cell) bool {
	return slices.ContainsFunc(needs, func(c *cell) bool { return !c.pending && (c.failed || c.blocked) })
}

// step walks through a task or a block, once or for each item of its loop.
func (w *walker) step(s Step, needs []*cell, a around) ([]*cell, error) {
	if w.asks() && s.File != nil {
		a.scope.set = w.pb.source.setOf(s.File)
	}
	outer := a
	outer.outer = nil
	a = a.within(s.Keywords)
	a.outer = &outer
	a.notify = append(slices.Clip(a.notify), s.Notify...)
	if !s.IsBlock() && !w.selected(s, a) {
		return needs, nil
	}
	w.enters(s, a)
	w.arrive(a)
	if s.IsBlock() && s.Loop == nil {
		a.scope = a.scope.with(nil, s.Vars)
		return w.block1(s, needs, a)
	}
	if !s.IsBlock() {
		return w.task(s, needs, a)
	}
	return w.blocks(s, needs, a)
}

// blocks is a block for each item of a loop: they go their own ways, so that one
// that fails stops neither its neighbours nor what follows.
func (w *walker) blocks(s Step, needs []*cell, a around) ([]*cell, error) {
	items, left, err := w.items(s, needs, &a)
	if err != nil || left {
		return needs, err
	}
	before, all := w.settings(), map[string]*pendingVar{}
	for i, item := range items {
		one := a.deeper(i)
		one.scope = a.scope.with(s.Loop.values(items, i), s.Vars)
		one.item = s.Loop.label(one.scope, item, i)
		one.prefix = append(slices.Clip(one.prefix), blockName(s, one))
		one.item, one.loops, one.fails = "", true, nil
		if _, err := w.block1(s, needs, one); err != nil {
			return nil, err
		}
		w.collect(all, before)
	}
	w.keep(all)
	return needs, nil
}

// block1 walks through a block with its conditions, its rescue and its always.
func (w *walker) block1(s Step, needs []*cell, a around) ([]*cell, error) {
	if !w.asks() {
		holds := true
		err := w.resolve(needs, &a, func() (err error) {
			holds, err = w.when(s.When, &a)
			return err
		})
		if err != nil {
			return nil, err
		}
		if !holds {
			w.leaveOut(s)
			return needs, nil
		}
	} else {
		a.conds = append(slices.Clip(a.conds), s.When...)
	}
	if s.Role != nil {
		return w.role(s, needs, a)
	}
	return w.sections(s, needs, a)
}

// leaveOut registers the tasks of a block that is left out.
func (w *walker) leaveOut(s Step) {
	for _, list := range [][]Step{s.Block, s.Rescue, s.Always} {
		eachTask(list, func(t *Step) {
			if t.Register != "" {
				e := &entry{step: t, cell: &cell{skipped: true}, known: true, fields: skippedFields()}
				w.register(*t, &group{step: t, closed: true, entries: []*entry{e}})
			}
		})
	}
}

// sections walks through a block, then what is to be done if it fails, then what
// is to be done in any case.
func (w *walker) sections(s Step, needs []*cell, a around) ([]*cell, error) {
	inner := a
	if len(s.Rescue) > 0 {
		inner.fails, inner.rescued = &[]*cell{}, true
	}
	after, err := w.steps(s.Block, needs, inner.deeper(0))
	if err != nil {
		return nil, err
	}
	if len(s.Rescue) > 0 {
		if after, err = w.rescue(s, needs, after, *inner.fails, a.deeper(1)); err != nil {
			return nil, err
		}
	}
	if len(s.Always) == 0 {
		return after, nil
	}
	if err := w.certain(); err != nil {
		return nil, err
	}
	a.apart = true
	last, err := w.steps(s.Always, needs, a.deeper(2))
	if err != nil {
		return nil, err
	}
	return union(after, last), nil
}

// rescue walks through what is to be done if one of fails failed.
func (w *walker) rescue(s Step, needs, after, fails []*cell, a around) ([]*cell, error) {
	if err := w.certain(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(fails, func(c *cell) bool { return c.pending || c.failed }) {
		return after, nil
	}
	if !settled(fails) && usesFailure(s.Rescue) && w.asks() {
		if err := w.flush(); err != nil {
			return nil, err
		}
		return w.rescue(s, needs, after, fails, a)
	}
	if settled(fails) {
		w.remember("ansible_failed_task", w.failedTask())
		w.remember("ansible_failed_result", w.failedResult())
	} else {
		pending := (&need{what: "which task failed", result: true}).value()
		a.scope = a.scope.with(map[string]any{"ansible_failed_task": pending, "ansible_failed_result": pending}, nil)
	}
	var any clause
	for _, c := range fails {
		any = append(any, term{'f', c})
	}
	a.apart = true
	a.when, a.gates = append(slices.Clip(a.when), any), append(slices.Clip(a.gates), any)
	return w.steps(s.Rescue, needs, a)
}

// usesFailure tells whether steps speak of the task that failed.
func usesFailure(steps []Step) bool {
	found := false
	eachTask(steps, func(s *Step) {
		found = found || localKinds[s.Kind] != nil || mentions(*s, "ansible_failed_")
	})
	return found
}

// certain makes sure that what was set under the condition that earlier tasks do
// not fail was rightly set.
func (w *walker) certain() error {
	if len(w.tentative) == 0 {
		return nil
	}
	return w.flush()
}

// takeBack takes back what was set by tasks that turned out not to have run.
func (w *walker) takeBack() {
	var open []*entry
	for i := len(w.tentative) - 1; i >= 0; i-- {
		e := w.tentative[i]
		switch {
		case !e.known:
			open = append(open, e)
		case e.cell.blocked || e.cell.skipped:
			for _, undo := range e.undo {
				undo()
			}
		}
	}
	slices.Reverse(open)
	w.tentative = open
}

func union(a, b []*cell) []*cell {
	out := slices.Clone(a)
	for _, c := range b {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// remember sets a variable as a task does that sets a fact.
func (w *walker) remember(name string, value any) func() {
	return w.mem.remember(w.mem.set, Var{Name: name, Value: value, fixed: true}, w.place)
}

func (w *walker) failedTask() map[string]any {
	if w.lastFailed == nil {
		return map[string]any{}
	}
	return map[string]any{"name": w.lastFailed.around.scope.text(w.lastFailed.step.Name), "action": w.lastFailed.step.Kind}
}

func (w *walker) failedResult() map[string]any {
	if w.lastFailed == nil {
		return map[string]any{}
	}
	return w.lastFailed.fields
}
