package playbooks

import (
	"maps"
	"slices"

	"eucactl/inventory"
	"eucactl/ordered"
	"eucactl/templates"
)

// scope is the variables that a step sees, in Ansible's order of precedence. Vars
// with templates in them are rendered whenever something uses them, as in Ansible:
// one that names the item of a loop has that item's value in each round.
type scope struct {
	set   *templates.Set
	words *lexicon
	typed bool // expressions keep the types of their values, in the cloud's playbooks

	values map[string]any // of loops, and what is: nothing hides them
	extra  map[string]any // of the command line
	params []Var          // of includes and roles, the inner ones last
	host   *memory        // what it registered, its facts, its inventory variables
	steps  []Var          // of blocks and tasks, the inner ones last
	role   *Role
	play   *playVars
	magic  magic
	others func(names []string) map[string]any // hostvars, with these of their variables; nil means all
}

// playVars are the variables of a play.
type playVars struct {
	vars  []Var   // vars, then those asked for, then those of files: the last wins
	roles []*Role // whose variables the whole play sees
}

// with is a scope inside s that also has values, which are taken as they are, and
// vars, which are rendered.
func (s scope) with(values map[string]any, vars []Var) scope {
	if len(values) > 0 {
		all := make(map[string]any, len(s.values)+len(values))
		maps.Copy(all, s.values)
		maps.Copy(all, values)
		s.values = all
	}
	if len(vars) > 0 {
		s.steps = append(slices.Clip(s.steps), vars...)
	}
	return s
}

// given is a scope inside s with parameters of an include.
func (s scope) given(params []Var) scope {
	s.params = append(slices.Clip(s.params), params...)
	return s
}

// in is a scope inside a role.
func (s scope) in(role *Role) scope {
	s.role = role
	for by := role; by != nil; by = by.By {
		s.params = append(slices.Clip(s.params), by.Params...)
	}
	s.params = append(s.params, role.Params...)
	return s
}

// get finds a variable as it was written.
func (s scope) get(name string) (Var, bool) {
	if v, ok := s.values[name]; ok {
		return Var{Name: name, Value: v, fixed: true}, true
	}
	if v, ok := s.magic.get(name); ok {
		return Var{Name: name, Value: v, fixed: true}, true
	}
	if v, ok := s.role.magic().get(name); ok {
		return Var{Name: name, Value: v, fixed: true}, true
	}
	if v, ok := s.extra[name]; ok {
		return Var{Name: name, Value: v}, true
	}
	if v, ok := last(s.params, name); ok {
		return v, true
	}
	if v, ok := s.host.own(name); ok {
		return v, true
	}
	if v, ok := last(s.steps, name); ok {
		return v, true
	}
	if v, ok := s.ofRoles(name, func(r *Role) []Var { return r.Vars }); ok {
		return v, true
	}
	if s.play != nil {
		if v, ok := last(s.play.vars, name); ok {
			return v, true
		}
	}
	if v, ok := s.host.given(name); ok {
		return v, true
	}
	return s.ofRoles(name, func(r *Role) []Var { return r.Defaults })
}

func last(vars []Var, name string) (Var, bool) {
	for i := len(vars) - 1; i >= 0; i-- {
		if vars[i].Name == name {
			return vars[i], true
		}
	}
	return Var{}, false
}

// ofRoles looks at the role's own, at those it needs and those that need it, and
// at those that the whole play sees.
func (s scope) ofRoles(name string, part func(*Role) []Var) (Var, bool) {
	if s.role != nil {
		if v, ok := s.role.find(name, part); ok {
			return v, true
		}
		for by := s.role.By; by != nil; by = by.By {
			if v, ok := last(part(by), name); ok {
				return v, true
			}
		}
	}
	if s.play == nil {
		return Var{}, false
	}
	for i := len(s.play.roles) - 1; i >= 0; i-- {
		if v, ok := s.play.roles[i].find(name, part); ok {
			return v, true
		}
	}
	return Var{}, false
}

// names are those of all variables that get finds, but for facts that nobody asked for yet.
func (s scope) names() []string {
	all := map[string]bool{}
	for name := range s.values {
		all[name] = true
	}
	for _, vars := range []map[string]any{s.magic, s.role.magic(), s.extra} {
		for name := range vars {
			all[name] = true
		}
	}
	add := func(vars []Var) {
		for _, v := range vars {
			all[v.Name] = true
		}
	}
	add(s.params)
	add(s.steps)
	s.host.names(all)
	var roles []*Role
	if s.play != nil {
		add(s.play.vars)
		roles = append(needed(s.play.roles), s.play.roles...)
	}
	for by := s.role; by != nil; by = by.By {
		roles = append(append(roles, by.needed()...), by)
	}
	for _, r := range roles {
		add(r.Vars)
		add(r.Defaults)
	}
	return slices.Sorted(maps.Keys(all))
}

func hasTemplate(v any) bool {
	switch v := v.(type) {
	case string:
		return templates.HasTemplate(v)
	case Unsafe, inventory.Unsafe, *inventory.Sealed, *sealed:
		return true // it must be turned into text
	}
	return ordered.Has(v, hasTemplate)
}

func (v Var) reason(err error) string {
	where := ""
	if v.Where.File != "" {
		where = " (" + v.Where.String() + ")"
	}
	return "the variable " + v.Name + where + " cannot be had: " + err.Error()
}
