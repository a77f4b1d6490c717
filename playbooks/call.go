package playbooks

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"eucactl/ordered"
	"eucactl/tasks"
	"eucactl/templates"
)

// call is a task with its arguments rendered.
type call struct {
	kind string
	args map[string]any
}

// call renders a task's arguments; a kind half of which runs here becomes one of
// the host's.
func (w *walker) call(e *entry) (call, error) {
	s, sc := e.step, e.around.scope
	c := call{kind: s.Kind, args: map[string]any{}}
	if err := w.defaultArgs(e, c.args); err != nil {
		return c, err
	}
	if s.Whole != nil {
		v, err := sc.deep(s.Whole.Value)
		if err != nil {
			return c, wrap(s.Whole.Where, s.Kind, err)
		}
		named, ok := ordered.Names(v)
		if line, isText := v.(string); isText {
			if k := localKinds[s.Kind]; k != nil && k.line != "" {
				named, ok = map[string]any{k.line: line}, true
			}
		}
		if !ok {
			return c, wrong(s.Whole.Where, "%s needs arguments by their names, not %s", s.Kind, describeValue(v))
		}
		maps.Copy(c.args, named)
	}
	for _, a := range s.Args {
		if s.Kind == "debug" && a.Name == "var" || s.Kind == "assert" && a.Name == "that" {
			c.args[a.Name] = a.Value // an expression, evaluated where it is needed
			continue
		}
		v, err := sc.deep(a.Value)
		if err != nil {
			return c, wrap(a.Where, a.Name, err)
		}
		name := a.Name
		if templates.HasTemplate(name) { // of set_fact
			rendered, err := sc.deep(name)
			if err != nil {
				return c, wrap(a.Where, name, err)
			}
			name = fmt.Sprint(rendered)
		}
		c.args[name] = v
	}
	c.args, _ = templates.Given(c.args).(map[string]any)
	if err := e.texts(c); err != nil {
		return c, err
	}
	if k := localKinds[c.kind]; k != nil {
		for name, v := range c.args {
			if why := k.refuses(name, v); why != "" {
				return c, wrong(s.Where, "%s: %s", s.Kind, why)
			}
		}
	}
	if half := w.halves()[c.kind]; half != nil {
		return half(e, c)
	}
	return c, nil
}

// defaultArgs are those of module_defaults, the inner ones last.
func (w *walker) defaultArgs(e *entry, args map[string]any) error {
	for _, d := range e.around.defaults {
		if d.Kind != e.step.Kind {
			continue
		}
		for _, a := range d.Args {
			v, err := e.around.scope.deep(a.Value)
			if err != nil {
				return wrap(a.Where, a.Name, err)
			}
			args[a.Name] = v
		}
	}
	return nil
}

// constant is what a condition says that is no more than true or false.
func constant(list []Expr) tasks.Switch {
	switch {
	case len(list) == 1 && list[0].Text == "true":
		return tasks.Yes
	case len(list) == 1 && list[0].Text == "false":
		return tasks.No
	}
	return ""
}

// flags are what is special about a task.
func (w *walker) flags(e *entry, t tasks.Task) (tasks.Flags, error) {
	a, f := e.around, tasks.Flags{}
	f.Changed, f.Failed = constant(e.step.ChangedWhen), constant(e.step.FailedWhen)
	for name, to := range map[string]*tasks.Switch{"check_mode": &f.Check, "diff": &f.Diff} {
		v, set, err := a.says(name)
		if err != nil {
			return f, err
		}
		if set {
			*to = map[bool]tasks.Switch{true: tasks.Yes, false: tasks.No}[v]
		}
	}
	var err error
	if f.Timeout, err = a.number("timeout"); err != nil {
		return f, err
	}
	if f.Environment, err = w.environment(a); err != nil {
		return f, err
	}
	if h := a.handler; h != nil && h.marked {
		f.Handler = h.key
	}
	return f, w.notices(e, &f)
}

// environment is what the environments around a task add up to.
func (w *walker) environment(a around) ([]tasks.Variable, error) {
	all := map[string]string{}
	for _, s := range a.environ {
		v, err := a.scope.deep(s.Value)
		if err != nil {
			return nil, wrap(s.Where, "environment", err)
		}
		m, ok := ordered.Names(templates.Given(v))
		if !ok {
			if v == nil || v == "" {
				continue
			}
			return nil, wrong(s.Where, "environment is a mapping of names to values, not %s", describeValue(v))
		}
		for name, value := range m {
			all[name] = textOfValue(value)
		}
	}
	var out []tasks.Variable
	for _, name := range sortedNames(all) {
		out = append(out, tasks.Variable{Name: name, Value: all[name]})
	}
	return out, nil
}

func textOfValue(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	}
	return fmt.Sprint(v)
}

// templateKind is Ansible's template task: a file whose content is rendered.
const templateKind = "template"

// templateArgs are its arguments in the cloud's playbooks, and the names that the
// kind rendered has for them.
var templateArgs = map[string]string{"src": "", "dest": "path", "path": "path", "mode": "mode", "owner": "owner"}

// rendered is a template task of the cloud's own as one of the kind rendered.
func (w *walker) rendered(e *entry, c call) (call, error) {
	src, ok := c.args["src"].(string)
	if !ok {
		return c, wrap(e.step.Where, templateKind, errors.New("src, the name of a template, is missing"))
	}
	content, err := e.around.scope.render(src, nil)
	if err != nil {
		return c, wrap(e.step.Where, templateKind, err)
	}
	out := map[string]any{"content": content}
	for name, v := range c.args {
		if to := templateArgs[name]; to != "" {
			if _, twice := out[to]; twice {
				return c, wrap(e.step.Where, templateKind, errors.New("dest and path are the same: give one"))
			}
			out[to] = v
		}
	}
	return call{"rendered", out}, nil
}

// textArgs are arguments that are text whatever they look like: true is written True, as Python prints it.
var textArgs = map[string][]string{
	"lineinfile": {"line", "value"}, "blockinfile": {"block", "content"}, "replace": {"replace"}, "ini_file": {"value"},
	"cron": {"job", "value"}, "command": {"argv"},
}

// texts makes texts of such arguments, and of the items of such a list.
func (e *entry) texts(c call) error {
	for _, name := range textArgs[c.kind] {
		var err error
		switch v := c.args[name].(type) {
		case nil, string:
		case []any:
			if name != "argv" {
				c.args[name], err = e.printed("{{ x }}", v)
				break
			}
			words := slices.Clone(v)
			c.args[name] = words
			for i, item := range v {
				if words[i], err = e.printed("{{ x }}", item); err != nil {
					break
				}
			}
		default:
			c.args[name], err = e.printed("{{ x }}", v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// printed is a value as a template prints it, if it is no text already.
func (e *entry) printed(template string, v any) (string, error) {
	if text, ok := v.(string); ok {
		return text, nil
	}
	text, err := e.around.scope.set.Text(template, map[string]any{"x": v})
	if err != nil {
		return "", wrap(e.step.Where, e.step.Kind, err)
	}
	return text, nil
}
