package templates

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

func combine(in any, args []any) (any, error) {
	out := map[string]any{}
	for _, v := range append([]any{in}, args...) {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is not a mapping", describe(v))
		}
		maps.Copy(out, m)
	}
	return out, nil
}

func dict2items(in any, _ []any) (any, error) {
	m, ok := in.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is not a mapping", describe(in))
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, map[string]any{"key": k, "value": m[k]})
	}
	return out, nil
}

func union(in any, args []any) (any, error) {
	a, b, err := twoLists(in, args)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, v := range append(slices.Clone(a), b...) {
		if !contains(out, v) {
			out = append(out, v)
		}
	}
	return out, nil
}

func difference(in any, args []any) (any, error) {
	return chosen(in, args, false)
}

func intersect(in any, args []any) (any, error) {
	return chosen(in, args, true)
}

// chosen are the different elements of one list that the other has, or has not.
func chosen(in any, args []any, has bool) (any, error) {
	a, b, err := twoLists(in, args)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, v := range a {
		if contains(b, v) == has && !contains(out, v) {
			out = append(out, v)
		}
	}
	return out, nil
}

func twoLists(in any, args []any) ([]any, []any, error) {
	if len(args) != 1 {
		return nil, nil, errors.New("it takes one list")
	}
	a, ok := in.([]any)
	b, ok2 := args[0].([]any)
	if !ok || !ok2 {
		return nil, nil, errors.New("both must be lists")
	}
	return a, b, nil
}

func contains(list []any, v any) bool {
	return slices.ContainsFunc(list, func(x any) bool { return reflect.DeepEqual(x, v) })
}
