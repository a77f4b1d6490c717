package jinja

import (
	"fmt"
	"strconv"
	"strings"
)

// postfix reads .name, [index] and (arguments) behind a value.
func (p *parser) postfix(x expr) (expr, error) {
	for n := 0; ; n++ {
		var err error
		switch {
		case n > maxDepth:
			return nil, p.unexpected("no further attribute")
		case p.skipOp("."):
			x, err = p.attribute(x)
		case p.skipOp("["):
			x, err = p.subscript(x)
		case p.skipOp("("):
			x, err = p.call(x)
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) attribute(x expr) (expr, error) {
	switch t := p.peek(); t.kind {
	case tokenName:
		p.pos++
		return &attrExpr{of: x, name: t.text}, nil
	case tokenInteger:
		p.pos++
		n, err := strconv.ParseInt(t.text, 10, 64)
		return &itemExpr{of: x, key: &constExpr{n}}, err
	}
	return nil, p.unexpected("a name or a number after the dot")
}

func (p *parser) subscript(x expr) (expr, error) {
	var parts [3]expr
	n, sliced := 0, false
	for !p.skipOp("]") {
		if p.skipOp(":") {
			sliced = true
			if n++; n > 2 {
				return nil, p.unexpected(`"]"`)
			}
			continue
		}
		if parts[n] != nil {
			return nil, p.unexpected(`"]"`)
		}
		var err error
		if parts[n], err = p.tuple(true); err != nil {
			return nil, err
		}
	}
	if sliced {
		return &sliceExpr{of: x, bounds: parts}, nil
	}
	if parts[0] == nil {
		p.pos--
		return nil, p.unexpected("an index")
	}
	return &itemExpr{of: x, key: parts[0]}, nil
}

func (p *parser) call(x expr) (expr, error) {
	args, err := p.arguments()
	return &callExpr{callee: x, args: args}, err
}

// arguments reads what stands in parentheses, the first of which was read.
func (p *parser) arguments() (*arguments, error) {
	a := &arguments{}
	for first := true; !p.skipOp(")"); first = false {
		if !first {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			if p.skipOp(")") {
				break
			}
		}
		if err := p.argument(a); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (p *parser) argument(a *arguments) (err error) {
	switch {
	case p.skipOp("*"):
		a.rest, err = p.conditional()
	case p.skipOp("**"):
		a.named, err = p.conditional()
	case p.peek().kind == tokenName && p.tokens[p.pos+1].kind == tokenOperator && p.tokens[p.pos+1].text == "=":
		a.names = append(a.names, p.take().text)
		p.pos++
		var x expr
		x, err = p.conditional()
		a.values = append(a.values, x)
	case len(a.names) > 0 || a.named != nil:
		return p.unexpected("a named argument")
	default:
		var x expr
		x, err = p.conditional()
		a.list = append(a.list, x)
	}
	return err
}

// filtered reads |filter, is test and calls behind a value.
func (p *parser) filtered(x expr) (expr, error) {
	for n := 0; ; n++ {
		var err error
		switch {
		case n > maxDepth:
			return nil, p.unexpected("no further filter")
		case p.skipOp("|"):
			x, err = p.filter(x)
		case p.skipName("is"):
			x, err = p.test(x)
		case p.skipOp("("):
			x, err = p.call(x)
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// dotted reads a.b.c.
func (p *parser) dotted() (string, error) {
	name, err := p.expectName()
	for err == nil && p.skipOp(".") {
		var part string
		part, err = p.expectName()
		name += "." + part
	}
	return name, err
}

func (p *parser) filter(x expr) (expr, error) {
	line := p.peek().line
	name, err := p.dotted()
	if err != nil {
		return nil, err
	}
	f := &filterExpr{in: x, name: name, args: &arguments{}, line: line}
	if p.skipOp("(") {
		f.args, err = p.arguments()
	}
	return f, err
}

func (p *parser) test(x expr) (expr, error) {
	not := p.skipName("not")
	line := p.peek().line
	name, err := p.dotted()
	if err != nil {
		return nil, err
	}
	t := &testExpr{in: x, name: name, not: not, args: &arguments{}, line: line}
	switch {
	case p.skipOp("("):
		t.args, err = p.arguments()
	case p.beginsOperand():
		var arg expr
		if arg, err = p.primary(); err == nil {
			arg, err = p.postfix(arg)
		}
		t.args.list = []expr{arg}
	}
	if err == nil && p.isName("is") {
		err = fmt.Errorf("tests cannot be chained with is")
	}
	return t, err
}

// beginsOperand tells whether a test's argument without parentheses follows.
func (p *parser) beginsOperand() bool {
	switch t := p.peek(); t.kind {
	case tokenName:
		return !strings.Contains(" else or and is if in not ", " "+t.text+" ")
	case tokenString, tokenInteger, tokenFloat:
		return true
	case tokenOperator:
		return t.text == "[" || t.text == "{"
	}
	return false
}
