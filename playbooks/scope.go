package playbooks

import (
	"maps"
	"slices"
	"strings"

	"eucactl/templates"
)

// scope holds the variables that a step sees. Vars with templates in them are
// rendered anew in every scope, as in Ansible: one that names the item of a loop
// has that item's value in each round.
type scope struct {
	set   *templates.Set
	vars  map[string]any
	lazy  []Var          // with templates in them
	extra map[string]any // of the command line: always win
}

// newScope is the outermost scope: what the host is, and its inventory variables.
func newScope(set *templates.Set, in In) scope {
	facts := make(map[string]any, len(in.Facts))
	for k, v := range in.Facts {
		facts[k] = v
	}
	groups := make([]any, len(in.Host.Groups))
	for i, g := range in.Host.Groups {
		groups[i] = g
	}
	short, _, _ := strings.Cut(in.Host.Name, ".")
	s := scope{set: set, vars: map[string]any{}, extra: in.Extra}
	return s.with(map[string]any{
		"inventory_hostname": in.Host.Name, "inventory_hostname_short": short,
		"group_names": groups, "facts": facts, "plan": in.Plan,
	}, inventoryVars(in.Host))
}

func inventoryVars(h Host) []Var {
	var out []Var
	for _, name := range slices.Sorted(maps.Keys(h.Vars)) {
		if !slices.Contains(reserved, name) {
			out = append(out, Var{Name: name, Value: h.Vars[name]})
		}
	}
	return out
}

// with is a scope inside s that also has values, which are taken as they are, and
// vars, which are rendered.
func (s scope) with(values map[string]any, vars []Var) scope {
	if len(values) == 0 && len(vars) == 0 {
		return s
	}
	in := scope{set: s.set, extra: s.extra, vars: maps.Clone(s.vars)}
	maps.Copy(in.vars, values)
	for _, v := range s.lazy {
		_, hidden := values[v.Name]
		if !hidden && !slices.ContainsFunc(vars, func(n Var) bool { return n.Name == v.Name }) {
			in.lazy = append(in.lazy, v)
		}
	}
	for _, v := range vars {
		if hasTemplate(v.Value) {
			in.lazy = append(in.lazy, v)
		} else {
			in.vars[v.Name] = v.Value
		}
	}
	in.render()
	maps.Copy(in.vars, s.extra)
	return in
}

// render renders the lazy vars, which may name each other in any order, until
// none is left or nothing helps.
func (s *scope) render() {
	pending := slices.DeleteFunc(slices.Clone(s.lazy), func(v Var) bool { _, ok := s.extra[v.Name]; return ok })
	for _, v := range pending {
		delete(s.vars, v.Name)
	}
	maps.Copy(s.vars, s.extra)
	for before := -1; len(pending) != before; {
		before = len(pending)
		pending = slices.DeleteFunc(pending, func(v Var) bool {
			value, err := s.deep(v.Value)
			if err == nil {
				s.vars[v.Name] = value
			}
			return err == nil
		})
	}
	// Twice, so that the reason of one that names another is that one's reason.
	for range 2 {
		for _, v := range pending {
			if _, err := s.deep(v.Value); err != nil {
				s.vars[v.Name] = templates.Undefined(v.reason(err))
			}
		}
	}
}

func hasTemplate(v any) bool {
	switch v := v.(type) {
	case string:
		return templates.HasTemplate(v)
	case []any:
		return slices.ContainsFunc(v, hasTemplate)
	case map[string]any:
		for _, item := range v {
			if hasTemplate(item) {
				return true
			}
		}
	}
	return false
}

func (v Var) reason(err error) string {
	where := ""
	if v.Where.File != "" {
		where = " (" + v.Where.String() + ")"
	}
	return "the variable " + v.Name + where + " cannot be had: " + err.Error()
}

// deep renders all text within a value.
func (s scope) deep(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return s.set.Value(v, s.vars)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			r, err := s.deep(item)
			if err != nil {
				return nil, err
			}
			out[i] = r
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			r, err := s.deep(v[k])
			if err != nil {
				return nil, err
			}
			out[k] = r
		}
		return out, nil
	}
	return v, nil
}

// text renders a name or label; what cannot be rendered is shown as written.
func (s scope) text(t string) string {
	out, err := s.set.Text(t, s.vars)
	if err != nil {
		return t
	}
	return out
}
