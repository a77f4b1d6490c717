package templates

import (
	"errors"
	"fmt"
	"slices"

	"eucactl/jinja"
)

// zip pairs the elements of several lists, up to the end of the shortest or of the
// longest.
func zip(lists []any, longest bool, fill any) (any, error) {
	all := make([][]any, len(lists))
	n := -1
	for i, v := range lists {
		list, err := jinja.List(v)
		if err != nil {
			return nil, err
		}
		all[i] = list
		if n < 0 || longest && len(list) > n || !longest && len(list) < n {
			n = len(list)
		}
	}
	out := make([]any, 0, max(n, 0))
	for i := range max(n, 0) {
		row := make(jinja.Tuple, len(all))
		for j, list := range all {
			row[j] = fill
			if i < len(list) {
				row[j] = list[i]
			}
		}
		out = append(out, row)
	}
	return out, nil
}

func zipLongest(c *jinja.Call) (any, error) {
	fill, _ := c.Named.Get("fillvalue")
	c.Named.Delete("fillvalue")
	if c.Named.Len() > 0 {
		return nil, fmt.Errorf("it takes fillvalue, not %s", c.Named.Keys()[0])
	}
	return zip(append([]any{c.In}, c.Rest...), true, fill)
}

// maxMany bounds how many results product and its likes have.
const maxMany = 1 << 20

var errMany = fmt.Errorf("more than %d results", maxMany)

func product(c *jinja.Call) (any, error) {
	lists := [][]any{c.InList()}
	for _, v := range c.Rest {
		list, err := jinja.List(v)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	if v, ok := c.Named.Get("repeat"); ok {
		n, isInt := v.(int64)
		if !isInt || n < 0 || n > 20 {
			return nil, errors.New("repeat is a small number")
		}
		once := lists
		lists = nil
		for range n {
			lists = append(lists, once...)
		}
	}
	rows := []jinja.Tuple{{}}
	for _, list := range lists {
		if len(list) > 0 && len(rows) > maxMany/len(list) {
			return nil, errMany
		}
		var next []jinja.Tuple
		for _, row := range rows {
			for _, v := range list {
				next = append(next, append(slices.Clone(row), v))
			}
		}
		rows = next
		if err := c.Spend(len(rows)); err != nil {
			return nil, err
		}
	}
	return tuples(rows), nil
}

func tuples(rows []jinja.Tuple) []any {
	out := make([]any, len(rows))
	for i, row := range rows {
		out[i] = row
	}
	return out
}

func permutations(c *jinja.Call) (any, error) {
	list := c.InList()
	r := len(list)
	if c.Arg(0, nil) != nil {
		r = c.Int(0, r)
	}
	return arranged(c, list, r, true)
}

func combinations(c *jinja.Call) (any, error) { return arranged(c, c.InList(), c.Int(0, 0), false) }

// arranged are the choices of r elements, in every order or in the given one.
func arranged(c *jinja.Call, list []any, r int, everyOrder bool) (any, error) {
	if r < 0 {
		return nil, errors.New("a number below zero")
	}
	rows := []jinja.Tuple{}
	used := make([]bool, len(list))
	var choose func(row jinja.Tuple, from int) error
	choose = func(row jinja.Tuple, from int) error {
		if err := c.Spend(1); err != nil {
			return err
		}
		if len(row) == r {
			if len(rows) >= maxMany {
				return errMany
			}
			rows = append(rows, slices.Clone(row))
			return nil
		}
		for i := from; i < len(list); i++ {
			if used[i] {
				continue
			}
			used[i] = true
			next := i + 1
			if everyOrder {
				next = 0
			}
			if err := choose(append(row, list[i]), next); err != nil {
				return err
			}
			used[i] = false
		}
		return nil
	}
	if r <= len(list) {
		if err := choose(nil, 0); err != nil {
			return nil, err
		}
	}
	return tuples(rows), nil
}
