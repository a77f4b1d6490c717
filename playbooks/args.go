package playbooks

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// args reads a task's arguments: a mapping, one line of k=v, or nothing.
func (r *reader) args(kind pair) []Arg {
	n, ok := r.enter(kind.value, 0)
	if !ok || isNull(n) {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return r.line(n, kind.name)
	}
	var out []Arg
	for _, p := range r.mapping(n, kind.name) {
		out = append(out, Arg{r.at(p.key), p.name, r.value(p.value, 0)})
	}
	return out
}

// line reads `kind: key=value key="two words"`. All values are text.
func (r *reader) line(n *yaml.Node, kind string) []Arg {
	words, ok := splitWords(n.Value)
	if !ok {
		r.wrong(n, "%s: a quote or a {{ is not closed in %s", kind, shown(n.Value))
		return nil
	}
	var out []Arg
	seen := map[string]bool{}
	for _, w := range words {
		name, value, found := strings.Cut(w, "=")
		switch {
		case !found || !variableName.MatchString(name):
			r.wrong(n, "%s: %s is not of the form name=value", kind, shown(w))
			return nil
		case seen[name]:
			r.wrong(n, "%s: %q is given twice", kind, name)
			return nil
		}
		seen[name] = true
		out = append(out, Arg{r.at(n), name, unquote(value)})
	}
	return out
}

// splitWords cuts a line at blanks that are neither in quotes nor in {{ }}.
func splitWords(line string) ([]string, bool) {
	var words []string
	var word strings.Builder
	var quote byte
	depth := 0
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case strings.HasPrefix(line[i:], "{{"):
			depth++
		case strings.HasPrefix(line[i:], "}}") && depth > 0:
			depth--
		case c == '"' || c == '\'':
			quote = c
		case depth == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if word.Len() > 0 {
				words = append(words, word.String())
				word.Reset()
			}
			continue
		}
		word.WriteByte(c)
	}
	if word.Len() > 0 {
		words = append(words, word.String())
	}
	return words, quote == 0 && depth == 0
}

// unquote removes the quotes around a whole value.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] && strings.IndexByte(s[1:len(s)-1], s[0]) < 0 {
		return s[1 : len(s)-1]
	}
	return s
}
