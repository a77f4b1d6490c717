package jinja

import (
	"io/fs"
	"strings"
)

// The shape of an expression is for those who must decide some of its parts
// otherwise than by evaluating them.

// Not is the expression that this one negates.
func (x *Expression) Not() (*Expression, bool) {
	n, ok := x.root.(*notExpr)
	if !ok {
		return nil, false
	}
	return &Expression{n.x}, true
}

// Junction are the sides of an and, or of an or.
func (x *Expression) Junction() (left, right *Expression, and, ok bool) {
	j, ok := x.root.(*junctionExpr)
	if !ok {
		return nil, nil, false, false
	}
	return &Expression{j.left}, &Expression{j.right}, j.and, true
}

// Conditional are the parts of yes if test else no; no may be nil.
func (x *Expression) Conditional() (test, yes, no *Expression, ok bool) {
	c, ok := x.root.(*conditionalExpr)
	if !ok {
		return nil, nil, nil, false
	}
	if c.no != nil {
		no = &Expression{c.no}
	}
	return &Expression{c.test}, &Expression{c.yes}, no, true
}

// Test is a test of a variable: NAME is TEST, or is not.
func (x *Expression) Test() (name, test string, not bool, args int, ok bool) {
	t, isTest := x.root.(*testExpr)
	if !isTest {
		return "", "", false, 0, false
	}
	n, ok := t.in.(*nameExpr)
	if !ok {
		return "", "", false, 0, false
	}
	return n.name, t.name, t.not, len(t.args.list) + len(t.args.names), true
}

// Attribute is an attribute of a variable: NAME.ATTRIBUTE.
func (x *Expression) Attribute() (name, attribute string, ok bool) {
	a, isAttribute := x.root.(*attrExpr)
	if !isAttribute {
		return "", "", false
	}
	n, ok := a.of.(*nameExpr)
	if !ok {
		return "", "", false
	}
	return n.name, a.name, true
}

// Filter is the name of the filter whose result the expression is.
func (x *Expression) Filter() (name string, ok bool) {
	f, ok := x.root.(*filterExpr)
	if !ok {
		return "", false
	}
	return f.name, true
}

// Render renders a template within a call: what it costs is the call's.
func (c *Call) Render(t *Template, vars map[string]any) (string, error) {
	back, err := c.deeper()
	if err != nil {
		return "", err
	}
	defer back()
	f := &frame{run: c.run, tmpl: t, vars: vars, scope: &scope{}, out: &strings.Builder{}}
	err = f.render(t)
	return f.out.String(), err
}

// Eval evaluates an expression within a call.
func (c *Call) Eval(x *Expression, vars map[string]any) (any, error) {
	back, err := c.deeper()
	if err != nil {
		return nil, err
	}
	defer back()
	f := &frame{run: c.run, tmpl: &Template{}, vars: vars, scope: &scope{}, out: &strings.Builder{}}
	return f.value(x.root)
}

// Load finds another template, as include does.
func (c *Call) Load(name string) (*Template, error) {
	if c.env.Load == nil {
		return nil, fs.ErrNotExist
	}
	return c.env.Load(name, c.frame.tmpl)
}

// Literal reads what Python or JSON writes for a list, a mapping or a boolean, and
// simple sums, as Ansible does; false means that text is something else.
func Literal(text string) (any, bool) {
	tokens, err := lexExpression(text)
	if err != nil {
		return nil, false
	}
	for i, t := range tokens {
		switch {
		case t.kind == tokenInteger && len(t.text) > 1 && t.text[0] == '0' && t.text[1] >= '0' && t.text[1] <= '9':
			return nil, false
		case t.kind == tokenName && t.text == "null":
			tokens[i].text = "None"
		case t.kind == tokenName && !strings.Contains(" True False None true false ", " "+t.text+" "):
			return nil, false
		}
	}
	p := &parser{tokens: tokens}
	x, err := p.tuple(true)
	if err != nil || p.peek().kind != tokenEOF {
		return nil, false
	}
	return literal(x)
}

func literal(x expr) (any, bool) {
	switch x := x.(type) {
	case *constExpr:
		return x.v, true
	case *signExpr:
		v, ok := literal(x.x)
		n, f, whole, isNumber := number(v)
		if _, isBool := v.(bool); !ok || !isNumber || isBool {
			return nil, false
		}
		switch {
		case !x.minus:
			return v, true
		case whole:
			return -n, true
		}
		return -f, true
	case *binaryExpr:
		left, ok := literal(x.left)
		right, ok2 := literal(x.right)
		if !ok || !ok2 || !strings.Contains("+-*/", x.op) {
			return nil, false
		}
		v, err := (&run{left: maxRange}).binary(x.op, left, right)
		return v, err == nil
	case *listExpr:
		out := make([]any, len(x.items))
		for i, item := range x.items {
			v, ok := literal(item)
			if !ok {
				return nil, false
			}
			out[i] = v
		}
		if x.tuple {
			return Tuple(out), true
		}
		return out, true
	case *dictExpr:
		d := NewDict()
		for i := range x.keys {
			key, ok := literal(x.keys[i])
			v, ok2 := literal(x.values[i])
			if !ok || !ok2 || d.Set(key, v) != nil {
				return nil, false
			}
		}
		return d, true
	}
	return nil, false
}

// Method calls a method of the input that changes nothing.
func (c *Call) Method(name string, args []any) (any, error) {
	m := methodOf(c.In, name)
	if m == nil || m.do == nil {
		return nil, missing(c.In, name)
	}
	inner := &Call{run: c.run, frame: c.frame, Name: name, In: c.In, Args: args, Rest: args, Named: NewDict()}
	v, err := m.do(inner)
	if inner.err != nil {
		err = inner.err
	}
	return v, err
}

// CallOf is the expression function(first, *rest) of three variables.
func CallOf(function, first, rest string) *Expression {
	return &Expression{&callExpr{callee: &nameExpr{function}, args: &arguments{list: []expr{&nameExpr{first}}, rest: &nameExpr{rest}}}}
}
