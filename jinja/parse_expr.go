package jinja

import (
	"fmt"
	"math"
	"strconv"
)

// maxDepth bounds how deep expressions and statements are nested.
const maxDepth = 200

// parser makes a tree of tokens.
type parser struct {
	tokens []token
	pos    int
	depth  int
	loops  int
	blocks map[string]*blockNode
	links  []expr // the names of other templates

	statements map[string]statementParser
}

func (p *parser) peek() token { return p.tokens[p.pos] }

func (p *parser) take() token {
	t := p.tokens[p.pos]
	if t.kind != tokenEOF {
		p.pos++
	}
	return t
}

func (p *parser) isOp(text string) bool {
	t := p.peek()
	return t.kind == tokenOperator && t.text == text
}

func (p *parser) isName(text string) bool {
	t := p.peek()
	return t.kind == tokenName && t.text == text
}

func (p *parser) skipOp(text string) bool {
	if p.isOp(text) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) skipName(text string) bool {
	if p.isName(text) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expectOp(text string) error {
	if !p.skipOp(text) {
		return p.unexpected(fmt.Sprintf("%q", text))
	}
	return nil
}

func (p *parser) expectName() (string, error) {
	if t := p.peek(); t.kind == tokenName {
		p.pos++
		return t.text, nil
	}
	return "", p.unexpected("a name")
}

// unexpected says what stands where something else is expected.
func (p *parser) unexpected(wanted string) error {
	t := p.peek()
	what := Quoted(t.text)
	if t.kind == tokenEOF {
		what = "the end"
	}
	return atLine(t.line, fmt.Errorf("%s is expected, not %s", wanted, what))
}

func (p *parser) enter() error {
	p.depth++
	if p.depth > maxDepth {
		return atLine(p.peek().line, fmt.Errorf("nested more than %d deep", maxDepth))
	}
	return nil
}

// tuple is a, b, c without parentheses, or the one expression that stands there.
func (p *parser) tuple(conditional bool) (expr, error) {
	one := p.conditional
	if !conditional {
		one = p.or
	}
	first, err := one()
	if err != nil || !p.isOp(",") {
		return first, err
	}
	items := []expr{first}
	for p.skipOp(",") {
		if p.endsTuple() {
			break
		}
		item, err := one()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return &listExpr{items: items, tuple: true}, nil
}

func (p *parser) endsTuple() bool {
	switch t := p.peek(); t.kind {
	case tokenEOF, tokenVariableEnd, tokenBlockEnd:
		return true
	case tokenOperator:
		return t.text == ")" || t.text == "="
	case tokenName:
		return t.text == "in"
	}
	return false
}

// conditional is a if b else c.
func (p *parser) conditional() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.or()
	for err == nil && p.skipName("if") {
		c := &conditionalExpr{yes: x}
		if c.test, err = p.or(); err != nil {
			return nil, err
		}
		if p.skipName("else") {
			if c.no, err = p.conditional(); err != nil {
				return nil, err
			}
		}
		x = c
	}
	return x, err
}

func (p *parser) or() (expr, error) {
	left, err := p.and()
	for err == nil && p.skipName("or") {
		var right expr
		right, err = p.and()
		left = &junctionExpr{left: left, right: right}
	}
	return left, err
}

func (p *parser) and() (expr, error) {
	left, err := p.not()
	for err == nil && p.skipName("and") {
		var right expr
		right, err = p.not()
		left = &junctionExpr{left: left, right: right, and: true}
	}
	return left, err
}

func (p *parser) not() (expr, error) {
	if !p.skipName("not") {
		return p.compare()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.not()
	return &notExpr{x}, err
}

func (p *parser) compare() (expr, error) {
	first, err := p.sum()
	if err != nil {
		return nil, err
	}
	c := &compareExpr{first: first}
	for {
		op, ok := p.comparison()
		if !ok {
			break
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, right)
	}
	if len(c.ops) == 0 {
		return first, nil
	}
	return c, nil
}

func (p *parser) comparison() (string, bool) {
	t := p.peek()
	switch {
	case t.kind == tokenOperator:
		switch t.text {
		case "==", "!=", "<", "<=", ">", ">=":
			p.pos++
			return t.text, true
		}
	case p.skipName("in"):
		return "in", true
	case p.isName("not") && p.tokens[p.pos+1].kind == tokenName && p.tokens[p.pos+1].text == "in":
		p.pos += 2
		return "not in", true
	}
	return "", false
}

// binary parses operators of one rank, from left to right.
func (p *parser) binary(operand func() (expr, error), ops ...string) (expr, error) {
	left, err := operand()
	for err == nil {
		found := ""
		for _, op := range ops {
			if p.skipOp(op) {
				found = op
				break
			}
		}
		if found == "" {
			break
		}
		var right expr
		right, err = operand()
		left = &binaryExpr{op: found, left: left, right: right}
	}
	return left, err
}

func (p *parser) sum() (expr, error)     { return p.binary(p.concat, "+", "-") }
func (p *parser) concat() (expr, error)  { return p.binary(p.product, "~") }
func (p *parser) product() (expr, error) { return p.binary(p.power, "*", "/", "//", "%") }
func (p *parser) power() (expr, error) {
	return p.binary(func() (expr, error) { return p.unary(true) }, "**")
}

func (p *parser) unary(filtered bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var x expr
	var err error
	if p.isOp("-") || p.isOp("+") {
		op := p.take().text
		if x, err = p.unary(false); err == nil {
			x = &signExpr{x: x, minus: op == "-"}
		}
	} else if x, err = p.primary(); err == nil {
		x, err = p.postfix(x)
	}
	if err != nil || !filtered {
		return x, err
	}
	return p.filtered(x)
}

var constants = map[string]any{"true": true, "True": true, "false": false, "False": false, "none": nil, "None": nil}

func (p *parser) primary() (expr, error) {
	t := p.take()
	switch t.kind {
	case tokenName:
		if v, ok := constants[t.text]; ok {
			return &constExpr{v}, nil
		}
		return &nameExpr{t.text}, nil
	case tokenString:
		text := t.text
		for p.peek().kind == tokenString {
			text += p.take().text
		}
		return &constExpr{text}, nil
	case tokenInteger:
		n, err := strconv.ParseInt(t.text, 0, 64)
		if err != nil {
			n, err = strconv.ParseInt(t.text, 10, 64)
		}
		if err != nil {
			return nil, atLine(t.line, fmt.Errorf("the number %s is too large", t.text))
		}
		return &constExpr{n}, nil
	case tokenFloat:
		n, err := strconv.ParseFloat(t.text, 64)
		if err != nil && !math.IsInf(n, 0) {
			return nil, atLine(t.line, fmt.Errorf("%s is no number", t.text))
		}
		return &constExpr{n}, nil
	case tokenOperator:
		switch t.text {
		case "(":
			return p.parenthesis()
		case "[":
			items, err := p.items("]")
			return &listExpr{items: items}, err
		case "{":
			return p.dict()
		}
	}
	if t.kind != tokenEOF {
		p.pos--
	}
	return nil, p.unexpected("a value")
}

func (p *parser) parenthesis() (expr, error) {
	if p.skipOp(")") {
		return &listExpr{tuple: true}, nil
	}
	x, err := p.tuple(true)
	if err != nil {
		return nil, err
	}
	return x, p.expectOp(")")
}

func (p *parser) items(end string) ([]expr, error) {
	var items []expr
	for !p.skipOp(end) {
		if len(items) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			if p.skipOp(end) {
				break
			}
		}
		item, err := p.conditional()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (p *parser) dict() (expr, error) {
	d := &dictExpr{}
	for !p.skipOp("}") {
		if len(d.keys) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
			if p.skipOp("}") {
				break
			}
		}
		key, err := p.conditional()
		if err != nil {
			return nil, err
		}
		if err := p.expectOp(":"); err != nil {
			return nil, err
		}
		value, err := p.conditional()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, key), append(d.values, value)
	}
	return d, nil
}
