package inventory

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// assignment is one NAME=value of a eucalyptus.conf.
type assignment struct {
	name  string
	value string
	at    Position
	lines []lineMark // where in value a new line of the file begins
}

type lineMark struct{ offset, line int }

// confWord is one word of a value, where it is written.
type confWord struct {
	text string
	at   Position
}

// words cuts the value at blanks and commas, as a list in an inventory is cut.
func (a assignment) words() []confWord {
	var list []confWord
	rest, offset := a.value, 0
	for _, w := range splitWords(a.value) {
		skip := strings.Index(rest, w)
		offset += skip
		list = append(list, confWord{w, a.position(offset)})
		rest, offset = rest[skip+len(w):], offset+len(w)
	}
	return list
}

// placeOf is the place of the word that an error is about, or of the setting.
func (a assignment) placeOf(err error) Position {
	var item itemError
	if words := a.words(); errors.As(err, &item) && item.index < len(words) {
		return words[item.index].at
	}
	return a.at
}

// position is the place of a byte of the value.
func (a assignment) position(offset int) Position {
	at := a.at
	for _, m := range a.lines {
		if m.offset <= offset {
			at.Line = m.line
		}
	}
	return at
}

// openQuote is the error of a quote that is not closed.
type openQuote struct{ mark byte }

func (e openQuote) Error() string {
	return fmt.Sprintf("the %c that opens here is not closed on this line", e.mark)
}

// readValue reads a value up to the blank, ; or end of line that ends it.
func (r *confReader) readValue(a *assignment) error {
	value := &strings.Builder{}
	defer func() { a.value = value.String() }()
	for r.next < len(r.text) {
		c := r.text[r.next]
		switch {
		case c == '\n':
			return nil
		case c == ' ' || c == '\t':
			return r.afterValue(a.name)
		case c == ';':
			return nil
		case c == '\\':
			if err := r.readEscape(a, value); err != nil {
				return err
			}
		case c == '\'' || c == '"':
			if err := r.readQuoted(a, value, c); err != nil {
				return err
			}
		case c == '$' || c == '`':
			if err := r.readDynamic(value); err != nil {
				return err
			}
		case c == '~':
			return fmt.Errorf("~ may be a home directory, which only a shell knows; write the whole path, or put the value in quotes")
		case strings.IndexByte("|&<>()", c) >= 0:
			return fmt.Errorf("%c has a meaning of its own in a shell; put the value in quotes: %s=\"...\"", c, a.name)
		default:
			if err := r.readPlain(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// afterValue refuses a second word: a shell would take it for a command.
func (r *confReader) afterValue(name string) error {
	r.skipBlanks()
	text := r.lineText()
	if text == "" || text[0] == '#' || text[0] == ';' || settingExpr.MatchString(text) {
		return nil
	}
	word, _, _ := strings.Cut(text, " ")
	return fmt.Errorf("a shell would run %s, which follows the value, as a command; put the whole value in quotes: %s=\"...\"", shown(word), name)
}

// readPlain reads one character that stands for itself.
func (r *confReader) readPlain(value *strings.Builder) error {
	c, size := utf8.DecodeRuneInString(r.rest())
	switch {
	case c == utf8.RuneError && size <= 1:
		return fmt.Errorf("this is not UTF-8")
	case strings.ContainsRune("“”‘’„", c):
		return fmt.Errorf("%c is a typographic quote, which means nothing to a shell; write \"", c)
	case unicode.IsControl(c) && c != '\n' && c != '\t':
		return fmt.Errorf("a control character (%U)", c)
	}
	value.WriteString(r.rest()[:size])
	r.next += size
	return nil
}

// newLine notes that the value goes on in another line of the file.
func (r *confReader) newLine(a *assignment, value *strings.Builder) {
	r.line++
	a.lines = append(a.lines, lineMark{value.Len(), r.line})
}

// readEscape reads a backslash outside of quotes and what it stands before.
func (r *confReader) readEscape(a *assignment, value *strings.Builder) error {
	r.next++
	switch {
	case r.next == len(r.text):
		return fmt.Errorf("the file ends with a \\ that stands before nothing")
	case r.text[r.next] == '\n':
		r.next++
		r.newLine(a, value)
	default:
		return r.readPlain(value)
	}
	return nil
}

// readQuoted reads what is between two equal quotes.
func (r *confReader) readQuoted(a *assignment, value *strings.Builder, mark byte) error {
	opened, line := r.next, r.line
	for r.next++; r.next < len(r.text); {
		c := r.text[r.next]
		switch {
		case c == mark:
			r.next++
			return nil
		case c == '\n':
			r.next++
			if settingExpr.MatchString(r.lineText()) {
				r.next, r.line = opened, line
				return openQuote{mark}
			}
			value.WriteByte('\n')
			r.newLine(a, value)
		case mark == '"' && c == '\\':
			if err := r.readQuotedEscape(a, value); err != nil {
				return err
			}
		case mark == '"' && (c == '$' || c == '`'):
			if err := r.readDynamic(value); err != nil {
				return err
			}
		default:
			if err := r.readPlain(value); err != nil {
				return err
			}
		}
	}
	r.next, r.line = opened, line
	return openQuote{mark}
}

// readQuotedEscape reads a backslash in double quotes: it stands for itself but
// before what it protects there.
func (r *confReader) readQuotedEscape(a *assignment, value *strings.Builder) error {
	if r.next+1 < len(r.text) && strings.IndexByte("\\\"$`\n", r.text[r.next+1]) >= 0 {
		return r.readEscape(a, value)
	}
	value.WriteByte('\\')
	r.next++
	return nil
}

var variableExpr = regexp.MustCompile(`^\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))`)

// readDynamic reads $EUCALYPTUS and refuses everything else that a shell would
// replace by something.
func (r *confReader) readDynamic(value *strings.Builder) error {
	rest := r.rest()
	if rest[0] == '`' || strings.HasPrefix(rest, "$(") {
		return fmt.Errorf("it runs a command, and nothing of the file is run; write what the command would print")
	}
	m := variableExpr.FindStringSubmatch(rest)
	switch {
	case m == nil:
		return fmt.Errorf("$ has a meaning of its own in a shell; write \\$ for the character")
	case m[1]+m[2] != "EUCALYPTUS":
		return fmt.Errorf("it takes the value of %s, which is known only where the file is run; write the value itself ($EUCALYPTUS alone is understood)", shown(m[1]+m[2]))
	case r.home == nil:
		return fmt.Errorf("it uses $EUCALYPTUS, which nothing sets before; write the path itself, or EUCALYPTUS=\"/\" above")
	}
	home := *r.home
	if r.next += len(m[0]); strings.HasPrefix(r.rest(), "/") {
		home = strings.TrimSuffix(home, "/") // so that "/" does not begin a path with two
	}
	value.WriteString(home)
	return nil
}
