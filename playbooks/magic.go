package playbooks

// magic are the variables that say what is: values, or functions that find them when
// they are asked for.
type magic map[string]any

func (m magic) get(name string) (any, bool) {
	v, ok := m[name]
	if find, late := v.(func() any); late {
		return find(), true
	}
	return v, ok
}
