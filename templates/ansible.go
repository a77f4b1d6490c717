package templates

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// ansibleFilters are the filters that Ansible adds to Jinja2's. Named arguments
// of theirs are taken in the order in which Ansible documents them.
func ansibleFilters() map[string]filter {
	return map[string]filter{
		"to_json":       func(in any, _ []any) (any, error) { return toJSON(in, "") },
		"to_nice_json":  func(in any, _ []any) (any, error) { return toJSON(in, "    ") },
		"from_json":     fromJSON,
		"bool":          toBool,
		"ternary":       ternary,
		"mandatory":     func(in any, _ []any) (any, error) { return in, nil },
		"basename":      onText(path.Base),
		"dirname":       onText(path.Dir),
		"b64encode":     onText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"b64decode":     b64decode,
		"regex_replace": regexReplace,
		"split":         split,
		"combine":       combine,
		"dict2items":    dict2items,
		"union":         union,
		"difference":    difference,
		"intersect":     intersect,
	}
}

// plainFilter lets a filter over plain data work on the library's values.
func plainFilter(name string, f filter) exec.FilterFunction {
	return func(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
		if err := hidden(in); err != nil {
			return exec.AsValue(err)
		}
		v, err := plain(in.Interface())
		if err != nil {
			raise(err)
			return exec.AsValue(err)
		}
		args := make([]any, 0, len(params.Args))
		for _, a := range params.Args {
			p, err := plain(a)
			if err != nil {
				return exec.AsValue(err)
			}
			args = append(args, p)
		}
		for _, key := range slices.Sorted(maps.Keys(params.KwArgs)) {
			return exec.AsValue(fmt.Errorf("filter %s takes no argument %q", name, key))
		}
		out, err := f(v, args)
		if err != nil {
			return exec.AsValue(fmt.Errorf("filter %s: %w", name, err))
		}
		return exec.AsValue(out)
	}
}

// describe names a value in an error message.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing (none)"
	case string:
		return shown(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	return fmt.Sprint(v)
}

func onText(f func(string) string) filter {
	return func(in any, _ []any) (any, error) {
		s, err := scalar(in)
		if err != nil {
			return nil, err
		}
		return f(s), nil
	}
}

func toJSON(in any, indent string) (any, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(in); err != nil {
		return nil, err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func fromJSON(in any, _ []any) (any, error) {
	s, err := scalar(in)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return numbers(v), nil
}

// numbers makes int64 or float64 of json's numbers.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

func toBool(in any, _ []any) (any, error) {
	switch v := in.(type) {
	case nil, bool:
		return v, nil
	case int64:
		return v == 1, nil
	case string:
		switch strings.ToLower(v) {
		case "yes", "on", "1", "true", "y", "t":
			return true, nil
		case "no", "off", "0", "false", "n", "f", "":
			return false, nil
		}
	}
	return nil, fmt.Errorf("%s is neither true nor false", describe(in))
}

func ternary(in any, args []any) (any, error) {
	switch {
	case len(args) < 2 || len(args) > 3:
		return nil, errors.New("it takes two or three values")
	case in == nil && len(args) == 3:
		return args[2], nil
	case truth(in):
		return args[0], nil
	}
	return args[1], nil
}

func b64decode(in any, _ []any) (any, error) {
	s, err := scalar(in)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(s)
	return string(data), err
}

func regexReplace(in any, args []any) (any, error) {
	s, err := scalar(in)
	if err != nil {
		return nil, err
	}
	if len(args) != 2 {
		return nil, errors.New("it takes an expression and a replacement")
	}
	re, err := regexp.Compile(fmt.Sprint(args[0]))
	if err != nil {
		return nil, err
	}
	// Python writes \1 where Go writes ${1}.
	to := strings.ReplaceAll(fmt.Sprint(args[1]), "$", "$$")
	to = regexp.MustCompile(`\\(?:g<(\w+)>|(\d))`).ReplaceAllString(to, "$${$1$2}")
	return re.ReplaceAllString(s, to), nil
}

func split(in any, args []any) (any, error) {
	s, err := scalar(in)
	if err != nil {
		return nil, err
	}
	parts := strings.Fields(s)
	if len(args) > 0 {
		parts = strings.Split(s, fmt.Sprint(args[0]))
	}
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out, nil
}
