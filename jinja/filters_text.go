package jinja

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}

var (
	tag       = regexp.MustCompile(`(?s)<!--.*?-->|<[^>]*>`)
	titleWord = regexp.MustCompile(`[-\s({\[<]+|[^-\s({\[<]+`)
	wordRuns  = regexp.MustCompile(`[\p{L}\p{N}_]+`)
)

func stripTags(s string) string {
	return strings.Join(strings.Fields(tag.ReplaceAllString(s, "")), " ")
}

// title begins every word with a capital letter.
func title(s string) string {
	return titleWord.ReplaceAllStringFunc(s, func(w string) string {
		r, n := utf8.DecodeRuneInString(w)
		return string(unicode.ToUpper(r)) + strings.ToLower(w[n:])
	})
}

func filterCenter(c *Call) (any, error) {
	if !c.Has(0) {
		c.Args[0] = int64(80)
	}
	c.Args, c.Rest = append(c.Args, " "), []any{c.Args[0]}
	return padded(c, "center")
}

func filterFormat(c *Call) (any, error) {
	if c.Named.Len() > 0 {
		if len(c.Rest) > 0 {
			return nil, errors.New("it takes values or named ones, not both")
		}
		return c.percent(c.InText(), c.Named)
	}
	return c.percent(c.InText(), Tuple(c.Rest))
}

func filterIndent(c *Call) (any, error) {
	pad, ok := c.Arg(0, nil).(string)
	if !ok {
		n := c.Int(0, 4)
		if n > maxWidth {
			return nil, errTooLong
		}
		pad = strings.Repeat(" ", max(n, 0))
	}
	first, blank := c.Bool(1, false), c.Bool(2, false)
	parts := lines(c.OnlyText()+"\n", false)
	if err := c.spendText(len(parts) * len(pad)); err != nil {
		return nil, err
	}
	for i, line := range parts {
		if i > 0 && (blank || line != "") {
			parts[i] = pad + line
		}
	}
	out := strings.Join(parts, "\n")
	if first {
		out = pad + out
	}
	return out, nil
}

func filterTrim(c *Call) (any, error) {
	if chars, ok := c.Arg(0, nil).(string); ok {
		return strings.Trim(c.InText(), chars), nil
	}
	return strings.TrimFunc(c.InText(), unicode.IsSpace), nil
}

// truncateLeeway is how much longer than asked for a text may stay: Jinja2's policy.
const truncateLeeway = 5

func filterTruncate(c *Call) (any, error) {
	s := []rune(c.OnlyText())
	length, killWords, end, leeway := c.Int(0, 255), c.Bool(1, false), c.Text(2, "..."), c.Int(3, truncateLeeway)
	if length < utf8.RuneCountInString(end) || leeway < 0 {
		return nil, errors.New("the length is less than that of the end")
	}
	if len(s) <= length+leeway {
		return string(s), nil
	}
	cut := string(s[:length-utf8.RuneCountInString(end)])
	if !killWords {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, nil
}

// quoteURL escapes what a URL cannot hold; keep are characters that stay.
func quoteURL(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		ch := s[i]
		if ch < utf8.RuneSelf && (unicode.IsLetter(rune(ch)) || unicode.IsDigit(rune(ch))) || strings.IndexByte("_.-~"+keep, ch) >= 0 {
			b.WriteByte(ch)
		} else {
			fmt.Fprintf(&b, "%%%02X", ch)
		}
	}
	return b.String()
}

func filterURLEncode(c *Call) (any, error) {
	if s, ok := c.In.(string); ok {
		return quoteURL(s, "/"), nil
	}
	d := NewDict()
	if !IsMapping(c.In) {
		if _, ok := sequence(c.In); !ok {
			return quoteURL(c.InText(), "/"), nil
		}
	}
	if err := fill(d, c.In); err != nil {
		return nil, err
	}
	var parts []string
	for _, key := range d.Keys() {
		v, _ := d.Get(key)
		s, err := str(v)
		if err != nil {
			return nil, err
		}
		parts = append(parts, url.QueryEscape(Str(key))+"="+url.QueryEscape(s))
	}
	return strings.Join(parts, "&"), nil
}

