package templates

import (
	"fmt"
	"strings"

	"eucactl/jinja"
)

// headerMark begins a template's first line that says how it is to be read.
const headerMark = "#jinja2:"

// header reads `#jinja2: lstrip_blocks: True, ...` from the first line of a template.
func header(name, source string, layout Layout) (string, Layout, error) {
	if !strings.HasPrefix(source, headerMark) {
		return source, layout, nil
	}
	line, rest, _ := strings.Cut(source, "\n")
	for part := range strings.SplitSeq(strings.TrimPrefix(line, headerMark), ",") {
		key, value, ok := strings.Cut(part, ":")
		v, isLiteral := jinja.Literal(strings.TrimSpace(value))
		if !ok || !isLiteral {
			return "", layout, &Error{File: name, Line: 1, Message: fmt.Sprintf("%q is not NAME: VALUE", strings.TrimSpace(part)), Near: line}
		}
		if err := setLayout(&layout, strings.TrimSpace(key), v); err != nil {
			return "", layout, &Error{File: name, Line: 1, Message: err.Error(), Near: line}
		}
	}
	return rest, layout, nil
}

// setLayout sets what the header, or the task template, calls key.
func setLayout(l *Layout, key string, v any) error {
	text := map[string]*string{
		"variable_start_string": &l.VariableStart, "variable_end_string": &l.VariableEnd,
		"block_start_string": &l.BlockStart, "block_end_string": &l.BlockEnd,
		"comment_start_string": &l.CommentStart, "comment_end_string": &l.CommentEnd,
	}
	switch s, isText := v.(string); {
	case text[key] != nil && isText && s != "":
		*text[key] = s
	case key == "trim_blocks":
		l.KeepBlockLine = !jinja.Truth(v)
	case key == "lstrip_blocks":
		l.LstripBlocks = jinja.Truth(v)
	default:
		return fmt.Errorf("%s cannot be %s", key, jinja.Describe(v))
	}
	return nil
}

// NewLayout makes a Layout of the arguments of that name of Ansible's template task:
// trim_blocks, lstrip_blocks, variable_start_string and their likes.
func NewLayout(args map[string]any) (Layout, error) {
	var l Layout
	for key, v := range args {
		if err := setLayout(&l, key, v); err != nil {
			return Layout{}, err
		}
	}
	return l, nil
}
