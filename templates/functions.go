package templates

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/nikolalohinski/gonja/v2/exec"
)

const (
	maxRange = 1 << 20
	// depthName is where the depth of templates within templates is counted: a
	// name that no template can spell.
	depthName = " depth"
	maxDepth  = 8
)

// functions are what a template can call.
func (s *Set) functions() map[string]any {
	return map[string]any{"range": rangeOf, "lookup": s.lookup, "dict": dictOf, "none": nil, "omit": Omitted{}}
}

// rangeOf is Python's range, as a list.
func rangeOf(params *exec.VarArgs) (any, error) {
	bounds := [3]int{0, 0, 1}
	for i, a := range params.Args {
		if i > 2 || !a.IsInteger() {
			return nil, errors.New("range takes one to three whole numbers")
		}
		bounds[i] = a.Integer()
	}
	switch len(params.Args) {
	case 0:
		return nil, errors.New("range takes one to three whole numbers")
	case 1:
		bounds[0], bounds[1] = 0, bounds[0]
	}
	from, to, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return nil, errors.New("range cannot count in steps of zero")
	}
	out := []any{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		if len(out) >= maxRange {
			return nil, fmt.Errorf("range of more than %d numbers", maxRange)
		}
		out = append(out, int64(i))
	}
	return out, nil
}

// dictOf makes a mapping of its named arguments.
func dictOf(params *exec.VarArgs) (any, error) {
	if len(params.Args) > 0 {
		return nil, errors.New("dict takes named arguments only")
	}
	out := make(map[string]any, len(params.KwArgs))
	for name, v := range params.KwArgs {
		p, err := plain(v)
		if err != nil {
			return nil, err
		}
		out[name] = p
	}
	return out, nil
}

// lookup is Ansible's lookup('template', NAME): another template rendered with
// the variables seen here, and those of template_vars. There are no other lookups.
func (s *Set) lookup(e *exec.Evaluator, params *exec.VarArgs) (any, error) {
	if len(params.Args) != 2 || params.Args[0].String() != "template" {
		return nil, errors.New("lookup knows only lookup('template', NAME)")
	}
	name := params.Args[1].String()
	vars := e.Environment.Context.Inherit()
	for key, v := range params.KwArgs {
		if key != "template_vars" || !v.IsDict() {
			return nil, fmt.Errorf("lookup('template', ...) takes template_vars, a mapping, not %s", key)
		}
		for _, k := range v.Keys() {
			item, _ := v.GetItem(k.String())
			vars.Set(k.String(), item)
		}
	}
	depth, _ := vars.Get(depthName)
	n, _ := depth.(int)
	if n >= maxDepth {
		return nil, fmt.Errorf("template %s: templates within templates, %d deep", name, maxDepth)
	}
	vars.Set(depthName, n+1)
	return s.nested(name, vars)
}

// nested renders a template over a context that another one made.
func (s *Set) nested(name string, vars *exec.Context) (any, error) {
	p := s.file(name)
	if p.err != nil {
		return nil, p.err
	}
	env := *s.env
	env.Context = vars
	var buf bytes.Buffer
	if err := exec.NewRenderer(&env, &buf, settings(), one{}, p.template).Execute(); err != nil {
		return nil, located(name, p.source(s, name), err)
	}
	return buf.String(), nil
}
