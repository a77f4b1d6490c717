package templates

import (
	"errors"
	"fmt"

	"eucactl/jinja"
)

// plain turns a value of the language into plain data: nil, bool, int64, float64,
// string, []any, map[string]any and Omitted. Data that is plain already is given
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
	case *jinja.Dict, map[string]any:
		keys, _ := jinja.Keys(v)
		out := make(map[string]any, len(keys))
		for _, key := range keys {
			x, _ := jinja.Entry(v, key)
			p, err := plain(x)
			if err != nil {
				return nil, err
			}
			out[jinja.Str(key)] = p
		}
		return out, nil
	case []any:
		return plainList(v)
	case jinja.Tuple:
		return plainList(v)
	case jinja.Function:
		return nil, errors.New("a function is not a value")
	case jinja.Object:
		return v.String(), nil
	default:
		return nil, fmt.Errorf("a %s is not a value", jinja.Kind(v))
	}
}

func plainList(in []any) (any, error) {
	out := make([]any, len(in))
	for i, item := range in {
		p, err := plain(item)
		if err != nil {
			return nil, err
		}
		out[i] = p
	}
	return out, nil
}

func isPlain(v any) bool {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, Omitted:
		return true
	case []any:
		for _, item := range v {
			if !isPlain(item) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, item := range v {
			if !isPlain(item) {
				return false
			}
		}
		return true
	}
	return false
}
