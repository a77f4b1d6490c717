package jinja

import (
	"errors"
	"fmt"
	"strings"
)

// node is a part of a template.
type node interface {
	exec(f *frame) error
}

type dataNode struct{ text string }

func (n *dataNode) exec(f *frame) error {
	if f.parent != nil {
		return nil
	}
	return f.write(n.text)
}

type groupNode struct{ body []node }

func (n *groupNode) exec(f *frame) error { return f.inner().exec(n.body) }

type outputNode struct {
	expr expr
	line int
}

func (n *outputNode) exec(f *frame) error {
	if f.parent != nil {
		return nil
	}
	v, err := n.expr.eval(f)
	if err != nil {
		return atLine(n.line, err)
	}
	return f.output(v, n.line)
}

// output prints a value; nothing (none) prints as nothing.
func (f *frame) output(v any, line int) error {
	if v == nil || f.parent != nil {
		return nil
	}
	s, err := str(v)
	if err != nil {
		return atLine(line, err)
	}
	return f.write(s)
}

type branch struct {
	test expr
	body []node
}

type ifNode struct {
	branches  []branch
	otherwise []node
	line      int
}

func (n *ifNode) exec(f *frame) error {
	for _, b := range n.branches {
		ok, err := f.truth(b.test)
		if err != nil {
			return atLine(n.line, err)
		}
		if ok {
			return f.exec(b.body)
		}
	}
	return f.exec(n.otherwise)
}

// target is what is set: a name, an attribute of a namespace, or several.
type target struct {
	name, attr string
	parts      []target
	tuple      bool
}

func (t *target) set(f *frame, v any) error {
	switch {
	case t.tuple:
		if err := usable(v); err != nil {
			return err
		}
		items, err := List(v)
		if err != nil {
			return err
		}
		if len(items) != len(t.parts) {
			return fmt.Errorf("%d values for %d names", len(items), len(t.parts))
		}
		for i := range t.parts {
			if err := t.parts[i].set(f, Norm(items[i])); err != nil {
				return err
			}
		}
		return nil
	case t.attr != "":
		ns, ok := f.lookup(t.name).(*namespace)
		if !ok {
			return fmt.Errorf("set takes a plain name: %s is no namespace", t.name)
		}
		return ns.vals.Set(t.attr, v)
	}
	f.scope.set(t.name, v)
	return nil
}

type setNode struct {
	target  target
	value   expr
	filters []*filterExpr
	body    []node
	line    int
}

func (n *setNode) exec(f *frame) error {
	v, err := n.get(f)
	if err == nil {
		err = n.target.set(f, v)
	}
	return atLine(n.line, err)
}

func (n *setNode) get(f *frame) (any, error) {
	if n.value != nil {
		return n.value.eval(f)
	}
	text, err := f.captured(n.body)
	if err != nil {
		return nil, err
	}
	return filterAll(f, text, n.filters)
}

type doNode struct {
	expr expr
	line int
}

func (n *doNode) exec(f *frame) error {
	_, err := f.value(n.expr)
	return atLine(n.line, err)
}

type withNode struct {
	targets []string
	values  []expr
	body    []node
	line    int
}

func (n *withNode) exec(f *frame) error {
	in := f.inner()
	for i, name := range n.targets {
		v, err := n.values[i].eval(f)
		if err != nil {
			return atLine(n.line, err)
		}
		in.scope.set(name, v)
	}
	return in.exec(n.body)
}

var (
	errBreak    = errors.New("break outside of a loop")
	errContinue = errors.New("continue outside of a loop")
)

func isSignal(err error) bool { return err == errBreak || err == errContinue }

type signalNode struct{ signal error }

func (n *signalNode) exec(*frame) error { return n.signal }

// namespace is an object whose attributes a template can set from within loops.
type namespace struct{ vals *Dict }

// Kind is what type_debug calls it.
func (*namespace) Kind() string { return "Namespace" }

// Attr is an attribute.
func (n *namespace) Attr(name string) (any, bool) {
	v, ok := n.vals.Get(name)
	return Norm(v), ok
}

func (n *namespace) String() string {
	s, err := Repr(n.vals)
	if err != nil {
		return err.Error()
	}
	return "<Namespace " + s + ">"
}

// lines cuts a text as Python's splitlines does.
func lines(s string, keepEnds bool) []string {
	var out []string
	for s != "" {
		i := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if i < 0 {
			return append(out, s)
		}
		end := i + 1
		switch {
		case strings.HasPrefix(s[i:], "\r\n"), s[i] == 0xc2:
			end = i + 2
		case s[i] == 0xe2:
			end = i + 3
		}
		if keepEnds {
			out = append(out, s[:end])
		} else {
			out = append(out, s[:i])
		}
		s = s[end:]
	}
	return out
}
