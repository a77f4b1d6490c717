package playbooks

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// kind reads a task's kind and its arguments: those below args, and those that
// stand with the kind, which win.
func (r *reader) kind(s *Step, kind pair, args *yaml.Node) {
	s.Kind, s.Called = bare(kind.name), kind.name
	if args != nil {
		r.below(s, args)
	}
	n, ok := r.enter(kind.value, 0)
	if !ok || isNull(n) {
		return
	}
	if n.Kind == yaml.ScalarNode {
		r.line(s, n, kind.name)
		return
	}
	for _, p := range r.mapping(n, kind.name) {
		if p.name == "apply" && strings.HasPrefix(s.Kind, "include_") {
			r.apply(s, p)
			continue
		}
		s.give(Arg{r.at(p.key), p.name, r.value(p.value, 0)})
	}
}

// give adds an argument, which takes the place of one of the same name.
func (s *Step) give(a Arg) {
	if i := slices.IndexFunc(s.Args, func(b Arg) bool { return a.Name == b.Name }); i >= 0 {
		s.Args[i] = a
		return
	}
	s.Args = append(s.Args, a)
}

// below reads the keyword args, a mapping or a template that gives one.
func (r *reader) below(s *Step, n *yaml.Node) {
	n, ok := r.enter(n, 0)
	if !ok || isNull(n) {
		return
	}
	if text := r.value(n, 0); n.Kind == yaml.ScalarNode && hasTemplate(text) {
		s.Whole = &Setting{r.at(n), text}
		return
	}
	for _, p := range r.mapping(n, "args") {
		s.give(Arg{r.at(p.key), p.name, r.value(p.value, 0)})
	}
}

// apply reads what all that an include brings is to have.
func (r *reader) apply(s *Step, p pair) {
	s.Apply = &Keywords{}
	for _, q := range r.mapping(p.value, "apply") {
		if !r.common(s.Apply, q, "b") {
			r.unknown(q, "apply", "b")
		}
	}
}

// line reads arguments that are one line: a command, a file's name, words of the
// form key=value, or a template that gives a mapping.
func (r *reader) line(s *Step, n *yaml.Node, kind string) {
	text, isText := r.value(n, 0).(string)
	if !isText {
		text = n.Value
	}
	if name := lines[s.Kind]; name != "" {
		r.command(s, n, name, text)
		return
	}
	if k := localKinds[s.Kind]; k != nil && k.line != "" && !r.isPairs(text, k) {
		s.give(Arg{r.at(n), k.line, strings.TrimSpace(text)})
		return
	}
	if t := strings.TrimSpace(text); strings.HasPrefix(t, "{{") && strings.HasSuffix(t, "}}") {
		s.Whole = &Setting{r.at(n), t}
		return
	}
	for _, a := range r.pairs(n, kind, text) {
		s.give(a)
	}
}

// isPairs tells whether the line of a kind that takes a free one is made of its
// arguments instead: `include_tasks: file=x.yml`.
func (r *reader) isPairs(text string, k *localKind) bool {
	words, ok := splitWords(text)
	if !ok || len(words) == 0 {
		return false
	}
	name, _, found := strings.Cut(words[0], "=")
	return found && slices.Contains(k.params, name)
}

// pairs reads `kind: key=value key="two words"`. All values are text.
func (r *reader) pairs(n *yaml.Node, kind, text string) []Arg {
	words, ok := splitWords(text)
	if !ok {
		r.wrong(n, "%s: a quote or a {{ is not closed in %s", kind, shown(text))
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
		out = append(out, Arg{r.at(n), name, wordValue(value)})
	}
	return out
}

// command reads a command line, in which options such as creates=x may stand.
func (r *reader) command(s *Step, n *yaml.Node, name, text string) {
	words, ok := splitWords(text)
	if !ok { // the shell, or whoever splits it, has its own idea of quotes
		s.give(Arg{r.at(n), name, strings.TrimSpace(text)})
		return
	}
	rest := text
	for _, w := range words {
		key, value, found := strings.Cut(w, "=")
		if !found || !slices.Contains(lineOptions, key) {
			continue
		}
		if key != "warn" { // of no effect since Ansible 2.14
			s.give(Arg{r.at(n), key, wordValue(value)})
		}
		rest = strings.Replace(rest, w, "", 1)
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		s.give(Arg{r.at(n), name, rest})
	}
}

// splitWords cuts a line at blanks that are neither in quotes nor in {{ }}. A quote in {{ }} is Jinja2's.
func splitWords(line string) ([]string, bool) {
	var words []string
	var word strings.Builder
	var quote byte
	depth := 0
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case strings.HasPrefix(line[i:], "{{"):
			depth++
		case strings.HasPrefix(line[i:], "}}") && depth > 0:
			depth--
		case depth > 0:
		case c == '\\' && i+1 < len(line):
			word.WriteByte(c)
			i++
			c = line[i]
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
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

// wordValue is the value of name=value as Ansible takes it: \n and the like are what they stand for in Python, and
// quotes around the whole are removed.
func wordValue(s string) string {
	return unquote(strings.TrimSpace(escapeInWord.ReplaceAllStringFunc(s, unescaped)))
}

var escapeInWord = regexp.MustCompile(`\\(?:U[0-9A-Fa-f]{8}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[0-7]{1,3}|[\\'"abfnrtv])`)

// unescaped is the character that an escape stands for.
func unescaped(escape string) string {
	rest := escape[2:]
	base := 16
	switch escape[1] {
	case 'U', 'u', 'x':
	case '0', '1', '2', '3', '4', '5', '6', '7':
		rest, base = escape[1:], 8
	case '\'', '"':
		return escape[1:]
	default:
		text, err := strconv.Unquote(`"` + escape + `"`)
		if err != nil {
			return escape
		}
		return text
	}
	n, err := strconv.ParseUint(rest, base, 32)
	if err != nil {
		return escape
	}
	return string(rune(n))
}

// unquote removes the quotes around a whole value.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] && s[len(s)-2] != '\\' {
		return s[1 : len(s)-1]
	}
	return s
}
