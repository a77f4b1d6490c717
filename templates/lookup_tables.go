package templates

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strings"

	"eucactl/jinja"
)

// withOptions reads Ansible's old way of writing a term: a key, and options as
// key=value words behind it.
func withOptions(term any, options map[string]any, names string) (string, map[string]string, error) {
	text, ok := term.(string)
	if !ok {
		return "", nil, fmt.Errorf("%s is no key", describe(term))
	}
	out := map[string]string{}
	for key, v := range options {
		if !strings.Contains(" "+names+" ", " "+key+" ") {
			return "", nil, fmt.Errorf("it takes %s, not %s", names, key)
		}
		out[key] = jinja.Str(v)
	}
	words := strings.Fields(text)
	for len(words) > 1 {
		key, v, ok := strings.Cut(words[len(words)-1], "=")
		if !ok || !strings.Contains(" "+names+" ", " "+key+" ") {
			break
		}
		out[key] = v
		words = words[:len(words)-1]
		text = strings.Join(words, " ")
	}
	return text, out, nil
}

// lookupCSV finds rows of a table by their first column, or another one.
func (s *Set) lookupCSV(c *jinja.Call, terms []any, options map[string]any) ([]any, error) {
	out := []any{}
	for _, term := range terms {
		key, o, err := withOptions(term, options, "file delimiter col default encoding keycol")
		if err != nil {
			return nil, err
		}
		text, err := s.readFile(or(o["file"], "ansible.csv"))
		if err != nil {
			return nil, err
		}
		r := csv.NewReader(strings.NewReader(text))
		r.FieldsPerRecord, r.LazyQuotes = -1, true
		switch d := or(o["delimiter"], "TAB"); d {
		case "TAB", `\t`:
			r.Comma = '\t'
		default:
			r.Comma = []rune(d)[0]
		}
		rows, err := r.ReadAll()
		if err != nil {
			return nil, err
		}
		v, err := cell(rows, key, or(o["keycol"], "0"), or(o["col"], "1"))
		if err != nil {
			return nil, err
		}
		if v == nil {
			if otherwise, has := o["default"]; has {
				v = otherwise
			}
		}
		out = append(out, v)
		if err := c.Spend(len(text)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func cell(rows [][]string, key, keyColumn, column string) (any, error) {
	k, ok := yamlWhole(keyColumn)
	i, ok2 := yamlWhole(column)
	if !ok || !ok2 || k < 0 || i < 0 {
		return nil, errors.New("columns are counted from 0")
	}
	for _, row := range rows {
		if int(k) < len(row) && row[k] == key {
			if int(i) >= len(row) {
				return nil, fmt.Errorf("the row of %s has no column %d", shown(key), i)
			}
			return row[i], nil
		}
	}
	return nil, nil
}

// lookupINI finds values in an INI file, or in a file of properties.
func (s *Set) lookupINI(c *jinja.Call, terms []any, options map[string]any) ([]any, error) {
	out := []any{}
	for _, term := range terms {
		key, o, err := withOptions(term, options, "file section default type encoding allow_no_value case_sensitive")
		if err != nil {
			return nil, err
		}
		text, err := s.readFile(or(o["file"], "ansible.ini"))
		if err != nil {
			return nil, err
		}
		if err := c.Spend(len(text)); err != nil {
			return nil, err
		}
		section := or(o["section"], "global")
		if o["type"] == "properties" {
			section = ""
		}
		v, ok := iniValue(text, section, key)
		switch otherwise, has := o["default"]; {
		case ok:
			out = append(out, v)
		case has:
			out = append(out, otherwise)
		default:
			out = append(out, "")
		}
	}
	return out, nil
}

// iniValue is what a key of a section has; keys are told apart without regard to case.
func iniValue(text, section, key string) (string, bool) {
	in := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			in = line[1 : len(line)-1]
		case in == section:
			i := strings.IndexAny(line, "=:")
			if i >= 0 && strings.EqualFold(strings.TrimSpace(line[:i]), key) {
				return strings.TrimSpace(line[i+1:]), true
			}
		}
	}
	return "", false
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
