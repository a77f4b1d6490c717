package inventory

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"eucactl/ordered"
)

// Values in Ansible's INI form are Python literals where they can be read as
// such, and words where they cannot: 80 is a number, 80,443 is a list of two, 010
// and 1.2.3 are words, and so are yes and {{ x }}.

// errNoLiteral says that a text is no Python literal, and so a word.
var errNoLiteral = errors.New("no literal")

// literal reads one Python literal.
type literal struct {
	text  string
	pos   int
	depth int
}

// iniValue reads a value of an INI inventory. It is an error when Python would
// read something that is no plain data.
func iniValue(text string) (any, error) {
	p := &literal{text: strings.TrimLeft(text, " \t")}
	v, err := p.whole()
	if errors.Is(err, errNoLiteral) {
		return text, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown(text), err)
	}
	return v, nil
}

// unusable is an error for what Python takes for a literal that is no plain data.
func unusable(what string) error {
	return fmt.Errorf("to Ansible this is %s; put quotes inside of quotes around a word", what)
}

// whole reads the text to its end: one value, or several with commas between,
// which are a list.
func (p *literal) whole() (any, error) {
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.next() == ',' {
		if v, err = p.items([]any{v}, 0); err != nil {
			return nil, err
		}
	}
	if p.next() != 0 {
		return nil, errNoLiteral
	}
	return v, nil
}

// next skips blanks and gives the byte after them, 0 at the end or at a comment.
func (p *literal) next() byte {
	p.pos += len(p.text[p.pos:]) - len(strings.TrimLeft(p.text[p.pos:], " \t\f"))
	if p.pos == len(p.text) || p.text[p.pos] == '#' {
		return 0
	}
	return p.text[p.pos]
}

func (p *literal) take(c byte) bool {
	if p.next() != c {
		return false
	}
	p.pos++
	return true
}

// items reads what follows the first of several items, up to the closing byte.
func (p *literal) items(list []any, closing byte) ([]any, error) {
	for p.take(',') {
		if p.next() == closing {
			break
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (p *literal) value() (any, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	switch c := p.next(); {
	case c == '[':
		p.pos++
		return p.list(']')
	case c == '(':
		p.pos++
		return p.parenthesis()
	case c == '{':
		p.pos++
		return p.braces()
	case c == '+' || c == '-':
		p.pos++
		return p.signed(c == '-')
	case c == '.' || c >= '0' && c <= '9':
		return p.number()
	case stringStart.MatchString(p.text[p.pos:]):
		return p.strings()
	}
	return p.name()
}

var literalName = regexp.MustCompile(`^(?:True|False|None|set[ \t\f]*\([ \t\f]*\))`)

func (p *literal) name() (any, error) {
	word := literalName.FindString(p.text[p.pos:])
	p.pos += len(word)
	switch word {
	case "":
		return nil, errNoLiteral
	case "True", "False":
		return word == "True", nil
	case "None":
		return nil, nil
	}
	return nil, p.orNoLiteral(unusable("a set"))
}

func (p *literal) list(closing byte) ([]any, error) {
	list := []any{}
	if p.take(closing) {
		return list, nil
	}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if list, err = p.items(append(list, v), closing); err != nil {
		return nil, err
	}
	if !p.take(closing) {
		return nil, errNoLiteral
	}
	return list, nil
}

// parenthesis reads a tuple, which is a list, or one value in parentheses.
func (p *literal) parenthesis() (any, error) {
	from := p.pos
	list, err := p.list(')')
	if err != nil {
		return nil, err
	}
	inside := strings.TrimRight(p.text[from:p.pos-1], " \t\f")
	if len(list) == 1 && !strings.HasSuffix(inside, ",") {
		return list[0], nil
	}
	return list, nil
}

// braces reads a dictionary.
func (p *literal) braces() (any, error) {
	m := ordered.New()
	for {
		if p.take('}') {
			return m, nil
		}
		key, err := p.value()
		if err != nil {
			return nil, err
		}
		if !p.take(':') {
			return nil, p.endOfSet()
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		word, ok := keyWord(key)
		if !ok {
			return nil, unusable("a dictionary with a list for a key")
		}
		_ = m.Set(word, v) // text can be a key
		if !p.take(',') && p.next() != '}' {
			return nil, errNoLiteral
		}
	}
}

// endOfSet tells a set, which has no order, from a text that is none.
func (p *literal) endOfSet() error {
	if _, err := p.items(nil, '}'); err != nil {
		return err
	}
	if !p.take('}') {
		return errNoLiteral
	}
	return p.orNoLiteral(unusable("a set"))
}

func (p *literal) signed(negative bool) (any, error) {
	if c := p.next(); c != '.' && (c < '0' || c > '9') {
		return nil, errNoLiteral
	}
	v, err := p.number()
	if !negative {
		return v, err
	}
	switch n := v.(type) {
	case int64:
		return -n, err
	case float64:
		return -n, err
	}
	return v, err
}

var (
	literalInt   = regexp.MustCompile(`^0(?:[xX](?:_?[0-9a-fA-F])+|[oO](?:_?[0-7])+|[bB](?:_?[01])+)`)
	literalFloat = regexp.MustCompile(`^(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][-+]?[0-9](?:_?[0-9])*)?[jJ]?`)
	paddedZeros  = regexp.MustCompile(`^0[0_]*[1-9]`)
)

func (p *literal) number() (any, error) {
	word := literalInt.FindString(p.text[p.pos:])
	if word == "" {
		word = literalFloat.FindString(p.text[p.pos:])
	}
	if word == "" {
		if strings.HasPrefix(p.text[p.pos:], "...") {
			p.pos += 3
			return nil, p.orNoLiteral(unusable("an ellipsis"))
		}
		return nil, errNoLiteral
	}
	p.pos += len(word)
	digits := strings.ReplaceAll(word, "_", "")
	switch {
	case strings.ContainsAny(word, "jJ"):
		return nil, p.orNoLiteral(unusable("a complex number"))
	case !strings.ContainsAny(digits[:min(2, len(digits))], "xXoObB") && strings.ContainsAny(digits, ".eE"):
		f, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return nil, p.orNoLiteral(unusable("a number too large"))
		}
		return f, nil
	case paddedZeros.MatchString(word):
		return nil, errNoLiteral
	}
	if strings.Trim(digits, "0") == "" { // 000, which is no octal number
		digits = "0"
	}
	n, err := strconv.ParseInt(digits, 0, 64)
	if err != nil {
		return nil, p.orNoLiteral(unusable("a number of more than 64 bits"))
	}
	return n, nil
}

// orNoLiteral gives the error only if the text ends here or goes on as a literal
// could: 5jobs is a word.
func (p *literal) orNoLiteral(err error) error {
	if c := p.next(); c == 0 || strings.IndexByte(",:)]}", c) >= 0 {
		return err
	}
	return errNoLiteral
}
