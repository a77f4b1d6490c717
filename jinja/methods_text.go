package jinja

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// stringMethod is a method of texts, or nil.
func stringMethod(name string) Func {
	switch name {
	case "upper", "lower", "casefold", "capitalize", "title", "swapcase":
		return func(c *Call) (any, error) { return changeCase(name, c.In.(string)), nil }
	case "strip", "lstrip", "rstrip":
		return func(c *Call) (any, error) { return strip(c, name) }
	case "split":
		return func(c *Call) (any, error) { c.Take("sep maxsplit"); return split(c, false) }
	case "rsplit":
		return func(c *Call) (any, error) { c.Take("sep maxsplit"); return split(c, true) }
	case "splitlines":
		return func(c *Call) (any, error) {
			c.Take("keepends")
			return texts(lines(c.In.(string), c.Bool(0, false))), nil
		}
	case "startswith", "endswith":
		return func(c *Call) (any, error) { return affix(c, name) }
	case "find", "rfind", "index", "rindex", "count":
		return func(c *Call) (any, error) { return find(c, name) }
	case "replace":
		return textReplace
	case "join":
		return textJoin
	case "format":
		return func(c *Call) (any, error) { return c.braces(c.In.(string), c.Rest, c.Named) }
	case "format_map":
		return func(c *Call) (any, error) { c.Take("map"); return c.braces(c.In.(string), nil, CopyOf(c.Arg(0, nil))) }
	case "center", "ljust", "rjust", "zfill":
		return func(c *Call) (any, error) { return padded(c, name) }
	case "partition", "rpartition":
		return func(c *Call) (any, error) { return partition(c, name == "rpartition") }
	case "removeprefix", "removesuffix":
		return func(c *Call) (any, error) {
			c.Take("affix")
			if name == "removeprefix" {
				return strings.TrimPrefix(c.In.(string), c.Text(0, "")), nil
			}
			return strings.TrimSuffix(c.In.(string), c.Text(0, "")), nil
		}
	case "encode", "decode":
		return func(c *Call) (any, error) { return c.In, nil }
	case "expandtabs":
		return func(c *Call) (any, error) { c.Take("tabsize"); return expandTabs(c) }
	}
	if is := characterTest(name); is != nil {
		return func(c *Call) (any, error) { return is(c.In.(string)), nil }
	}
	return nil
}

func texts(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}

