package jinja

// link reads the name of another template, which the template leads to.
func (p *parser) link() (expr, error) {
	x, err := p.conditional()
	if err == nil {
		p.links = append(p.links, x)
	}
	return x, err
}

// Name is the name under which the template was parsed.
func (t *Template) Name() string { return t.name }

// Source is the template as it was written.
func (t *Template) Source() string { return t.source }

// Layout is how templates are read that this one leads to: as itself.
func (t *Template) Layout() Options {
	o := t.layout
	o.RawStrings = false // that is for what stands in a playbook
	return o
}

// Links are the names of the templates that this one includes, imports or extends,
// as far as they are written in it; computed tells that others are not.
func (t *Template) Links() (names []string, computed bool) {
	for _, x := range t.links {
		more, ok := constantNames(x)
		names, computed = append(names, more...), computed || !ok
	}
	return names, computed
}

// constantNames are the names that an expression can give, if all are written in it.
func constantNames(x expr) ([]string, bool) {
	switch x := x.(type) {
	case *constExpr:
		name, ok := x.v.(string)
		return []string{name}, ok
	case *listExpr:
		return constantNamesOf(x.items)
	case *conditionalExpr:
		if x.no == nil {
			return constantNames(x.yes)
		}
		return constantNamesOf([]expr{x.yes, x.no})
	}
	return nil, false
}

func constantNamesOf(all []expr) (names []string, ok bool) {
	ok = true
	for _, x := range all {
		more, constant := constantNames(x)
		names, ok = append(names, more...), ok && constant
	}
	return names, ok
}
