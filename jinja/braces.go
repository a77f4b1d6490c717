package jinja

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// braces is Python's text.format(values).
func (c *Call) braces(format string, list []any, named *Dict) (any, error) {
	var b strings.Builder
	auto := 0
	for format != "" {
		i := strings.IndexAny(format, "{}")
		if i < 0 {
			b.WriteString(format)
			break
		}
		b.WriteString(format[:i])
		if i+1 < len(format) && format[i+1] == format[i] {
			b.WriteByte(format[i])
			format = format[i+2:]
			continue
		}
		if format[i] == '}' {
			return nil, errors.New("a single } in the format")
		}
		field, rest, err := braceField(format[i+1:])
		if err != nil {
			return nil, err
		}
		s, err := c.brace(field, list, named, &auto, 0)
		if err != nil {
			return nil, err
		}
		b.WriteString(s)
		if err := c.spendText(b.Len()); err != nil {
			return nil, err
		}
		format = rest
	}
	return b.String(), nil
}

// braceField is what stands in braces, which may hold others.
func braceField(s string) (field, rest string, err error) {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return s[:i], s[i+1:], nil
			}
		}
	}
	return "", "", errors.New("a { of the format is not closed")
}

// brace formats one field: name!conversion:spec.
func (c *Call) brace(field string, list []any, named *Dict, auto *int, depth int) (string, error) {
	head, form, _ := strings.Cut(field, ":")
	name, conversion, _ := strings.Cut(head, "!")
	v, err := c.braceValue(name, list, named, auto)
	if err != nil {
		return "", err
	}
	if strings.Contains(form, "{") {
		if depth > 0 {
			return "", errors.New("a format nested too deep")
		}
		for strings.Contains(form, "{") {
			before, after, _ := strings.Cut(form, "{")
			inner, rest, ok := strings.Cut(after, "}")
			if !ok {
				return "", errors.New("a { of the format is not closed")
			}
			s, err := c.brace(inner, list, named, auto, depth+1)
			if err != nil {
				return "", err
			}
			form = before + s + rest
			if len(form) > maxWidth {
				return "", errTooLong
			}
		}
	}
	switch conversion {
	case "r", "a":
		if v, err = repr(v, true); err != nil {
			return "", err
		}
	case "s":
		if v, err = str(v); err != nil {
			return "", err
		}
	}
	return formatted(v, form)
}

func (c *Call) braceValue(name string, list []any, named *Dict, auto *int) (any, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	first, rest := name[:end], name[end:]
	if first == "" {
		first = strconv.Itoa(*auto)
		*auto++
	}
	var v any
	if i, err := strconv.Atoi(first); err == nil {
		if i < 0 || i >= len(list) {
			return nil, fmt.Errorf("the format wants argument %d, which there is not", i)
		}
		v = Norm(list[i])
	} else {
		x, ok := Entry(named, first)
		if !ok {
			return nil, fmt.Errorf("the format wants %s, which there is not", Quoted(first))
		}
		v = x
	}
	for rest != "" {
		if key, more, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]"); rest[0] == '[' && ok {
			if i, err := strconv.ParseInt(key, 10, 64); err == nil {
				v = Item(v, i)
			} else {
				v = Item(v, key)
			}
			rest = more
			continue
		}
		attr := strings.TrimPrefix(rest, ".")
		end := strings.IndexAny(attr, ".[")
		if end < 0 {
			end = len(attr)
		}
		if rest[0] != '.' || end == 0 {
			return nil, errors.New("a format that cannot be read")
		}
		v, rest = Attr(v, attr[:end]), attr[end:]
	}
	return v, usable(v)
}

// formatted is Python's format(value, spec).
func formatted(v any, form string) (string, error) {
	if form == "" {
		return str(v)
	}
	sp, err := parseSpec(form)
	if err != nil {
		return "", err
	}
	n, f, whole, isNumber := number(v)
	if _, isBool := v.(bool); isNumber && !(isBool && sp.verb == 0) {
		if sp.align == 0 {
			sp.align = '>'
			if sp.zero {
				sp.fill, sp.align = '0', '='
			}
		}
		if !whole && strings.IndexByte("dxXob", sp.verb) >= 0 && sp.verb != 0 {
			return "", fmt.Errorf("%s is no whole number", Describe(v))
		}
		return sp.number(n, f, whole)
	}
	if sp.verb != 0 && sp.verb != 's' {
		return "", fmt.Errorf("%s cannot be formatted as %q", Describe(v), string(sp.verb))
	}
	s, err := str(v)
	if err != nil {
		return "", err
	}
	if sp.align == 0 {
		sp.align = '<'
	}
	return sp.pad("", sp.cut(s)), nil
}

func parseSpec(form string) (spec, error) {
	sp := spec{fill: ' ', precision: -1}
	if r, n := utf8.DecodeRuneInString(form); len(form) > n && strings.IndexByte("<>^=", form[n]) >= 0 {
		sp.fill, sp.align, form = r, form[n], form[n+1:]
	} else if strings.IndexByte("<>^=", form[0]) >= 0 {
		sp.align, form = form[0], form[1:]
	}
	i := 0
	at := func(chars string) bool { return i < len(form) && strings.IndexByte(chars, form[i]) >= 0 }
	if at("+- ") {
		sp.sign = form[i]
		i++
	}
	if at("#") {
		sp.alternate = true
		i++
	}
	if at("0") {
		sp.zero = true
		i++
	}
	var err error
	if sp.width, i, err = formatNumber(form, i); err != nil {
		return sp, err
	}
	if at(",_") {
		sp.comma = form[i : i+1]
		i++
	}
	if at(".") {
		if sp.precision, i, err = formatNumber(form, i+1); err != nil {
			return sp, err
		}
	}
	if i < len(form) {
		sp.verb = form[i]
		i++
	}
	if i != len(form) {
		return sp, fmt.Errorf("the format %s cannot be read", Quoted(form))
	}
	return sp, nil
}
