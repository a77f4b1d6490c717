package tasks

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// expression writes a regular expression of Python's as sed -E knows it, in
// three lines. The first says "lines", or "text" if it names a newline so that
// no line alone can match; then, for each group by number and by name, "1=2", the
// number that sed has for it. The second line matches within lines, the third
// within a text of many (sed -z, with M). Lookaround, backreferences inside and
// repetitions that take little have no counterpart: they are errors. It stands
// between slashes.
func expression(value string) (string, error) {
	if strings.ContainsAny(value, "\x00\x01") {
		return "", errors.New("a regular expression cannot hold control characters")
	}
	re, err := syntax.Parse(pythonOnly.Replace(value), syntax.Perl&^syntax.OneLine)
	if err != nil {
		return "", fmt.Errorf("%q cannot be used here: %s", value, said(err))
	}
	re = re.Simplify()
	lines, text := ereWriter{scope: "lines"}, ereWriter{scope: "lines", text: true}
	for _, w := range []*ereWriter{&lines, &text} {
		if w.write(re); w.err != nil {
			return "", fmt.Errorf("%q cannot be used here: %w", value, w.err)
		}
	}
	return lines.scope + lines.groupMap + "\n" + lines.out.String() + "\n" + text.out.String(), nil
}

// pythonOnly is what Python writes in its own way.
var pythonOnly = strings.NewReplacer(`\\`, `\\`, `\Z`, `\z`)

// said is the parser's error in words, without its prefix.
func said(err error) string {
	var e *syntax.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	words := fmt.Sprintf("%s at %q", e.Code, e.Expr)
	switch e.Code {
	case syntax.ErrInvalidPerlOp, syntax.ErrInvalidNamedCapture, syntax.ErrMissingRepeatArgument:
		words += " (lookahead, lookbehind and what begins with (? are not supported)"
	case syntax.ErrInvalidEscape:
		words += " (backreferences inside an expression are not supported)"
	}
	return words
}

// An ereWriter writes a parsed expression as POSIX has it.
type ereWriter struct {
	text     bool // for a text of many lines
	out      strings.Builder
	scope    string
	groupMap string
	groups   int // parentheses written so far
	err      error
}

func (w *ereWriter) write(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpNoMatch:
		w.fail("it can never match")
	case syntax.OpEmptyMatch:
		w.group(func() {})
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			w.literal(r, re.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpCharClass:
		w.class(re.Rune)
	case syntax.OpAnyCharNotNL:
		w.out.WriteByte('.')
	case syntax.OpAnyChar:
		w.group(func() { w.either(".", `.|\n`) })
	case syntax.OpBeginLine:
		w.out.WriteByte('^')
	case syntax.OpEndLine:
		w.out.WriteByte('$')
	case syntax.OpBeginText:
		w.either("^", "\\`")
	case syntax.OpEndText:
		w.either("$", `\'`)
	case syntax.OpWordBoundary:
		w.out.WriteString(`\b`)
	case syntax.OpNoWordBoundary:
		w.out.WriteString(`\B`)
	case syntax.OpCapture:
		w.groupMap += fmt.Sprintf(" %d=%d", re.Cap, w.groups+1)
		if re.Name != "" {
			w.groupMap += fmt.Sprintf(" %s=%d", re.Name, w.groups+1)
		}
		w.group(func() { w.write(re.Sub[0]) })
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		w.repeat(re)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if sub.Op == syntax.OpAlternate {
				w.group(func() { w.write(sub) })
			} else {
				w.write(sub)
			}
		}
	case syntax.OpAlternate:
		for i, sub := range re.Sub {
			if i > 0 {
				w.out.WriteByte('|')
			}
			w.write(sub)
		}
	default:
		w.fail("it has a part that sed does not know: " + re.String())
	}
}

func (w *ereWriter) fail(words string) {
	if w.err == nil {
		w.err = errors.New(words)
	}
}

func (w *ereWriter) either(inLine, inText string) {
	if w.text {
		inLine = inText
	}
	w.out.WriteString(inLine)
}

func (w *ereWriter) group(inside func()) {
	w.groups++
	w.out.WriteByte('(')
	inside()
	w.out.WriteByte(')')
}

func (w *ereWriter) repeat(re *syntax.Regexp) {
	if re.Flags&syntax.NonGreedy != 0 {
		w.fail("a repetition that takes as little as it can (*?, +?, ??) is not supported: name what may not be in it, such as [^;]*")
		return
	}
	sub := re.Sub[0]
	switch {
	case sub.Op == syntax.OpCapture, sub.Op == syntax.OpCharClass, sub.Op == syntax.OpAnyCharNotNL, sub.Op == syntax.OpAnyChar,
		sub.Op == syntax.OpLiteral && len(sub.Rune) == 1 && sub.Rune[0] < 0x80:
		w.write(sub)
	default:
		w.group(func() { w.write(sub) })
	}
	w.out.WriteByte(map[syntax.Op]byte{syntax.OpStar: '*', syntax.OpPlus: '+', syntax.OpQuest: '?'}[re.Op])
}

