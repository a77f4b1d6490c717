// Package playbooks holds the built-in playbooks and turns a playbook, the
// variables of one host and its plan into the program for that host. The dialect
// is Ansible's; what of it is not understood is an error with file and line, never
// skipped. Nothing here reaches a host.
package playbooks

import "fmt"

// Playbook is a playbook that was read, with those it imports in their places.
type Playbook struct {
	File  string
	Plays []Play
}

// Position is a place in a playbook.
type Position struct {
	File string
	Line int
}

// String is the position as file:line.
func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Play is a list of tasks for the hosts of a pattern.
type Play struct {
	Where    Position
	Name     string
	Hosts    string
	Vars     []Var
	Tags     []string
	Tasks    []Step
	Handlers []Step
}

// Var is a variable of a play, a block or a task, as written.
type Var struct {
	Where Position
	Name  string
	Value any
}

// Step is a task, or a block of steps.
type Step struct {
	Where  Position
	Name   string
	Kind   string // of a task; empty for a block
	Args   []Arg
	Block  []Step
	Vars   []Var
	When   []Expr
	Loop   *Loop
	Notify []string
	Tags   []string

	Register     string
	IgnoreErrors bool
	NoLog        bool
}

// IsBlock tells a block from a task.
func (s Step) IsBlock() bool { return s.Kind == "" }

// Arg is a named argument of a task, as written.
type Arg struct {
	Where Position
	Name  string
	Value any
}

// Expr is a condition, as written.
type Expr struct {
	Where Position
	Text  string
}

// Loop repeats a task or a block for each of its items.
type Loop struct {
	Where Position
	Items any    // a list, or text with one expression that gives a list
	Var   string // the item's variable
	Label string // what stands for the item in names
}

// Error is what is wrong with a playbook, and where.
type Error struct {
	Where   Position
	Message string
	Err     error // the cause, if there is one beyond the message
}

// Error is file:line: message.
func (e *Error) Error() string {
	s := e.Where.String() + ": " + e.Message
	switch {
	case e.Err == nil:
		return s
	case e.Message == "":
		return s + e.Err.Error()
	}
	return s + ": " + e.Err.Error()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

func wrong(at Position, format string, args ...any) *Error {
	return &Error{Where: at, Message: fmt.Sprintf(format, args...)}
}

func wrap(at Position, what string, err error) *Error {
	return &Error{Where: at, Message: what, Err: err}
}
