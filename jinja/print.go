package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Str is the text of a value that holds no errors, as Python's str gives it.
func Str(v any) string {
	s, err := str(v)
	if err != nil {
		return err.Error()
	}
	return s
}

// str is Str, and the error that the value holds if it holds one.
func str(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	}
	return repr(v, false)
}

// Repr is the text of a value as Python's repr gives it.
func Repr(v any) (string, error) { return repr(v, true) }

func repr(v any, quoted bool) (string, error) {
	p := printer{left: maxText}
	err := p.value(v, quoted)
	return p.out.String(), err
}

// maxText bounds the length of one text.
const maxText = 64 << 20

// printer writes values as Python does.
type printer struct {
	out  strings.Builder
	left int
}

func (p *printer) value(v any, quoted bool) error {
	if p.left--; p.left < p.out.Len() {
		return errTooLong
	}
	switch v := Norm(v).(type) {
	case nil:
		p.out.WriteString("None")
	case bool:
		p.out.WriteString(map[bool]string{true: "True", false: "False"}[v])
	case int64:
		p.out.WriteString(strconv.FormatInt(v, 10))
	case float64:
		p.out.WriteString(FloatText(v))
	case string:
		if !quoted {
			p.out.WriteString(v)
			return nil
		}
		quoteInto(&p.out, v)
	case []any:
		return p.list(v, "[", "]")
	case Tuple:
		if len(v) == 1 {
			return p.list(v, "(", ",)")
		}
		return p.list(v, "(", ")")
	case map[string]any, *Dict:
		return p.dict(v)
	case error:
		return v
	case interface{ Repr() string }:
		if quoted {
			p.out.WriteString(v.Repr())
		} else {
			p.out.WriteString(v.(fmt.Stringer).String())
		}
	case fmt.Stringer:
		p.out.WriteString(v.String())
	default:
		return fmt.Errorf("%s cannot be printed", article(Kind(v)))
	}
	return nil
}

func (p *printer) list(v []any, begin, end string) error {
	p.out.WriteString(begin)
	for i, item := range v {
		if i > 0 {
			p.out.WriteString(", ")
		}
		if err := p.value(item, true); err != nil {
			return err
		}
	}
	p.out.WriteString(end)
	return nil
}

func (p *printer) dict(v any) error {
	keys, _ := Keys(v)
	p.out.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			p.out.WriteString(", ")
		}
		if err := p.value(key, true); err != nil {
			return err
		}
		p.out.WriteString(": ")
		item, _ := Entry(v, key)
		if err := p.value(item, true); err != nil {
			return err
		}
	}
	p.out.WriteByte('}')
	return nil
}

// FloatText is Python's text of a float: the shortest that reads back as it is.
func FloatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quoteInto writes a string in the quotes that Python chooses.
func quoteInto(b *strings.Builder, s string) {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b.WriteByte(quote)
	for i, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(b, `\udc%02x`, s[i])
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			fmt.Fprintf(b, `\U%08x`, r)
		}
	}
	b.WriteByte(quote)
}
