package jinja

import "errors"

func filterBatch(c *Call) (any, error) {
	n := c.Int(0, 0)
	if n < 1 {
		return nil, errors.New("it takes a number of items above zero")
	}
	out := []any{}
	list := c.InList()
	for len(list) > 0 {
		part := append([]any{}, list[:min(n, len(list))]...)
		list = list[len(part):]
		if c.Arg(1, nil) != nil && len(part) < n {
			if err := c.spend(n); err != nil || n > maxRange {
				return nil, errTooMuch
			}
			for len(part) < n {
				part = append(part, c.Args[1])
			}
		}
		out = append(out, part)
	}
	return out, nil
}

func filterSlice(c *Call) (any, error) {
	n := c.Int(0, 0)
	list := c.InList()
	if n < 1 {
		return nil, errors.New("it takes a number of slices above zero")
	}
	if n > maxRange {
		return nil, errTooMuch
	}
	if err := c.spend(n); err != nil {
		return nil, err
	}
	out := make([]any, 0, n)
	each, more := len(list)/n, len(list)%n
	for i := range n {
		size := each
		if i < more {
			size++
		}
		part := append([]any{}, list[:size]...)
		list = list[size:]
		if i >= more && more > 0 && c.Arg(1, nil) != nil {
			part = append(part, c.Args[1])
		}
		out = append(out, part)
	}
	return out, nil
}
