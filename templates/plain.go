package templates

import (
	"errors"
	"fmt"

	"eucactl/jinja"
	"eucactl/ordered"
)

// plain turns a value of the language into plain data: nil, bool, int64, float64,
// string, []any, map[string]any, *ordered.Map and Omitted. Data that is plain already is given
// back as it is, uncopied. An undefined value inside a list is an error.
func plain(v any) (any, error) {
	if isPlain(v) {
		return v, nil
	}
	switch v := jinja.Norm(v).(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	case error:
		return nil, v
	case *jinja.Dict, map[string]any, []any:
		return ordered.Apply(v, plain)
	case jinja.Tuple:
		return ordered.Apply([]any(v), plain)
	case jinja.Function:
		return nil, errors.New("a function is not a value")
	case jinja.Object:
		return v.String(), nil
	default:
		return nil, fmt.Errorf("a %s is not a value", jinja.Kind(v))
	}
}

func isPlain(v any) bool {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, Omitted:
		return true
	case []any, map[string]any, *ordered.Map:
		return !ordered.Has(v, func(item any) bool { return !isPlain(item) })
	}
	return false
}
