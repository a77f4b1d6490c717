package inventory

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// stringStart is where a Python string begins: its prefix and its quotes.
var stringStart = regexp.MustCompile(`^(?:[rR][bB]?|[bB][rR]?|[uU])?(?:"""|'''|"|')`)

// strings reads strings that stand side by side, which are one.
func (p *literal) strings() (any, error) {
	var all strings.Builder
	wasBytes := false
	for first := true; ; first = false {
		p.next()
		start := stringStart.FindString(p.text[p.pos:])
		if start == "" {
			break
		}
		prefix := strings.ToLower(strings.TrimRight(start, `"'`))
		isBytes := strings.Contains(prefix, "b")
		if !first && isBytes != wasBytes {
			return nil, errNoLiteral
		}
		wasBytes = isBytes
		p.pos += len(start)
		if err := p.string(&all, start[len(prefix):], strings.Contains(prefix, "r"), isBytes); err != nil {
			return nil, err
		}
	}
	if !utf8.ValidString(all.String()) {
		return nil, unusable("text that is not UTF-8")
	}
	return all.String(), nil
}

// string reads to the closing quotes.
func (p *literal) string(to *strings.Builder, quotes string, raw, isBytes bool) error {
	for {
		rest := p.text[p.pos:]
		switch {
		case rest == "":
			return errNoLiteral
		case strings.HasPrefix(rest, quotes):
			p.pos += len(quotes)
			return nil
		case isBytes && rest[0] >= utf8.RuneSelf:
			return errNoLiteral
		case rest[0] != '\\':
			to.WriteByte(rest[0])
			p.pos++
		case len(rest) == 1:
			return errNoLiteral
		case raw:
			to.WriteString(rest[:2])
			p.pos += 2
		default:
			p.pos++
			if err := p.escape(to, isBytes); err != nil {
				return err
			}
		}
	}
}

var (
	octalEscape = regexp.MustCompile(`^[0-7]{1,3}`)
	byteEscape  = regexp.MustCompile(`^x[0-9a-fA-F]{2}`)
	runeEscape  = regexp.MustCompile(`^(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`)
)

// escape reads what follows a backslash. One that means nothing stays.
func (p *literal) escape(to *strings.Builder, isBytes bool) error {
	const letters, meant = `\'"abfnrtv`, "\\'\"\a\b\f\n\r\t\v"
	rest := p.text[p.pos:]
	if i := strings.IndexByte(letters, rest[0]); i >= 0 {
		to.WriteByte(meant[i])
		p.pos++
		return nil
	}
	if word := octalEscape.FindString(rest); word != "" {
		return p.character(to, word, word, 8, isBytes)
	}
	if word := byteEscape.FindString(rest); word != "" {
		return p.character(to, word, word[1:], 16, isBytes)
	}
	if word := runeEscape.FindString(rest); word != "" && !isBytes {
		return p.character(to, word, word[1:], 16, false)
	}
	switch {
	case rest[0] == 'x', !isBytes && (rest[0] == 'u' || rest[0] == 'U'):
		return errNoLiteral
	case !isBytes && strings.HasPrefix(rest, "N{"):
		return unusable(`a letter by its name (\N{...})`)
	}
	to.WriteByte('\\')
	return nil
}

// character writes the character whose number is given in digits; word is what it
// took to write.
func (p *literal) character(to *strings.Builder, word, digits string, base int, isBytes bool) error {
	p.pos += len(word)
	n, err := strconv.ParseUint(digits, base, 32)
	switch {
	case err != nil || n > utf8.MaxRune:
		return errNoLiteral
	case isBytes:
		to.WriteByte(byte(n))
	case !utf8.ValidRune(rune(n)):
		return unusable("half a character")
	default:
		to.WriteRune(rune(n))
	}
	return nil
}
