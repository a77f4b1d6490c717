package jinja

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxWidth bounds the width of a formatted value.
const maxWidth = 1 << 16

// spec is how one value is formatted, by % or by braces.
type spec struct {
	fill      rune
	align     byte // < > ^ =
	sign      byte
	alternate bool
	zero      bool
	comma     string
	width     int
	precision int
	verb      byte
}

// percent is Python's text % values.
func (r *run) percent(format string, args any) (any, error) {
	list, ok := args.(Tuple)
	if !ok {
		list = Tuple{args}
	}
	used := IsMapping(args)
	next := func() (any, error) {
		if len(list) == 0 {
			return nil, errors.New("not enough arguments for the format")
		}
		v := list[0]
		list, used = list[1:], true
		return v, nil
	}
	var b strings.Builder
	for {
		text, rest, found := strings.Cut(format, "%")
		b.WriteString(text)
		if !found {
			break
		}
		format = rest
		if strings.HasPrefix(format, "%") {
			b.WriteByte('%')
			format = format[1:]
			continue
		}
		s, n, err := r.percentOne(format, args, next)
		if err != nil {
			return nil, err
		}
		b.WriteString(s)
		format = format[n:]
		if err := r.spendText(b.Len()); err != nil {
			return nil, err
		}
	}
	if len(list) > 0 && !used {
		return nil, errors.New("not all arguments are used by the format")
	}
	return b.String(), nil
}

// percentOne formats one value; n is how much of the format it took.
func (r *run) percentOne(format string, args any, next func() (any, error)) (string, int, error) {
	sp := spec{fill: ' ', align: '>', precision: -1}
	i := 0
	var v any
	named := false
	if strings.HasPrefix(format, "(") {
		end := strings.IndexByte(format, ')')
		if end < 0 {
			return "", 0, errors.New("an incomplete format key")
		}
		x, ok := Entry(args, format[1:end])
		if !ok {
			return "", 0, fmt.Errorf("there is no %s", Quoted(format[1:end]))
		}
		v, named, i = x, true, end+1
	}
	for ; i < len(format) && strings.IndexByte("-+ #0", format[i]) >= 0; i++ {
		switch format[i] {
		case '-':
			sp.align = '<'
		case '+', ' ':
			sp.sign = format[i]
		case '#':
			sp.alternate = true
		case '0':
			sp.zero = true
		}
	}
	var err error
	if sp.width, i, err = formatNumber(format, i); err != nil {
		return "", 0, err
	}
	if i < len(format) && format[i] == '.' {
		if sp.precision, i, err = formatNumber(format, i+1); err != nil {
			return "", 0, err
		}
	}
	if i >= len(format) {
		return "", 0, errors.New("an incomplete format")
	}
	sp.verb = format[i]
	if !named {
		if v, err = next(); err != nil {
			return "", 0, err
		}
	}
	if sp.zero && sp.align != '<' && strings.IndexByte("srac", sp.verb) < 0 {
		sp.fill, sp.align = '0', '='
	}
	s, err := sp.percentValue(v)
	return s, i + 1, err
}

func formatNumber(s string, i int) (int, int, error) {
	from := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == from {
		return 0, i, nil
	}
	n, err := strconv.Atoi(s[from:i])
	if err != nil || n > maxWidth {
		return 0, i, errors.New("a format too wide")
	}
	return n, i, nil
}

func (sp spec) percentValue(v any) (string, error) {
	switch sp.verb {
	case 's', 'r', 'a':
		s, err := repr(v, sp.verb != 's')
		if err != nil {
			return "", err
		}
		if t, ok := v.(string); ok && sp.verb == 's' {
			s = t
		}
		return sp.pad("", sp.cut(s)), nil
	case 'c':
		if n, ok := v.(int64); ok {
			return sp.pad("", string(rune(n))), nil
		}
		return sp.pad("", Str(v)), nil
	case 'd', 'i', 'u':
		n, f, whole, ok := number(v)
		if !ok {
			return "", fmt.Errorf("%s is no number", Describe(v))
		}
		if !whole {
			n = int64(f)
		}
		sp.verb = 'd'
		return sp.number(n, 0, true)
	case 'x', 'X', 'o':
		n, _, whole, ok := number(v)
		if !ok || !whole {
			return "", fmt.Errorf("%s is no whole number", Describe(v))
		}
		return sp.number(n, 0, true)
	case 'f', 'F', 'e', 'E', 'g', 'G':
		_, f, _, ok := number(v)
		if !ok {
			return "", fmt.Errorf("%s is no number", Describe(v))
		}
		return sp.number(0, f, false)
	}
	return "", fmt.Errorf("no format %q", "%"+string(sp.verb))
}

func (sp spec) cut(s string) string {
	if sp.precision >= 0 && utf8.RuneCountInString(s) > sp.precision {
		return string([]rune(s)[:sp.precision])
	}
	return s
}

// number formats a number by the verb: whole ones are n, others f.
func (sp spec) number(n int64, f float64, whole bool) (string, error) {
	var digits, prefix string
	negative := n < 0 || f < 0
	switch sp.verb {
	case 'd', 0, 'n':
		if whole {
			digits = strconv.FormatUint(magnitude(n), 10)
		} else {
			digits = strings.TrimPrefix(FloatText(f), "-")
			if sp.precision >= 0 {
				digits = strconv.FormatFloat(max(f, -f), 'g', max(sp.precision, 1), 64)
			}
		}
	case 'x', 'X', 'o', 'b':
		base := map[byte]int{'x': 16, 'X': 16, 'o': 8, 'b': 2}[sp.verb]
		digits = strconv.FormatUint(magnitude(n), base)
		if sp.alternate {
			prefix = "0" + string(sp.verb)
		}
		if sp.verb == 'X' {
			digits = strings.ToUpper(digits)
		}
	case 'f', 'F', 'e', 'E', 'g', 'G', '%':
		if whole {
			f = float64(n)
		}
		digits = sp.float(max(f, -f))
	default:
		return "", fmt.Errorf("no format %q", string(sp.verb))
	}
	if sp.comma != "" {
		digits = grouped(digits, sp.comma)
	}
	sign := ""
	if negative {
		sign = "-"
	} else if sp.sign == '+' || sp.sign == ' ' {
		sign = string(sp.sign)
	}
	return sp.pad(sign+prefix, digits), nil
}

func (sp spec) float(f float64) string {
	precision := sp.precision
	if precision < 0 {
		precision = 6
	}
	switch sp.verb {
	case '%':
		return strconv.FormatFloat(f*100, 'f', precision, 64) + "%"
	case 'g', 'G':
		s := strconv.FormatFloat(f, 'g', max(precision, 1), 64)
		if sp.verb == 'G' {
			s = strings.ToUpper(s)
		}
		return s
	case 'F':
		return strconv.FormatFloat(f, 'f', precision, 64)
	}
	return strconv.FormatFloat(f, sp.verb, precision, 64)
}

func grouped(digits, comma string) string {
	whole, fraction, _ := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + comma + whole[i:]
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

// pad widens a value; the sign stands before what = fills in.
func (sp spec) pad(sign, s string) string {
	n := sp.width - utf8.RuneCountInString(sign+s)
	if n <= 0 {
		return sign + s
	}
	fill := strings.Repeat(string(sp.fill), n)
	switch sp.align {
	case '<':
		return sign + s + fill
	case '^':
		half := utf8.RuneLen(sp.fill) * (n / 2)
		return fill[:half] + sign + s + fill[half:]
	case '=':
		return sign + fill + s
	}
	return fill + sign + s
}
