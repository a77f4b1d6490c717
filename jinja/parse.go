package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// template reads all of it.
func (p *parser) template() ([]node, error) {
	body, _, err := p.body()
	return body, err
}

// body reads nodes up to one of the named tags, whose name has been read then.
func (p *parser) body(ends ...string) ([]node, string, error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	defer func() { p.depth-- }()
	var out []node
	for {
		t := p.take()
		switch t.kind {
		case tokenEOF:
			if len(ends) > 0 {
				return nil, "", fmt.Errorf("%q is missing", ends[len(ends)-1])
			}
			return out, "", nil
		case tokenData:
			out = append(out, &dataNode{t.text})
		case tokenVariable:
			x, err := p.tuple(true)
			if err != nil {
				return nil, "", err
			}
			if p.peek().kind != tokenVariableEnd {
				return nil, "", p.unexpected(`"}}"`)
			}
			p.pos++
			out = append(out, &outputNode{expr: x, line: t.line})
		case tokenBlock:
			name, err := p.expectName()
			if err != nil {
				return nil, "", err
			}
			if slices.Contains(ends, name) {
				return out, name, nil
			}
			n, err := p.statement(name, t.line)
			if err != nil {
				return nil, "", atLine(t.line, err)
			}
			if n != nil {
				out = append(out, n)
			}
		default:
			return nil, "", atLine(t.line, fmt.Errorf("%s is not expected here", Quoted(t.text)))
		}
	}
}

// tagEnd reads the end of a tag.
func (p *parser) tagEnd() error {
	if p.peek().kind != tokenBlockEnd {
		return p.unexpected(`"%}"`)
	}
	p.pos++
	return nil
}

// closed reads the rest of a tag and the body up to the end tag.
func (p *parser) closed(end string) ([]node, error) {
	if err := p.tagEnd(); err != nil {
		return nil, err
	}
	body, _, err := p.body(end)
	if err != nil {
		return nil, err
	}
	return body, p.tagEnd()
}

type statementParser func(p *parser, line int) (node, error)

// statements are what can stand in {% %}.
func statements() map[string]statementParser {
	return map[string]statementParser{
		"for": parseFor, "if": parseIf, "set": parseSet, "macro": parseMacro, "call": parseCall, "filter": parseFilterBlock,
		"with": parseWith, "do": parseDo, "block": parseBlock, "extends": parseExtends, "include": parseInclude,
		"import": parseImport, "from": parseFrom, "autoescape": parseAutoescape,
		"break": parseBreak, "continue": parseContinue,
	}
}

func (p *parser) statement(name string, line int) (node, error) {
	parse, ok := p.statements[name]
	if !ok {
		if strings.HasPrefix(name, "end") || name == "else" || name == "elif" {
			return nil, fmt.Errorf("%q has no beginning", name)
		}
		names := []string{"raw"}
		for n := range p.statements {
			names = append(names, n)
		}
		return nil, fmt.Errorf("%q is no statement%s", name, Suggest(name, names))
	}
	return parse(p, line)
}

func parseIf(p *parser, line int) (node, error) {
	n := &ifNode{line: line}
	for {
		test, err := p.tuple(true)
		if err != nil {
			return nil, err
		}
		if err := p.tagEnd(); err != nil {
			return nil, err
		}
		body, end, err := p.body("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		n.branches = append(n.branches, branch{test: test, body: body})
		if end == "elif" {
			continue
		}
		if end == "else" {
			if n.otherwise, err = p.closed("endif"); err != nil {
				return nil, err
			}
			return n, nil
		}
		return n, p.tagEnd()
	}
}

func parseFor(p *parser, line int) (node, error) {
	n := &forNode{line: line}
	var err error
	if n.target, err = p.target(); err != nil {
		return nil, err
	}
	if !p.skipName("in") {
		return nil, p.unexpected(`"in"`)
	}
	if n.list, err = p.tuple(false); err != nil {
		return nil, err
	}
	if p.skipName("if") {
		if n.test, err = p.conditional(); err != nil {
			return nil, err
		}
	}
	n.recursive = p.skipName("recursive")
	if err := p.tagEnd(); err != nil {
		return nil, err
	}
	p.loops++
	body, end, err := p.body("else", "endfor")
	p.loops--
	if err != nil {
		return nil, err
	}
	n.body = body
	if end == "else" {
		n.otherwise, err = p.closed("endfor")
		return n, err
	}
	return n, p.tagEnd()
}

// target is a name, names with commas between them, or namespace.name.
func (p *parser) target() (target, error) {
	var t target
	for {
		if p.skipOp("(") {
			inner, err := p.target()
			if err != nil {
				return t, err
			}
			if err := p.expectOp(")"); err != nil {
				return t, err
			}
			t.parts = append(t.parts, inner)
		} else {
			name, err := p.expectName()
			if err != nil {
				return t, err
			}
			if _, constant := constants[name]; constant {
				return t, fmt.Errorf("%s cannot be set", name)
			}
			one := target{name: name}
			if p.skipOp(".") {
				if one.attr, err = p.expectName(); err != nil {
					return t, err
				}
			}
			t.parts = append(t.parts, one)
		}
		if !p.skipOp(",") {
			break
		}
		t.tuple = true
		if !(p.peek().kind == tokenName) && !p.isOp("(") || p.isName("in") {
			break
		}
	}
	if len(t.parts) == 1 && !t.tuple {
		return t.parts[0], nil
	}
	t.tuple = true
	return t, nil
}

func parseSet(p *parser, line int) (node, error) {
	n := &setNode{line: line}
	var err error
	if n.target, err = p.target(); err != nil {
		return nil, err
	}
	if p.skipOp("=") {
		if n.value, err = p.tuple(true); err != nil {
			return nil, err
		}
		return n, p.tagEnd()
	}
	for p.skipOp("|") {
		f, err := p.filter(nil)
		if err != nil {
			return nil, err
		}
		n.filters = append(n.filters, f.(*filterExpr))
	}
	if p.peek().kind != tokenBlockEnd {
		return nil, fmt.Errorf("set takes a plain name")
	}
	n.body, err = p.closed("endset")
	return n, err
}

func parseDo(p *parser, line int) (node, error) {
	x, err := p.tuple(true)
	if err != nil {
		return nil, err
	}
	return &doNode{expr: x, line: line}, p.tagEnd()
}

func parseWith(p *parser, line int) (node, error) {
	n := &withNode{line: line}
	for p.peek().kind != tokenBlockEnd {
		if len(n.targets) > 0 {
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
		name, err := p.expectName()
		if err != nil {
			return nil, err
		}
		if err := p.expectOp("="); err != nil {
			return nil, err
		}
		x, err := p.conditional()
		if err != nil {
			return nil, err
		}
		n.targets, n.values = append(n.targets, name), append(n.values, x)
	}
	var err error
	n.body, err = p.closed("endwith")
	return n, err
}

func parseBreak(p *parser, _ int) (node, error) {
	return &signalNode{errBreak}, p.inLoop("break")
}

func parseContinue(p *parser, _ int) (node, error) {
	return &signalNode{errContinue}, p.inLoop("continue")
}

func (p *parser) inLoop(name string) error {
	if p.loops == 0 {
		return fmt.Errorf("%s outside of a loop", name)
	}
	return p.tagEnd()
}

// parseAutoescape reads a block that changes nothing here: nothing is escaped.
func parseAutoescape(p *parser, _ int) (node, error) {
	if _, err := p.conditional(); err != nil {
		return nil, err
	}
	body, err := p.closed("endautoescape")
	return &groupNode{body}, err
}