func filterWordcount(c *Call) (any, error) {
	return int64(len(wordRuns.FindAllStringIndex(c.InText(), -1))), nil
}

func filterXMLAttr(c *Call) (any, error) {
	keys, ok := Keys(c.In)
	if !ok {
		return nil, fmt.Errorf("%s is not a mapping", Describe(c.In))
	}
	var parts []string
	for _, key := range keys {
		v, _ := Entry(c.In, key)
		if v == nil {
			continue
		}
		s, err := str(v)
		if _, undefined := v.(*Undefined); undefined {
			continue
		}
		if err != nil {
			return nil, err
		}
		name := Str(key)
		if strings.ContainsAny(name, " \t\n\r\f/>=") {
			return nil, fmt.Errorf("%s is no name of an attribute", Quoted(name))
		}
		parts = append(parts, escape(name)+`="`+escape(s)+`"`)
	}
	out := strings.Join(parts, " ")
	if out != "" && c.Bool(0, true) {
		out = " " + out
	}
	return out, nil
}

// filterWordwrap breaks lines that are longer than width, each for itself.
func filterWordwrap(c *Call) (any, error) {
	width := c.Int(0, 79)
	if width < 1 {
		return nil, errors.New("a width below one")
	}
	w := wrapper{width: width, breakLong: c.Bool(1, true), hyphens: c.Bool(3, true)}
	glue := c.Text(2, "\n")
	if c.Arg(2, nil) == nil {
		glue = "\n"
	}
	var out []string
	for _, line := range lines(c.OnlyText(), false) {
		out = append(out, strings.Join(w.wrap(line), glue))
	}
	s := strings.Join(out, glue)
	return s, c.spendText(len(s))
}

// wrapper breaks lines between words, as Python's textwrap does.
type wrapper struct {
	width              int
	breakLong, hyphens bool
}

func (w wrapper) wrap(line string) []string {
	chunks := w.chunks(line)
	var out []string
	for len(chunks) > 0 {
		if len(out) > 0 && strings.TrimSpace(chunks[0]) == "" {
			chunks = chunks[1:]
			continue
		}
		var now []string
		length := 0
		for len(chunks) > 0 && length+utf8.RuneCountInString(chunks[0]) <= w.width {
			now, length = append(now, chunks[0]), length+utf8.RuneCountInString(chunks[0])
			chunks = chunks[1:]
		}
		if len(chunks) > 0 && utf8.RuneCountInString(chunks[0]) > w.width {
			switch r := []rune(chunks[0]); {
			case w.breakLong:
				n := max(w.width-length, 1)
				if length >= w.width {
					n = 0
				}
				now, chunks[0] = append(now, string(r[:n])), string(r[n:])
			case len(now) == 0:
				now, chunks = append(now, chunks[0]), chunks[1:]
			}
		}
		if n := len(now); n > 0 && strings.TrimSpace(now[n-1]) == "" {
			now = now[:n-1]
		}
		if len(now) > 0 {
			out = append(out, strings.Join(now, ""))
		}
	}
	return out
}

// chunks are the words and the white space of a line; a hyphen ends a chunk.
func (w wrapper) chunks(line string) []string {
	var out []string
	for line != "" {
		blank := unicode.IsSpace(rune(line[0]))
		n := strings.IndexFunc(line, func(r rune) bool { return unicode.IsSpace(r) != blank })
		if n < 0 {
			n = len(line)
		}
		word := line[:n]
		line = line[n:]
		for w.hyphens && !blank {
			i := hyphen(word)
			if i < 0 {
				break
			}
			out, word = append(out, word[:i]), word[i:]
		}
		out = append(out, word)
	}
	return out
}

// hyphen is where a word can be broken behind a hyphen, or -1.
func hyphen(word string) int {
	r := []rune(word)
	letter := func(i int) bool { return i >= 0 && i < len(r) && (unicode.IsLetter(r[i]) || r[i] == '_') }
	for i := range r {
		if r[i] == '-' && letter(i-1) && (letter(i-2) || i-2 >= 0 && r[i-2] == '-') && letter(i+1) && letter(i+2) {
			return len(string(r[:i+1]))
		}
	}
	return -1
}
