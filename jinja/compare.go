package jinja

import (
	"cmp"
	"fmt"
	"strings"

	"eucactl/ordered"
)

// compare answers ==, <, in and their likes.
func (r *run) compare(op string, left, right any) (bool, error) {
	switch op {
	case "==", "!=":
		same, err := r.equal(left, right)
		return same == (op == "=="), err
	case "in", "not in":
		in, err := r.contains(right, left)
		return in == (op == "in"), err
	}
	c, err := r.order(left, right)
	if err != nil {
		return false, fmt.Errorf("%s %s %s: %w", Describe(left), op, Describe(right), err)
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

// Equal is Python's ==.
func (r *run) equal(a, b any) (bool, error) {
	a, b = Norm(a), Norm(b)
	if err := r.spend(1); err != nil {
		return false, err
	}
	if x, ok := a.(string); ok {
		y, ok := b.(string)
		return ok && x == y, usable(b)
	}
	if err := usable(a); err != nil {
		return false, err
	}
	if err := usable(b); err != nil {
		return false, err
	}
	if i, x, whole, ok := number(a); ok {
		j, y, whole2, ok := number(b)
		return ok && (whole && whole2 && i == j || !(whole && whole2) && x == y), nil
	}
	switch x := a.(type) {
	case nil:
		return b == nil, nil
	case []any:
		y, ok := b.([]any)
		if !ok {
			return false, nil
		}
		return r.equalLists(x, y)
	case Tuple:
		y, ok := b.(Tuple)
		if !ok {
			return false, nil
		}
		return r.equalLists(x, y)
	case map[string]any, *Dict:
		return r.equalDicts(x, b)
	case interface{ Compare(any) (int, bool) }:
		c, ok := x.Compare(b)
		return ok && c == 0, nil
	case Object:
		return a == b, nil
	}
	return false, nil
}

func (r *run) equalLists(a, b []any) (bool, error) {
	if len(a) != len(b) {
		return false, nil
	}
	for i := range a {
		if same, err := r.equal(a[i], b[i]); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (r *run) equalDicts(a, b any) (bool, error) {
	keys, _ := Keys(a)
	others, ok := Keys(b)
	if !ok || len(keys) != len(others) {
		return false, nil
	}
	for _, key := range keys {
		x, _ := Entry(a, key)
		y, ok := Entry(b, key)
		if !ok {
			return false, nil
		}
		if same, err := r.equal(x, y); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// contains is Python's item in container.
func (r *run) contains(container, item any) (bool, error) {
	switch c := container.(type) {
	case string:
		s, ok := item.(string)
		if !ok {
			return false, fmt.Errorf("only a text is in a text, not %s", Describe(item))
		}
		return strings.Contains(c, s), nil
	case []any:
		return r.has(c, item)
	case Tuple:
		return r.has(c, item)
	case map[string]any, *Dict:
		if _, tuple := item.(Tuple); tuple {
			return false, nil
		}
		if _, err := ordered.Key(item); err != nil {
			return false, err
		}
		_, ok := Entry(c, item)
		return ok, nil
	}
	return false, fmt.Errorf("nothing can be in %s", Describe(container))
}

func (r *run) has(list []any, item any) (bool, error) {
	for _, x := range list {
		if same, err := r.equal(x, item); err != nil || same {
			return same, err
		}
	}
	return false, nil
}

// order is below, at or above 0 as a comes before, with or after b.
func (r *run) order(a, b any) (int, error) {
	a, b = Norm(a), Norm(b)
	if err := r.spend(1); err != nil {
		return 0, err
	}
	if err := usable(a); err != nil {
		return 0, err
	}
	if err := usable(b); err != nil {
		return 0, err
	}
	if i, x, whole, ok := number(a); ok {
		if j, y, whole2, ok := number(b); ok {
			if whole && whole2 {
				return cmp.Compare(i, j), nil
			}
			return cmp.Compare(x, y), nil
		}
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return cmp.Compare(x, y), nil
		}
	}
	if x, ok := a.(interface{ Compare(any) (int, bool) }); ok {
		if c, ok := x.Compare(b); ok {
			return c, nil
		}
	}
	x, okA := sequence(a)
	y, okB := sequence(b)
	if !okA || !okB || Kind(a) != Kind(b) {
		return 0, fmt.Errorf("%s and %s have no order", article(Kind(a)), article(Kind(b)))
	}
	for i := range min(len(x), len(y)) {
		if same, err := r.equal(x[i], y[i]); err != nil {
			return 0, err
		} else if !same {
			return r.order(x[i], y[i])
		}
	}
	return cmp.Compare(len(x), len(y)), nil
}
