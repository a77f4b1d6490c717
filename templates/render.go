package templates

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
	"github.com/nikolalohinski/gonja/v2/nodes"
)

// parse reads one template. The library panics on some malformed input.
func (s *Set) parse(name, source string) (t *exec.Template, err error) {
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, &Error{File: name, Line: 1, Message: fmt.Sprintf("malformed template: %v", r)}
		}
	}()
	t, err = exec.NewTemplate(name, settings(), one{name, source}, s.env)
	if err != nil {
		return nil, located(name, source, err)
	}
	return t, nil
}

// execute renders a parsed template to text.
func (s *Set) execute(name string, p *parsed, vars *exec.Context) (out string, err error) {
	var buf bytes.Buffer
	defer func() {
		if r := recover(); r != nil {
			out, err = "", panicked(name, "cannot be rendered", r)
		}
	}()
	if err := p.template.Execute(&buf, vars); err != nil {
		return "", located(name, p.source(s, name), err)
	}
	return buf.String(), nil
}

// panicked is the error of a panic: a need that was raised, or a defect of the library.
func panicked(file, what string, r any) error {
	if n, ok := r.(*Needed); ok {
		return located(file, "", n)
	}
	return &Error{File: file, Line: 1, Message: fmt.Sprintf("%s: %v", what, r)}
}

// source is the text of a template file, for error messages.
func (p *parsed) source(s *Set, name string) string {
	if name == "" {
		return ""
	}
	data, err := s.read(name)
	if err != nil {
		return ""
	}
	return string(data)
}

// evaluate gives the typed value of an expression.
func (s *Set) evaluate(o *nodes.Output, vars map[string]any) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			v, err = nil, panicked("", "cannot be evaluated", r)
		}
	}()
	e := s.evaluator(vars)
	value, err := output(e, o)
	if err != nil {
		return nil, located("", "", err)
	}
	v, err = plain(value.Interface())
	if err != nil {
		return nil, located("", "", err)
	}
	return v, nil
}

// evaluator evaluates expressions over vars.
func (s *Set) evaluator(vars map[string]any) *exec.Evaluator {
	env := *s.env
	env.Context = s.env.Context.Inherit().Update(exec.NewContext(vars))
	return &exec.Evaluator{Config: settings(), Environment: &env, Loader: one{}}
}

// output evaluates {{ expression if condition else alternative }}.
func output(e *exec.Evaluator, o *nodes.Output) (*exec.Value, error) {
	expr := o.Expression
	if o.Condition != nil {
		c := e.Eval(o.Condition)
		if c.IsError() {
			return nil, c
		}
		if !c.IsTrue() {
			if expr = o.Alternative; expr == nil {
				return exec.AsValue(""), nil
			}
		}
	}
	v := e.Eval(expr)
	if v.IsError() {
		return nil, v
	}
	return v, nil
}

// one is a loader that holds a single template: templates do not include others.
type one struct{ name, source string }

// Read gives the template's text.
func (o one) Read(string) (io.Reader, error) { return strings.NewReader(o.source), nil }

// Resolve knows only the template itself.
func (o one) Resolve(name string) (string, error) {
	if name != o.name {
		return "", fmt.Errorf("template %s: %w", name, fs.ErrNotExist)
	}
	return name, nil
}

// Inherit is the loader for templates that this one names: there are none.
func (o one) Inherit(string) (loaders.Loader, error) { return o, nil }
