package playbooks

import (
	"crypto/sha256"
	"fmt"
	"path"
	"slices"

	"eucactl/tasks"
)

// handlers are those of the present play, and who notified them.
type handlers struct {
	list    []Step
	notices map[string][]notice // by the handler's key
}

// A notice is a task that notified a handler.
type notice struct {
	cell   *cell
	marked bool // the host remembers it by itself
}

// handling is the handler that a task belongs to.
type handling struct {
	key    string
	marked bool // the host knows whether it was notified
	last   *entry
}

// keyOf names a handler on the host, in this run and the next.
func (w *walker) keyOf(h Step) string {
	name := h.Name
	if len(h.Listen) > 0 && name == "" {
		name = fmt.Sprint(h.Listen)
	}
	role := ""
	if h.File != nil && h.File.Role != nil {
		role = h.File.Role.Name
	}
	sum := sha256.Sum256([]byte(path.Base(w.pb.File) + "\x00" + role + "\x00" + name))
	return fmt.Sprintf("%x", sum[:16])
}

// notified are the handlers that a name means: all that listen to it, and the last
// one that is called so.
func (w *walker) notified(name string) []Step {
	var out []Step
	var called *Step
	for i := range w.handlers.list {
		h := &w.handlers.list[i]
		full := ""
		if h.File != nil && h.File.Role != nil {
			full = h.File.Role.Name + " : " + w.scope().text(h.Name)
		}
		switch {
		case slices.Contains(h.Listen, name):
			out = append(out, *h)
		case h.Name != "" && (w.scope().text(h.Name) == name || full == name):
			called = h
		}
	}
	if called != nil {
		out = append(out, *called)
	}
	return out
}

// names are those of the handlers that a task notifies.
func (w *walker) noticesOf(e *entry) ([]Step, error) {
	var out []Step
	for _, n := range e.around.notify {
		v, err := e.around.scope.deep(n.Value)
		if err != nil {
			return nil, wrap(n.Where, "notify", err)
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, one := range list {
			found := w.notified(fmt.Sprint(one))
			if len(found) == 0 {
				return nil, wrong(n.Where, "no handler of this play is called %s, and none listens to it", shown(fmt.Sprint(one)))
			}
			out = append(out, found...)
		}
	}
	return out, nil
}

// notes remembers whom a task notifies if it changes something.
func (w *walker) notes(e *entry) error {
	list, err := w.noticesOf(e)
	if err != nil {
		return err
	}
	for _, h := range list {
		key := w.keyOf(h)
		if w.handlers.notices == nil {
			w.handlers.notices = map[string][]notice{}
		}
		w.handlers.notices[key] = append(w.handlers.notices[key], notice{e.cell, e.marks})
	}
	return nil
}

// notices tells the host whom a task notifies, where the host can judge whether it
// changed something.
func (w *walker) notices(e *entry, f *tasks.Flags) error {
	e.marks = e.elsewhere == "" && !lateOf(e.step).changed && !lateOf(e.step).failed
	if !e.marks {
		return nil
	}
	list, err := w.noticesOf(e)
	if err != nil {
		return err
	}
	for _, h := range list {
		if key := w.keyOf(h); !slices.Contains(f.Notify, key) {
			f.Notify = append(f.Notify, key)
		}
	}
	return nil
}

// runHandlers walks through the handlers: each runs if one of the tasks that notify
// it changed something. Where the host is asked it also runs if it was notified in
// an earlier run that did not come to it. One that is notified by a handler after it
// runs the next time. reached is what has to have gone well even if handlers are
// forced.
func (w *walker) runHandlers(needs, reached []*cell, a around) ([]*cell, error) {
	force, err := w.forces(a)
	if err != nil {
		return nil, err
	}
	own := needs
	if force {
		own = reached
	}
	for i := 0; i < len(w.handlers.list); i++ {
		h := w.handlers.list[i]
		inner := a.deeper(i)
		if h.File != nil && h.File.Role != nil {
			inner.scope = inner.scope.in(h.File.Role)
		}
		if own, err = w.handler(h, own, inner); err != nil {
			return nil, err
		}
	}
	if force {
		return union(needs, own), nil
	}
	return own, nil
}

// forces tells whether handlers run whatever failed.
func (w *walker) forces(a around) (bool, error) {
	if !w.asks() {
		return false, nil
	}
	force, err := a.is("force_handlers")
	if err != nil && isEnd(err) {
		return false, err
	}
	return force || w.opts.ForceHandlers, nil
}

// handler walks through one handler. Whatever failed besides, a change that was not
// followed up would never be noticed again by a host that is not asked; one that is
// remembers it.
func (w *walker) handler(h Step, needs []*cell, a around) ([]*cell, error) {
	key := w.keyOf(h)
	notices := w.handlers.notices[key]
	if w.asks() {
		return w.handlerAsked(h, key, notices, needs, a)
	}
	if len(notices) == 0 {
		return needs, nil
	}
	var any clause
	for _, n := range notices {
		any = append(any, term{'c', n.cell})
	}
	a.when = append(slices.Clip(a.when), any)
	a.chosen = true // whoever chose the task chose what follows from it
	last, err := w.step(h, nil, a)
	if err != nil {
		return nil, err
	}
	delete(w.handlers.notices, key) // also what the handler said to itself
	return append(slices.Clone(needs), last...), nil
}
