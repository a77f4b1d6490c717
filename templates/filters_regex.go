package templates

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"eucactl/jinja"
)

func regexReplace(c *jinja.Call) (any, error) {
	s := c.InText()
	p, err := compile(c.Text(0, ""), c.Bool(2, false), c.Bool(3, false))
	if err != nil {
		return nil, err
	}
	to, err := p.replacement(c.Text(1, ""))
	if err != nil {
		return nil, err
	}
	matches, err := p.find(c, s, -1)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	last := 0
	for _, at := range matches {
		b.WriteString(s[last:at[0]])
		for _, part := range to {
			text := part.text
			if part.group >= 0 {
				text, _ = groupOf(s, at, part.group)
			}
			b.WriteString(text)
		}
		last = at[1]
		if err := c.SpendText(b.Len()); err != nil {
			return nil, err
		}
	}
	b.WriteString(s[last:])
	return b.String(), nil
}

// regexSearch is the first match, or the groups of it that are asked for; none is
// nothing.
func regexSearch(c *jinja.Call) (any, error) {
	flags := map[string]bool{}
	for _, key := range c.Named.Keys() {
		v, _ := c.Named.Get(key)
		name := jinja.Str(key)
		if name != "ignorecase" && name != "multiline" {
			return nil, fmt.Errorf("it takes ignorecase and multiline, not %s", name)
		}
		flags[name] = jinja.Truth(v)
	}
	p, err := compile(c.Text(0, ""), flags["ignorecase"], flags["multiline"])
	if err != nil {
		return nil, err
	}
	s := c.InText()
	matches, err := p.find(c, s, 1)
	if err != nil || len(matches) == 0 {
		return nil, err
	}
	if len(c.Rest) == 0 {
		text, _ := groupOf(s, matches[0], 0)
		return text, nil
	}
	out := []any{}
	for _, arg := range c.Rest {
		name, _ := arg.(string)
		name, ok := strings.CutPrefix(name, `\`)
		if rest, isNamed := strings.CutPrefix(name, "g<"); isNamed {
			name = strings.TrimSuffix(rest, ">")
		}
		i, err := p.group(name)
		if err != nil || !ok {
			return nil, fmt.Errorf(`%s is no group: it is \1 or \g<name>`, describe(arg))
		}
		if text, ok := groupOf(s, matches[0], i); ok {
			out = append(out, text)
		} else {
			out = append(out, nil)
		}
	}
	return out, nil
}

// regexFindall are all matches: their only group, or a tuple of their groups.
func regexFindall(c *jinja.Call) (any, error) {
	p, err := compile(c.Text(0, ""), c.Bool(2, false), c.Bool(1, false))
	if err != nil {
		return nil, err
	}
	s := c.InText()
	matches, err := p.find(c, s, -1)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, at := range matches {
		row := jinja.Tuple{}
		for i := range p.groups {
			text, _ := groupOf(s, at, i+1)
			row = append(row, text)
		}
		switch len(row) {
		case 0:
			text, _ := groupOf(s, at, 0)
			out = append(out, text)
		case 1:
			out = append(out, row[0])
		default:
			out = append(out, row)
		}
	}
	return out, nil
}

func regexEscape(c *jinja.Call) (any, error) {
	special := "()[]{}?*+-|^$\\.&~# \t\n\r\v\f"
	switch kind := c.Text(0, "python"); kind {
	case "python":
	case "posix_basic":
		special = `[].^$*\`
	default:
		return nil, fmt.Errorf("re_type is python or posix_basic, not %s", shown(kind))
	}
	var b strings.Builder
	for _, r := range c.InText() {
		if r < utf8.RuneSelf && strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String(), nil
}

// regexTest tells whether a text matches: at its beginning, as a whole or anywhere.
func regexTest(c *jinja.Call, how string) (any, error) {
	if _, ok := c.In.(string); !ok {
		c.In = c.InText()
	}
	text := c.Text(0, "")
	switch how {
	case "match":
		text = `\A(?:` + text + `)`
	case "fullmatch":
		text = `\A(?:` + text + `)\Z`
	case "search":
	default:
		return nil, fmt.Errorf("match_type is search, match or fullmatch, not %s", shown(how))
	}
	p, err := compile(text, c.Bool(1, false), c.Bool(2, false))
	if err != nil {
		return nil, err
	}
	matches, err := p.find(c, c.InText(), 1)
	return len(matches) > 0, err
}