func (w *ereWriter) literal(r rune, fold bool) {
	lower, upper := strings.ToLower(string(r)), strings.ToUpper(string(r))
	switch {
	case fold && r < 0x80 && lower != upper:
		w.out.WriteString("[" + lower + upper + "]")
	case r == '\n':
		w.scope = "text"
		w.out.WriteString(`\n`)
	case strings.ContainsRune(`\.[]{}()*+?|^$/`, r):
		w.out.WriteString(`\` + string(r))
	default:
		w.out.WriteRune(r)
	}
}

// class writes a bracket expression. Bytes are what sed compares: a class that
// has all characters beyond ASCII is what is left when its ASCII ones are taken
// away, and one that has some of them is alternatives.
func (w *ereWriter) class(pairs []rune) {
	if len(pairs) == 0 {
		w.fail("it can never match")
		return
	}
	last := len(pairs) - 1
	if pairs[last] == 0x10FFFF && pairs[last-1] <= 0x80 {
		w.negated(outside(pairs))
		return
	}
	ascii, others := []rune(nil), 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] >= 0x80 {
			others += int(pairs[i+1]-max(pairs[i], 0x80)) + 1
		}
		if pairs[i] < 0x80 {
			ascii = append(ascii, pairs[i], min(pairs[i+1], 0x7f))
		}
	}
	switch {
	case others == 0:
		w.bracket("", ascii)
	case others > 100:
		w.fail("a class with so many characters beyond ASCII is not supported")
	default:
		w.group(func() { w.alternatives(pairs, ascii) })
	}
}

// negated writes all characters but these. With M, neither . nor [^x] of sed's
// matches a newline, which Python's [^x] does.
func (w *ereWriter) negated(pairs []rune) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] <= '\n' && '\n' <= pairs[i+1] {
			w.bracket("^", pairs)
			return
		}
	}
	w.group(func() {
		w.bracket("^", pairs)
		w.either("", `|\n`)
	})
}

func (w *ereWriter) alternatives(pairs, ascii []rune) {
	if len(ascii) > 0 {
		w.bracket("", ascii)
	}
	for i := 0; i < len(pairs); i += 2 {
		for r := max(pairs[i], 0x80); r <= pairs[i+1]; r++ {
			if len(ascii) > 0 || r != pairs[0] {
				w.out.WriteByte('|')
			}
			w.out.WriteRune(r)
		}
	}
}

// outside are the ASCII characters that are not in the pairs, as pairs.
func outside(pairs []rune) []rune {
	var out []rune
	next := rune(1)
	for i := 0; i < len(pairs) && next < 0x80; i += 2 {
		if pairs[i] > next {
			out = append(out, next, min(pairs[i]-1, 0x7f))
		}
		next = max(next, pairs[i+1]+1)
	}
	return out
}

// bracket writes ranges of ASCII. What is special in brackets by its place is
// put into that place.
func (w *ereWriter) bracket(not string, pairs []rune) {
	var set strings.Builder
	closing, hat, slash, dash := "", "", "", ""
	one := func(r rune) {
		switch r {
		case 0:
		case ']':
			closing = "]"
		case '^':
			hat = "^"
		case '-':
			dash = "-"
		case '\\':
			slash = `\\` // in front of an n it would be a newline
		case '\n', '/':
			set.WriteString(map[rune]string{'\n': `\n`, '/': `\/`}[r])
		default:
			set.WriteRune(r)
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		lo, hi := pairs[i], pairs[i+1]
		if hi-lo < 4 || !plainRange(lo, hi) {
			for r := lo; r <= hi; r++ {
				one(r)
			}
			continue
		}
		fmt.Fprintf(&set, "%c-%c", lo, hi)
	}
	inside := closing + set.String() + slash + hat
	switch {
	case inside == "^" && not == "" && dash == "":
		w.out.WriteString(`\^`)
	case inside == "^" && not == "":
		w.out.WriteString("[-^]")
	case inside+dash == "":
		w.out.WriteByte('.')
	default:
		w.out.WriteString("[" + not + inside + dash + "]")
	}
}

var plainEnds = regexp.MustCompile(`^[0-9A-Za-z]{2}$`)

func plainRange(lo, hi rune) bool { return plainEnds.MatchString(string(lo) + string(hi)) }
