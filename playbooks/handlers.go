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
	list    []handler           // a role's may be there more than once, with the same key
	known   map[string][]string // by what they are called, in order: who they are
	notices map[string][]notice // by the handler's key
}

// A handler has a key, its name on the host.
type handler struct {
	Step
	key string
	of  *around // the play, or what is around the include that brought it
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
	noted  bool // the host remembers it, and is to forget it
	last   *entry
}

// addHandlers gives the play handlers, after all others: those that were loaded last
// are who is meant.
func (w *walker) addHandlers(list []Step, of *around) {
	all := w.handlers.list
	same := func(a handler, b Step) bool { return a.instance() == b.instance() && a.Where == b.Where }
	if slices.EqualFunc(all[max(0, len(all)-len(list)):], list, same) {
		return // an include that is repeated
	}
	for _, h := range list {
		w.handlers.list = append(w.handlers.list, handler{h, w.keyOf(h), of})
	}
}

// keyOf names a handler on the host, in this run and the next. Of those that are
// called alike the first has the same name as if it were alone.
func (w *walker) keyOf(h Step) string {
	name := h.Name
	if len(h.Listen) > 0 && name == "" {
		name = fmt.Sprint(h.Listen)
	}
	role := ""
	if h.File != nil && h.File.Role != nil {
		role = h.File.Role.Name
	}
	called := path.Base(w.pb.File) + "\x00" + role + "\x00" + name
	if n := w.handlers.number(called, h.instance()+"\x00"+h.Where.String()); n > 0 {
		called += fmt.Sprintf("\x00%d", n)
	}
	sum := sha256.Sum256([]byte(called))
	return fmt.Sprintf("%x", sum[:16])
}

// number counts those that are called alike.
func (l *handlers) number(called, who string) int {
	if n := slices.Index(l.known[called], who); n >= 0 {
		return n
	}
	if l.known == nil {
		l.known = map[string][]string{}
	}
	l.known[called] = append(l.known[called], who)
	return len(l.known[called]) - 1
}

// notified are the keys of the handlers that a name means: all that listen to it, and
// one that is called so. As in Ansible that is the first in the list that was loaded
// last, a role's or the play's own.
func (w *walker) notified(name string) []string {
	var out []string
	var called *handler
	for i := range w.handlers.list {
		h := &w.handlers.list[i]
		if slices.Contains(h.Listen, name) {
			out = append(out, h.key)
		}
		if w.isCalled(h.Step, name) && (called == nil || called.instance() != h.instance()) {
			called = h
		}
	}
	if called != nil {
		out = append(out, called.key)
	}
	return out
}

func (w *walker) isCalled(h Step, name string) bool {
	if h.Name == "" {
		return false
	}
	text := w.scope().text(h.Name)
	return text == name || h.full(text) == name
}

// noticesOf are the keys of the handlers that a task notifies.
func (w *walker) noticesOf(e *entry) ([]string, error) {
	var out []string
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
	for _, key := range list {
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
	for _, key := range list {
		if !slices.Contains(f.Notify, key) {
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
		if own, err = w.handler(h, own, h.around(a.deeper(i))); err != nil {
			return nil, err
		}
	}
	if force {
		return union(needs, own), nil
	}
	return own, nil
}

// around is what a handler has from those around it: not from the task that has
// handlers run at once, but from where its role is used.
func (h handler) around(a around) around {
	a.scope, a.settings, a.environ, a.defaults = h.of.scope, h.of.settings, h.of.environ, h.of.defaults
	a.conds, a.notify, a.prefix = h.of.conds, nil, nil
	if h.File == nil || h.File.Role == nil {
		return a
	}
	for _, k := range h.File.Role.around {
		a = a.within(k)
		a.conds = append(slices.Clip(a.conds), k.When...)
		a.scope = a.scope.with(nil, k.Vars)
	}
	a.scope = a.scope.in(h.File.Role)
	return a
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
func (w *walker) handler(h handler, needs []*cell, a around) ([]*cell, error) {
	notices := w.handlers.notices[h.key]
	if w.asks() {
		return w.handlerAsked(h, notices, needs, a)
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
	last, err := w.step(h.Step, nil, a)
	if err != nil {
		return nil, err
	}
	delete(w.handlers.notices, h.key) // also what the handler said to itself
	return append(slices.Clone(needs), last...), nil
}
