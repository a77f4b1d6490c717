package templates

import (
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// plain turns a value of the template library into plain data: nil, bool, int64,
// float64, string, []any and map[string]any. Data that is plain already is given
// back as it is, uncopied. An undefined value inside a list is an error.
func plain(v any) (any, error) {
	if isPlain(v) {
		return v, nil
	}
	switch v := v.(type) {
	case Omitted:
		return v, nil
	case *exec.Value: // which is an error too, by its methods
		return plain(v.Interface())
	case error:
		return nil, v
	case *exec.Dict:
		return plainPairs(v.Pairs)
	case exec.Dict:
		return plainPairs(v.Pairs)
	case *exec.Pair:
		return plainList([]any{v.Key, v.Value})
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32:
		return r.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if r.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("the number %d is too large", r.Uint())
		}
		return int64(r.Uint()), nil
	case reflect.Float32:
		return r.Float(), nil
	case reflect.String:
		return r.String(), nil
	case reflect.Slice, reflect.Array:
		list := make([]any, r.Len())
		for i := range list {
			list[i] = r.Index(i).Interface()
		}
		return plainList(list)
	case reflect.Map:
		return plainMap(r)
	case reflect.Func:
		return nil, errors.New("a function is not a value")
	}
	return nil, fmt.Errorf("a %T is not a value", v)
}

func plainList(in []any) (any, error) {
	out := make([]any, len(in))
	for i, item := range in {
		v, err := plain(item)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func plainPairs(pairs []*exec.Pair) (any, error) {
	out := make(map[string]any, len(pairs))
	for _, p := range pairs {
		v, err := plain(p.Value)
		if err != nil {
			return nil, err
		}
		out[p.Key.String()] = v
	}
	return out, nil
}

func plainMap(r reflect.Value) (any, error) {
	out := make(map[string]any, r.Len())
	for it := r.MapRange(); it.Next(); {
		v, err := plain(it.Value().Interface())
		if err != nil {
			return nil, err
		}
		out[exec.ToValue(it.Key()).String()] = v
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

// truth is Python's truth of plain data.
func truth(v any) bool { return exec.AsValue(v).IsTrue() }
