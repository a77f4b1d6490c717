package playbooks

import "maps"

// public is what other hosts see of a host: what it has reported, and its facts,
// which may have to be asked for.
func (m *memory) public() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := newMemory(m.host)
	out.copied, out.gathers = true, m.gathers
	out.said = m.said
	maps.Copy(out.facts, m.facts)
	maps.Copy(out.asked, m.asked)
	maps.Copy(out.set, m.published)
	return out
}

// publish lets other hosts see what was set so far.
func (m *memory) publish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.published = map[string]Var{}
	for _, vars := range []map[string]Var{m.included, m.set} {
		for name, v := range vars {
			if p, registered := v.Value.(*pendingVar); registered {
				if !p.done() {
					continue
				}
				value, ran := p.value()
				if !ran {
					continue
				}
				v = Var{Name: name, Value: value, fixed: true}
			}
			m.published[name] = v
		}
	}
}
