package jinja

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"eucactl/ordered"
)

// Values are nil, bool, int64, float64, string, []any, Tuple, map[string]any, *Dict,
// Object, and errors: an error is a value that cannot be used, such as an Undefined.
// Whatever uses it fails with it; whatever only hands it on does not.

// Tuple is Python's tuple.
type Tuple []any

// Object is a value with attributes of its own, such as a date.
type Object interface {
	Attr(name string) (any, bool)
	String() string
}

// Undefined is the value of what has none. Attributes of it are it again.
type Undefined struct{ Reason string }

func (u *Undefined) Error() string { return u.Reason }

func undefinedf(format string, args ...any) *Undefined {
	return &Undefined{Reason: fmt.Sprintf(format, args...)}
}

// usable is an error if v is one.
func usable(v any) error {
	if err, ok := v.(error); ok {
		return err
	}
	return nil
}

// Norm makes a value of what a caller put into variables: other kinds of numbers,
// slices and maps. What is a value already is given back as it is.
func Norm(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, []any, Tuple, map[string]any, *Dict, error, Object, *method, Function, *macro:
		return v
	case int:
		return int64(v)
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if r.Uint() > math.MaxInt64 {
			return fmt.Errorf("the number %d is too large", r.Uint())
		}
		return int64(r.Uint())
	case reflect.Float32, reflect.Float64:
		return r.Float()
	case reflect.String:
		return r.String()
	case reflect.Slice, reflect.Array:
		out := make([]any, r.Len())
		for i := range out {
			out[i] = r.Index(i).Interface()
		}
		return out
	case reflect.Map:
		out := make(map[string]any, r.Len())
		for it := r.MapRange(); it.Next(); {
			key, _ := str(Norm(it.Key().Interface()))
			out[key] = it.Value().Interface()
		}
		return out
	}
	return fmt.Errorf("a %T is not a value", v)
}

// Dict is a mapping that keeps the order of its keys, which may be other things
// than strings. A map[string]any is a mapping too, whose order is that of its keys.
type Dict = ordered.Map

// NewDict makes an empty mapping.
func NewDict() *Dict { return ordered.New() }

// Keys are the keys of a mapping in its order, or false for what is none.
func Keys(v any) ([]any, bool) {
	switch m := v.(type) {
	case *Dict:
		return m.Keys(), true
	case map[string]any:
		names := slices.Sorted(maps.Keys(m))
		out := make([]any, len(names))
		for i, name := range names {
			out[i] = name
		}
		return out, true
	}
	return nil, false
}

// Entry is the value under a key of a mapping.
func Entry(v, key any) (any, bool) {
	switch m := v.(type) {
	case *Dict:
		x, ok := m.Get(key)
		return Norm(x), ok
	case map[string]any:
		name, ok := key.(string)
		if !ok {
			return nil, false
		}
		x, ok := m[name]
		return Norm(x), ok
	}
	return nil, false
}

// IsMapping tells whether v has keys.
func IsMapping(v any) bool { return ordered.IsMapping(v) }

// CopyOf is a mapping's own copy, one level deep.
func CopyOf(v any) *Dict {
	out := NewDict()
	keys, _ := Keys(v)
	for _, key := range keys {
		x, _ := Entry(v, key)
		_ = out.Set(key, x) // keys of a mapping are hashable
	}
	return out
}

// Kind names the type of a value as Python does.
func Kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []any:
		return "list"
	case Tuple:
		return "tuple"
	case map[string]any, *Dict:
		return "dict"
	case interface{ Kind() string }:
		return v.Kind()
	case error:
		return "AnsibleUndefined"
	case *method, Function, *macro:
		return "function"
	}
	return "object"
}

// Truth is Python's truth of a value that is no error.
func Truth(v any) bool {
	switch v := Norm(v).(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case Tuple:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	case *Dict:
		return v.Len() > 0
	case interface{ Truth() bool }:
		return v.Truth()
	}
	return true
}

// List is what a value yields when it is looped over.
func List(v any) ([]any, error) {
	switch v := Norm(v).(type) {
	case []any:
		return v, nil
	case Tuple:
		return v, nil
	case string:
		out := make([]any, 0, len(v))
		for _, r := range v {
			out = append(out, string(r))
		}
		return out, nil
	case map[string]any, *Dict:
		keys, _ := Keys(v)
		return keys, nil
	case error:
		return nil, v
	case nil:
		return nil, fmt.Errorf("nothing (none) cannot be looped over")
	default:
		return nil, fmt.Errorf("%s cannot be looped over", article(Kind(v)))
	}
}

// article names a kind of value in a sentence.
func article(kind string) string {
	names := map[string]string{"bool": "a boolean", "int": "a number", "float": "a number", "str": "a text", "list": "a list", "tuple": "a tuple",
		"dict": "a mapping", "NoneType": "nothing (none)", "function": "a function"}
	if name, ok := names[kind]; ok {
		return name
	}
	return "a " + kind
}

// Describe names a value in an error message.
func Describe(v any) string {
	switch v := Norm(v).(type) {
	case string:
		return Quoted(v)
	case int64, float64, bool:
		return Str(v)
	default:
		return article(Kind(v))
	}
}
