package playbooks

import (
	"fmt"
	"strings"

	"eucactl/tasks"
)

// A cell is how a task ended, or will end: while it is pending only guards of the
// same program can ask.
type cell struct {
	pending bool
	index   int  // in the program being made
	local   bool // a task that runs here, once its guard is known
	late    late // what is decided here, when the result is there
	deed    bool // if it fails it may have changed something all the same

	ran, changed, failed, skipped, blocked bool

	absent bool // skipped, and not met at all: of a rescue that was not needed
}

// late says which part of an outcome the host itself cannot tell.
type late struct{ changed, failed bool }

// A term is a question about a cell: n did not fail, o is or would be so, c
// changed, f failed, s was skipped.
type term struct {
	letter byte
	cell   *cell
}

// A clause holds if one of its terms does.
type clause []term

func (t term) holds() bool {
	c := t.cell
	switch t.letter {
	case 'n':
		return !c.failed && !c.blocked
	case 'o':
		return c.ran && !c.failed
	case 'c':
		return c.changed && !c.failed
	case 'f':
		return c.failed
	}
	return c.skipped || c.blocked
}

// unknowable is what a pending term needs before it can even be asked.
func (t term) unknowable() error {
	c := t.cell
	if c.local || c.late.failed || c.late.changed && t.letter == 'c' {
		return &need{what: "the result of an earlier task, which the host cannot judge itself", result: true}
	}
	return nil
}

// verdict is what becomes of a task by what is known.
type verdict int

const (
	runs    verdict = iota
	waits           // the host will know
	skips           // a condition does not hold
	blocked         // an earlier task failed
)

// fold evaluates what a task needs and its conditions as far as they are known,
// and spells out the rest as a guard. What is needed comes first, so that a task
// that lacks it counts as blocked even if a condition fails as well.
func fold(needs []*cell, when []clause) (guard string, v verdict, err error) {
	var terms []string
	for _, c := range needs {
		t := term{'n', c}
		switch {
		case !c.pending && !t.holds():
			return "", blocked, nil
		case !c.pending:
			continue
		}
		if err := t.unknowable(); err != nil {
			return "", waits, err
		}
		terms = append(terms, t.String())
	}
	var unknown error
	for _, cl := range when {
		words, holds, err := cl.fold()
		switch {
		case holds:
		case err != nil:
			unknown = err
		case len(words) == 0:
			return "", skips, nil
		default:
			terms = append(terms, strings.Join(words, "|"))
		}
	}
	switch {
	case unknown != nil:
		return "", waits, unknown
	case len(terms) == 0:
		return "", runs, nil
	}
	return strings.Join(terms, " "), waits, nil
}

// met tells whether all gates, as far as they are known, are open.
func met(gates []clause) bool {
	for _, cl := range gates {
		if words, holds, _ := cl.fold(); !holds && len(words) == 0 {
			return false
		}
	}
	return true
}

func (cl clause) fold() (words []string, holds bool, err error) {
	for _, t := range cl {
		switch {
		case t.cell.pending:
			if e := t.unknowable(); e != nil {
				err = e
			}
			words = append(words, t.String())
		case t.holds():
			return nil, true, nil
		}
	}
	return words, false, err
}

func (t term) String() string { return fmt.Sprintf("%c%d", t.letter, t.cell.index) }

// settle takes over how the host says that a task ended.
func (c *cell) settle(o tasks.Outcome, needs bool) {
	c.pending = false
	switch o {
	case tasks.OK:
		c.ran = true
	case tasks.Changed, tasks.Would:
		c.ran, c.changed = true, true
	case tasks.Failed, tasks.Unsettled:
		c.ran, c.failed = true, true
	case tasks.Skipped:
		c.skipped, c.blocked = !needs, needs
	case tasks.Unknown: // check mode: nobody can tell
		c.ran, c.skipped = true, true
	}
}

// failure of a task that runs here, or was never sent.
func (c *cell) fail() { *c = cell{ran: true, failed: true} }
