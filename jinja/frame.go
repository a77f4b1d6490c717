package jinja

import (
	"errors"
	"fmt"
	"strings"
)

// scope holds the names that a part of a template sets.
type scope struct {
	up     *scope
	names  []string
	values []any
}

func (s *scope) set(name string, v any) {
	for i, n := range s.names {
		if n == name {
			s.values[i] = v
			return
		}
	}
	s.names, s.values = append(s.names, name), append(s.values, v)
}

// slot finds where a name is set, in this scope or one around it.
func (s *scope) slot(name string) *any {
	for ; s != nil; s = s.up {
		for i, n := range s.names {
			if n == name {
				return &s.values[i]
			}
		}
	}
	return nil
}

// run is one evaluation: what it may use, and what it may still cost.
type run struct {
	env   *Env
	left  int64
	depth int
}

// frame is where a template is being evaluated.
type frame struct {
	*run
	tmpl   *Template
	vars   map[string]any
	scope  *scope
	out    *strings.Builder
	blocks map[string][]*blockNode // of the template and those it extends, the nearest first
	parent *Template               // set by extends
}

func newFrame(env *Env, t *Template, vars map[string]any) *frame {
	r := &run{env: env, left: env.Steps}
	if r.left == 0 {
		r.left = DefaultSteps
	}
	return &frame{run: r, tmpl: t, vars: vars, scope: &scope{}, out: &strings.Builder{}}
}

var (
	errTooMuch = errors.New("this costs too much to evaluate")
	errTooLong = fmt.Errorf("a text of more than %d bytes", maxText)
	errTooDeep = fmt.Errorf("evaluated more than %d deep", maxNesting)
)

// maxNesting bounds how deep macros, templates and filters call one another.
const maxNesting = 100

// spend takes n from what the evaluation may cost.
func (r *run) spend(n int) error {
	r.left -= int64(n)
	if r.left < 0 {
		return errTooMuch
	}
	return nil
}

// deeper counts a level of calls; the result takes it back.
func (r *run) deeper() (func(), error) {
	r.depth++
	if r.depth > maxNesting {
		r.depth--
		return nil, errTooDeep
	}
	return func() { r.depth-- }, nil
}

// lookup is the value of a name: what the template set, its variables, the globals.
func (f *frame) lookup(name string) any {
	if v := f.scope.slot(name); v != nil {
		return *v
	}
	if v, ok := f.vars[name]; ok {
		return Norm(v)
	}
	if v, ok := f.env.Globals[name]; ok {
		return v
	}
	return undefinedf("%q is undefined", name)
}

// inner is a frame for a part with names of its own.
func (f *frame) inner() *frame {
	in := *f
	in.scope = &scope{up: f.scope}
	return &in
}

// captured renders nodes to a text instead of the output.
func (f *frame) captured(body []node) (string, error) {
	in := f.inner()
	in.out, in.parent = &strings.Builder{}, nil
	err := in.exec(body)
	return in.out.String(), err
}

// write puts text into the output.
func (f *frame) write(s string) error {
	if f.out.Len()+len(s) > maxText {
		return errTooLong
	}
	f.out.WriteString(s)
	return f.spend(1 + len(s)/64)
}

// value evaluates an expression whose value is used: an error is no value.
func (f *frame) value(x expr) (any, error) {
	v, err := x.eval(f)
	if err != nil {
		return nil, err
	}
	return v, usable(v)
}

// truth evaluates a condition.
func (f *frame) truth(x expr) (bool, error) {
	v, err := f.value(x)
	if err != nil {
		return false, err
	}
	return Truth(v), nil
}

// exec executes nodes in turn.
func (f *frame) exec(body []node) error {
	for _, n := range body {
		if err := n.exec(f); err != nil {
			return err
		}
	}
	return nil
}

// render renders a template, and the ones that it extends, in this frame.
func (f *frame) render(t *Template) error {
	f.blocks = map[string][]*blockNode{}
	for range maxNesting {
		for name, b := range t.blocks {
			f.blocks[name] = append(f.blocks[name], b)
		}
		f.tmpl, f.parent = t, nil
		if err := f.exec(t.body); err != nil {
			return placed(t.name, t.source, err)
		}
		if f.parent == nil {
			return nil
		}
		t = f.parent
	}
	return errTooDeep
}
