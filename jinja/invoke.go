package jinja

import (
	"fmt"
)

// method is a method together with the value whose method it is.
type method struct {
	in     any
	name   string
	do     Func
	mutate mutator
}

// mutator is a method that changes its value: it gives the changed value beside
// its result.
type mutator func(c *Call) (changed, result any, err error)

// methodOf is a value's method, or nil.
func methodOf(v any, name string) *method {
	var do Func
	var mutate mutator
	switch v.(type) {
	case string:
		do = stringMethod(name)
	case []any:
		do, mutate = listMethod(name)
	case Tuple:
		if name == "index" || name == "count" {
			do, _ = listMethod(name)
		}
	case map[string]any, *Dict:
		do, mutate = dictMethod(name)
	case int64, float64:
		do = numberMethod(name)
	}
	if do == nil && mutate == nil {
		return nil
	}
	return &method{in: v, name: name, do: do, mutate: mutate}
}

type callExpr struct {
	callee expr
	args   *arguments
}

func (x *callExpr) eval(f *frame) (any, error) {
	callee, err := f.value(x.callee)
	if err != nil {
		return nil, err
	}
	list, named, err := x.args.eval(f)
	if err != nil {
		return nil, err
	}
	return f.invoke(callee, x.callee, list, named, nil)
}

// invoke calls a value. Callee is where the value came from, which a method that
// changes it needs; caller is the macro of a call block.
func (f *frame) invoke(fn any, callee expr, list []any, named *Dict, caller *macro) (any, error) {
	back, err := f.deeper()
	if err != nil {
		return nil, err
	}
	defer back()
	if m, ok := fn.(*macro); ok {
		return m.call(f.run, list, named, caller)
	}
	if err := anyError(nil, list, named); err != nil {
		return nil, err
	}
	c := &Call{run: f.run, frame: f, Args: list, Rest: list, Named: named}
	if named == nil {
		c.Named = NewDict()
	}
	var v any
	switch fn := fn.(type) {
	case Function:
		v, err = fn(c)
	case *loop:
		v, err = fn.again(c)
	case *method:
		c.In, c.Name = fn.in, fn.name
		v, err = f.callMethod(fn, callee, c)
	default:
		return nil, fmt.Errorf("%s cannot be called", article(Kind(fn)))
	}
	if c.err != nil {
		err = c.err
	}
	if err != nil {
		return nil, err
	}
	return Norm(v), f.spend(1)
}

func (f *frame) callMethod(m *method, callee expr, c *Call) (any, error) {
	if m.mutate == nil {
		v, err := m.do(c)
		if err != nil && !Inherent(err) {
			err = fmt.Errorf("%s: %w", m.name, err)
		}
		return v, err
	}
	changed, result, err := m.mutate(c)
	if err == nil {
		err = c.err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	if err := f.weigh(changed); err != nil {
		return nil, err
	}
	var place expr
	switch x := callee.(type) {
	case *attrExpr:
		place = x.of
	case *itemExpr:
		place = x.of
	}
	return result, f.assign(place, changed)
}

// assign puts a changed value where it came from. What the caller handed in is not
// changed: a changed copy hides it. A value that came from nowhere is forgotten.
func (f *frame) assign(place expr, v any) error {
	var of expr
	var key any
	var err error
	switch x := place.(type) {
	case *nameExpr:
		if slot := f.scope.slot(x.name); slot != nil {
			*slot = v
			return nil
		}
		outer := f.scope
		for outer.up != nil {
			outer = outer.up
		}
		outer.set(x.name, v)
		return nil
	case *attrExpr:
		of, key = x.of, x.name
	case *itemExpr:
		of = x.of
		key, err = f.value(x.key)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	container, err := f.value(of)
	if err != nil {
		return err
	}
	switch c := container.(type) {
	case *namespace:
		return c.vals.Set(key, v)
	case map[string]any, *Dict:
		d := CopyOf(c)
		if err := d.Set(key, v); err != nil {
			return err
		}
		return f.assign(of, d)
	case []any:
		list := append([]any{}, c...)
		i, _ := key.(int64)
		if i < 0 {
			i += int64(len(list))
		}
		if i < 0 || i >= int64(len(list)) {
			return nil
		}
		list[i] = v
		return f.assign(of, list)
	}
	return nil
}
