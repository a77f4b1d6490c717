package templates

import (
	"errors"
	"fmt"
	"strings"

	"eucactl/jinja"
)

// Question asks how a registered task ended. Only the host can answer it.
type Question struct {
	Name string // the registered name
	Test string // changed, failed, skipped or succeeded
	Not  bool
}

// Condition is a condition as far as it can be decided beforehand: every list of
// All must have a question answered with yes. No lists: it holds. Never: it cannot.
type Condition struct {
	Never bool
	All   [][]Question
}

// maxQuestions bounds a condition that was multiplied out.
const maxQuestions = 256

// resultTests are Ansible's tests of a result, and their shortest names.
var resultTests = map[string]string{
	"changed": "changed", "change": "changed",
	"failed": "failed", "failure": "failed",
	"skipped": "skipped", "skip": "skipped",
	"succeeded": "succeeded", "success": "succeeded", "successful": "succeeded",
}

// Condition evaluates a bare expression except for its questions about the
// registered names.
func (s *Set) Condition(expr string, vars map[string]any, registered func(string) bool) (Condition, error) {
	p := s.expression(expr)
	if p.err != nil {
		return Condition{}, p.err
	}
	d := decider{env: s.env, vars: vars, registered: registered}
	c, err := d.decide(p.only, false)
	var own *Error
	if err != nil && !errors.As(err, &own) {
		err = &Error{Message: err.Error(), Cause: err}
	}
	return c, err
}

// And joins conditions that must hold together.
func (c Condition) And(d Condition) Condition {
	if c.Never || d.Never {
		return Condition{Never: true}
	}
	return Condition{All: append(append([][]Question(nil), c.All...), d.All...)}
}

// Or joins conditions one of which must hold.
func (c Condition) Or(d Condition) (Condition, error) {
	switch {
	case c.Never:
		return d, nil
	case d.Never:
		return c, nil
	case len(c.All)*len(d.All) > maxQuestions:
		return Condition{}, errors.New("this condition asks too many questions at once")
	}
	out := Condition{}
	for _, a := range c.All {
		for _, b := range d.All {
			out.All = append(out.All, append(append([]Question(nil), a...), b...))
		}
	}
	return out, nil
}

func decided(holds bool) Condition { return Condition{Never: !holds} }

// decider splits an expression into what is known and what is asked.
type decider struct {
	env        *jinja.Env
	vars       map[string]any
	registered func(string) bool
}

// decide pushes negations down to the questions, so that what remains is made of
// and, or and questions.
func (d decider) decide(x *jinja.Expression, not bool) (Condition, error) {
	if term, ok := x.Not(); ok {
		return d.decide(term, !not)
	}
	if left, right, and, ok := x.Junction(); ok {
		return d.join(left, right, and != not, not)
	}
	if test, yes, no, ok := x.Conditional(); ok {
		return d.choose(test, yes, no, not)
	}
	if name, test, isNot, args, ok := x.Test(); ok && d.registered(name) {
		return d.ask(name, test, args, not != isNot)
	}
	if name, field, ok := x.Attribute(); ok && (field == "changed" || field == "failed") && d.registered(name) {
		return Condition{All: [][]Question{{{Name: name, Test: field, Not: not}}}}, nil
	}
	v, err := x.Eval(d.env, d.vars)
	if err != nil {
		return Condition{}, err
	}
	return decided(jinja.Truth(v) != not), nil
}

// join decides a junction. What the left side settles, the right side need not
// even be defined for.
func (d decider) join(x, y *jinja.Expression, and, not bool) (Condition, error) {
	left, err := d.decide(x, not)
	if err != nil {
		return Condition{}, err
	}
	if and && left.Never || !and && left.always() {
		return left, nil
	}
	right, err := d.decide(y, not)
	if err != nil {
		return Condition{}, err
	}
	if and {
		return left.And(right), nil
	}
	return left.Or(right)
}

func (c Condition) always() bool { return !c.Never && len(c.All) == 0 }

// choose decides yes if test else no, whose test asks nothing.
func (d decider) choose(test, yes, no *jinja.Expression, not bool) (Condition, error) {
	c, err := d.decide(test, false)
	switch {
	case err != nil:
		return Condition{}, err
	case c.always():
		return d.decide(yes, not)
	case !c.Never:
		return Condition{}, errors.New("a choice by a task's registered result cannot be made here: use and, or, not")
	case no == nil:
		return decided(not), nil
	}
	return d.decide(no, not)
}

func (d decider) ask(name, test string, args int, not bool) (Condition, error) {
	short, ok := resultTests[strings.TrimPrefix(test, "ansible.builtin.")]
	switch {
	case ok && args == 0:
		return Condition{All: [][]Question{{{Name: name, Test: short, Not: not}}}}, nil
	case test == "defined":
		return decided(!not), nil
	case test == "undefined":
		return decided(not), nil
	}
	return Condition{}, fmt.Errorf("%q cannot be asked of the result %s: it is changed, failed, skipped or succeeded",
		"is "+test, name)
}
