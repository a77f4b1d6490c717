package templates

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"eucactl/jinja"
)

// pattern is a regular expression in Python's words. Go's engine, which cannot be
// made to hang, does what it can; look-ahead, back references, matches of nothing
// and the end of a text before its last newline are another engine's, for a while.
type pattern struct {
	text   string
	fast   *regexp.Regexp
	slow   *regexp2.Regexp
	dollar bool // $ also matches before a newline at the end, which fast does not know
	names  map[string]int
	groups int
}

// patience is how long the other engine may look for one match.
const patience = 2 * time.Second

// maxPattern bounds the length of an expression.
const maxPattern = 10000

func compile(text string, ignoreCase, multiline bool) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("a regular expression of more than %d bytes", maxPattern)
	}
	p := &pattern{names: map[string]int{}, groups: strings.Count(text, "(")}
	translated := p.translate(text)
	flags := ""
	if ignoreCase {
		flags += "i"
	}
	if multiline {
		flags += "m"
	}
	if flags != "" {
		translated = "(?" + flags + ")" + translated
	}
	p.text = translated
	if fast, err := regexp.Compile(translated); err == nil && !fast.MatchString("") {
		p.fast = fast
		return p, nil
	}
	return p, p.slowly()
}

// slowly makes the other engine.
func (p *pattern) slowly() error {
	if p.slow != nil {
		return nil
	}
	slow, err := regexp2.Compile(p.text, regexp2.None)
	if err != nil {
		return fmt.Errorf("the regular expression %s: %w", shown(p.text), err)
	}
	slow.MatchTimeout = patience
	p.slow = slow
	return nil
}

// translate makes numbered groups of named ones and respells what is Python's own.
func (p *pattern) translate(text string) string {
	var b strings.Builder
	group, class := 0, false
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			if rest[1] == 'Z' {
				b.WriteString(`\z`)
			} else {
				b.WriteString(rest[:2])
			}
			i++
		case class:
			class = rest[0] != ']'
			b.WriteByte(rest[0])
		case rest[0] == '[':
			class = true
			n := 1
			for n < len(rest) && (rest[n] == '^' && n == 1 || rest[n] == ']') {
				n++
			}
			b.WriteString(rest[:n])
			i += n - 1
		case strings.HasPrefix(rest, "(?P<"):
			name, _, ok := strings.Cut(rest[4:], ">")
			if !ok {
				b.WriteString(rest)
				return b.String()
			}
			group++
			p.names[name] = group
			b.WriteByte('(')
			i += 4 + len(name)
		case strings.HasPrefix(rest, "(?P="):
			name, _, _ := strings.Cut(rest[4:], ")")
			fmt.Fprintf(&b, `(?:\%d)`, p.names[name])
			i += 4 + len(name)
		default:
			if rest[0] == '(' && !strings.HasPrefix(rest, "(?") {
				group++
			}
			p.dollar = p.dollar || rest[0] == '$'
			b.WriteByte(rest[0])
		}
	}
	p.groups = group
	return b.String()
}

// isFast tells whether Go's engine sees in s what Python's would.
func (p *pattern) isFast(s string) bool {
	if p.fast == nil || p.dollar && strings.HasSuffix(s, "\n") {
		return false
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// find gives up to n matches (-1: all) as the places of the match and its groups;
// -1 is a group that took no part.
func (p *pattern) find(c *jinja.Call, s string, n int) ([][]int, error) {
	if err := c.Spend(len(s)); err != nil {
		return nil, err
	}
	if p.isFast(s) {
		return p.fast.FindAllStringSubmatchIndex(s, n), nil
	}
	if err := p.slowly(); err != nil {
		return nil, err
	}
	offsets := runeOffsets(s)
	var out [][]int
	m, err := p.slow.FindStringMatch(s)
	for ; m != nil && err == nil && (n < 0 || len(out) < n); m, err = p.slow.FindNextMatch(m) {
		at := make([]int, 0, 2*p.groups+2)
		for i := range p.groups + 1 {
			g := m.GroupByNumber(i)
			if g == nil || len(g.Captures) == 0 {
				at = append(at, -1, -1)
				continue
			}
			at = append(at, offsets[g.Index], offsets[g.Index+g.Length])
		}
		out = append(out, at)
		if err := c.Spend(1); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the regular expression takes too long: %w", err)
	}
	return out, nil
}

// runeOffsets are the bytes at which the characters of a text begin, and its end.
func runeOffsets(s string) []int {
	out := make([]int, 0, len(s)+1)
	for i := range s {
		out = append(out, i)
	}
	return append(out, len(s))
}

func groupOf(s string, at []int, i int) (string, bool) {
	if at[2*i] < 0 {
		return "", false
	}
	return s[at[2*i]:at[2*i+1]], true
}

// group finds the number of a group by its number or its name.
func (p *pattern) group(name string) (int, error) {
	if i, err := strconv.Atoi(name); err == nil {
		if i < 0 || i > p.groups {
			return 0, fmt.Errorf("there is no group %d", i)
		}
		return i, nil
	}
	i, ok := p.names[name]
	if !ok {
		return 0, fmt.Errorf("there is no group %s", shown(name))
	}
	return i, nil
}

// piece is a part of a replacement: text, or a group.
type piece struct {
	text  string
	group int // -1 for text
}

// replacement reads \1, \g<name> and the usual escapes.
func (p *pattern) replacement(text string) ([]piece, error) {
	var out []piece
	add := func(s string) { out = append(out, piece{s, -1}) }
	for {
		before, rest, more := strings.Cut(text, `\`)
		add(before)
		if !more {
			return out, nil
		}
		if rest == "" {
			return nil, fmt.Errorf("a backslash at the end of the replacement")
		}
		switch ch := rest[0]; {
		case strings.HasPrefix(rest, "g<"):
			name, after, ok := strings.Cut(rest[2:], ">")
			if !ok {
				return nil, fmt.Errorf(`a \g< that is not closed`)
			}
			i, err := p.group(name)
			if err != nil {
				return nil, err
			}
			out, text = append(out, piece{group: i}), after
		case ch >= '1' && ch <= '9':
			n := 1
			if len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9' {
				n = 2
			}
			i, err := p.group(rest[:n])
			if err != nil {
				return nil, err
			}
			out, text = append(out, piece{group: i}), rest[n:]
		default:
			escapes := map[byte]string{'n': "\n", 't': "\t", 'r': "\r", 'a': "\a", 'f': "\f", 'v': "\v", 'b': "\b", '0': "\x00", '\\': `\`}
			s, ok := escapes[ch]
			if !ok && isAlnum(ch) {
				return nil, fmt.Errorf(`a bad escape \%c in the replacement`, ch)
			}
			if !ok {
				s = `\` + string(ch)
			}
			if !ok && ch >= utf8.RuneSelf {
				s = `\`
				add(s)
				text = rest
				continue
			}
			add(s)
			text = rest[1:]
		}
	}
}

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
