package templates

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"eucactl/jinja"
)

// listFilters are Ansible's filters over lists and mappings.
func listFilters() map[string]jinja.Filter {
	return map[string]jinja.Filter{
		"combinations":    jinja.F("r", combinations),
		"combine":         jinja.F("* **", combine),
		"dict2items":      jinja.F("key_name value_name", dict2items),
		"difference":      jinja.F("b", func(c *jinja.Call) (any, error) { return chosen(c, false) }),
		"extract":         jinja.F("container morekeys", extract),
		"flatten":         jinja.F("levels skip_nulls", flatten),
		"intersect":       jinja.F("b", func(c *jinja.Call) (any, error) { return chosen(c, true) }),
		"items2dict":      jinja.F("key_name value_name", items2dict),
		"permutations":    jinja.F("r", permutations),
		"product":         jinja.F("* **", product),
		"rekey_on_member": jinja.F("key duplicates", rekeyOnMember),
		"subelements":     jinja.F("subelements skip_missing", func(c *jinja.Call) (any, error) { return subelements(c, c.In, c.Arg(0, nil), c.Bool(1, false)) }),
		"symmetric_difference": jinja.F("b", func(c *jinja.Call) (any, error) {
			return symmetricDifference(c)
		}),
		"union":       jinja.F("b", union),
		"zip":         jinja.F("*", func(c *jinja.Call) (any, error) { return zip(append([]any{c.In}, c.Rest...), false, nil) }),
		"zip_longest": jinja.F("* **", zipLongest),
	}
}

// listMerges are the ways in which combine joins two lists.
var listMerges = []string{"replace", "keep", "append", "prepend", "append_rp", "prepend_rp"}

