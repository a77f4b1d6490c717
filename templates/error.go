package templates

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/parser"
)

// Error is what is wrong with a template or with the values given to it. File is
// empty for an expression: whoever holds it knows where it was written.
type Error struct {
	File    string
	Line    int
	Message string
	Near    string // the line of the template, as written
	Cause   error  // the need that it comes from, if it comes from one
}

// Unwrap lets errors.As find a need.
func (e *Error) Unwrap() error { return e.Cause }

// Error is file:line: message.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", e.File, e.Line)
	}
	b.WriteString(e.Message)
	if e.Near != "" {
		fmt.Fprintf(&b, " in %s", shown(e.Near))
	}
	return b.String()
}

// located turns an error of the template library into an Error. The library
// wraps every level of a template in a sentence with its line; the innermost one
// is the place, and the innermost cause is the matter.
func located(file, source string, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	root := rootCause(err)
	e := &Error{File: file, Line: 1, Message: plainWords(root.Error()), Cause: needed(root)}
	if inTemplate.MatchString(e.Message) {
		return &Error{Message: e.Message} // of a template within this one
	}
	var syntax *parser.SyntaxError
	if errors.As(err, &syntax) {
		e.Message = plainWords(syntax.Message)
		e.Line = max(syntax.Line, 1)
		if syntax.Raw != "" {
			e.Message += fmt.Sprintf(" near %s", shown(syntax.Raw))
		}
	} else if n := lastLine(err.Error()); n > 0 {
		e.Line = n
	}
	e.Near = lineOf(source, e.Line)
	return e
}

// rootCause follows an error to the one it began with.
func rootCause(err error) error {
	for range 1000 {
		var next error
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			next = e.Unwrap()
		case interface{ Cause() error }:
			next = e.Cause()
		case interface{ Interface() any }: // an evaluated value that is an error
			next, _ = e.Interface().(error)
		}
		if next == nil {
			return err
		}
		err = next
	}
	return err
}

var atLine = regexp.MustCompile(`(?:render expression|render condition|evaluation condition as boolean|execute controlStructure) at line (\d+):`)

// lastLine is the innermost line that the library's sentences mention.
func lastLine(message string) int {
	all := atLine.FindAllStringSubmatch(message, -1)
	if len(all) == 0 {
		return 0
	}
	n, err := strconv.Atoi(all[len(all)-1][1])
	if err != nil {
		return 0
	}
	return n
}

// inTemplate is how an Error that names a file begins.
var inTemplate = regexp.MustCompile(`^[^\s:]+:\d+: `)

var (
	noStatement = regexp.MustCompile(`^ControlStructure '(.*)' not found \(or beginning not provided\)$`)
	noName      = regexp.MustCompile(`^Unable to evaluate name "(.*)"$`)
	noAttribute = regexp.MustCompile(`(?s)^[Uu]nable to evaluate .*: (?:attribute|item) '?(.*?)'? not found$`)
	noneGetter  = regexp.MustCompile(`^Can't use (?:getattr|Getitem) on None$`)
)

var invalidCall = regexp.MustCompile(`^invalid call to (?:filter|test|function) '[^']*': `)

// plainWords says in Ansible's words what the library says in its own.
func plainWords(message string) string {
	for invalidCall.MatchString(message) {
		message = invalidCall.ReplaceAllString(message, "")
	}
	if m := noStatement.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("%q is no statement, or its beginning is missing", m[1])
	}
	if m := noName.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("%q is undefined", m[1])
	}
	if m := noAttribute.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("there is no %q", m[1])
	}
	if noneGetter.MatchString(message) {
		return "an attribute of nothing (none)"
	}
	return message
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

// shown quotes a text for an error message and shortens it.
func shown(s string) string {
	const limit = 80
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "..."
	}
	return strconv.Quote(s)
}
