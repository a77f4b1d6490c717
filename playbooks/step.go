package playbooks

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"eucactl/ordered"
	"eucactl/spelling"
)

// steps reads a list of tasks and blocks; of handlers in "h".
func (r *reader) steps(n *yaml.Node, what, in string) []Step {
	out := []Step{}
	for _, item := range r.list(n, what) {
		item, ok := r.enter(item, 0)
		if !ok {
			return out
		}
		pairs := r.mapping(item, "a task")
		isBlock := slices.ContainsFunc(pairs, func(p pair) bool { return p.name == "block" })
		switch {
		case isBlock && in == "h":
			r.wrong(item, "a block cannot be a handler")
		case isBlock:
			out = append(out, r.block(item, pairs))
		case len(pairs) > 0:
			out = append(out, r.task(item, pairs, in)...)
		case item.Kind == yaml.MappingNode:
			r.wrong(item, "this task has nothing in it")
		}
	}
	return out
}

func (r *reader) block(n *yaml.Node, pairs []pair) Step {
	s := Step{Where: r.at(n), File: r.from}
	for _, p := range pairs {
		switch p.name {
		case "block":
			s.Block = r.steps(p.value, "block", "t")
		case "rescue":
			s.Rescue = r.steps(p.value, "rescue", "t")
		case "always":
			s.Always = r.steps(p.value, "always", "t")
		default:
			if !r.common(&s.Keywords, p, "b") && !r.step(&s, p, "b") {
				r.unknown(p, "a block", "b")
			}
		}
	}
	r.control(&s, pairs)
	return s
}

// task reads a task, which an import turns into the steps of another file.
func (r *reader) task(n *yaml.Node, pairs []pair, in string) []Step {
	s := Step{Where: r.at(n), File: r.from}
	var kinds []pair
	var extra *yaml.Node
	refusedHere := false
	for _, p := range pairs {
		k, known := findKeyword(p.name, in)
		switch {
		case known && k.how == refused:
			r.unknown(p, "a task", in)
			refusedHere = true
		case p.name == "args":
			extra = p.value
		case p.name == "action" || p.name == "local_action":
			kinds = append(kinds, r.action(&s, p))
		case strings.HasPrefix(p.name, "with_"):
			r.with(&s, p)
		case r.common(&s.Keywords, p, in), r.step(&s, p, in):
		case in != "h" && p.name == "listen", p.name == "rescue", p.name == "always":
			r.unknown(p, "a task", in)
			refusedHere = true
		default:
			kinds = append(kinds, p)
		}
	}
	r.control(&s, pairs)
	switch {
	case len(kinds) > 1:
		r.oneKind(kinds, in)
		return []Step{s}
	case len(kinds) == 0:
		if !refusedHere {
			r.wrong(n, "this task has no kind, such as copy: or command:")
		}
		return []Step{s}
	}
	r.kind(&s, kinds[0], extra)
	return r.imports(s, kinds[0].key, in)
}

// action reads `action: kind arg=x`, or a mapping with the kind as its module.
func (r *reader) action(s *Step, p pair) pair {
	if p.name == "local_action" {
		s.set("delegate_to", Setting{r.at(p.key), "localhost"})
		s.set("connection", Setting{r.at(p.key), "local"})
	}
	n, _ := r.enter(p.value, 0)
	if n.Kind == yaml.MappingNode {
		rest := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line}
		name := ""
		for _, q := range r.mapping(n, p.name) {
			if q.name == "module" {
				name, _ = r.text(q.value, "module")
				continue
			}
			rest.Content = append(rest.Content, q.key, q.value)
		}
		if name == "" {
			r.wrong(n, "%s needs module, the kind of the task", p.name)
		}
		return pair{name, p.key, rest}
	}
	line, _ := r.text(n, p.name)
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	value := *n
	value.Value = strings.TrimSpace(rest)
	if value.Value == "" {
		value.Tag = "!!null"
	}
	return pair{name, p.key, &value}
}

// oneKind reports keys of which only one can be the kind: the one that is nearly
// a key of a task was meant to be that.
func (r *reader) oneKind(kinds []pair, in string) {
	for _, k := range kinds {
		if !r.kinds(bare(k.name)) && (spelling.DidYouMean(k.name, keywordsIn(in)) != "" || hints[k.name] != "") {
			r.unknown(k, "a task", in)
			return
		}
	}
	r.wrong(kinds[1].key, "a task has one kind, but here are %q and %q", kinds[0].name, kinds[1].name)
}

// kinds tells whether name is a kind that every installation has.
func (r *reader) kinds(name string) bool {
	return name == "rendered" || name == "kernel_setting" || localKinds[name] != nil
}

// common reads what plays, roles, blocks and tasks have in common; false if it is
// something else.
func (r *reader) common(k *Keywords, p pair, in string) bool {
	if word, ok := findKeyword(p.name, in); !ok || word.how == refused {
		return false
	}
	switch p.name {
	case "name":
		k.Name, _ = r.text(p.value, "name")
	case "vars":
		k.Vars = r.vars(p.value)
	case "tags":
		k.Tags = r.words(p.value, "tags", true)
	case "when":
		k.When = r.conditions(p.value, "when")
	case "environment":
		k.Environment = r.environment(p)
	case "module_defaults":
		k.Defaults = r.defaults(p.value)
	case "collections":
		r.words(p.value, "collections", false)
	case "gather_subset", "gather_timeout":
		r.value(p.value, 0)
	default:
		if !slices.Contains(plainSettings, p.name) {
			return false
		}
		k.set(p.name, r.setting(p))
	}
	return true
}

