package playbooks

import (
	"maps"
	"strings"
	"sync"

	"eucactl/facts"
	"eucactl/inventory"
)

// memory is what is known of a host: its inventory variables, what it said of
// itself, what tasks registered. Other hosts read it as hostvars.
type memory struct {
	host      Host
	inventory *inventory.Host // how it is reached

	mu       sync.Mutex
	facts    map[string]any // by their names without ansible_
	asked    map[string]bool
	gathers  bool           // facts that were not asked for can be
	copied   bool           // it is what other hosts see
	set      map[string]Var // set_fact and register
	included map[string]Var // include_vars
	said     map[string]any // facts that tasks gave, by their whole names
	owes     bool           // tasks that are yet to run may give some

	open []*pendingVar // of set, those on their way
}

func newMemory(h Host) *memory {
	return &memory{host: h, facts: map[string]any{}, asked: map[string]bool{}, set: map[string]Var{}, included: map[string]Var{}, said: map[string]any{}}
}

// groups are those that the host is in.
func (m *memory) groups() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.host.Groups
}

// own is what was set while the playbook ran.
func (m *memory) own(name string) (Var, bool) {
	if m == nil {
		return Var{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.set[name]
	for ok {
		p, registered := v.Value.(*pendingVar)
		if !registered {
			return v, true
		}
		if v.result = p; !p.done() {
			return v, true
		}
		if value, ran := p.value(); ran {
			return Var{Name: name, Value: value, fixed: true, result: p}, true
		}
		v, ok = p.old, p.was
	}
	v, ok = m.included[name]
	return v, ok
}

// given is what the host says of itself, or what the inventory says.
func (m *memory) given(name string) (Var, bool) {
	if m == nil {
		return Var{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.heard(name); ok {
		return v, true
	}
	if v, ok := m.fact(name); ok {
		return v, true
	}
	v, ok := m.host.Vars[name]
	return Var{Name: name, Value: v}, ok
}

// remember sets a variable at a path, and returns what takes it back.
func (m *memory) remember(where map[string]Var, v Var, path string) (undo func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, was := where[v.Name]
	v.at = path
	if v.older = old.older; was && old.at < path {
		v.older = &old
	}
	where[v.Name] = v
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if delete(where, v.Name); was {
			where[v.Name] = old
		}
	}
}

// names adds the names of all that the host has.
func (m *memory) names(all map[string]bool) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, vars := range []map[string]Var{m.set, m.included} {
		for name := range vars {
			all[name] = true
		}
	}
	for name := range m.host.Vars {
		all[name] = true
	}
	for name := range m.facts {
		all["ansible_"+name] = true
	}
	for name := range m.said {
		if !reaching.MatchString(name) {
			all[name] = true
		}
	}
}

// learn takes in facts that were asked for.
func (m *memory) learn(found map[string]any, asked []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.facts, found)
	for _, name := range asked {
		m.asked[name] = true
	}
}

// knownFacts are those that the host gave.
func (m *memory) knownFacts() map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.facts)
}

// forget forgets all facts.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.facts, m.asked, m.said = map[string]any{}, map[string]bool{}, map[string]any{}
}

// fact finds what a host says of itself. What was not asked for is there as the
// need of it.
func (m *memory) fact(name string) (Var, bool) {
	key, isFact := strings.CutPrefix(name, "ansible_")
	if !isFact {
		return Var{}, false
	}
	if key == "facts" {
		return m.allFacts()
	}
	if v, ok := m.facts[key]; ok {
		return Var{Name: name, Value: v, fixed: true}, true
	}
	if m.gathers && !m.asked[key] && facts.IsSetup(key) {
		return Var{Name: name, Value: m.factNeed(key), fixed: true}, true
	}
	return Var{}, false
}

// askable are the names of the facts that the host can be asked for, and of all
// facts together.
func (m *memory) askable() []string {
	if m == nil {
		return nil
	}
	out := []string{"ansible_facts"}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gathers {
		for _, name := range facts.SetupNames() {
			out = append(out, "ansible_"+name)
		}
	}
	return out
}

func (m *memory) allFacts() (Var, bool) {
	all := maps.Clone(m.facts)
	if m.gathers {
		for _, name := range facts.SetupNames() {
			if _, ok := all[name]; !ok && !m.asked[name] {
				all[name] = m.factNeed(name)
			}
		}
	}
	for name, v := range m.said {
		all[strings.TrimPrefix(name, "ansible_")] = v
	}
	return Var{Name: "ansible_facts", Value: all, fixed: true}, true
}

func (m *memory) factNeed(name string) error {
	n := &need{what: "the fact " + name, facts: name}
	if m.copied {
		n.host = m.host.Name
	}
	return n.value()
}