func combine(c *jinja.Call) (any, error) {
	recursive, merge := false, "replace"
	for _, key := range c.Named.Keys() {
		v, _ := c.Named.Get(key)
		switch key {
		case "recursive":
			recursive = jinja.Truth(v)
		case "list_merge":
			merge = jinja.Str(v)
		default:
			return nil, fmt.Errorf("it takes recursive and list_merge, not %s", key)
		}
	}
	if !slices.Contains(listMerges, merge) {
		return nil, fmt.Errorf("list_merge is one of %v, not %s", listMerges, shown(merge))
	}
	var all []any
	for _, v := range append([]any{c.In}, c.Rest...) {
		if list, ok := v.([]any); ok {
			all = append(all, list...)
		} else {
			all = append(all, v)
		}
	}
	out := jinja.NewDict()
	for _, v := range all {
		v = jinja.Norm(v)
		if err, ok := v.(error); ok {
			return nil, err
		}
		if v == nil {
			continue
		}
		if !jinja.IsMapping(v) {
			return nil, fmt.Errorf("%s is not a mapping", describe(v))
		}
		var err error
		if out, err = merged(c, out, v, recursive, merge); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// merged is a mapping with the entries of another on top.
func merged(c *jinja.Call, low, high any, recursive bool, merge string) (*jinja.Dict, error) {
	out := jinja.CopyOf(low)
	keys, _ := jinja.Keys(high)
	if err := c.Spend(len(keys) + out.Len()); err != nil {
		return nil, err
	}
	for _, key := range keys {
		v, _ := jinja.Entry(high, key)
		old, had := jinja.Entry(out, key)
		if had {
			var err error
			if v, err = mergedValue(c, old, v, recursive, merge); err != nil {
				return nil, err
			}
		}
		if err := out.Set(key, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func mergedValue(c *jinja.Call, old, v any, recursive bool, merge string) (any, error) {
	if jinja.IsMapping(old) && jinja.IsMapping(v) {
		if recursive {
			return merged(c, old, v, recursive, merge)
		}
		return v, nil
	}
	a, ok := old.([]any)
	b, ok2 := v.([]any)
	if !ok || !ok2 {
		return v, nil
	}
	switch merge {
	case "keep":
		return a, nil
	case "append":
		return slices.Concat(a, b), nil
	case "prepend":
		return slices.Concat(b, a), nil
	case "append_rp", "prepend_rp":
		rest, err := without(c, a, b, false)
		if merge == "append_rp" {
			return slices.Concat(rest, b), err
		}
		return slices.Concat(b, rest), err
	}
	return b, nil
}

// without are the elements of a that b has, or has not.
func without(c *jinja.Call, a, b []any, has bool) ([]any, error) {
	out := []any{}
	for _, v := range a {
		in, err := c.Contains(b, v)
		if err != nil {
			return nil, err
		}
		if in == has {
			out = append(out, v)
		}
	}
	return out, nil
}

// unique keeps the first of equal elements.
func unique(c *jinja.Call, list []any) (any, error) {
	return c.Filter("unique", list, []any{true}, nil)
}

func union(c *jinja.Call) (any, error) {
	if err := onlyList(c); err != nil {
		return nil, err
	}
	return unique(c, slices.Concat(c.InList(), c.List(0)))
}

func onlyList(c *jinja.Call) error {
	switch c.In.(type) {
	case []any, jinja.Tuple:
		return nil
	}
	return fmt.Errorf("%s is not a list", describe(c.In))
}

// chosen are the different elements of one list that the other has, or has not.
func chosen(c *jinja.Call, has bool) (any, error) {
	list, err := without(c, c.InList(), c.List(0), has)
	if err != nil {
		return nil, err
	}
	return unique(c, list)
}

func symmetricDifference(c *jinja.Call) (any, error) {
	if err := onlyList(c); err != nil {
		return nil, err
	}
	a, b := c.InList(), c.List(0)
	only, err := without(c, a, b, false)
	if err != nil {
		return nil, err
	}
	other, err := without(c, b, a, false)
	if err != nil {
		return nil, err
	}
	return unique(c, slices.Concat(only, other))
}

func dict2items(c *jinja.Call) (any, error) {
	keys, ok := jinja.Keys(c.In)
	if !ok {
		return nil, fmt.Errorf("%s is not a mapping", describe(c.In))
	}
	out := make([]any, 0, len(keys))
	for _, key := range keys {
		v, _ := jinja.Entry(c.In, key)
		item := jinja.NewDict()
		_ = item.Set(c.Text(0, "key"), key) // a text can be a key
		_ = item.Set(c.Text(1, "value"), v)
		out = append(out, item)
	}
	return out, c.Spend(len(out))
}

func items2dict(c *jinja.Call) (any, error) {
	if _, ok := c.In.([]any); !ok {
		return nil, fmt.Errorf("%s is not a list", describe(c.In))
	}
	out := jinja.NewDict()
	for _, item := range c.InList() {
		item = jinja.Norm(item)
		key, ok := jinja.Entry(item, c.Text(0, "key"))
		v, ok2 := jinja.Entry(item, c.Text(1, "value"))
		if !ok || !ok2 {
			return nil, fmt.Errorf("%s has no %s or no %s", describe(item), c.Text(0, "key"), c.Text(1, "value"))
		}
		if err := out.Set(key, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rekeyOnMember makes a mapping of mappings by what each has under a key.
func rekeyOnMember(c *jinja.Call) (any, error) {
	duplicates := c.Text(1, "error")
	if duplicates != "error" && duplicates != "overwrite" {
		return nil, fmt.Errorf("duplicates is error or overwrite, not %s", shown(duplicates))
	}
	items := c.In
	if jinja.IsMapping(items) {
		values, err := c.Method("values", nil)
		if err != nil {
			return nil, err
		}
		items = values
	}
	list, err := jinja.List(items)
	if err != nil {
		return nil, err
	}
	out := jinja.NewDict()
	for _, item := range list {
		key, ok := jinja.Entry(jinja.Norm(item), c.Arg(0, nil))
		if !ok {
			return nil, fmt.Errorf("%s has no %s", describe(item), describe(c.Arg(0, nil)))
		}
		if _, had := out.Get(key); had && duplicates == "error" {
			return nil, fmt.Errorf("%s is there twice", describe(key))
		}
		if err := out.Set(key, item); err != nil {
			return nil, err
		}
	}
	return out, c.Spend(len(list))
}

func extract(c *jinja.Call) (any, error) {
	v := jinja.Item(c.Arg(0, nil), c.In)
	if c.Arg(1, nil) == nil {
		return v, nil
	}
	more, ok := c.Args[1].([]any)
	if !ok {
		more = []any{c.Args[1]}
	}
	for _, key := range more {
		v = jinja.Item(v, jinja.Norm(key))
	}
	return v, nil
}

func flatten(c *jinja.Call) (any, error) {
	levels := maxNesting
	if c.Arg(0, nil) != nil {
		levels = c.Int(0, maxNesting)
	}
	return flattened(c, c.InList(), levels, c.Bool(1, true))
}

func flattened(c *jinja.Call, list []any, levels int, skipNulls bool) ([]any, error) {
	out := []any{}
	for _, item := range list {
		item = jinja.Norm(item)
		if err := c.Spend(1); err != nil {
			return nil, err
		}
		if skipNulls && (item == nil || item == "None" || item == "null") {
			continue
		}
		inner, ok := item.([]any)
		if tuple, isTuple := item.(jinja.Tuple); isTuple {
			inner, ok = tuple, true
		}
		if !ok || levels < 1 {
			out = append(out, item)
			continue
		}
		flat, err := flattened(c, inner, levels-1, skipNulls)
		if err != nil {
			return nil, err
		}
		out = append(out, flat...)
	}
	return out, nil
}

// subPath are the keys that lead to a list within an element.
func subPath(path any) []any {
	s, ok := path.(string)
	if !ok {
		list, _ := path.([]any)
		return list
	}
	var out []any
	for part := range strings.SplitSeq(s, ".") {
		out = append(out, part)
	}
	return out
}

// subelements pairs each element with each item of a list in it.
func subelements(c *jinja.Call, over, path any, skipMissing bool) (any, error) {
	elements := []any{}
	if keys, ok := jinja.Keys(over); ok {
		for _, key := range keys {
			v, _ := jinja.Entry(over, key)
			elements = append(elements, v)
		}
	} else {
		list, err := jinja.List(over)
		if err != nil {
			return nil, err
		}
		elements = list
	}
	parts := subPath(path)
	if len(parts) == 0 {
		return nil, errors.New("subelements is a text or a list of texts")
	}
	out := []any{}
	for _, e := range elements {
		v := any(jinja.Norm(e))
		for _, p := range parts {
			x, ok := jinja.Entry(v, p)
			if !ok {
				if skipMissing {
					x = []any{}
				} else {
					return nil, fmt.Errorf("an element has no %s", shown(jinja.Str(p)))
				}
			}
			v = x
		}
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%s is not a list", describe(v))
		}
		if err := c.Spend(len(list)); err != nil {
			return nil, err
		}
		for _, item := range list {
			out = append(out, jinja.Tuple{e, item})
		}
	}
	return out, nil
}
