package playbooks

import (
	"slices"
	"strings"

	"eucactl/tasks"
)

// handlerAsked walks through a handler of a host that is asked. As long as nobody
// here knows whether it was notified, the host does.
func (w *walker) handlerAsked(h handler, notices []notice, needs []*cell, a around) ([]*cell, error) {
	if dead(needs) {
		return needs, nil
	}
	known := func() (changed, open bool) {
		for _, n := range notices {
			changed = changed || !n.cell.pending && n.cell.changed && !n.cell.failed
			open = open || n.cell.pending
		}
		return changed || w.left[h.key], open
	}
	changed, open := known()
	if open && !changed && (localKinds[h.Kind] != nil || slices.ContainsFunc(notices, func(n notice) bool { return n.cell.pending && !n.marked })) {
		if err := w.flush(); err != nil {
			return nil, err
		}
		changed, open = known()
	}
	if !changed && !open || dead(needs) {
		return needs, nil
	}
	noted := w.marks[h.key] || slices.ContainsFunc(notices, func(n notice) bool { return n.marked })
	a.handler = &handling{key: h.key, marked: !changed, noted: noted}
	a.chosen, a.tags = true, nil
	delete(w.left, h.key)
	last, err := w.step(h.Step, needs, a)
	if err != nil {
		return nil, err
	}
	if err := w.handled(a); err != nil {
		return nil, err
	}
	delete(w.handlers.notices, h.key) // also what the handler said to itself
	return last, nil
}

// handled lets the host forget a handler when its last task ended.
func (w *walker) handled(a around) error {
	if e := a.handler.last; e != nil && e.cell.pending && !e.cell.local {
		t := &w.stage.program.Tasks[e.cell.index]
		t.Flags.Handled = a.handler.key
		return nil
	}
	if a.handler.marked || !a.handler.noted {
		return nil
	}
	return w.internal("notified", map[string]any{"keys": []any{}}, tasks.Flags{Handled: a.handler.key}, nil)
}

// probe asks a host which handlers an earlier run left to be done.
func (w *walker) probe() error {
	if w.probed || len(w.handlers.list) == 0 || w.opts.Check {
		return nil
	}
	w.probed = true
	var keys []any
	for _, h := range w.handlers.list {
		keys = append(keys, h.key)
	}
	return w.internal("notified", map[string]any{"keys": keys}, tasks.Flags{}, func(e *entry) {
		text, _ := e.fields["left"].(string)
		for _, key := range strings.Fields(text) {
			w.left[key], w.marks[key] = true, true
		}
	})
}

// internal puts a task into the program that nobody sees.
func (w *walker) internal(kind string, args map[string]any, f tasks.Flags, arrived func(*entry)) error {
	t, err := w.stage.program.Call(kind, args, false)
	if err != nil {
		return err
	}
	t.Name, t.Flags = kind, f
	w.add(&entry{step: &Step{Kind: kind}, cell: &cell{}, info: &TaskInfo{Name: kind, Action: kind}, arrived: arrived}, t)
	return nil
}
