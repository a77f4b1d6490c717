package jinja

import (
	"fmt"
	"strings"
)

type sliceExpr struct {
	of     expr
	bounds [3]expr
}

func (x *sliceExpr) eval(f *frame) (any, error) {
	v, err := f.value(x.of)
	if err != nil {
		return nil, err
	}
	var bounds [3]*int64
	for i, b := range x.bounds {
		if b == nil {
			continue
		}
		n, err := f.value(b)
		if err != nil {
			return nil, err
		}
		switch n := n.(type) {
		case nil:
		case int64:
			bounds[i] = &n
		default:
			return nil, fmt.Errorf("%s is no whole number to slice by", Describe(n))
		}
	}
	list, ok := sequence(v)
	s, text := v.(string)
	if text {
		list, ok = runes(s), true
	}
	if !ok {
		return nil, fmt.Errorf("%s cannot be sliced", Describe(v))
	}
	out, err := sliced(list, bounds)
	if err != nil {
		return nil, err
	}
	if err := f.spend(len(out)); err != nil {
		return nil, err
	}
	switch v.(type) {
	case string:
		var b strings.Builder
		for _, r := range out {
			b.WriteString(r.(string))
		}
		return b.String(), nil
	case Tuple:
		return Tuple(out), nil
	}
	return out, nil
}

// sliced is Python's list[start:end:step].
func sliced(list []any, bounds [3]*int64) ([]any, error) {
	n, step := int64(len(list)), int64(1)
	if bounds[2] != nil {
		step = *bounds[2]
	}
	if step == 0 {
		return nil, fmt.Errorf("a slice in steps of zero")
	}
	step = max(min(step, n+1), -n-1)
	start, end, low, high := int64(0), n, int64(0), n
	if step < 0 {
		start, end, low, high = n-1, -1, -1, n-1
	}
	clamp := func(b *int64, otherwise int64) int64 {
		if b == nil {
			return otherwise
		}
		i := *b
		if i < 0 {
			i += n
		}
		return max(min(i, high), low)
	}
	start, end = clamp(bounds[0], start), clamp(bounds[1], end)
	out := []any{}
	for i := start; step > 0 && i < end || step < 0 && i > end; i += step {
		out = append(out, list[i])
	}
	return out, nil
}
