package jinja

import (
	"fmt"
	"strings"
)

// apply calls a filter or a test.
func (f *frame) apply(what, name string, filter Filter, in any, list []any, named *Dict) (any, error) {
	if !filter.Lazy {
		if err := anyError(in, list, named); err != nil {
			return nil, err
		}
	}
	back, err := f.deeper()
	if err != nil {
		return nil, err
	}
	defer back()
	c := &Call{run: f.run, frame: f, Name: name, In: Norm(in)}
	if err := c.bind(filter.Params, list, named); err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, name, err)
	}
	v, err := filter.Do(c)
	if c.err != nil {
		err = c.err
	}
	if err != nil {
		return nil, c.named(what, err)
	}
	return Norm(v), f.spend(1)
}

// named says in which filter or test an error came up, unless it came from the
// values that were used there.
func (c *Call) named(what string, err error) error {
	if what == "" || Inherent(err) {
		return err
	}
	if strings.HasPrefix(err.Error(), "filter ") || strings.HasPrefix(err.Error(), "test ") {
		return err
	}
	return fmt.Errorf("%s %s: %w", what, c.Name, err)
}

func anyError(in any, list []any, named *Dict) error {
	if err := usable(in); err != nil {
		return err
	}
	for _, v := range list {
		if err := usable(v); err != nil {
			return err
		}
	}
	if named == nil {
		return nil
	}
	for _, v := range named.All() {
		if err := usable(v); err != nil {
			return err
		}
	}
	return nil
}

type filterExpr struct {
	in   expr
	name string
	args *arguments
	line int
}

func (x *filterExpr) eval(f *frame) (any, error) {
	in, err := x.in.eval(f)
	if err != nil {
		return nil, err
	}
	return x.apply(f, in)
}

// apply is for filters of blocks too, which have no expression for their input.
func (x *filterExpr) apply(f *frame, in any) (any, error) {
	filter, err := f.env.filter(x.name)
	if err != nil {
		return nil, atLine(x.line, err)
	}
	list, named, err := x.args.eval(f)
	if err != nil {
		return nil, err
	}
	return f.apply("filter", x.name, filter, in, list, named)
}

type testExpr struct {
	in   expr
	name string
	not  bool
	args *arguments
	line int
}

func (x *testExpr) eval(f *frame) (any, error) {
	test, err := f.env.test(x.name)
	if err != nil {
		return nil, atLine(x.line, err)
	}
	in, err := x.in.eval(f)
	if err != nil {
		return nil, err
	}
	list, named, err := x.args.eval(f)
	if err != nil {
		return nil, err
	}
	v, err := f.apply("test", x.name, test, in, list, named)
	if err != nil {
		return nil, err
	}
	return Truth(v) != x.not, nil
}

func (e *Env) filter(name string) (Filter, error) { return named(e.Filters, "filter", name) }
func (e *Env) test(name string) (Filter, error)   { return named(e.Tests, "test", name) }

// named finds a filter or a test by its name, with or without its collection.
func named(table map[string]Filter, what, name string) (Filter, error) {
	if f, ok := table[name]; ok {
		return f, nil
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	if f, ok := table[last]; ok && last != name && ofKnownCollection(name) {
		return f, nil
	}
	var names []string
	for n := range table {
		names = append(names, n)
	}
	return Filter{}, fmt.Errorf("there is no %s %s%s", what, Quoted(name), Suggest(last, names))
}

// ofKnownCollection tells whether a full name is of a collection whose filters are here.
func ofKnownCollection(name string) bool {
	for _, c := range []string{"ansible.builtin.", "ansible.legacy.", "ansible.utils.", "ansible.netcommon."} {
		if strings.HasPrefix(name, c) && strings.Count(name, ".") == 2 {
			return true
		}
	}
	return false
}
