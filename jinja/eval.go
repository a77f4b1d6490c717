package jinja

import (
	"fmt"
)

// expr is an expression. Its value may be an error, which is one as soon as it is
// used; an error beside it is one at once.
type expr interface {
	eval(f *frame) (any, error)
}

type constExpr struct{ v any }

func (x *constExpr) eval(*frame) (any, error) { return x.v, nil }

type nameExpr struct{ name string }

func (x *nameExpr) eval(f *frame) (any, error) {
	f.left--
	if f.left < 0 {
		return nil, errTooMuch
	}
	return f.lookup(x.name), nil
}

type listExpr struct {
	items []expr
	tuple bool
}

func (x *listExpr) eval(f *frame) (any, error) {
	out := make([]any, len(x.items))
	for i, item := range x.items {
		v, err := item.eval(f)
		if err != nil {
			return nil, err
		}
		if err := f.weigh(v); err != nil {
			return nil, err
		}
		out[i] = v
	}
	if x.tuple {
		return Tuple(out), f.spend(1)
	}
	return out, f.spend(1)
}

// weigh spends what a value weighs that becomes part of another, so that values
// which hold one another many times over cannot be made.
func (r *run) weigh(v any) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := r.weigh(item); err != nil {
				return err
			}
		}
		return r.spend(len(v))
	case Tuple:
		return r.weigh([]any(v))
	case *Dict:
		for _, item := range v.All() {
			if err := r.weigh(item); err != nil {
				return err
			}
		}
		return r.spend(v.Len())
	}
	return r.spend(1)
}

type dictExpr struct{ keys, values []expr }

func (x *dictExpr) eval(f *frame) (any, error) {
	d := NewDict()
	for i, k := range x.keys {
		key, err := f.value(k)
		if err != nil {
			return nil, err
		}
		v, err := x.values[i].eval(f)
		if err != nil {
			return nil, err
		}
		if err := f.weigh(v); err != nil {
			return nil, err
		}
		if err := d.Set(key, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

type conditionalExpr struct{ yes, test, no expr }

func (x *conditionalExpr) eval(f *frame) (any, error) {
	ok, err := f.truth(x.test)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return x.yes.eval(f)
	case x.no == nil:
		return "", nil
	}
	return x.no.eval(f)
}

// junctionExpr is and or or: its value is the operand that decides it.
type junctionExpr struct {
	left, right expr
	and         bool
}

func (x *junctionExpr) eval(f *frame) (any, error) {
	v, err := f.value(x.left)
	if err != nil || Truth(v) != x.and {
		return v, err
	}
	return x.right.eval(f)
}

type notExpr struct{ x expr }

func (x *notExpr) eval(f *frame) (any, error) {
	ok, err := f.truth(x.x)
	return !ok, err
}

// compareExpr is a chain of comparisons, all of which must hold.
type compareExpr struct {
	first expr
	ops   []string
	rest  []expr
}

func (x *compareExpr) eval(f *frame) (any, error) {
	left, err := f.value(x.first)
	if err != nil {
		return nil, err
	}
	for i, op := range x.ops {
		right, err := f.value(x.rest[i])
		if err != nil {
			return nil, err
		}
		ok, err := f.compare(op, left, right)
		if err != nil || !ok {
			return false, err
		}
		left = right
	}
	return true, nil
}

type signExpr struct {
	x     expr
	minus bool
}

func (x *signExpr) eval(f *frame) (any, error) {
	v, err := f.value(x.x)
	if err != nil {
		return nil, err
	}
	if b, ok := v.(bool); ok {
		v = map[bool]int64{true: 1}[b]
	}
	switch n := v.(type) {
	case int64:
		if x.minus {
			n = -n
		}
		return n, nil
	case float64:
		if x.minus {
			n = -n
		}
		return n, nil
	}
	return nil, fmt.Errorf("%s has no sign", Describe(v))
}

type binaryExpr struct {
	op          string
	left, right expr
}

func (x *binaryExpr) eval(f *frame) (any, error) {
	left, err := f.value(x.left)
	if err != nil {
		return nil, err
	}
	right, err := f.value(x.right)
	if err != nil {
		return nil, err
	}
	return f.binary(x.op, left, right)
}

type attrExpr struct {
	of   expr
	name string
}

func (x *attrExpr) eval(f *frame) (any, error) {
	v, err := x.of.eval(f)
	if err != nil {
		return nil, err
	}
	return Attr(v, x.name), f.spend(1)
}

// Attr is what value.name is: an attribute, else an entry.
func Attr(v any, name string) any {
	if err, ok := v.(error); ok {
		return err
	}
	if o, ok := v.(Object); ok {
		if a, ok := o.Attr(name); ok {
			return a
		}
		return undefinedf("%s has no %q", article(Kind(v)), name)
	}
	if m := methodOf(v, name); m != nil {
		return m
	}
	if pair, ok := v.(Tuple); ok && len(pair) == 2 { // as groupby makes them
		switch name {
		case "grouper":
			return Norm(pair[0])
		case "list":
			return Norm(pair[1])
		}
	}
	if x, ok := Entry(v, name); ok {
		return x
	}
	return missing(v, name)
}

func missing(v any, name string) *Undefined {
	switch {
	case v == nil:
		return undefinedf("an attribute of nothing (none): there is no %q", name)
	case IsMapping(v):
		return undefinedf("there is no %q", name)
	}
	return undefinedf("%s has no %q", article(Kind(v)), name)
}

type itemExpr struct{ of, key expr }

func (x *itemExpr) eval(f *frame) (any, error) {
	v, err := x.of.eval(f)
	if err != nil {
		return nil, err
	}
	key, err := f.value(x.key)
	if err != nil {
		return nil, err
	}
	return Item(v, key), f.spend(1)
}

// Item is what value[key] is: an entry, else an attribute.
func Item(v, key any) any {
	if err, ok := v.(error); ok {
		return err
	}
	if i, ok := key.(int64); ok {
		if s, ok := v.(string); ok {
			return element(runes(s), i)
		}
		if list, ok := sequence(v); ok {
			return element(list, i)
		}
	}
	if x, ok := Entry(v, key); ok {
		return x
	}
	if name, ok := key.(string); ok {
		if IsMapping(v) {
			if m := methodOf(v, name); m != nil {
				return m
			}
			return missing(v, name)
		}
		return Attr(v, name)
	}
	return missing(v, Str(key))
}

func runes(s string) []any {
	out := make([]any, 0, len(s))
	for _, r := range s {
		out = append(out, string(r))
	}
	return out
}

// sequence is the elements of a list or a tuple.
func sequence(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case Tuple:
		return v, true
	}
	return nil, false
}

func element(list []any, i int64) any {
	if i < 0 {
		i += int64(len(list))
	}
	if i < 0 || i >= int64(len(list)) {
		return undefinedf("there is no %q", Str(i))
	}
	return Norm(list[i])
}
