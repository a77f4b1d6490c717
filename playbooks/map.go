package playbooks

import (
	"encoding"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"unicode"
)

// Map is plain data as playbooks see it: a struct becomes a map by the names of
// its json tags, every whole number an int64, an address its text ("" if it is
// none), a nil list an empty one and a nil pointer nothing. A key is never left
// out, because a variable that is missing is an error.
func Map(v any) map[string]any {
	m, ok := plainOf(reflect.ValueOf(v)).(map[string]any)
	if !ok {
		return map[string]any{}
	}
	return m
}

func plainOf(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	if s, ok := textOf(v); ok {
		return s
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return plainOf(v.Elem())
	case reflect.Struct:
		out := make(map[string]any, v.NumField())
		plainFields(v, out)
		return out
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			out[fmt.Sprint(plainOf(it.Key()))] = plainOf(it.Value())
		}
		return out
	case reflect.Slice, reflect.Array:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = plainOf(v.Index(i))
		}
		return out
	}
	return plainScalar(v)
}

func plainScalar(v reflect.Value) any {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return int64(v.Uint())
	case reflect.Float32, reflect.Float64:
		return v.Float()
	}
	return fmt.Sprint(v.Interface())
}

// textOf is the text of a value that has one of its own, such as an address.
func textOf(v reflect.Value) (string, bool) {
	if !v.CanInterface() || v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		return "", false
	}
	switch t := v.Interface().(type) {
	case netip.Addr:
		if !t.IsValid() {
			return "", true
		}
		return t.String(), true
	case netip.Prefix:
		if !t.IsValid() {
			return "", true
		}
		return t.String(), true
	case encoding.TextMarshaler:
		text, err := t.MarshalText()
		return string(text), err == nil
	}
	return "", false
}

func plainFields(v reflect.Value, out map[string]any) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case tag == "-" || !field.IsExported():
		case field.Anonymous && tag == "" && field.Type.Kind() == reflect.Struct:
			plainFields(v.Field(i), out)
		case tag == "":
			out[snake(field.Name)] = plainOf(v.Field(i))
		default:
			out[tag] = plainOf(v.Field(i))
		}
	}
}

// snake spells a Go name in lower case: GoneAddresses is gone_addresses.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