func (k *Keywords) set(name string, s Setting) {
	if k.Settings == nil {
		k.Settings = map[string]Setting{}
	}
	k.Settings[name] = s
}

// booleans are the keywords whose value, if it is no template, is true or false.
var booleans = []string{
	"become", "no_log", "run_once", "ignore_errors", "ignore_unreachable", "check_mode", "diff", "any_errors_fatal",
	"delegate_facts", "gather_facts", "force_handlers",
}

// setting reads a keyword's value, which may be a template.
func (r *reader) setting(p pair) Setting {
	s := Setting{Where: r.at(p.key), Value: r.value(p.value, 0)}
	text, isText := s.Value.(string)
	switch {
	case hasTemplate(s.Value):
	case slices.Contains(booleans, p.name):
		s.Value = r.yes(p.value, p.name)
	case p.name == "connection":
		if !slices.Contains([]string{"ssh", "smart", "paramiko", "paramiko_ssh", "local"}, text) {
			r.wrong(p.value, "connection is ssh or local, not %s", describe(p.value))
		}
	case p.name == "become_method":
		if bare(text) != "sudo" {
			r.wrong(p.value, "become_method is sudo (sudo -n, or with --ask-become-pass), not %s", describe(p.value))
		}
	case p.name == "strategy":
		if !slices.Contains([]string{"linear", "free", "host_pinned", "ansible.builtin.linear", "ansible.builtin.free"}, text) {
			r.wrong(p.value, "strategy is linear or free, not %s", describe(p.value))
		}
	case p.name == "order":
		if !slices.Contains([]string{"inventory", "sorted", "reverse_sorted", "reverse_inventory", "shuffle"}, text) {
			r.wrong(p.value, "order is inventory, sorted, reverse_inventory, reverse_sorted or shuffle, not %s", describe(p.value))
		}
	case slices.Contains([]string{"port", "timeout", "throttle"}, p.name):
		if _, ok := s.Value.(int64); !ok && !(isText && isNumber(text)) {
			r.wrong(p.value, "%s is a whole number, not %s", p.name, describe(p.value))
		}
	}
	return s
}

// step reads what only tasks and blocks have.
func (r *reader) step(s *Step, p pair, in string) bool {
	if _, ok := findKeyword(p.name, in); !ok {
		return false
	}
	switch p.name {
	case "loop":
		s.Loop = &Loop{Where: r.at(p.key), Items: r.loop(p.value), Var: "item"}
	case "loop_control": // may stand before its loop
	case "until":
		s.Until = r.conditions(p.value, "until")
	case "changed_when":
		s.ChangedWhen = r.conditions(p.value, "changed_when")
	case "failed_when":
		s.FailedWhen = r.conditions(p.value, "failed_when")
	case "retries":
		v := r.setting(p)
		s.Retries = &v
	case "delay":
		v := r.setting(p)
		s.Delay = &v
	case "notify":
		for _, w := range r.words(p.value, "notify", false) {
			s.Notify = append(s.Notify, Setting{r.at(p.value), w})
		}
	case "listen":
		s.Listen = r.words(p.value, "listen", false)
	case "register":
		if name, ok := r.text(p.value, "register"); ok && r.variable(p.value, name) {
			s.Register = name
		}
	default:
		return false
	}
	return true
}

// environment is a mapping, a template, or a list of these.
func (r *reader) environment(p pair) []Setting {
	n, ok := r.enter(p.value, 0)
	if !ok || isNull(n) {
		return nil
	}
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	var out []Setting
	for _, item := range items {
		v := r.value(item, 0)
		if !ordered.IsMapping(v) && !hasTemplate(v) {
			r.wrong(item, "environment is a mapping of names to values, not %s", describe(item))
			continue
		}
		out = append(out, Setting{r.at(item), v})
	}
	return out
}

// defaults reads module_defaults: a mapping of kinds to arguments.
func (r *reader) defaults(n *yaml.Node) []Default {
	var out []Default
	for _, p := range r.mapping(n, "module_defaults") {
		if strings.HasPrefix(p.name, "group/") {
			r.wrong(p.key, "module_defaults for a group of modules is not supported: name each kind")
			continue
		}
		d := Default{Kind: bare(p.name)}
		for _, a := range r.mapping(p.value, p.name) {
			d.Args = append(d.Args, Arg{r.at(a.key), a.name, r.value(a.value, 0)})
		}
		out = append(out, d)
	}
	return out
}

// conditions reads a condition, or a list of conditions which all must hold.
func (r *reader) conditions(n *yaml.Node, what string) []Expr {
	n, ok := r.enter(n, 0)
	if !ok {
		return nil
	}
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	out := []Expr{}
	for _, item := range items {
		s, ok := r.text(item, what)
		switch {
		case !ok:
			continue
		case strings.TrimSpace(s) == "":
			r.wrong(item, "%s has no condition", what)
			continue
		}
		if b, isBool := boolean(item); isBool {
			s = map[bool]string{true: "true", false: "false"}[b]
		}
		out = append(out, Expr{r.at(item), s})
	}
	return out
}
