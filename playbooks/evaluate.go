package playbooks

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"eucactl/inventory"
	"eucactl/ordered"
	"eucactl/templates"
)

// evaluation renders one text: variables are made once for it, and one that needs
// itself is found.
type evaluation struct {
	scope
	made map[string]any
	busy map[string]bool
}

func (s scope) evaluation() *evaluation {
	return &evaluation{scope: s, made: map[string]any{}, busy: map[string]bool{}}
}

// vars are the variables that a text may use; those that cannot be had are in it
// as the errors that whoever uses them gets.
func (e *evaluation) vars(text string) map[string]any {
	return e.varsOf(e.set.WrittenText(text))
}

// varsOf are the variables that a template may use, or one that it leads to.
func (e *evaluation) varsOf(w templates.Written) map[string]any {
	spoken := spokenIn(e.set, e.words, w)
	out := map[string]any{}
	names := spoken.names
	if spoken.all {
		names = slices.Concat(names, e.names(), e.host.askable())
	}
	if spoken.others && e.others != nil {
		wanted := spoken.names
		if spoken.all || !spoken.plainly {
			wanted = nil
		}
		out["hostvars"] = e.others(wanted)
	}
	for _, name := range names {
		if _, done := out[name]; done {
			continue
		}
		if v, ok := e.look(name); ok {
			out[name] = v
		}
	}
	if spoken.computed || slices.Contains(spoken.names, "vars") {
		out["vars"] = maps.Clone(out)
	}
	return out
}

// look makes the value of a variable.
func (e *evaluation) look(name string) (any, bool) {
	if v, ok := e.made[name]; ok {
		return v, true
	}
	v, ok := e.get(name)
	if !ok {
		return nil, false
	}
	var value any
	switch pending := v.Value.(type) {
	case *pendingVar:
		value = pending.need()
	default:
		value = e.valueOf(v)
	}
	if !e.busy[name] {
		e.made[name] = value
	}
	return value, true
}

func (e *evaluation) valueOf(v Var) any {
	if v.fixed || !hasTemplate(v.Value) {
		return v.Value
	}
	if e.busy[v.Name] {
		return templates.Undefined("the variable " + v.Name + " is made of itself")
	}
	e.busy[v.Name] = true
	value, err := e.deep(v.Value)
	delete(e.busy, v.Name)
	switch {
	case err == nil:
		return value
	case neededBy(err) != nil:
		return neededBy(err)
	}
	return templates.Undefined(v.reason(err))
}

// deep renders all text within a value.
func (e *evaluation) deep(v any) (any, error) {
	switch v := v.(type) {
	case string:
		if !templates.HasTemplate(v) {
			return v, nil
		}
		value, err := e.set.Value(v, e.vars(v))
		if err == nil && !e.typed && !singleName.MatchString(v) {
			value = asText(e.set, value)
		}
		return value, err
	case Unsafe:
		return string(v), nil
	case inventory.Unsafe:
		return string(v), nil
	case *inventory.Sealed:
		return v.Reveal()
	case *sealed:
		return v.reveal()
	}
	return ordered.Apply(v, e.deep)
}

// singleName is text that is one variable and nothing else.
var singleName = regexp.MustCompile(`^\{\{\s*[A-Za-z_]\w*\s*\}\}$`)

// asText is what Ansible makes of an expression's number: text. Only a variable on
// its own keeps its type, and so do lists, mappings and booleans.
func asText(set *templates.Set, v any) any {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return pythonText(set, v)
	case nil:
		return ""
	}
	return v
}

// deep renders all text within a value.
func (s scope) deep(v any) (any, error) {
	if !hasTemplate(v) {
		return v, nil
	}
	return s.evaluation().deep(v)
}

// string renders text to text.
func (s scope) string(t string) (string, error) {
	if !templates.HasTemplate(t) {
		return t, nil
	}
	return s.set.Text(t, s.evaluation().vars(t))
}

// text renders a name or label; what cannot be rendered is shown as written.
func (s scope) text(t string) string {
	out, err := s.string(t)
	if err != nil {
		return t
	}
	return out
}

// render renders a template file.
func (s scope) render(name string, more map[string]any) (string, error) {
	vars := s.evaluation().varsOf(s.set.Written(templates.Link{Name: name}))
	maps.Copy(vars, more)
	return s.set.Render(name, vars)
}

// renderAs renders a template file that the playbook names, which is read as options
// say.
func (s scope) renderAs(name string, more, options map[string]any) (string, error) {
	layout, err := templates.NewLayout(options)
	if err != nil {
		return "", err
	}
	vars := s.evaluation().varsOf(s.set.Written(templates.Link{Name: name, Layout: layout}))
	for key, v := range more {
		if _, own := vars[key]; !own {
			vars[key] = v
		}
	}
	return s.set.RenderAs(name, layout, vars)
}

// condition evaluates a condition as far as it can be before results are known. It
// may be text with a template, which Ansible warns of: what that gives is the
// condition.
func (s scope) condition(expr string, pending func(string) bool) (templates.Condition, error) {
	if templates.HasTemplate(expr) {
		v, err := s.deep(expr)
		if err != nil {
			return templates.Condition{}, err
		}
		text, ok := v.(string)
		if !ok || strings.TrimSpace(text) == "" {
			return templates.Condition{Never: !isTrue(v)}, nil
		}
		expr = text
	}
	return s.set.Condition(expr, s.evaluation().vars(expr), pending)
}

// holds evaluates conditions all of which must hold.
func (s scope) holds(all []Expr, what string) (bool, error) {
	for _, x := range all {
		c, err := s.condition(x.Text, func(string) bool { return false })
		if err != nil {
			return false, wrap(x.Where, what, err)
		}
		if c.Never {
			return false, nil
		}
	}
	return true, nil
}

// isTrue is Python's idea of truth.
func isTrue(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int64:
		return v != 0
	case float64:
		return v != 0
	case []any:
		return len(v) > 0
	}
	names, mapping := ordered.Names(v)
	return !mapping || len(names) > 0
}

// eval evaluates an expression to its value.
func (s scope) eval(expr string) (any, error) {
	return s.set.Eval(expr, s.evaluation().vars(expr))
}
