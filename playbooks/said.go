package playbooks

import (
	"maps"
	"reflect"
	"regexp"
	"strings"
)

// Tasks whose result has ansible_facts, such as getent's, teach something about their
// host: ansible_facts.NAME, and NAME itself, from then on.

// reaching are the names that say how a host is reached: what a host says of itself
// never counts for these.
var reaching = regexp.MustCompile(`^ansible_(host|port|user|connection|password|timeout|pipelining|become.*|ssh_.*|scp_.*|sftp_.*|sudo_.*|shell_.*|remote_.*|host_key_checking|.*_interpreter)$`)

// gives tells whether results of a kind may have facts.
func (w *walker) gives(kind string) bool {
	k, err := w.lib.Kind(kind)
	return err == nil && k.GivesFacts
}

// taught is whose facts the result of a task may have; nil if it has none.
func (w *walker) taught(e *entry, kind string) (*memory, error) {
	if !w.asks() || !w.gives(kind) {
		return nil, nil
	}
	if of, err := w.factsOf(e); of != nil || err != nil {
		return of, err
	}
	return w.mem, nil
}

// teach takes in the facts of a result.
func (w *walker) teach(e *entry) {
	found, ok := e.fields["ansible_facts"].(map[string]any)
	if !ok || e.teaches == nil {
		return
	}
	e.teaches.hear(found)
}

// seen is what conditions about a task's own result see: the result under its name,
// and the facts in it.
func (e *entry) seen(c cell) scope {
	sc, values := e.around.scope, map[string]any{}
	if e.step.Register != "" {
		values[e.step.Register] = withOutcome(e.fields, c)
	}
	found, ok := e.fields["ansible_facts"].(map[string]any)
	if !ok || e.teaches == nil {
		return sc.with(values, nil)
	}
	all := map[string]any{}
	if v, ok := sc.get("ansible_facts"); ok {
		known, _ := v.Value.(map[string]any)
		maps.Copy(all, known)
	}
	for name, v := range found {
		if !reaching.MatchString(name) {
			values[name] = v
		}
		all[strings.TrimPrefix(name, "ansible_")] = v
	}
	values["ansible_facts"] = all
	return sc.with(values, nil)
}

// hear takes in facts that a task gives, by the names that they have as variables.
// What was heard before is replaced rather than changed: others may be reading it.
func (m *memory) hear(found map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	said := maps.Clone(m.said)
	for name, v := range found {
		if variableName.MatchString(name) {
			said[name] = v
		}
	}
	m.said = said
}

// owe notes whether tasks of the stage being made may give facts: until they have
// run nobody can tell what these hide.
func (m *memory) owe(yes bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owes = yes
}

// heard is a variable that a task's facts made, or may yet make.
func (m *memory) heard(name string) (Var, bool) {
	if reaching.MatchString(name) {
		return Var{}, false
	}
	if m.owes {
		n := &need{what: "the facts that an earlier task gives", result: true}
		return Var{Name: name, Value: n.value(), fixed: true}, true
	}
	v, ok := m.said[name]
	return Var{Name: name, Value: v, fixed: true}, ok
}

// hearsay is all that tasks' facts say.
func (m *memory) hearsay() map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.said
}

// heardSince are the facts that tasks gave since they were as before.
func (m *memory) heardSince(before map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range m.hearsay() {
		if old, was := before[name]; !was || !reflect.DeepEqual(old, v) {
			out[name] = v
		}
	}
	return out
}

// givesFacts tells whether tasks of a play may give facts.
func (w *walker) givesFacts(p *Play) bool {
	found := false
	eachStep(p, func(s Step) { found = found || !s.IsBlock() && w.gives(s.Kind) })
	return found
}

// includesFiles tells whether a play may include what is not part of it yet.
func includesFiles(p *Play) bool {
	found := false
	eachStep(p, func(s Step) { found = found || strings.HasPrefix(s.Kind, "include_") })
	return found
}

// mayLearn tells whether a task that a host is still to do may set a name. Nobody knows
// what files set that are yet to be included: names that the host has anyway are not
// looked for there.
func (w *walker) mayLearn(m *memory, name string) bool {
	if w.sets[name] || w.learns && name == "ansible_facts" {
		return true
	}
	if strings.HasPrefix(name, "ansible_") || !w.learns && !w.includes {
		return false
	}
	_, has := m.given(name)
	return w.learns || !has
}
