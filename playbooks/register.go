package playbooks

import (
	"fmt"
	"maps"
)

// A pendingVar is a registered result: on its way until its groups are done.
type pendingVar struct {
	name   string
	groups []*group // more than one if a block with a loop registered it
	old    Var      // what the name stood for before: tasks that never ran register nothing
	was    bool

	final any  // of one that was on its way: what it came to
	ran   bool // and whether it did
}

func (p *pendingVar) done() bool {
	for _, g := range p.groups {
		if !g.done() {
			return false
		}
	}
	return true
}

func (p *pendingVar) cells() []*cell {
	var out []*cell
	for _, g := range p.groups {
		for _, e := range g.entries {
			out = append(out, e.cell)
		}
	}
	return out
}

// value is the result; false if no task of it was reached.
func (p *pendingVar) value() (any, bool) {
	var results []any
	changed, failed := false, false
	for _, g := range p.groups {
		if len(g.entries) > 0 && g.allBlocked() {
			continue
		}
		v := g.result()
		results = append(results, v)
		changed, failed = changed || v["changed"] == true, failed || v["failed"] == true
	}
	switch {
	case len(p.groups) == 0:
		return map[string]any{"changed": false, "skipped": true, "results": []any{}}, true
	case len(results) == 0:
		return nil, false
	case len(p.groups) == 1:
		return results[0], true
	}
	return map[string]any{"results": results, "changed": changed, "failed": failed}, true
}

func (p *pendingVar) need() error {
	return (&need{result: true, what: fmt.Sprintf(
		"%s is the result of a task, of which `when` can ask only whether it is changed, failed, skipped or succeeded", p.name)}).value()
}

// register remembers a task under its name.
func (w *walker) register(s Step, g *group) {
	if s.Register == "" {
		return
	}
	w.mem.mu.Lock()
	defer w.mem.mu.Unlock()
	old, was := w.mem.set[s.Register]
	p := &pendingVar{name: s.Register, groups: []*group{g}, old: old, was: was}
	w.mem.set[s.Register] = Var{Name: s.Register, fixed: true, Value: p, at: w.place}
	w.mem.open = append(w.mem.open, p)
}

// settings is a copy of all that is set.
func (w *walker) settings() map[string]Var {
	w.mem.mu.Lock()
	defer w.mem.mu.Unlock()
	return maps.Clone(w.mem.set)
}

// collect moves what one item of a block's loop registered to all, so that the
// next item does not see it.
func (w *walker) collect(all map[string]*pendingVar, before map[string]Var) {
	w.mem.mu.Lock()
	defer w.mem.mu.Unlock()
	for name, v := range w.mem.set {
		p, ok := v.Value.(*pendingVar)
		old, was := before[name]
		if !ok || was && old.Value == v.Value {
			continue
		}
		if all[name] == nil {
			all[name] = &pendingVar{name: name, old: old, was: was}
		}
		all[name].groups = append(all[name].groups, p.groups...)
		if delete(w.mem.set, name); was {
			w.mem.set[name] = old
		}
	}
}

// keep sets what collect moved.
func (w *walker) keep(all map[string]*pendingVar) {
	w.mem.mu.Lock()
	defer w.mem.mu.Unlock()
	for name, p := range all {
		w.mem.set[name] = Var{Name: name, Value: p, fixed: true, at: w.place}
		w.mem.open = append(w.mem.open, p)
	}
}
