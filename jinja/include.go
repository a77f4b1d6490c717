package jinja

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

type blockNode struct {
	name     string
	body     []node
	scoped   bool
	required bool
	line     int
	tmpl     *Template
}

func (n *blockNode) exec(f *frame) error {
	if f.parent != nil {
		return nil
	}
	chain := f.blocks[n.name]
	if len(chain) == 0 {
		chain = []*blockNode{n}
	}
	return f.block(chain)
}

// block renders the nearest of the blocks of one name; super() is the next one.
func (f *frame) block(chain []*blockNode) error {
	b := chain[0]
	if b.required {
		return atLine(b.line, fmt.Errorf("the block %s is required and not there", b.name))
	}
	back, err := f.deeper()
	if err != nil {
		return err
	}
	defer back()
	in := f.inner()
	in.tmpl = b.tmpl
	in.scope.set("super", Function(func(c *Call) (any, error) {
		if len(chain) < 2 {
			return nil, fmt.Errorf("the block %s is in no template above", b.name)
		}
		above := f.inner()
		above.out = &strings.Builder{}
		err := above.block(chain[1:])
		return above.out.String(), err
	}))
	if err := in.exec(b.body); err != nil {
		return placed(b.tmpl.name, b.tmpl.source, err)
	}
	return nil
}

type extendsNode struct {
	name expr
	line int
}

func (n *extendsNode) exec(f *frame) error {
	t, err := f.load(n.name)
	if err != nil {
		return atLine(n.line, err)
	}
	if f.parent != nil {
		return atLine(n.line, errors.New("a template extends one other"))
	}
	f.parent = t
	return nil
}

// load finds the first of the named templates that is there.
func (f *frame) load(name expr) (*Template, error) {
	v, err := f.value(name)
	if err != nil {
		return nil, err
	}
	names, ok := sequence(v)
	if !ok {
		names = []any{v}
	}
	if f.env.Load == nil {
		return nil, errors.New("no other templates can be read here")
	}
	for _, one := range names {
		name, ok := one.(string)
		if !ok {
			return nil, fmt.Errorf("%s is no name of a template", Describe(one))
		}
		t, loadErr := f.env.Load(name, f.tmpl)
		if loadErr == nil {
			return t, nil
		}
		if err = loadErr; !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if err == nil {
		err = fs.ErrNotExist
	}
	return nil, err
}

type includeNode struct {
	name          expr
	ignoreMissing bool
	context       bool
	line          int
}

func (n *includeNode) exec(f *frame) error {
	if f.parent != nil {
		return nil
	}
	t, err := f.load(n.name)
	if n.ignoreMissing && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return atLine(n.line, err)
	}
	back, err := f.deeper()
	if err != nil {
		return atLine(n.line, err)
	}
	defer back()
	in := f.inner()
	if !n.context {
		in.vars, in.scope = nil, &scope{}
	}
	return in.render(t)
}

// importNode is import ... as and from ... import.
type importNode struct {
	name           expr
	as             string
	names, aliases []string
	context        bool
	line           int
}

func (n *importNode) exec(f *frame) error {
	return atLine(n.line, n.load(f))
}

func (n *importNode) load(f *frame) error {
	t, err := f.load(n.name)
	if err != nil {
		return err
	}
	back, err := f.deeper()
	if err != nil {
		return err
	}
	defer back()
	in := f.inner()
	in.out = &strings.Builder{}
	if !n.context {
		in.vars, in.scope = nil, &scope{}
	}
	if err := in.render(t); err != nil {
		return err
	}
	m := &module{name: t.name, text: in.out.String(), vals: NewDict()}
	for i, name := range in.scope.names {
		_ = m.vals.Set(name, in.scope.values[i]) // a name can be a key
	}
	if n.as != "" {
		f.scope.set(n.as, m)
		return nil
	}
	for i, name := range n.names {
		v, ok := m.vals.Get(name)
		if !ok {
			v = undefinedf("the template %s exports no %q", t.name, name)
		}
		f.scope.set(n.aliases[i], v)
	}
	return nil
}

// module is an imported template: what it has set, and what it printed.
type module struct {
	name, text string
	vals       *Dict
}

// Kind is what type_debug calls it.
func (*module) Kind() string { return "TemplateModule" }

// Attr is what the template has set under a name.
func (m *module) Attr(name string) (any, bool) { return m.vals.Get(name) }

func (m *module) String() string { return m.text }

// visible are all names that can be seen: the variables, and what was set.
func (f *frame) visible() map[string]any {
	out := make(map[string]any, len(f.vars))
	for name, v := range f.vars {
		out[name] = v
	}
	var around []*scope
	for s := f.scope; s != nil; s = s.up {
		around = append(around, s)
	}
	for i := len(around) - 1; i >= 0; i-- {
		for j, name := range around[i].names {
			out[name] = around[i].values[j]
		}
	}
	return out
}
