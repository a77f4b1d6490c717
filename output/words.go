package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	udiff "github.com/aymanbagabas/go-udiff"

	"eucactl/ordered"
	"eucactl/playbooks"
)

// The colours of Ansible's words.
const (
	red    = "0;31"
	green  = "0;32"
	yellow = "0;33"
	blue   = "0;34"
	purple = "1;35"
	cyan   = "0;36"
)

func paint(color, text string) string { return "\x1b[" + color + "m" + text + "\x1b[0m" }

// compact is a result in one line, as Ansible prints it: keys in order, a blank
// after each comma and colon.
func compact(fields map[string]any) string {
	var b strings.Builder
	write(&b, plain(fields), "", "")
	return b.String()
}

// indented is a result over several lines.
func indented(fields map[string]any) string {
	var b strings.Builder
	write(&b, plain(fields), "\n", "    ")
	return b.String()
}

// write prints JSON in Python's manner, which encoding/json does not know: ", " and
// ": " in one line, or each element on a line of its own.
func write(b *strings.Builder, v any, newline, indent string) {
	inside := newline
	comma := ", "
	if newline != "" {
		inside, comma = newline+indent, ","
	}
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteString("{")
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b.WriteString(comma)
			}
			b.WriteString(inside + word(key) + ": ")
			write(b, v[key], inside, indent)
		}
		b.WriteString(newline + "}")
	case []any:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteString("[")
		for i, item := range v {
			if i > 0 {
				b.WriteString(comma)
			}
			b.WriteString(inside)
			write(b, item, inside, indent)
		}
		b.WriteString(newline + "]")
	default:
		b.WriteString(word(v))
	}
}

// word is one scalar as JSON.
func word(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(v))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// plain is a result without what is of no use to people, and all of it data.
func plain(fields map[string]any) any {
	out := maps.Clone(fields)
	for key := range out {
		if strings.HasPrefix(key, "_ansible_") || key == "diff" || key == "invocation" || key == "failed" {
			delete(out, key)
		}
	}
	return data(out)
}

// data turns whatever a result holds into what write knows.
func data(v any) any {
	switch v := v.(type) {
	case *ordered.Map:
		named, _ := ordered.Names(v)
		return data(named)
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = data(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = data(item)
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = data(item)
		}
		return out
	case string:
		return strings.ToValidUTF8(v, string(utf8.RuneError))
	case error:
		return v.Error()
	}
	return v
}

// text is a scalar for people.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	if v == nil {
		return ""
	}
	return word(data(v))
}

// harmless keeps lines, but nothing that steers a terminal: hosts choose these words.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// difference is what changes, as diff -u shows it.
func difference(d playbooks.Diff, color bool) string {
	if d.Prepared != "" {
		return colored(harmless(strings.TrimSuffix(d.Prepared, "\n")+"\n\n"), color)
	}
	before, after := or(d.BeforeHeader, "before"), or(d.AfterHeader, "after")
	unified := udiff.Unified(before, after, d.Before, d.After)
	if unified == "" {
		return ""
	}
	return colored(harmless(unified)+"\n", color)
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func colored(diff string, color bool) string {
	if !color {
		return diff
	}
	var b strings.Builder
	for line := range strings.Lines(diff) {
		end := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "+"):
			end = paint(green, end)
		case strings.HasPrefix(line, "-"):
			end = paint(red, end)
		case strings.HasPrefix(line, "@@"):
			end = paint(cyan, end)
		}
		b.WriteString(end + "\n")
	}
	return b.String()
}
