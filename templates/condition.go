package templates

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
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
func (s *Set) Condition(expr string, vars map[string]any, registered func(string) bool) (c Condition, err error) {
	p := s.expression(expr)
	if p.err != nil {
		return Condition{}, p.err
	}
	defer func() {
		if r := recover(); r != nil {
			c, err = Condition{}, panicked("", "cannot be evaluated", r)
		}
	}()
	d := decider{eval: s.evaluator(vars), registered: registered}
	if p.only.Condition != nil {
		v, err := s.evaluate(p.only, vars)
		if err != nil {
			return Condition{}, err
		}
		return decided(truth(v)), nil
	}
	c, err = d.decide(p.only.Expression, false)
	if err != nil {
		return Condition{}, located("", "", err)
	}
	return c, nil
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
	eval       *exec.Evaluator
	registered func(string) bool
}

// decide pushes negations down to the questions, so that what remains is made of
// and, or and questions.
func (d decider) decide(n nodes.Expression, not bool) (Condition, error) {
	switch n := n.(type) {
	case *nodes.Negation:
		return d.decide(n.Term, !not)
	case *nodes.BinaryExpression:
		if t := n.Operator.Token.Type; t == tokens.And || t == tokens.Or {
			return d.join(n, (t == tokens.And) != not, not)
		}
	case *nodes.TestExpression:
		if name, ok := n.Expression.(*nodes.Name); ok && d.registered(name.Name.Val) {
			return d.ask(name.Name.Val, n.Test, not)
		}
	}
	v := d.eval.Eval(n)
	if err := hidden(v); err != nil {
		return Condition{}, err
	}
	return decided(v.IsTrue() != not), nil
}

// join decides a junction. What the left side settles, the right side need not
// even be defined for.
func (d decider) join(n *nodes.BinaryExpression, and, not bool) (Condition, error) {
	left, err := d.decide(n.Left, not)
	if err != nil {
		return Condition{}, err
	}
	if and && left.Never || !and && !left.Never && len(left.All) == 0 {
		return left, nil
	}
	right, err := d.decide(n.Right, not)
	if err != nil {
		return Condition{}, err
	}
	if and {
		return left.And(right), nil
	}
	return left.Or(right)
}

func (d decider) ask(name string, t *nodes.TestCall, not bool) (Condition, error) {
	test, ok := resultTests[t.Name]
	switch {
	case ok && len(t.Args) == 0:
		return Condition{All: [][]Question{{{Name: name, Test: test, Not: not}}}}, nil
	case t.Name == "defined":
		return decided(!not), nil
	case t.Name == "undefined":
		return decided(not), nil
	}
	return Condition{}, fmt.Errorf("%q cannot be asked of the result %s: it is changed, failed, skipped or succeeded",
		strings.TrimSpace("is "+t.Name), name)
}
