package jinja

import "fmt"

func parseMacro(p *parser, line int) (node, error) {
	name, err := p.expectName()
	if err != nil {
		return nil, err
	}
	m := &macroNode{name: name, line: line}
	if err := p.expectOp("("); err != nil {
		return nil, err
	}
	if err := p.signature(m); err != nil {
		return nil, err
	}
	m.body, err = p.apart("endmacro")
	return m, err
}

// apart reads a body that loops around it cannot be left from.
func (p *parser) apart(end string) ([]node, error) {
	loops := p.loops
	p.loops = 0
	body, err := p.closed(end)
	p.loops = loops
	return body, err
}

// signature reads the parameters of a macro, whose first parenthesis was read.
func (p *parser) signature(m *macroNode) error {
	for first := true; !p.skipOp(")"); first = false {
		if !first {
			if err := p.expectOp(","); err != nil {
				return err
			}
		}
		name, err := p.expectName()
		if err != nil {
			return err
		}
		var otherwise expr
		if p.skipOp("=") {
			if otherwise, err = p.conditional(); err != nil {
				return err
			}
		} else if len(m.defaults) > 0 && m.defaults[len(m.defaults)-1] != nil {
			return fmt.Errorf("the parameter %s without a default follows one that has one", name)
		}
		m.params, m.defaults = append(m.params, name), append(m.defaults, otherwise)
	}
	return nil
}

func parseCall(p *parser, line int) (node, error) {
	n := &callNode{line: line, macro: &macroNode{name: "caller", line: line}}
	if p.skipOp("(") {
		if err := p.signature(n.macro); err != nil {
			return nil, err
		}
	}
	x, err := p.unary(false)
	if err != nil {
		return nil, err
	}
	call, ok := x.(*callExpr)
	if !ok {
		return nil, fmt.Errorf("call takes a call of a macro")
	}
	n.call = call
	n.macro.body, err = p.apart("endcall")
	return n, err
}

func parseFilterBlock(p *parser, line int) (node, error) {
	n := &filterNode{line: line}
	for {
		f, err := p.filter(nil)
		if err != nil {
			return nil, err
		}
		n.filters = append(n.filters, f.(*filterExpr))
		if !p.skipOp("|") {
			break
		}
	}
	var err error
	n.body, err = p.apart("endfilter")
	return n, err
}

func parseBlock(p *parser, line int) (node, error) {
	name, err := p.expectName()
	if err != nil {
		return nil, err
	}
	if _, double := p.blocks[name]; double {
		return nil, fmt.Errorf("the block %s is there twice", name)
	}
	n := &blockNode{name: name, line: line}
	p.blocks[name] = n
	n.scoped = p.skipName("scoped")
	n.required = p.skipName("required")
	if err := p.tagEnd(); err != nil {
		return nil, err
	}
	loops := p.loops
	p.loops = 0
	body, _, err := p.body("endblock")
	p.loops = loops
	if err != nil {
		return nil, err
	}
	n.body = body
	p.skipName(name)
	return n, p.tagEnd()
}

func parseExtends(p *parser, line int) (node, error) {
	x, err := p.link()
	if err != nil {
		return nil, err
	}
	return &extendsNode{name: x, line: line}, p.tagEnd()
}

func parseInclude(p *parser, line int) (node, error) {
	n := &includeNode{line: line}
	var err error
	if n.name, err = p.link(); err != nil {
		return nil, err
	}
	if p.isName("ignore") && p.tokens[p.pos+1].text == "missing" {
		p.pos += 2
		n.ignoreMissing = true
	}
	n.context = p.withContext(true)
	return n, p.tagEnd()
}

// withContext reads "with context" or "without context".
func (p *parser) withContext(otherwise bool) bool {
	if (p.isName("with") || p.isName("without")) && p.tokens[p.pos+1].text == "context" {
		otherwise = p.take().text == "with"
		p.pos++
	}
	return otherwise
}

func parseImport(p *parser, line int) (node, error) {
	n := &importNode{line: line}
	var err error
	if n.name, err = p.link(); err != nil {
		return nil, err
	}
	if !p.skipName("as") {
		return nil, p.unexpected(`"as"`)
	}
	if n.as, err = p.expectName(); err != nil {
		return nil, err
	}
	n.context = p.withContext(false)
	return n, p.tagEnd()
}

func parseFrom(p *parser, line int) (node, error) {
	n := &importNode{line: line}
	var err error
	if n.name, err = p.link(); err != nil {
		return nil, err
	}
	if !p.skipName("import") {
		return nil, p.unexpected(`"import"`)
	}
	for {
		if len(n.names) > 0 && (p.isName("with") || p.isName("without")) && p.tokens[p.pos+1].text == "context" {
			break
		}
		name, err := p.expectName()
		if err != nil {
			return nil, err
		}
		as := name
		if p.skipName("as") {
			if as, err = p.expectName(); err != nil {
				return nil, err
			}
		}
		n.names, n.aliases = append(n.names, name), append(n.aliases, as)
		if !p.skipOp(",") {
			break
		}
	}
	n.context = p.withContext(false)
	return n, p.tagEnd()
}
