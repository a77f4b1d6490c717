package playbooks

// magic are the variables that say where a role is.
func (role *Role) magic() magic {
	if role == nil {
		return nil
	}
	is := magic{"role_path": role.Path, "role_name": role.Name, "ansible_role_name": role.Name}
	// One that a play has, or another depends on, has no parents.
	if role.In != nil {
		is["ansible_parent_role_names"] = role.parents(func(r *Role) string { return r.Name })
		is["ansible_parent_role_paths"] = role.parents(func(r *Role) string { return r.Path })
	}
	return is
}

// parents are the roles in which a role is included, the nearest first.
func (role *Role) parents(part func(*Role) string) []any {
	var out []string
	for in := role.In; in != nil; in = in.In {
		out = append(out, part(in))
	}
	return anyList(out)
}

// needed are all roles that a role depends on, each after those that it depends on.
func (role *Role) needed() []*Role {
	var out []*Role
	for _, n := range role.Needs {
		out = append(append(out, n.needed()...), n)
	}
	return out
}

// find looks for a variable among the role's own, then among those of the roles that it
// depends on.
func (role *Role) find(name string, part func(*Role) []Var) (Var, bool) {
	if v, ok := last(part(role), name); ok {
		return v, true
	}
	for i := len(role.Needs) - 1; i >= 0; i-- {
		if v, ok := role.Needs[i].find(name, part); ok {
			return v, true
		}
	}
	return Var{}, false
}

func values(vars []Var) map[string]any {
	out := map[string]any{}
	for _, v := range vars {
		out[v.Name] = v.Value
	}
	return out
}
