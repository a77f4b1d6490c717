package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// operators, the longer ones first.
var operators = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
	">", "<", "=", ".", ":", "|", ",", ";"}

var closing = map[string]string{"(": ")", "[": "]", "{": "}"}

// expression emits the tokens of an expression up to its end delimiter; an empty
// one is the end of the text.
func (l *lexer) expression(end string, block bool) error {
	var open []string
	for {
		rest := l.source[l.pos:]
		l.skip(len(rest) - len(strings.TrimLeft(rest, space)))
		rest = l.source[l.pos:]
		if rest == "" {
			if end == "" && len(open) == 0 {
				return nil
			}
			if len(open) > 0 {
				return fmt.Errorf("%q is not closed", open[len(open)-1])
			}
			return fmt.Errorf("%q is missing", end)
		}
		if end != "" && len(open) == 0 {
			if sign, n := endsHere(rest, end); n > 0 {
				k := tokenVariableEnd
				if block {
					k = tokenBlockEnd
				}
				l.emit(k, end)
				l.skip(n)
				l.after(sign, block)
				return nil
			}
		}
		t, n, err := l.scan(rest, block || !l.RawStrings)
		if err != nil {
			return err
		}
		l.emit(t.kind, t.text)
		l.skip(n)
		if t.kind != tokenOperator {
			continue
		}
		if open, err = balance(open, t.text); err != nil {
			return err
		}
	}
}

func balance(open []string, op string) ([]string, error) {
	if closing[op] != "" {
		return append(open, op), nil
	}
	if op != ")" && op != "]" && op != "}" {
		return open, nil
	}
	if len(open) == 0 || closing[open[len(open)-1]] != op {
		return nil, fmt.Errorf("%q closes nothing", op)
	}
	return open[:len(open)-1], nil
}

// endsHere finds a closing delimiter with its sign.
func endsHere(rest, end string) (sign byte, n int) {
	if strings.HasPrefix(rest, end) {
		return 0, len(end)
	}
	if (rest[0] == '-' || rest[0] == '+') && strings.HasPrefix(rest[1:], end) {
		return rest[0], 1 + len(end)
	}
	return 0, 0
}

// scan reads one token of an expression and tells its length.
func (l *lexer) scan(rest string, escapes bool) (token, int, error) {
	c := rest[0]
	switch {
	case c == '\'' || c == '"':
		return scanString(rest, escapes)
	case c >= '0' && c <= '9' && l.afterDot():
		n := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		return token{kind: tokenInteger, text: rest[:n]}, n, nil
	case c >= '0' && c <= '9':
		return scanNumber(rest)
	}
	if n := nameLength(rest); n > 0 {
		return token{kind: tokenName, text: rest[:n]}, n, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			return token{kind: tokenOperator, text: op}, len(op), nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, 0, fmt.Errorf("%q is not expected here", r)
}

// afterDot tells whether an attribute comes next, as in list.0.1.
func (l *lexer) afterDot() bool {
	n := len(l.tokens)
	return n > 0 && l.tokens[n-1].kind == tokenOperator && l.tokens[n-1].text == "."
}

func nameLength(s string) int {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) || r == utf8.RuneError {
			return i
		}
	}
	return len(s)
}

func scanString(rest string, escapes bool) (token, int, error) {
	quote := rest[0]
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case quote:
			text := rest[1:i]
			switch {
			case !strings.Contains(text, `\`):
			case escapes:
				var err error
				if text, err = unescape(text); err != nil {
					return token{}, 0, err
				}
			default:
				text = strings.ReplaceAll(text, `\`+string(quote), string(quote))
			}
			return token{kind: tokenString, text: text}, i + 1, nil
		}
	}
	return token{}, 0, fmt.Errorf("a string is not closed: %s", Quoted(rest))
}

var simpleEscapes = map[byte]string{'\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", '\n': ""}

// unescape reads Python's escapes; what is none stays as it is.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if text, ok := simpleEscapes[s[i]]; ok {
			b.WriteString(text)
			continue
		}
		r, n, err := numericEscape(s[i:])
		if err != nil {
			return "", err
		}
		if n == 0 {
			b.WriteByte('\\')
			b.WriteByte(s[i])
			continue
		}
		b.WriteRune(r)
		i += n - 1
	}
	return b.String(), nil
}

// numericEscape reads x41, u0041, U00000041 or 101.
func numericEscape(s string) (rune, int, error) {
	if width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]; width > 0 {
		if len(s) > width {
			if n, err := strconv.ParseUint(s[1:1+width], 16, 32); err == nil && n <= unicode.MaxRune {
				return rune(n), 1 + width, nil
			}
		}
		return 0, 0, fmt.Errorf("an escape \\%c without its %d digits", s[0], width)
	}
	n := 0
	for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
		n++
	}
	if n == 0 {
		return 0, 0, nil
	}
	v, err := strconv.ParseUint(s[:n], 8, 32)
	return rune(v), n, err
}

// scanNumber reads what Python reads as a number.
func scanNumber(rest string) (token, int, error) {
	k, n := tokenInteger, 0
	digits := func(valid string) {
		for n < len(rest) && (strings.IndexByte(valid, rest[n]) >= 0 || rest[n] == '_' && n+1 < len(rest) && strings.IndexByte(valid, rest[n+1]) >= 0) {
			n++
		}
	}
	const decimal = "0123456789"
	if base := map[string]string{"0x": decimal + "abcdefABCDEF", "0o": "01234567", "0b": "01"}[strings.ToLower(rest[:min(2, len(rest))])]; base != "" {
		n = 2
		digits(base)
	} else {
		digits(decimal)
		if n+1 < len(rest) && rest[n] == '.' && rest[n+1] >= '0' && rest[n+1] <= '9' {
			k = tokenFloat
			n++
			digits(decimal)
		}
		if n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
			mark := n
			n++
			if n < len(rest) && (rest[n] == '+' || rest[n] == '-') {
				n++
			}
			if n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
				k = tokenFloat
				digits(decimal)
			} else {
				n = mark
			}
		}
	}
	return token{kind: k, text: strings.ReplaceAll(rest[:n], "_", "")}, n, nil
}
