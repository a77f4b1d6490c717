package inventory

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// ListJSON is the whole inventory in the form of ansible-inventory --list.
func (inv *Inventory) ListJSON() ([]byte, error) {
	out := make(map[string]any)
	for _, g := range inv.groups {
		if entry := g.listing(); len(entry) > 0 {
			out[g.Name] = entry
		}
	}
	vars := make(map[string]any)
	for _, h := range inv.hosts {
		if len(h.Vars) > 0 {
			vars[h.Name] = h.Vars
		}
	}
	out["_meta"] = map[string]any{"hostvars": vars}
	return indented(out)
}

// HostJSON is one host's merged variables in the form of ansible-inventory
// --host.
func (inv *Inventory) HostJSON(name string) ([]byte, error) {
	h, ok := inv.Host(name)
	if !ok {
		return nil, inv.unknown(name)
	}
	return indented(h.Vars)
}

// ForCloud says whether the inventory has settings of the cloud's network: then it
// is meant to be one that Load accepts.
func (inv *Inventory) ForCloud() bool {
	set := func(vars map[string]variable) bool {
		for name := range vars {
			if strings.HasPrefix(strings.ToLower(name), "vnet_") {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(inv.groups, func(g *Group) bool { return set(g.vars) }) ||
		slices.ContainsFunc(inv.listed, func(h *Host) bool { return set(h.own) })
}

func (g *Group) listing() map[string]any {
	entry := make(map[string]any)
	if g.Name != allGroup && len(g.hosts) > 0 {
		var names []string
		for _, h := range g.hosts {
			names = append(names, h.Name)
		}
		entry["hosts"] = names
	}
	if len(g.children) > 0 {
		entry["children"] = g.Children()
	}
	return entry
}

func indented(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
