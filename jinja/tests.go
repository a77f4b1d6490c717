package jinja

import (
	"errors"
	"fmt"
	"strings"
)

// Tests are Jinja2's own tests.
func Tests() map[string]Filter {
	all := map[string]Filter{
		"defined":   LazyF("", func(c *Call) (any, error) { return defined(c.In) }),
		"undefined": LazyF("", func(c *Call) (any, error) { ok, err := defined(c.In); return !ok, err }),
		"boolean":   kindTest("bool"),
		"callable": F("", func(c *Call) (any, error) {
			k := Kind(c.In)
			return k == "function" || k == "Macro", nil
		}),
		"divisibleby": F("num", func(c *Call) (any, error) { n, err := remainder(c, int64(c.Int(0, 1))); return n == 0, err }),
		"escaped":     F("", func(*Call) (any, error) { return false, nil }),
		"even":        F("", func(c *Call) (any, error) { n, err := remainder(c, 2); return n == 0, err }),
		"false":       F("", func(c *Call) (any, error) { return c.In == any(false), nil }),
		"filter":      F("", func(c *Call) (any, error) { _, err := c.env.filter(c.InText()); return err == nil, nil }),
		"float":       kindTest("float"),
		"in":          F("seq", func(c *Call) (any, error) { return c.contains(c.Arg(0, nil), c.In) }),
		"integer":     kindTest("int"),
		"iterable":    F("", func(c *Call) (any, error) { _, err := List(c.In); return err == nil, nil }),
		"lower":       F("", func(c *Call) (any, error) { return characterTest("islower")(c.InText()), nil }),
		"mapping":     kindTest("dict"),
		"none":        F("", func(c *Call) (any, error) { return c.In == nil, nil }),
		"number":      F("", func(c *Call) (any, error) { _, _, _, ok := number(c.In); return ok, nil }),
		"odd":         F("", func(c *Call) (any, error) { n, err := remainder(c, 2); return n == 1, err }),
		"sameas":      F("other", func(c *Call) (any, error) { return sameAs(c) }),
		"sequence":    F("", func(c *Call) (any, error) { _, err := List(c.In); return err == nil, nil }),
		"string":      kindTest("str"),
		"test":        F("", func(c *Call) (any, error) { _, err := c.env.test(c.InText()); return err == nil, nil }),
		"true":        F("", func(c *Call) (any, error) { return c.In == any(true), nil }),
		"upper":       F("", func(c *Call) (any, error) { return characterTest("isupper")(c.InText()), nil }),
	}
	for op, names := range map[string]string{"==": "eq equalto ==", "!=": "ne !=", ">": "gt greaterthan >", ">=": "ge >=",
		"<": "lt lessthan <", "<=": "le <="} {
		for name := range strings.FieldsSeq(names) {
			all[name] = F("other", func(c *Call) (any, error) {
				if !c.Has(0) {
					return nil, errors.New("it takes a value to compare with")
				}
				return c.compare(op, c.In, c.Args[0])
			})
		}
	}
	return all
}

func kindTest(kind string) Filter {
	return F("", func(c *Call) (any, error) { return Kind(c.In) == kind, nil })
}

// defined tells something undefined from something broken.
func defined(v any) (bool, error) {
	err, broken := v.(error)
	if !broken {
		return true, nil
	}
	if _, undefined := err.(*Undefined); undefined {
		return false, nil
	}
	return false, err
}

func remainder(c *Call, by int64) (int64, error) {
	v, err := c.binary("%", c.In, by)
	if err != nil {
		return 0, err
	}
	n, f, whole, _ := number(v)
	if !whole {
		if f != 0 {
			return -1, nil
		}
		return 0, nil
	}
	return n, nil
}

// sameAs is identity, as far as it can be told of values.
func sameAs(c *Call) (any, error) {
	if Kind(c.In) != Kind(c.Arg(0, nil)) {
		return false, nil
	}
	return c.equal(c.In, c.Arg(0, nil))
}

// maxRange bounds how many numbers a range has.
const maxRange = 1 << 20

// Globals are the functions that templates can call.
func Globals() map[string]any {
	return map[string]any{
		"range":     Function(rangeOf),
		"dict":      Function(dictOf),
		"namespace": Function(func(c *Call) (any, error) { v, err := dictOf(c); return namespaceOf(v), err }),
		"cycler":    Function(func(c *Call) (any, error) { return &cycler{items: c.Rest}, nil }),
		"joiner":    Function(func(c *Call) (any, error) { c.Take("sep"); return joiner(c.Text(0, ", ")), nil }),
	}
}

func namespaceOf(v any) any {
	d, _ := v.(*Dict)
	return &namespace{vals: d}
}

// rangeOf is Python's range, as a list.
func rangeOf(c *Call) (any, error) {
	wanted := errors.New("range takes one to three whole numbers")
	bounds := [3]int64{0, 0, 1}
	if len(c.Rest) == 0 || len(c.Rest) > 3 {
		return nil, wanted
	}
	for i, a := range c.Rest {
		n, _, whole, ok := number(Norm(a))
		if !ok || !whole {
			return nil, wanted
		}
		bounds[i] = n
	}
	if len(c.Rest) == 1 {
		bounds[0], bounds[1] = 0, bounds[0]
	}
	from, to, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return nil, errors.New("range cannot count in steps of zero")
	}
	out := []any{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		if len(out) >= maxRange {
			return nil, fmt.Errorf("range of more than %d numbers", maxRange)
		}
		out = append(out, i)
		if step > 0 && i > i+step || step < 0 && i < i+step {
			break
		}
	}
	return out, c.spend(len(out))
}

// dictOf makes a mapping of a mapping or pairs, and of named arguments.
func dictOf(c *Call) (any, error) {
	named := c.Named
	c.Named = NewDict()
	c.Take("from")
	d := NewDict()
	if err := fill(d, c.Arg(0, NewDict())); err != nil {
		return nil, err
	}
	return d, fill(d, named)
}

// cycler yields its items in turn.
type cycler struct {
	items []any
	at    int
}

// Attr is next, current or reset.
func (y *cycler) Attr(name string) (any, bool) {
	if len(y.items) == 0 {
		return nil, false
	}
	now := y.items[y.at%len(y.items)]
	switch name {
	case "current":
		return now, true
	case "next":
		return Function(func(*Call) (any, error) { v := y.items[y.at%len(y.items)]; y.at++; return v, nil }), true
	case "reset":
		return Function(func(*Call) (any, error) { y.at = 0; return nil, nil }), true
	}
	return nil, false
}

func (y *cycler) String() string { return "<cycler>" }

// joiner yields nothing the first time it is called, and then its separator.
func joiner(sep string) Function {
	used := false
	return func(*Call) (any, error) {
		if used {
			return sep, nil
		}
		used = true
		return "", nil
	}
}
