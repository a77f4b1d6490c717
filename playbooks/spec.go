package playbooks

import (
	"path"

	"gopkg.in/yaml.v3"

	"eucactl/ordered"
)

// Spec says what a role's entry point must be given: argument_specs.
type Spec struct {
	Where   Position
	Entry   string // main, or the file that tasks_from names
	Short   string
	Options map[string]any
}

// specs reads meta/argument_specs.yml.
func (r *reader) specs(role *Role) {
	for _, ext := range []string{".yml", ".yaml", ".json"} {
		name := path.Join(role.Dir, "meta", "argument_specs"+ext)
		if !r.src.exists(name) {
			continue
		}
		m := r.in(name, role)
		data, err := r.src.read("file", name)
		if err != nil {
			r.found.add(wrong(role.Where, "%v", err))
			return
		}
		root := m.document(data)
		if root == nil || isNull(root) {
			return
		}
		for _, p := range m.mapping(root, "argument_specs") {
			if p.name == "argument_specs" {
				m.readSpecs(role, p.value)
			}
		}
		return
	}
}

func (r *reader) readSpecs(role *Role, n *yaml.Node) {
	for _, p := range r.mapping(n, "argument_specs") {
		spec := Spec{Where: r.at(p.key), Entry: p.name}
		m, _ := ordered.Names(r.value(p.value, 0))
		spec.Short, _ = m["short_description"].(string)
		spec.Options, _ = ordered.Names(m["options"])
		role.Specs = append(role.Specs, spec)
	}
}
