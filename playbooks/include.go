package playbooks

import (
	"path"
	"slices"
	"strings"
)

// include walks through what include_tasks or include_role brings, once or for each
// item of its loop.
func (w *walker) include(s Step, needs []*cell, a around, g *group) ([]*cell, error) {
	items, left := []any{nil}, false
	if s.Loop != nil {
		inner := a
		inner.scope = a.scope.with(nil, s.Vars)
		var err error
		if items, left, err = w.items(s, needs, &inner); err != nil {
			return nil, err
		}
		if left || len(items) == 0 {
			return w.noItems(s, needs, inner, g)
		}
	}
	g.loop = false
	var all []*included
	for i, item := range items {
		one := a
		var each map[string]any
		if s.Loop != nil {
			each = s.Loop.values(items, i)
			one.scope = a.scope.with(each, nil)
			one.item = s.Loop.label(one.scope, item, i)
		}
		one.scope = one.scope.given(s.Vars)
		e := &entry{step: &s, around: one, info: a.info, cell: &cell{}, needs: needs, each: each}
		e.group = &group{step: &s, info: a.info, around: one, closed: true, entries: []*entry{e}}
		g.entries = append(g.entries, e)
		if s.Loop != nil {
			e.label = s.Loop.shown(one.scope, item)
			e.result.HasItem, e.result.Item = true, e.label
		}
		got, after, err := w.includeOne(e, needs)
		if err != nil {
			return nil, err
		}
		if got != nil {
			got.number = i
			all = append(all, got)
		}
		needs = after
	}
	w.register(s, g)
	g.closed = true
	for _, got := range all {
		if dead(needs) {
			break
		}
		var err error
		if needs, err = w.walkIncluded(got, needs); err != nil {
			return nil, err
		}
	}
	return needs, nil
}

// included is what an include brings.
type included struct {
	step   Step // a block
	file   string
	entry  *entry
	number int // of the item

	handlers []Step  // that it gives the play
	public   []*Role // whose variables the play sees from now on
}

// includeOne finds out what one include brings, and what the next needs.
func (w *walker) includeOne(e *entry, needs []*cell) (got *included, after []*cell, err error) {
	original := e.around.when
	err = w.resolve(needs, &e.around, func() error {
		a := &e.around
		a.when, got = original, nil
		_, v, err := fold(needs, a.when)
		switch {
		case err != nil:
			return err
		case v == blocked:
			w.block(e)
			w.enqueue(e)
			return nil
		}
		holds, err := w.when(concat(a.conds, e.step.When), a)
		if err != nil {
			return err
		}
		_, v, err = fold(needs, a.when)
		switch {
		case err != nil:
			return err
		case !holds || v == skips:
			w.skip(e)
			return nil
		}
		if got, err = w.bring(e); err != nil {
			got = nil
			return err
		}
		if v == waits && len(got.public) > 0 {
			return (&need{what: "whether the role is included", result: true}).value()
		}
		got.entry = e
		w.takeIn(got)
		fields := map[string]any{"include": got.file, "changed": false}
		if v == waits {
			e.status, e.fields = StatusIncluded, fields
			e.cell.pending, e.cell.local = true, true
			w.enqueue(e)
			return nil
		}
		w.conclude(e, StatusIncluded, fields)
		return nil
	})
	if err != nil {
		if !w.asks() || isEnd(err) {
			return nil, nil, err
		}
		got = nil
		w.failWith(e, err)
	}
	if got != nil {
		return got, needs, nil
	}
	after, err = w.after(e)
	return nil, after, err
}

// walkIncluded walks through the tasks of an include: they have what is around it,
// not what it has itself, unless apply says so.
func (w *walker) walkIncluded(got *included, needs []*cell) ([]*cell, error) {
	e := got.entry
	a := e.around.deeper(got.number)
	// Hosts that include other files are at other places.
	a.path += "." + strings.ReplaceAll(path.Base(got.file), "~", "-")
	a.tags, a.item = slices.Clone(e.around.outer.tags), ""
	a.settings, a.notify = e.around.outer.settings, e.around.outer.notify
	a.info = nil
	if e.around.outer.handler == nil {
		a.chosen = false
	}
	if e.step.Apply != nil {
		got.step.Keywords = *e.step.Apply
	}
	return w.step(got.step, needs, a)
}

// bring reads what an include names.
func (w *walker) bring(e *entry) (*included, error) {
	c, err := w.call(e)
	if err != nil {
		return nil, err
	}
	src := w.pb.source
	if e.step.Kind == "include_role" {
		return w.bringRole(e, c)
	}
	name, ok := c.args["file"].(string)
	if !ok || name == "" {
		return nil, wrong(e.step.Where, "include_tasks needs the name of a file")
	}
	file, ok := src.find(e.step.File, "tasks", name)
	if !ok {
		return nil, wrong(e.step.Where, "could not find or access '%s'", src.shown(src.join(path.Dir(e.step.File.Path), name)))
	}
	l := src.include(e.step.File, file)
	if l.err != nil {
		return nil, l.err
	}
	if err := w.checked(l.steps); err != nil {
		return nil, err
	}
	block := Step{Where: e.step.Where, Block: l.steps, File: e.step.File}
	return &included{step: block, file: src.shown(file), handlers: l.handlers, public: rolesIn(l.steps)}, nil
}

// checked checks tasks that were not known before.
func (w *walker) checked(steps []Step) error {
	c := checker{lib: w.lib, pb: w.pb, seen: map[string]bool{}}
	c.steps(steps)
	if len(c.errs) > 0 {
		return c.errs[0]
	}
	return nil
}

func (w *walker) bringRole(e *entry, c call) (*included, error) {
	src := w.pb.source
	r := src.reader(e.step.File.Path, e.step.File.Role)
	s := *e.step
	s.Args = nil
	for name, v := range c.args {
		s.Args = append(s.Args, Arg{e.step.Where, name, v})
	}
	u, ok := r.useOf(s)
	if !ok {
		return nil, r.err()
	}
	u.vars = s.Vars
	block := r.useRole(Step{Where: s.Where, File: s.File}, u)
	if err := r.err(); err != nil {
		return nil, err
	}
	if err := w.checked(block.Block); err != nil {
		return nil, err
	}
	if s.Apply != nil {
		block.Keywords = *s.Apply
	}
	enclose([]Step{block}, nil)
	return &included{step: block, file: block.Role.Name, handlers: r.play.Handlers, public: rolesIn([]Step{block})}, nil
}

// takeIn gives the play what an include brings for all of it.
func (w *walker) takeIn(got *included) {
	w.addHandlers(got.handlers, got.entry.around.outer)
	for _, r := range got.public {
		if !slices.ContainsFunc(w.vars.roles, func(o *Role) bool { return o.instance == r.instance }) {
			w.vars.roles = append(slices.Clip(w.vars.roles), r)
		}
	}
}

// role walks through a role, unless it has run already.
func (w *walker) role(s Step, needs []*cell, a around) ([]*cell, error) {
	role := s.Role
	if w.ran[role.instance] && !role.Duplicate {
		return needs, nil
	}
	a.scope = a.scope.in(role)
	before := w.shownTasks
	if w.asks() {
		var err error
		if needs, err = w.validates(s, needs, &a); err != nil {
			return nil, err
		}
	}
	after, err := w.sections(s, needs, a)
	if w.shownTasks > before || !w.asks() {
		w.ran[role.instance] = true
	}
	return after, err
}
