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
