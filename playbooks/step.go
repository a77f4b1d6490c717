package playbooks

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Keys that a task and a block may have, a task's kind apart.
var (
	taskKeys  = []string{"name", "when", "loop", "loop_control", "notify", "register", "tags", "become", "vars", "ignore_errors", "no_log"}
	blockKeys = []string{"name", "block", "when", "loop", "loop_control", "tags", "become", "vars", "ignore_errors", "no_log"}
)

// hints say what to do instead of what Ansible has and this dialect has not.
var hints = map[string]string{
	"with_items":       "use loop",
	"with_list":        "use loop",
	"with_dict":        "use loop with the filter dict2items",
	"action":           "write the kind itself as the key",
	"args":             "write the arguments below the kind",
	"gather_facts":     "leave it out: facts are always at hand",
	"become_user":      "tasks run as root",
	"changed_when":     "a kind's own check decides",
	"failed_when":      "a kind's own check decides",
	"import_tasks":     "write the tasks here",
	"include_tasks":    "write the tasks here",
	"roles":            "write the tasks here",
	"pre_tasks":        "put them first in tasks",
	"post_tasks":       "put them last in tasks",
	"rescue":           "it is not supported yet: use ignore_errors, register, and when: x is failed",
	"always":           "it is not supported yet: use ignore_errors",
	"delegate_to":      "a task is for the host of its play",
	"listen":           "notify handlers by their names",
	"environment":      "it is not supported yet",
	"serial":           "use --forks and --limit",
	"until":            "it is not supported yet",
	"vars_files":       "put them into the inventory or into vars",
	"any_errors_fatal": "it is not supported yet",
}

// fqcn is what Ansible's full names begin with.
const fqcn = "ansible.builtin."

// bare is a name without Ansible's collection in front.
func bare(name string) string { return strings.TrimPrefix(name, fqcn) }

func (r *reader) unknown(p pair, what string, known []string) {
	if hint, ok := hints[bare(p.name)]; ok {
		r.wrong(p.key, "%s does not take %q: %s", what, p.name, hint)
		return
	}
	r.wrong(p.key, "%s does not take %q%s", what, p.name, suggestion(p.name, known))
}

// steps reads a list of tasks, and of blocks where they are allowed.
func (r *reader) steps(n *yaml.Node, what string, blocks bool) []Step {
	var out []Step
	for _, item := range r.list(n, what) {
		item, ok := r.enter(item, 0)
		if !ok {
			return out
		}
		pairs := r.mapping(item, "a task")
		isBlock := slices.ContainsFunc(pairs, func(p pair) bool { return p.name == "block" })
		switch {
		case isBlock && blocks:
			out = append(out, r.block(item, pairs))
		case isBlock:
			r.wrong(item, "a block cannot be a handler")
		case len(pairs) > 0:
			out = append(out, r.task(item, pairs))
		case item.Kind == yaml.MappingNode:
			r.wrong(item, "this task has nothing in it")
		}
	}
	return out
}

func (r *reader) block(n *yaml.Node, pairs []pair) Step {
	s := Step{Where: r.at(n)}
	for _, p := range pairs {
		switch {
		case p.name == "block":
			s.Block = r.steps(p.value, "block", true)
		case slices.Contains(blockKeys, p.name):
			r.common(&s, p)
		default:
			r.unknown(p, "a block", blockKeys)
		}
	}
	r.control(&s, pairs)
	return s
}

func (r *reader) task(n *yaml.Node, pairs []pair) Step {
	s := Step{Where: r.at(n)}
	var kinds []pair
	hinted := false
	for _, p := range pairs {
		if _, ok := hints[bare(p.name)]; ok {
			hinted = true
			r.unknown(p, "a task", taskKeys)
		} else if slices.Contains(taskKeys, p.name) {
			r.common(&s, p)
		} else {
			kinds = append(kinds, p)
		}
	}
	r.control(&s, pairs)
	switch {
	case len(kinds) > 1:
		r.oneKind(kinds)
		return s
	case len(kinds) == 0 && !hinted:
		r.wrong(n, "this task has no kind, such as rendered: or sysctl:")
		return s
	case len(kinds) == 0:
		return s
	}
	s.Kind, s.Args = bare(kinds[0].name), r.args(kinds[0])
	return s
}

// oneKind reports keys of which only one can be the kind: the one that is nearly
// a key of a task was meant to be that.
func (r *reader) oneKind(kinds []pair) {
	for _, k := range kinds {
		if suggestion(k.name, taskKeys) != "" {
			r.unknown(k, "a task", taskKeys)
			return
		}
	}
	r.wrong(kinds[1].key, "a task has one kind, but here are %q and %q", kinds[0].name, kinds[1].name)
}

// common reads what tasks and blocks have in common.
func (r *reader) common(s *Step, p pair) {
	switch p.name {
	case "name":
		s.Name, _ = r.text(p.value, "name")
	case "when":
		s.When = r.when(p.value)
	case "loop":
		s.Loop = &Loop{Where: r.at(p.key), Items: r.loop(p.value), Var: "item"}
	case "notify":
		s.Notify = r.words(p.value, "notify", false)
	case "register":
		if name, ok := r.text(p.value, "register"); ok && r.variable(p.value, name) {
			s.Register = name
		}
	case "tags":
		s.Tags = r.words(p.value, "tags", true)
	case "become":
		r.yes(p.value, "become")
	case "vars":
		s.Vars = r.vars(p.value)
	case "ignore_errors":
		s.IgnoreErrors = r.yes(p.value, "ignore_errors")
	case "no_log":
		s.NoLog = r.yes(p.value, "no_log")
	}
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
			switch c.name {
			case "loop_var":
				if name, ok := r.text(c.value, "loop_var"); ok && r.variable(c.value, name) {
					s.Loop.Var = name
				}
			case "label":
				s.Loop.Label, _ = r.text(c.value, "label")
			default:
				r.unknown(c, "loop_control", []string{"loop_var", "label"})
			}
		}
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

// when reads a condition, or a list of conditions which all must hold.
func (r *reader) when(n *yaml.Node) []Expr {
	n, ok := r.enter(n, 0)
	if !ok {
		return nil
	}
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	var out []Expr
	for _, item := range items {
		s, ok := r.text(item, "when")
		switch {
		case !ok:
			continue
		case strings.TrimSpace(s) == "":
			r.wrong(item, "when has no condition")
			continue
		case strings.Contains(s, "{{") || strings.Contains(s, "{%"):
			r.wrong(item, "when is an expression already: leave out the {{ }}")
			continue
		}
		if b, isBool := boolean(item); isBool {
			s = map[bool]string{true: "true", false: "false"}[b]
		}
		out = append(out, Expr{r.at(item), s})
	}
	return out
}
