package jinja

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"eucactl/ordered"
)

// end is the first or last element.
func end(c *Call, which string, i int64) (any, error) {
	list := c.InList()
	if c.err == nil && len(list) == 0 {
		return undefinedf("there is no %s item: it is empty", which), nil
	}
	return element(list, i), nil
}

func filterLength(c *Call) (any, error) {
	switch v := c.In.(type) {
	case string:
		return int64(len([]rune(v))), nil
	case []any:
		return int64(len(v)), nil
	case Tuple:
		return int64(len(v)), nil
	case map[string]any:
		return int64(len(v)), nil
	case *Dict:
		return int64(v.Len()), nil
	}
	return nil, fmt.Errorf("%s has no length", Describe(c.In))
}

func filterReverse(c *Call) (any, error) {
	s, text := c.In.(string)
	list := append([]any{}, c.InList()...)
	slices.Reverse(list)
	if text {
		r := []rune(s)
		slices.Reverse(r)
		return string(r), nil
	}
	return list, nil
}

// attribute is what a filter's attribute argument takes from each item.
type attribute struct {
	parts     []any
	otherwise any // for what has no such attribute; absent is undefined
}

func newAttribute(v, otherwise any) attribute {
	a := attribute{otherwise: otherwise}
	switch v := v.(type) {
	case string:
		for part := range strings.SplitSeq(v, ".") {
			if n, err := strconv.ParseInt(part, 10, 64); err == nil && n >= 0 {
				a.parts = append(a.parts, n)
			} else {
				a.parts = append(a.parts, part)
			}
		}
	case int64:
		a.parts = []any{v}
	}
	return a
}

func (a attribute) of(v any) any {
	v = Norm(v)
	for _, part := range a.parts {
		v = Item(v, part)
		if u, ok := v.(*Undefined); ok {
			if a.otherwise != (absent{}) {
				return a.otherwise
			}
			return u
		}
	}
	return v
}

// sortKey is what is compared: texts without regard to case, unless it matters.
func sortKey(v any, caseSensitive bool) any {
	switch x := v.(type) {
	case string:
		if !caseSensitive {
			return strings.ToLower(x)
		}
	case Tuple:
		out := make(Tuple, len(x))
		for i := range x {
			out[i] = sortKey(x[i], caseSensitive)
		}
		return out
	}
	return v
}

// sort sorts a list by a key, without changing the order of equals.
func (c *Call) sort(list []any, reverse bool, key func(any) any) error {
	type pair struct{ key, item any }
	pairs := make([]pair, len(list))
	for i, item := range list {
		pairs[i] = pair{item, item}
		if key != nil {
			pairs[i].key = key(item)
		}
		if err := usable(pairs[i].key); err != nil {
			return err
		}
	}
	var failed error
	slices.SortStableFunc(pairs, func(a, b pair) int {
		if failed != nil {
			return 0
		}
		n, err := c.order(a.key, b.key)
		if err != nil {
			failed = err
		}
		if reverse {
			return -n
		}
		return n
	})
	for i := range pairs {
		list[i] = pairs[i].item
	}
	return failed
}

func filterSort(c *Call) (any, error) {
	list := append([]any{}, c.InList()...)
	sensitive := c.Bool(1, false)
	key := func(v any) any { return sortKey(Norm(v), sensitive) }
	if by, ok := c.Arg(2, nil).(string); ok && strings.Contains(by, ",") {
		var all []attribute
		for part := range strings.SplitSeq(by, ",") {
			all = append(all, newAttribute(part, absent{}))
		}
		key = func(v any) any {
			out := make(Tuple, len(all))
			for i, a := range all {
				out[i] = sortKey(a.of(v), sensitive)
			}
			return out
		}
	} else if by := c.Arg(2, nil); by != nil {
		a := newAttribute(by, absent{})
		key = func(v any) any { return sortKey(a.of(v), sensitive) }
	}
	return list, c.sort(list, c.Bool(0, false), key)
}

func filterDictsort(c *Call) (any, error) {
	v, err := c.entries()
	if err != nil {
		return nil, err
	}
	list := v.([]any)
	at := map[string]int{"key": 0, "value": 1}
	i, ok := at[c.Text(1, "key")]
	if !ok {
		return nil, errors.New("by is key or value")
	}
	return list, c.sort(list, c.Bool(2, false), func(v any) any { return sortKey(Norm(v.(Tuple)[i]), c.Bool(0, false)) })
}

