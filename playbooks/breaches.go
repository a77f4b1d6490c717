package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"eucactl/ordered"
	"eucactl/spelling"
)

// breaches are what is wrong with arguments by the options of a specification.
func breaches(options, given map[string]any, inside string) []string {
	var out []string
	for _, name := range sortedNames(options) {
		o, _ := ordered.Names(options[name])
		v, ok := given[name]
		full := inside + name
		switch {
		case (!ok || v == nil) && truthy(o["required"]):
			out = append(out, "missing required arguments: "+full)
		case !ok || v == nil:
		default:
			out = append(out, breach(full, o, v)...)
		}
	}
	if inside == "" {
		return out
	}
	for _, name := range sortedNames(given) {
		if _, known := options[name]; !known {
			out = append(out, fmt.Sprintf("%s is not supported%s", inside+name, spelling.DidYouMean(name, sortedNames(options))))
		}
	}
	return out
}

func breach(name string, o map[string]any, v any) []string {
	kind, _ := o["type"].(string)
	if kind == "" {
		kind = "str"
	}
	if !fits(kind, v) {
		return []string{fmt.Sprintf("argument '%s' is of type %s and we were unable to convert to %s", name, pythonType1(v), kind)}
	}
	if choices, ok := o["choices"].([]any); ok && !slices.ContainsFunc(choices, func(c any) bool { return fmt.Sprint(c) == fmt.Sprint(v) }) {
		var words []string
		for _, c := range choices {
			words = append(words, fmt.Sprint(c))
		}
		return []string{fmt.Sprintf("value of %s must be one of: %s, got: %v", name, strings.Join(words, ", "), v)}
	}
	inner, _ := ordered.Names(o["options"])
	var out []string
	if m, ok := ordered.Names(v); ok && inner != nil {
		out = breaches(inner, m, name+".")
	}
	if list, ok := v.([]any); ok {
		elements, _ := o["elements"].(string)
		for i, item := range list {
			one := fmt.Sprintf("%s[%d]", name, i)
			if m, ok := ordered.Names(item); ok && inner != nil {
				out = append(out, breaches(inner, m, one+".")...)
			} else if elements != "" && !fits(elements, item) {
				out = append(out, fmt.Sprintf("elements of %s are of type %s and we were unable to convert to %s", name, pythonType1(item), elements))
			}
		}
	}
	return out
}

// fits tells whether a value is of a type, or can be made one.
func fits(kind string, v any) bool {
	isMap := ordered.IsMapping(v)
	_, isList := v.([]any)
	switch kind {
	case "str", "path":
		return !isMap && !isList || kind == "str"
	case "int":
		f, ok := numberOf(v)
		return ok && f == float64(int64(f))
	case "float":
		_, ok := numberOf(v)
		return ok
	case "bool":
		s := strings.ToLower(fmt.Sprint(v))
		return slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "1", "0", "y", "n", "t", "f"}, s)
	case "list":
		return !isMap
	case "dict":
		_, isText := v.(string)
		return isMap || isText && strings.Contains(v.(string), "=")
	}
	return true // raw, json, jsonarg, bytes, bits
}

func pythonType1(v any) string {
	if _, ok := v.(string); ok {
		return "<class 'str'>"
	}
	return "<class '" + pythonType(v) + "'>"
}

func joinLines(list []string) string { return strings.Join(list, "\n") }
