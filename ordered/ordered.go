// Package ordered has mappings that keep their keys in the order in which they were
// written, as Python's do, and walks through values made of mappings and lists.
package ordered

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
)

// Map is a mapping whose keys are text, numbers, booleans or nil. It is not safe for
// concurrent changes.
type Map struct {
	keys []any
	vals map[any]any
}

// New makes an empty mapping.
func New() *Map { return &Map{vals: map[any]any{}} }

// Set puts a value under a key, which is a string, a number, a boolean or nil.
func (m *Map) Set(key, value any) error {
	k, err := Key(key)
	if err != nil {
		return err
	}
	if _, had := m.vals[k]; !had {
		m.keys = append(m.keys, k)
	}
	m.vals[k] = value
	return nil
}

// Get is the value under a key.
func (m *Map) Get(key any) (any, bool) {
	k, err := Key(key)
	if err != nil {
		return nil, false
	}
	v, ok := m.vals[k]
	return v, ok
}

// Delete forgets a key.
func (m *Map) Delete(key any) {
	k, err := Key(key)
	if _, had := m.vals[k]; err != nil || !had {
		return
	}
	delete(m.vals, k)
	m.keys = slices.DeleteFunc(m.keys, func(x any) bool { return x == k })
}

// Len is the number of keys.
func (m *Map) Len() int { return len(m.keys) }

// Keys are the keys in their order; they are not to be changed.
func (m *Map) Keys() []any { return m.keys }

// All are the keys and values in their order.
func (m *Map) All() iter.Seq2[any, any] {
	return func(yield func(key, value any) bool) {
		for _, key := range m.keys {
			if !yield(key, m.vals[key]) {
				return
			}
		}
	}
}

// MarshalJSON writes the keys in their order.
func (m *Map) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, key := range m.keys {
		b.WriteByte("{,"[min(i, 1)])
		if err := enc.Encode(nameOf(key)); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(m.vals[key]); err != nil {
			return nil, err
		}
	}
	if len(m.keys) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Key is a value as a key: a whole number for a float that is one; an error for what
// cannot be one.
func Key(key any) (any, error) {
	switch k := key.(type) {
	case nil, bool, int64, string:
		return k, nil
	case int:
		return int64(k), nil
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<53 {
			return int64(k), nil
		}
		return k, nil
	}
	switch {
	case IsMapping(key):
		return nil, errors.New("a mapping cannot be a key")
	case isList(key):
		return nil, errors.New("a list cannot be a key")
	}
	return nil, fmt.Errorf("a %T cannot be a key", key)
}

// nameOf is a key as text, as JSON has it.
func nameOf(key any) string {
	switch k := key.(type) {
	case string:
		return k
	case nil:
		return "null"
	}
	return fmt.Sprint(key)
}

// Names are the values of a mapping, a *Map or a map[string]any, by the names of its
// keys; false for what is none.
func Names(v any) (map[string]any, bool) {
	switch m := v.(type) {
	case map[string]any:
		return m, true
	case *Map:
		out := make(map[string]any, len(m.keys))
		for _, key := range m.keys {
			out[nameOf(key)] = m.vals[key]
		}
		return out, true
	}
	return nil, false
}

// IsMapping tells whether v is a *Map or a map[string]any.
func IsMapping(v any) bool {
	switch v.(type) {
	case map[string]any, *Map:
		return true
	}
	return false
}

func isList(v any) bool {
	_, ok := v.([]any)
	return ok
}

// Each visits the elements of a list, or those of a mapping with the names of their
// keys, in order.
func Each(v any, visit func(name string, item any)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			visit("", item)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			visit(name, v[name])
		}
	case *Map:
		for _, key := range v.keys {
			visit(nameOf(key), v.vals[key])
		}
	}
}

// Has tells whether an element of a list or mapping is as is says.
func Has(v any, is func(item any) bool) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, is)
	case map[string]any:
		for _, item := range v {
			if is(item) {
				return true
			}
		}
	case *Map:
		for _, item := range v.vals {
			if is(item) {
				return true
			}
		}
	}
	return false
}

// Change is a list or mapping like v, with what change makes of each element and of
// the name of its key; an element that it does not keep is left out. What is neither
// is given back as it is.
func Change(v any, change func(name string, item any) (newName string, newItem any, keep bool, err error)) (any, error) {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			_, item, keep, err := change("", item)
			if err != nil {
				return nil, err
			}
			if keep {
				out = append(out, item)
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			name, item, keep, err := change(name, v[name])
			if err != nil {
				return nil, err
			}
			if keep {
				out[name] = item
			}
		}
		return out, nil
	case *Map:
		return v.change(change)
	}
	return v, nil
}

func (m *Map) change(change func(string, any) (string, any, bool, error)) (*Map, error) {
	out := New()
	for _, key := range m.keys {
		name, item, keep, err := change(nameOf(key), m.vals[key])
		if err != nil {
			return nil, err
		}
		if name != nameOf(key) {
			key = name
		}
		if keep {
			_ = out.Set(key, item) // a key of one mapping can be one of another
		}
	}
	return out, nil
}

// Apply is a list or mapping like v, with what f makes of each element.
func Apply(v any, f func(item any) (any, error)) (any, error) {
	return Change(v, func(name string, item any) (string, any, bool, error) {
		item, err := f(item)
		return name, item, true, err
	})
}