func filterGroupby(c *Call) (any, error) {
	a := newAttribute(c.Arg(0, nil), c.Arg(1, absent{}))
	key := func(v any) any { return sortKey(a.of(v), c.Bool(2, false)) }
	list := append([]any{}, c.InList()...)
	if err := c.sort(list, false, key); err != nil {
		return nil, err
	}
	out := []any{}
	var last any
	for i, item := range list {
		k := key(item)
		same := false
		if i > 0 {
			var err error
			if same, err = c.equal(last, k); err != nil {
				return nil, err
			}
		}
		if !same {
			out = append(out, Tuple{a.of(item), []any{}})
		}
		group := out[len(out)-1].(Tuple)
		group[1] = append(group[1].([]any), item)
		last = k
	}
	return out, nil
}

func filterJoin(c *Call) (any, error) {
	d := c.Text(0, "")
	a := newAttribute(c.Arg(1, nil), absent{})
	var b strings.Builder
	for i, item := range c.InList() {
		v := a.of(item)
		s, err := str(v)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(d)
		}
		b.WriteString(s)
		if b.Len() > maxText {
			return nil, errTooLong
		}
	}
	return b.String(), c.spendText(b.Len())
}

func filterMap(c *Call) (any, error) {
	if !Truth(c.In) {
		return []any{}, nil
	}
	list := c.InList()
	out := make([]any, 0, len(list))
	if by, ok := c.Named.Get("attribute"); ok && len(c.Rest) == 0 {
		otherwise, has := c.Named.Get("default")
		if !has {
			otherwise = absent{}
		}
		a := newAttribute(by, otherwise)
		for _, item := range list {
			out = append(out, a.of(item))
		}
		return out, nil
	}
	if len(c.Rest) == 0 {
		return nil, errors.New("it takes the name of a filter, or an attribute")
	}
	name, ok := c.Rest[0].(string)
	if !ok {
		return nil, fmt.Errorf("%s is no name of a filter", Describe(c.Rest[0]))
	}
	for _, item := range list {
		v, err := c.Filter(name, Norm(item), c.Rest[1:], c.Named)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// chosen are the items that a test takes, or refuses; by an attribute or themselves.
func chosen(c *Call, byAttribute, take bool) (any, error) {
	if !Truth(c.In) {
		return []any{}, nil
	}
	args := c.Rest
	a := attribute{otherwise: absent{}}
	if byAttribute {
		if len(args) == 0 {
			return nil, errors.New("it takes the name of an attribute")
		}
		a, args = newAttribute(args[0], absent{}), args[1:]
	}
	out := []any{}
	for _, item := range c.InList() {
		v := a.of(item)
		var ok bool
		var err error
		if len(args) == 0 {
			err, ok = usable(v), Truth(v)
		} else {
			name, isText := args[0].(string)
			if !isText {
				return nil, fmt.Errorf("%s is no name of a test", Describe(args[0]))
			}
			ok, err = c.Test(name, v, args[1:], c.Named)
		}
		if err != nil {
			return nil, err
		}
		if ok == take {
			out = append(out, item)
		}
	}
	return out, nil
}

func extreme(c *Call, sign int) (any, error) {
	list := c.InList()
	if len(list) == 0 {
		return undefinedf("the least or greatest of nothing: it is empty"), nil
	}
	a := newAttribute(c.Arg(1, nil), absent{})
	best := list[0]
	for _, item := range list[1:] {
		n, err := c.order(sortKey(a.of(item), c.Bool(0, false)), sortKey(a.of(best), c.Bool(0, false)))
		if err != nil {
			return nil, err
		}
		if n*sign > 0 {
			best = item
		}
	}
	return best, nil
}

func filterSum(c *Call) (any, error) {
	a := newAttribute(c.Arg(0, nil), absent{})
	total := c.Arg(1, int64(0))
	for _, item := range c.InList() {
		v := a.of(item)
		if err := usable(v); err != nil {
			return nil, err
		}
		var err error
		if total, err = c.binary("+", total, v); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func filterUnique(c *Call) (any, error) {
	a := newAttribute(c.Arg(1, nil), absent{})
	seen := map[any]bool{}
	var others []any
	out := []any{}
	for _, item := range c.InList() {
		key := sortKey(a.of(item), c.Bool(0, false))
		if err := usable(key); err != nil {
			return nil, err
		}
		if k, err := ordered.Key(key); err == nil {
			if !seen[k] {
				out = append(out, item)
			}
			seen[k] = true
			continue
		}
		has, err := c.has(others, key)
		if err != nil {
			return nil, err
		}
		if !has {
			out, others = append(out, item), append(others, key)
		}
	}
	return out, nil
}
