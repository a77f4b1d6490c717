package playbooks

import (
	"errors"
	"slices"

	"eucactl/tasks"
)

// task walks through a task, once or for each item of its loop.
func (w *walker) task(s Step, needs []*cell, a around) ([]*cell, error) {
	g := &group{step: &s, loop: s.Loop != nil}
	if s.Loop == nil {
		a.scope = a.scope.with(nil, s.Vars)
	}
	var err error
	if a.info, err = w.info(s, needs, &a); err != nil {
		return nil, err
	}
	g.info, g.around = a.info, a
	if how, err := w.shared(s, needs, &a); how != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return how(s, needs, a)
	}
	return w.throttled(s, needs, a, g)
}

// alone walks through a task that concerns no other host.
func (w *walker) alone(s Step, needs []*cell, a around, g *group) ([]*cell, error) {
	if s.Kind == "include_tasks" || s.Kind == "include_role" {
		return w.include(s, needs, a, g)
	}
	if s.Kind == "meta" && w.asks() {
		return w.meta(s, needs, a)
	}
	if s.Loop == nil {
		e := &entry{step: &s, around: a, info: a.info, group: g, cell: &cell{}, needs: needs}
		g.entries = append(g.entries, e)
		after, err := w.one(e)
		if err != nil {
			return nil, err
		}
		w.register(s, g)
		w.close(g)
		return w.settleFatal(a, g, after)
	}
	after, err := w.loop(s, needs, a, g)
	if err != nil {
		return nil, err
	}
	return w.settleFatal(a, g, after)
}

// loop walks through a task for each of its items, which all run before it fails.
func (w *walker) loop(s Step, needs []*cell, a around, g *group) ([]*cell, error) {
	inner := a
	inner.scope = a.scope.with(nil, s.Vars)
	items, left, err := w.items(s, needs, &inner)
	if err != nil {
		return nil, err
	}
	if left {
		return w.noItems(s, needs, inner, g)
	}
	var last []*cell
	for i, item := range items {
		one := a
		each := s.Loop.values(items, i)
		one.scope = a.scope.with(each, s.Vars)
		one.item = s.Loop.label(one.scope, item, i)
		e := &entry{step: &s, around: one, info: a.info, group: g, cell: &cell{}, needs: needs, each: each}
		e.label = s.Loop.shown(one.scope, item)
		g.entries = append(g.entries, e)
		after, err := w.one(e)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(after, needs) {
			last = append(last, after...)
		}
		if err := w.pauseBetween(s, one, i, len(items)); err != nil {
			return nil, err
		}
	}
	w.register(s, g)
	w.close(g)
	if len(last) == 0 {
		return needs, nil
	}
	return last, nil
}

// noItems is a task whose loop could not be evaluated, which does not matter since
// its condition does not hold, or which failed because of that.
func (w *walker) noItems(s Step, needs []*cell, a around, g *group) ([]*cell, error) {
	g.loop = false
	e := &entry{step: &s, around: a, info: a.info, group: g, cell: &cell{}, needs: needs}
	g.entries = append(g.entries, e)
	switch {
	case w.itemsFailed != nil:
		w.failWith(e, w.itemsFailed)
		w.itemsFailed = nil
	case dead(needs):
		w.block(e)
		w.enqueue(e)
	default:
		w.skip(e)
	}
	w.register(s, g)
	w.close(g)
	return w.after(e)
}

// one walks through a task, or one item of it, and returns what the next step needs.
func (w *walker) one(e *entry) ([]*cell, error) {
	original := e.around.when
	err := w.resolve(e.needs, &e.around, func() error {
		a := &e.around
		a.when = original
		if _, v, err := fold(e.needs, a.when); err != nil {
			return err
		} else if v == blocked {
			w.block(e)
			w.enqueue(e)
			return nil
		} else if v == skips {
			w.skip(e)
			return nil
		}
		holds, err := w.when(concat(a.conds, e.step.When), a)
		if err != nil {
			return err
		}
		guard, v, err := fold(e.needs, a.when)
		switch {
		case err != nil:
			return err
		case !holds, v == skips:
			w.skip(e)
			return nil
		}
		return w.perform(e, guard, v)
	})
	if err != nil {
		if !w.asks() || isEnd(err) {
			return nil, err
		}
		w.failWith(e, err)
	}
	return w.after(e)
}

// failWith is a task that failed before anything of it could run.
func (w *walker) failWith(e *entry, err error) {
	e.ignored, _ = e.around.is("ignore_errors")
	w.lastFailed = e
	w.conclude(e, StatusFailed, map[string]any{"changed": false, "failed": true, "msg": err.Error()})
}

// after is what the next step needs.
func (w *walker) after(e *entry) ([]*cell, error) {
	if e.known && !e.cell.failed && !e.cell.blocked || e.cell.local || e.skips {
		return e.needs, nil
	}
	ignore, err := e.around.is("ignore_errors")
	if err != nil && !w.asks() {
		return nil, err
	}
	if ignore && !e.cell.blocked {
		return e.needs, nil
	}
	if e.around.fails != nil {
		*e.around.fails = append(*e.around.fails, e.cell)
	}
	return []*cell{e.cell}, nil
}

// perform does what a task says, or puts it into the program.
func (w *walker) perform(e *entry, guard string, v verdict) error {
	c, err := w.call(e)
	if err != nil {
		return err
	}
	if do := w.locals()[c.kind]; do != nil {
		return w.here(e, c, do, v)
	}
	return w.there(e, c, guard)
}

// there puts a task into the program for the host.
func (w *walker) there(e *entry, c call, guard string) error {
	back, err := w.onStage(e, c)
	if err != nil {
		return err
	}
	e.cell.late, e.cell.deed = lateOf(e.step), w.isDeed(e.step)
	if e.decide != nil {
		e.cell.late = late{changed: true, failed: true}
	}
	if e.tree != nil {
		err := w.plant(e, c, guard)
		back()
		return err
	}
	t, err := w.made(e, c)
	if err != nil {
		back()
		return err
	}
	t.Guard = guard
	if e.teaches, err = w.taught(e, c.kind); err != nil {
		back()
		return err
	}
	w.add(e, t)
	if e.step.Until != nil {
		err = w.untilItIs(e, c)
	}
	// A task after which the host may be gone, and yet goes on, is the last of a stage.
	if loose, e2 := e.around.is("ignore_unreachable"); err == nil && (e.elsewhere != "" || loose || e2 != nil) {
		err = errors.Join(w.flush(), e2)
	}
	if e.teaches == w.mem && !e.known {
		w.mem.owe(true)
	}
	back()
	return err
}

// lateOf is what the host cannot judge: conditions that are no constants.
func lateOf(s *Step) late {
	return late{
		changed: s.ChangedWhen != nil && constant(s.ChangedWhen) == "",
		failed:  s.FailedWhen != nil && constant(s.FailedWhen) == "" || s.Until != nil,
	}
}

// made is the task for the present stage's program.
func (w *walker) made(e *entry, c call) (tasks.Task, error) {
	hides, err := e.around.is("no_log")
	if err != nil {
		return tasks.Task{}, err
	}
	t, err := w.stage.program.Call(c.kind, c.args, hides)
	if err != nil {
		return t, wrap(e.step.Where, "", err)
	}
	t.Name = taskName(*e.step, e.around)
	if t.IgnoreErrors, err = e.around.is("ignore_errors"); err != nil {
		return t, err
	}
	if w.asks() {
		if t.Flags, err = w.flags(e, t); err != nil {
			return t, err
		}
	}
	return t, w.notes(e)
}
