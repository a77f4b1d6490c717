package playbooks

import (
	"maps"
	"slices"

	"eucactl/inventory"
)

// addHost adds a host, or groups and variables to one.
func (r *Run) addHost(name string, groups []string, vars map[string]any) (changed bool, err error) {
	r.mu.Lock()
	_, known := r.Inventory.Host(name)
	inv, err := r.Inventory.With(name, groups)
	if err == nil {
		changed = !known || !sameGroups(r.Inventory, inv, name)
		r.Inventory = inv
	}
	r.mu.Unlock()
	if err != nil {
		return false, err
	}
	m := r.memory(name)
	found, _ := r.inventory().Host(name)
	m.mu.Lock()
	defer m.mu.Unlock()
	all := maps.Clone(m.host.Vars)
	if all == nil {
		all = map[string]any{}
	}
	for key, v := range vars {
		changed = changed || !sameVar(Var{Value: all[key]}, Var{Value: v})
		all[key] = v
	}
	m.host.Vars, m.inventory = all, found
	m.host.Groups = found.Groups
	return changed, nil
}

// group puts a host into a group, and the group into its parents.
func (r *Run) group(m *memory, name string, parents []string) (changed bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	inv, err := r.Inventory.With(m.host.Name, append([]string{name}, parents...))
	if err != nil {
		return false, err
	}
	changed = !sameGroups(r.Inventory, inv, m.host.Name)
	r.Inventory = inv
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inventory, _ = inv.Host(m.host.Name)
	m.host.Groups = m.inventory.Groups
	return changed, nil
}

// sameGroups tells whether a host is in the same groups in both.
func sameGroups(a, b *inventory.Inventory, name string) bool {
	x, _ := a.Host(name)
	y, _ := b.Host(name)
	return x != nil && y != nil && slices.Equal(x.Groups, y.Groups)
}
