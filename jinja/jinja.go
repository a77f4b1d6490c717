// Package jinja is the template language Jinja2, as Python runs it: its grammar, the
// values of its expressions and how they print, its statements, filters, tests and
// the methods of strings, lists and mappings. Undefined values are errors as soon as
// they are used. It knows nothing of Ansible, reads nothing but what it is handed,
// and bounds what a template may cost.
package jinja

import (
	"errors"
	"fmt"
	"strings"
)

// Options are how a template is read.
type Options struct {
	LstripBlocks  bool // blanks before a block at the beginning of its line are dropped
	KeepBlockLine bool // the newline after a block is kept (Jinja2's trim_blocks is off)
	// RawStrings: in {{ }} a backslash is a backslash, as in Ansible's playbooks.
	RawStrings bool
	// Delimiters other than {{ }}, {% %} and {# #}; empty ones are these.
	VariableStart, VariableEnd, BlockStart, BlockEnd, CommentStart, CommentEnd string
}

// Env is what templates can use: all of it is read only.
type Env struct {
	Filters map[string]Filter
	Tests   map[string]Filter
	Globals map[string]any
	// Load finds a template that another one, called from, includes, imports or extends.
	Load func(name string, from *Template) (*Template, error)
	// Steps bounds the work of one evaluation; 0 is DefaultSteps.
	Steps int64
}

// DefaultSteps is enough for some 100,000 lines of rules, and soon over.
const DefaultSteps = 1 << 28

// Template is a template that was parsed. It may be rendered by several goroutines
// at a time.
type Template struct {
	name   string
	source string
	layout Options
	body   []node
	blocks map[string]*blockNode
	links  []expr
}

// Parse reads a template called name; it is empty for an expression's text.
func Parse(name, source string, o Options) (*Template, error) {
	tokens, err := lex(source, o)
	if err != nil {
		return nil, near(source, placed(name, source, err))
	}
	p := &parser{tokens: tokens, blocks: map[string]*blockNode{}, statements: statements()}
	body, err := p.template()
	if err != nil {
		return nil, near(source, placed(name, source, err))
	}
	t := &Template{name: name, source: source, layout: o, body: body, blocks: p.blocks, links: p.links}
	for _, b := range t.blocks {
		b.tmpl = t
	}
	return t, nil
}

// Only is the expression that a template consists of, if it is nothing else.
func (t *Template) Only() (*Expression, bool) {
	if len(t.body) != 1 {
		return nil, false
	}
	out, ok := t.body[0].(*outputNode)
	if !ok {
		return nil, false
	}
	return &Expression{root: out.expr}, true
}

// Expression is an expression that was parsed.
type Expression struct{ root expr }

// ParseExpression reads a bare expression, without braces.
func ParseExpression(text string) (*Expression, error) {
	tokens, err := lexExpression(text)
	if err != nil {
		return nil, placed("", "", err)
	}
	p := &parser{tokens: tokens}
	root, err := p.tuple(true)
	if err == nil && p.peek().kind != tokenEOF {
		err = p.unexpected("the end of the expression")
	}
	if err != nil {
		return nil, placed("", "", err)
	}
	return &Expression{root: root}, nil
}

// Render renders a template with vars, which are only read.
func (t *Template) Render(env *Env, vars map[string]any) (out string, err error) {
	f := newFrame(env, t, vars)
	defer recovered(&err)
	if err := f.render(t); err != nil {
		return "", placed(t.name, t.source, err)
	}
	return f.out.String(), nil
}

// Eval gives an expression's value, as it is: an undefined value is an error, but
// what lists and mappings hold is not looked at.
func (x *Expression) Eval(env *Env, vars map[string]any) (v any, err error) {
	defer recovered(&err)
	v, err = newFrame(env, &Template{}, vars).value(x.root)
	if err != nil {
		return nil, placed("", "", err)
	}
	return v, nil
}

// recovered makes an error of a panic: a template must never stop its reader.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = &Error{Message: fmt.Sprintf("cannot be evaluated: %v", r)}
	}
}

// Error is what is wrong with a template or with the values given to it. File is
// empty for an expression: whoever holds it knows where it was written.
type Error struct {
	File    string
	Line    int
	Message string
	Near    string // the line of the template, as written
	Cause   error  // what it comes from
}

// Error is file:line: message.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	}
	b.WriteString(e.Message)
	if e.Near != "" {
		fmt.Fprintf(&b, " in %s", Quoted(e.Near))
	}
	return b.String()
}

// Unwrap is what the error comes from.
func (e *Error) Unwrap() error { return e.Cause }

// lineError is an error whose line, but not yet whose file, is known.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// atLine says on which line err came up, unless that is known better already.
func atLine(line int, err error) error {
	var l *lineError
	var e *Error
	if err == nil || errors.As(err, &l) || errors.As(err, &e) || isSignal(err) {
		return err
	}
	return &lineError{line: line, err: err}
}

// placed makes an Error of an error in a template called name.
func placed(name, source string, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	e := &Error{File: name, Line: 1, Message: err.Error(), Cause: err}
	var l *lineError
	if errors.As(err, &l) {
		e.Line, e.Cause = l.line, l.err
	}
	if name != "" {
		e.Near = lineOf(source, e.Line)
	}
	return e
}

// near shows the line of a mistake in what was written.
func near(source string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Near = lineOf(source, e.Line)
	}
	return err
}

func lineOf(source string, n int) string {
	for i := 1; ; i++ {
		line, rest, more := strings.Cut(source, "\n")
		if i == n {
			return strings.TrimSpace(line)
		}
		if !more {
			return ""
		}
		source = rest
	}
}

// Quoted quotes a text for an error message and shortens it.
func Quoted(s string) string {
	const limit = 80
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "..."
	}
	return fmt.Sprintf("%q", s)
}