func changeCase(name, s string) string {
	switch name {
	case "upper":
		return strings.ToUpper(s)
	case "lower", "casefold":
		return strings.ToLower(s)
	case "capitalize":
		r, n := utf8.DecodeRuneInString(s)
		if n == 0 {
			return s
		}
		return string(unicode.ToTitle(r)) + strings.ToLower(s[n:])
	case "swapcase":
		return strings.Map(func(r rune) rune {
			if unicode.IsUpper(r) {
				return unicode.ToLower(r)
			}
			return unicode.ToUpper(r)
		}, s)
	}
	inWord := false
	return strings.Map(func(r rune) rune {
		was := inWord
		inWord = unicode.IsLetter(r)
		if inWord && !was {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func strip(c *Call, name string) (any, error) {
	c.Take("chars")
	s := c.In.(string)
	drop := unicode.IsSpace
	if c.Arg(0, nil) != nil {
		chars := c.Text(0, "")
		drop = func(r rune) bool { return strings.ContainsRune(chars, r) }
	}
	if name != "rstrip" {
		s = strings.TrimLeftFunc(s, drop)
	}
	if name != "lstrip" {
		s = strings.TrimRightFunc(s, drop)
	}
	return s, nil
}

// split cuts at a separator, or at runs of white space.
func split(c *Call, fromRight bool) (any, error) {
	s, limit := c.InText(), c.Int(1, -1)
	if err := c.spend(len(s)); err != nil {
		return nil, err
	}
	if c.Arg(0, nil) != nil {
		sep := c.Text(0, "")
		switch {
		case sep == "":
			return nil, errors.New("an empty separator")
		case limit < 0:
			return texts(strings.Split(s, sep)), nil
		case !fromRight:
			return texts(strings.SplitN(s, sep, limit+1)), nil
		}
		parts := strings.Split(s, sep)
		keep := max(len(parts)-limit, 1)
		return texts(append([]string{strings.Join(parts[:keep], sep)}, parts[keep:]...)), nil
	}
	parts := strings.Fields(s)
	if limit < 0 || limit >= len(parts) {
		return texts(parts), nil
	}
	if fromRight {
		rest := strings.TrimRightFunc(s, unicode.IsSpace)
		var tail []string
		for range limit {
			i := strings.LastIndexFunc(rest, unicode.IsSpace)
			_, n := utf8.DecodeRuneInString(rest[i:])
			tail = append([]string{rest[i+n:]}, tail...)
			rest = strings.TrimRightFunc(rest[:i], unicode.IsSpace)
		}
		return texts(append([]string{strings.TrimLeftFunc(rest, unicode.IsSpace)}, tail...)), nil
	}
	rest := strings.TrimLeftFunc(s, unicode.IsSpace)
	for _, p := range parts[:limit] {
		rest = strings.TrimLeftFunc(rest[len(p):], unicode.IsSpace)
	}
	return texts(append(append([]string{}, parts[:limit]...), rest)), nil
}

func affix(c *Call, name string) (any, error) {
	c.Take("affix start end")
	list, ok := c.Arg(0, nil).(Tuple)
	if !ok {
		list = Tuple{c.Text(0, "")}
	}
	s := window(c, 1)
	for _, a := range list {
		a, _ := a.(string)
		if name == "startswith" && strings.HasPrefix(s, a) || name == "endswith" && strings.HasSuffix(s, a) {
			return true, nil
		}
	}
	return false, nil
}

// window is the text between the optional arguments start and end.
func window(c *Call, i int) string {
	s := c.In.(string)
	if !c.Has(i) && !c.Has(i+1) {
		return s
	}
	r := []rune(s)
	clamp := func(n int) int {
		if n < 0 {
			n += len(r)
		}
		return max(min(n, len(r)), 0)
	}
	from, to := clamp(c.Int(i, 0)), clamp(c.Int(i+1, len(r)))
	if from > to {
		return ""
	}
	return string(r[from:to])
}

func find(c *Call, name string) (any, error) {
	c.Take("sub start end")
	s, sub := window(c, 1), c.Text(0, "")
	if name == "count" {
		return int64(strings.Count(s, sub)), nil
	}
	i := strings.Index(s, sub)
	if name[0] == 'r' {
		i = strings.LastIndex(s, sub)
	}
	if i < 0 {
		if strings.HasSuffix(name, "index") {
			return nil, errors.New("substring not found")
		}
		return int64(-1), nil
	}
	start := c.Int(1, 0)
	if n := utf8.RuneCountInString(c.In.(string)); start < 0 {
		start = max(start+n, 0)
	}
	return int64(utf8.RuneCountInString(s[:i]) + start), nil
}

func textReplace(c *Call) (any, error) {
	c.Take("old new count")
	return replaced(c, c.In.(string))
}

// replaced replaces the first argument by the second, in at most count places.
func replaced(c *Call, s string) (any, error) {
	from, to, n := c.Text(0, ""), c.Text(1, ""), -1
	if c.Arg(2, nil) != nil {
		n = c.Int(2, -1)
	}
	if err := c.spendText(len(s) + (strings.Count(s, from))*len(to)); err != nil {
		return nil, err
	}
	return strings.Replace(s, from, to, n), nil
}

func textJoin(c *Call) (any, error) {
	c.Take("iterable")
	var parts []string
	n := 0
	for _, item := range c.List(0) {
		s, ok := Norm(item).(string)
		if !ok {
			if err := usable(item); err != nil {
				return nil, err
			}
			return nil, errors.New("only texts can be joined, not " + Describe(item))
		}
		parts = append(parts, s)
		n += len(s) + len(c.In.(string))
	}
	if err := c.spendText(n); err != nil {
		return nil, err
	}
	return strings.Join(parts, c.In.(string)), nil
}

func padded(c *Call, name string) (any, error) {
	c.Take("width fillchar")
	s, width, fill := c.InText(), c.Int(0, 0), c.Text(1, " ")
	n := width - utf8.RuneCountInString(s)
	if n <= 0 {
		return s, nil
	}
	if err := c.spendText(n + len(s)); err != nil {
		return nil, err
	}
	switch name {
	case "ljust":
		return s + strings.Repeat(fill, n), nil
	case "rjust":
		return strings.Repeat(fill, n) + s, nil
	case "zfill":
		sign := ""
		if s != "" && (s[0] == '-' || s[0] == '+') {
			sign, s = s[:1], s[1:]
		}
		return sign + strings.Repeat("0", n) + s, nil
	}
	left := n / 2
	if width%2 == 1 {
		left = (n + 1) / 2
	}
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, n-left), nil
}

func partition(c *Call, last bool) (any, error) {
	c.Take("sep")
	s, sep := c.In.(string), c.Text(0, "")
	if sep == "" {
		return nil, errors.New("an empty separator")
	}
	i := strings.Index(s, sep)
	if last {
		i = strings.LastIndex(s, sep)
	}
	switch {
	case i >= 0:
		return Tuple{s[:i], sep, s[i+len(sep):]}, nil
	case last:
		return Tuple{"", "", s}, nil
	}
	return Tuple{s, "", ""}, nil
}

func expandTabs(c *Call) (any, error) {
	size := c.Int(0, 8)
	s := c.In.(string)
	if size > 1000 {
		return nil, errTooLong
	}
	if err := c.spendText(strings.Count(s, "\t") * max(size, 0)); err != nil {
		return nil, err
	}
	var b strings.Builder
	column := 0
	for _, r := range s {
		switch {
		case r == '\t' && size > 0:
			n := size - column%size
			b.WriteString(strings.Repeat(" ", n))
			column += n
		case r == '\t':
		case r == '\n' || r == '\r':
			b.WriteRune(r)
			column = 0
		default:
			b.WriteRune(r)
			column++
		}
	}
	return b.String(), nil
}

// characterTest is isdigit and its likes, or nil.
func characterTest(name string) func(string) bool {
	var each func(rune) bool
	switch name {
	case "isdigit", "isdecimal", "isnumeric":
		each = unicode.IsDigit
	case "isalpha":
		each = unicode.IsLetter
	case "isalnum":
		each = func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	case "isspace":
		each = unicode.IsSpace
	case "isascii":
		return func(s string) bool {
			return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
		}
	case "isprintable":
		return func(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 }
	case "isupper":
		return func(s string) bool { return s == strings.ToUpper(s) && s != strings.ToLower(s) }
	case "islower":
		return func(s string) bool { return s == strings.ToLower(s) && s != strings.ToUpper(s) }
	case "istitle":
		return func(s string) bool { return s == changeCase("title", s) && s != strings.ToLower(s) }
	case "isidentifier":
		return func(s string) bool { return s != "" && nameLength(s) == len(s) }
	default:
		return nil
	}
	return func(s string) bool {
		return s != "" && strings.IndexFunc(s, func(r rune) bool { return !each(r) }) < 0
	}
}
