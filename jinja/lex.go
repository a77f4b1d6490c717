package jinja

import (
	"fmt"
	"strings"
)

type kind int

const (
	tokenEOF kind = iota
	tokenData
	tokenVariable    // {{
	tokenVariableEnd // }}
	tokenBlock       // {%
	tokenBlockEnd    // %}
	tokenName
	tokenInteger
	tokenFloat
	tokenString
	tokenOperator
)

type token struct {
	kind kind
	text string
	line int
}

// lexer cuts a template into tokens.
type lexer struct {
	Options
	source    string
	pos       int
	line      int
	lineStart bool   // nothing but dropped text stands before pos on its line
	starts    [3]int // where the next of each opening delimiter is, as far as it was looked for
	tokens    []token
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func lex(source string, o Options) ([]token, error) {
	o.VariableStart, o.VariableEnd = or(o.VariableStart, "{{"), or(o.VariableEnd, "}}")
	o.BlockStart, o.BlockEnd = or(o.BlockStart, "{%"), or(o.BlockEnd, "%}")
	o.CommentStart, o.CommentEnd = or(o.CommentStart, "{#"), or(o.CommentEnd, "#}")
	if strings.Contains(source, "\r") {
		source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
	}
	l := &lexer{Options: o, source: strings.TrimSuffix(source, "\n"), line: 1, lineStart: true}
	for l.pos < len(l.source) {
		if err := l.next(); err != nil {
			return nil, atLine(l.line, err)
		}
	}
	return append(l.tokens, token{kind: tokenEOF, line: l.line}), nil
}

// lexExpression cuts a bare expression.
func lexExpression(text string) ([]token, error) {
	l := &lexer{source: text, line: 1}
	if err := l.expression("", false); err != nil {
		return nil, err
	}
	return append(l.tokens, token{kind: tokenEOF, line: l.line}), nil
}

func (l *lexer) emit(k kind, text string) {
	l.tokens = append(l.tokens, token{kind: k, text: text, line: l.line})
}

// skip moves over n bytes and counts their lines.
func (l *lexer) skip(n int) {
	l.line += strings.Count(l.source[l.pos:l.pos+n], "\n")
	l.pos += n
}

// next lexes the text up to a delimiter, and what the delimiter begins.
func (l *lexer) next() error {
	rest := l.source[l.pos:]
	at, start := len(rest), ""
	for k, d := range []string{l.VariableStart, l.BlockStart, l.CommentStart} {
		if i := l.start(k, d) - l.pos; i < at || i == at && i < len(rest) && len(d) > len(start) {
			at, start = i, d
		}
	}
	if start == "" {
		l.emit(tokenData, rest)
		l.skip(len(rest))
		return nil
	}
	sign := l.signAt(l.pos + at + len(start))
	l.data(rest[:at], sign, start != l.VariableStart)
	l.skip(at + len(start))
	if sign != 0 {
		l.skip(1)
	}
	switch start {
	case l.CommentStart:
		return l.comment()
	case l.BlockStart:
		if n := l.rawTag("raw"); n > 0 {
			return l.raw(n)
		}
		l.emit(tokenBlock, start)
		return l.expression(l.BlockEnd, true)
	}
	l.emit(tokenVariable, start)
	return l.expression(l.VariableEnd, false)
}

// start is where the next delimiter d is, which is the k-th; the end if there is none.
func (l *lexer) start(k int, d string) int {
	if l.starts[k] >= l.pos && (l.starts[k] > 0 || strings.HasPrefix(l.source, d)) {
		return l.starts[k]
	}
	l.starts[k] = len(l.source)
	if i := strings.Index(l.source[l.pos:], d); i >= 0 {
		l.starts[k] = l.pos + i
	}
	return l.starts[k]
}

// signAt is the + or - at a place, or 0.
func (l *lexer) signAt(i int) byte {
	if i < len(l.source) && (l.source[i] == '-' || l.source[i] == '+') {
		return l.source[i]
	}
	return 0
}

// data emits text that stands before a delimiter.
func (l *lexer) data(text string, sign byte, block bool) {
	switch {
	case sign == '-':
		text = strings.TrimRight(text, space)
	case sign == 0 && block && l.LstripBlocks:
		i := strings.LastIndexByte(text, '\n') + 1
		if (i > 0 || l.lineStart) && strings.Trim(text[i:], " \t\f\v") == "" {
			text = text[:i]
		}
	}
	if text != "" {
		l.emit(tokenData, text)
	}
}

const space = " \t\n\r\f\v"

// after drops the white space that a closing delimiter asks to drop.
func (l *lexer) after(sign byte, block bool) {
	rest := l.source[l.pos:]
	l.lineStart = false
	switch {
	case sign == '-':
		l.skip(len(rest) - len(strings.TrimLeft(rest, space)))
	case sign == 0 && block && !l.KeepBlockLine && strings.HasPrefix(rest, "\n"):
		l.skip(1)
		l.lineStart = true
	}
}

func (l *lexer) comment() error {
	rest := l.source[l.pos:]
	i := strings.Index(rest, l.CommentEnd)
	if i < 0 {
		return fmt.Errorf("a comment %s is not closed", l.CommentStart)
	}
	sign := byte(0)
	if i > 0 && (rest[i-1] == '-' || rest[i-1] == '+') {
		sign = rest[i-1]
	}
	l.skip(i + len(l.CommentEnd))
	l.after(sign, true)
	return nil
}

// rawTag is how long the rest of a tag called name is, which stands at pos; 0 is
// another tag. The sign before its end is left to see.
func (l *lexer) rawTag(name string) int {
	rest := l.source[l.pos:]
	inner := strings.TrimLeft(rest, space)
	if !strings.HasPrefix(inner, name) {
		return 0
	}
	inner = strings.TrimLeft(inner[len(name):], space)
	if inner != "" && (inner[0] == '-' || inner[0] == '+') {
		inner = inner[1:]
	}
	if !strings.HasPrefix(inner, l.BlockEnd) {
		return 0
	}
	return len(rest) - len(inner) + len(l.BlockEnd)
}

// raw emits what stands between raw and endraw as it is.
func (l *lexer) raw(n int) error {
	l.closeRaw(n, false)
	from, line := l.pos, l.line
	for {
		i := strings.Index(l.source[l.pos:], l.BlockStart)
		if i < 0 {
			return atLine(line, fmt.Errorf("raw is not closed by endraw"))
		}
		to := l.pos + i
		l.skip(i + len(l.BlockStart))
		sign := l.signAt(l.pos)
		if sign != 0 {
			l.skip(1)
		}
		if n := l.rawTag("endraw"); n > 0 {
			l.data(l.source[from:to], sign, true)
			l.closeRaw(n, true)
			return nil
		}
	}
}

// closeRaw moves over a tag; a newline behind the first one is part of the raw text.
func (l *lexer) closeRaw(n int, last bool) {
	l.skip(n)
	sign := l.source[l.pos-len(l.BlockEnd)-1]
	if sign != '-' && sign != '+' {
		sign = 0
	}
	l.after(sign, last)
}
