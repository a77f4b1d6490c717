package playbooks

import "slices"

// public is what other hosts see of a host: what the tasks before a path set, for it
// may be further on than who asks, and its facts, which may have to be asked for.
func (m *memory) public(path string) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := newMemory(m.host)
	out.copied, out.gathers = true, m.gathers
	out.said = m.said
	for name, v := range m.facts {
		out.facts[name] = v
	}
	for name, v := range m.asked {
		out.asked[name] = v
	}
	for _, vars := range []map[string]Var{m.included, m.set} {
		for name, v := range vars {
			if v, ok := v.asOf(path); ok {
				out.set[name] = v
			}
		}
	}
	return out
}

// asOf is what a variable was when a play came to a path.
func (v Var) asOf(path string) (Var, bool) {
	for {
		p, registered := v.Value.(*pendingVar)
		switch {
		case v.at < path && !registered:
			return v, true
		case v.at < path && p.ran:
			return Var{Name: v.Name, Value: p.final, fixed: true}, true
		case registered && p.was:
			v = p.old
		case !registered && v.older != nil:
			v = *v.older
		default:
			return Var{}, false
		}
	}
}

// publish lets other hosts see what became of the results that were on their way.
func (m *memory) publish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = slices.DeleteFunc(m.open, func(p *pendingVar) bool {
		if !p.done() {
			return false
		}
		p.final, p.ran = p.value()
		return true
	})
}

// end makes what was set in a play be there from the beginning of the next one.
func (m *memory) end() {
	m.publish()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, vars := range []map[string]Var{m.included, m.set} {
		for name, v := range vars {
			if v, ok := v.asOf(farthest); ok {
				v.at, v.older = "", nil
				vars[name] = v
			} else {
				delete(vars, name)
			}
		}
	}
}

// farthest sorts after all paths.
const farthest = "~~"
