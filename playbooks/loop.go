package playbooks

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"eucactl/spelling"
)

// withs are the lookups that a with_ may name.
var withs = []string{
	"items", "list", "dict", "sequence", "nested", "cartesian", "together", "indexed_items", "subelements",
	"fileglob", "first_found", "flattened", "random_choice", "file", "inventory_hostnames", "lines", "template", "vars", "varnames",
}

// with reads a with_ loop.
func (r *reader) with(s *Step, p pair) {
	name := strings.TrimPrefix(bare(strings.TrimPrefix(p.name, "with_")), "with_")
	if !slices.Contains(withs, name) {
		r.wrong(p.key, "there is no loop %q%s", p.name, spelling.DidYouMean(p.name, withNames()))
		return
	}
	if s.Loop != nil {
		r.wrong(p.key, "a task has one loop")
		return
	}
	s.Loop = &Loop{Where: r.at(p.key), With: name, Items: r.value(p.value, 0), Var: "item"}
}

func withNames() []string {
	var out []string
	for _, w := range withs {
		out = append(out, "with_"+w)
	}
	return out
}

// control reads loop_control, which may stand before its loop.
func (r *reader) control(s *Step, pairs []pair) {
	for _, p := range pairs {
		if p.name != "loop_control" {
			continue
		}
		if s.Loop == nil {
			r.wrong(p.key, "loop_control without a loop")
			return
		}
		for _, c := range r.mapping(p.value, "loop_control") {
			r.controlled(s.Loop, c)
		}
	}
}

// controls are the keys of loop_control.
var controls = []string{"loop_var", "index_var", "label", "pause", "extended", "extended_allitems"}

func (r *reader) controlled(l *Loop, c pair) {
	switch c.name {
	case "loop_var":
		if name, ok := r.text(c.value, "loop_var"); ok && r.variable(c.value, name) {
			l.Var = name
		}
	case "index_var":
		if name, ok := r.text(c.value, "index_var"); ok && r.variable(c.value, name) {
			l.Index = name
		}
	case "label":
		l.Label = r.value(c.value, 0)
	case "pause":
		v := r.setting(c)
		l.Pause = &v
	case "extended":
		l.Extended = r.yes(c.value, "extended")
		l.All = l.Extended
	case "extended_allitems":
		l.All = r.yes(c.value, "extended_allitems")
	default:
		r.wrong(c.key, "loop_control does not take %q%s", c.name, spelling.DidYouMean(c.name, controls))
	}
}

func (r *reader) loop(n *yaml.Node) any {
	v := r.value(n, 0)
	switch v := v.(type) {
	case []any:
	case string:
		if !strings.Contains(v, "{{") {
			r.wrong(n, `loop is a list or an expression that gives one: did you mean "{{ %s }}"?`, v)
		}
	default:
		r.wrong(n, "loop is a list or an expression that gives one, not %s", describe(n))
	}
	return v
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(strings.TrimSpace(s))
	return err == nil
}
