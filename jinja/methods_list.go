package jinja

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// listMethod is a method of lists: one that tells, or one that changes.
func listMethod(name string) (Func, mutator) {
	switch name {
	case "index", "count":
		return func(c *Call) (any, error) { return listFind(c, name) }, nil
	case "copy":
		return func(c *Call) (any, error) { return append([]any{}, c.In.([]any)...), nil }, nil
	case "append", "extend", "insert", "pop", "remove", "reverse", "sort", "clear":
		return nil, func(c *Call) (any, any, error) { return changeList(c, name) }
	}
	return nil, nil
}

func listFind(c *Call, name string) (any, error) {
	c.Take("value")
	n := int64(0)
	for i, item := range c.InList() {
		same, err := c.equal(item, c.Arg(0, nil))
		if err != nil {
			return nil, err
		}
		if same && name == "index" {
			return int64(i), nil
		}
		if same {
			n++
		}
	}
	if name == "index" {
		return nil, fmt.Errorf("%s is not in the list", Describe(c.Arg(0, nil)))
	}
	return n, nil
}

// changeList gives the changed copy of a list, and what the method returns.
func changeList(c *Call, name string) (any, any, error) {
	list := append([]any{}, c.In.([]any)...)
	if err := c.spend(len(list)); err != nil {
		return nil, nil, err
	}
	switch name {
	case "append":
		c.Take("value")
		return append(list, c.Arg(0, nil)), nil, nil
	case "extend":
		c.Take("iterable")
		return append(list, c.List(0)...), nil, nil
	case "insert":
		c.Take("index value")
		return slices.Insert(list, clampIndex(c.Int(0, 0), len(list)), c.Arg(1, nil)), nil, nil
	case "pop":
		c.Take("index")
		i := c.Int(0, -1)
		if i < 0 {
			i += len(list)
		}
		if i < 0 || i >= len(list) {
			return nil, nil, errors.New("the list has no such element")
		}
		out := list[i]
		return slices.Delete(list, i, i+1), out, nil
	case "remove":
		i, err := listFind(c, "index")
		if err != nil {
			return nil, nil, err
		}
		return slices.Delete(list, int(i.(int64)), int(i.(int64))+1), nil, nil
	case "reverse":
		slices.Reverse(list)
		return list, nil, nil
	case "clear":
		return []any{}, nil, nil
	}
	c.Take("key reverse")
	err := c.sort(list, c.Bool(1, false), nil)
	return list, nil, err
}

func clampIndex(i, n int) int {
	if i < 0 {
		i += n
	}
	return max(min(i, n), 0)
}

// dictMethod is a method of mappings.
func dictMethod(name string) (Func, mutator) {
	switch name {
	case "items":
		return func(c *Call) (any, error) { return c.entries() }, nil
	case "keys":
		return func(c *Call) (any, error) { return List(c.In) }, nil
	case "values":
		return dictValues, nil
	case "get":
		return func(c *Call) (any, error) {
			c.Take("key default")
			key := c.Arg(0, nil)
			if v, ok := Entry(c.In, key); ok {
				return v, nil
			}
			return c.Arg(1, nil), nil
		}, nil
	case "copy":
		return func(c *Call) (any, error) { return CopyOf(c.In), nil }, nil
	case "update", "pop", "popitem", "setdefault", "clear":
		return nil, func(c *Call) (any, any, error) { return changeDict(c, name) }
	}
	return nil, nil
}

// entries are the pairs of the input, which is a mapping.
func (c *Call) entries() (any, error) {
	keys, ok := Keys(c.In)
	if !ok {
		return nil, fmt.Errorf("%s is not a mapping", Describe(c.In))
	}
	out := make([]any, len(keys))
	for i, key := range keys {
		v, _ := Entry(c.In, key)
		out[i] = Tuple{key, v}
	}
	return out, c.spend(len(out))
}

func dictValues(c *Call) (any, error) {
	keys, _ := Keys(c.In)
	out := make([]any, len(keys))
	for i, key := range keys {
		out[i], _ = Entry(c.In, key)
	}
	return out, c.spend(len(out))
}

func changeDict(c *Call, name string) (any, any, error) {
	d := CopyOf(c.In)
	if err := c.spend(d.Len()); err != nil {
		return nil, nil, err
	}
	switch name {
	case "update":
		named := c.Named
		c.Named = NewDict()
		c.Take("other")
		for _, more := range []any{c.Arg(0, NewDict()), named} {
			if err := fill(d, more); err != nil {
				return nil, nil, err
			}
		}
		return d, nil, nil
	case "setdefault":
		c.Take("key default")
		if v, ok := d.Get(c.Arg(0, nil)); ok {
			return d, v, nil
		}
		return d, c.Arg(1, nil), d.Set(c.Arg(0, nil), c.Arg(1, nil))
	case "pop":
		c.Take("key default")
		v, ok := d.Get(c.Arg(0, nil))
		if !ok && !c.Has(1) {
			return nil, nil, fmt.Errorf("there is no %s", Describe(c.Arg(0, nil)))
		}
		if !ok {
			v = c.Arg(1, nil)
		}
		d.Delete(c.Arg(0, nil))
		return d, v, nil
	case "popitem":
		if d.Len() == 0 {
			return nil, nil, errors.New("the mapping is empty")
		}
		key := d.Keys()[d.Len()-1]
		v, _ := d.Get(key)
		d.Delete(key)
		return d, Tuple{key, v}, nil
	}
	return NewDict(), nil, nil
}

// fill sets in d what a mapping, or a list of pairs, has.
func fill(d *Dict, more any) error {
	if keys, ok := Keys(more); ok {
		for _, key := range keys {
			v, _ := Entry(more, key)
			if err := d.Set(key, v); err != nil {
				return err
			}
		}
		return nil
	}
	pairs, err := List(more)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		pair, ok := sequence(Norm(p))
		if !ok || len(pair) != 2 {
			return fmt.Errorf("%s is no pair of a key and a value", Describe(p))
		}
		if err := d.Set(pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// numberMethod is a method of numbers.
func numberMethod(name string) Func {
	switch name {
	case "is_integer":
		return func(c *Call) (any, error) {
			_, f, whole, _ := number(c.In)
			return whole || f == math.Trunc(f), nil
		}
	case "bit_length":
		return func(c *Call) (any, error) {
			n, ok := c.In.(int64)
			if !ok {
				return nil, errors.New("only whole numbers have bits")
			}
			out := int64(0)
			for m := magnitude(n); m > 0; m >>= 1 {
				out++
			}
			return out, nil
		}
	}
	return nil
}
