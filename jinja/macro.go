package jinja

import (
	"fmt"
	"slices"
)

type macroNode struct {
	name     string
	params   []string
	defaults []expr
	body     []node
	line     int
}

func (n *macroNode) exec(f *frame) error {
	f.scope.set(n.name, &macro{node: n, frame: f})
	return nil
}

// macro is a macro that can be called, with the frame that it was made in.
type macro struct {
	node  *macroNode
	frame *frame
}

// Kind is what type_debug calls it.
func (*macro) Kind() string { return "Macro" }

// Attr is for name and arguments.
func (m *macro) Attr(name string) (any, bool) {
	switch name {
	case "name":
		return m.node.name, true
	case "arguments":
		out := Tuple{}
		for _, p := range m.node.params {
			out = append(out, p)
		}
		return out, true
	}
	return nil, false
}

func (m *macro) String() string { return fmt.Sprintf("<Macro '%s'>", m.node.name) }

func (m *macro) call(r *run, list []any, named *Dict, caller *macro) (any, error) {
	if err := r.spend(1); err != nil {
		return nil, err
	}
	f := m.frame.inner()
	f.run, f.parent = r, nil
	rest, more := Tuple{}, NewDict()
	if len(list) > len(m.node.params) {
		rest, list = list[len(m.node.params):], list[:len(m.node.params)]
	}
	for i, name := range m.node.params {
		v, err := m.argument(f, i, list, named)
		if err != nil {
			return nil, err
		}
		f.scope.set(name, v)
	}
	if named != nil {
		for _, key := range named.Keys() {
			if !slices.Contains(m.node.params, Str(key)) {
				x, _ := named.Get(key)
				_ = more.Set(key, x)
			}
		}
	}
	f.scope.set("varargs", rest)
	f.scope.set("kwargs", more)
	if caller != nil {
		f.scope.set("caller", caller)
	}
	out, err := f.captured(m.node.body)
	if err != nil {
		return nil, placed(f.tmpl.name, f.tmpl.source, err)
	}
	return out, nil
}

func (m *macro) argument(f *frame, i int, list []any, named *Dict) (any, error) {
	name := m.node.params[i]
	if named != nil {
		if v, ok := named.Get(name); ok {
			if i < len(list) {
				return nil, fmt.Errorf("the macro %s is given %s twice", m.node.name, name)
			}
			return v, nil
		}
	}
	switch {
	case i < len(list):
		return list[i], nil
	case m.node.defaults[i] != nil:
		return m.node.defaults[i].eval(f)
	}
	return undefinedf("the macro %s is not given %q", m.node.name, name), nil
}

// callNode is {% call %}: a macro is called that can call the body.
type callNode struct {
	call  *callExpr
	macro *macroNode
	line  int
}

func (n *callNode) exec(f *frame) error {
	fn, err := f.value(n.call.callee)
	if err != nil {
		return atLine(n.line, err)
	}
	list, named, err := n.call.args.eval(f)
	if err != nil {
		return atLine(n.line, err)
	}
	v, err := f.invoke(fn, n.call.callee, list, named, &macro{node: n.macro, frame: f})
	if err != nil {
		return atLine(n.line, err)
	}
	return f.output(v, n.line)
}

// filterNode is {% filter %}.
type filterNode struct {
	filters []*filterExpr
	body    []node
	line    int
}

func (n *filterNode) exec(f *frame) error {
	text, err := f.captured(n.body)
	if err != nil {
		return err
	}
	v, err := filterAll(f, text, n.filters)
	if err != nil {
		return atLine(n.line, err)
	}
	return f.output(v, n.line)
}

func filterAll(f *frame, v any, filters []*filterExpr) (any, error) {
	var err error
	for _, x := range filters {
		if v, err = x.apply(f, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}
