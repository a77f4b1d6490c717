package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"eucactl/templates"
)

// maxClauses bounds a guard that was multiplied out.
const maxClauses = 4096

func concat(a, b []Expr) []Expr {
	if len(a) == 0 {
		return b
	}
	return append(slices.Clip(a), b...)
}

// when evaluates conditions. It returns false if the step is left out,
// and adds what only the host knows to the clauses of a.
func (w *walker) when(conds []Expr, a *around) (bool, error) {
	for _, x := range conds {
		pending := map[string][]*cell{}
		c, err := a.scope.condition(x.Text, func(name string) bool {
			v, _ := a.scope.get(name)
			if v.result == nil || w.asks() && (v.result.done() || a.apart && strings.Contains(x.Text, "defined")) {
				return false
			}
			pending[name] = v.result.cells()
			return true
		})
		if err != nil && len(pending) > 0 && w.asks() && neededBy(err) == nil {
			err = &need{what: err.Error(), result: true} // once it is known more can be asked
		}
		if err != nil {
			return false, wrap(x.Where, "when", err)
		}
		clauses, holds, err := clausesOf(c, pending)
		if err != nil {
			return false, wrap(x.Where, "when", err)
		}
		if !holds {
			return false, nil
		}
		a.when = append(slices.Clip(a.when), clauses...)
	}
	return true, nil
}

// clausesOf turns a condition's questions into clauses of a guard.
func clausesOf(c templates.Condition, pending map[string][]*cell) (out []clause, holds bool, err error) {
	if c.Never {
		return nil, false, nil
	}
	for _, questions := range c.All {
		any, settled := []clause{{}}, false
		for _, q := range questions {
			terms, err := answer(q, pending[q.Name])
			if err != nil {
				return nil, false, err
			}
			if settled = len(terms) == 0; settled {
				break // this one holds anyway
			}
			if any, err = either(any, terms); err != nil {
				return nil, false, err
			}
		}
		if settled {
			continue
		}
		if slices.ContainsFunc(any, func(cl clause) bool { return len(cl) == 0 }) {
			return nil, false, nil
		}
		out = append(out, any...)
	}
	return out, true, nil
}

// answer is a question as clauses: no clause is yes, an empty clause is no. A loop
// changed or failed if one of its items did; it was skipped, or succeeded, if all
// were. Tasks that were left out count as skipped.
func answer(q templates.Question, cells []*cell) ([]clause, error) {
	test, not := q.Test, q.Not
	if test == "succeeded" {
		test, not = "failed", !not
	}
	switch {
	case test == "changed" && !not:
		cl := letters(cells, "c")
		for _, c := range cells {
			if c.deed {
				cl = append(cl, term{'f', c})
			}
		}
		return []clause{cl}, nil
	case test == "failed" && !not:
		return []clause{letters(cells, "f")}, nil
	case test == "skipped" && not:
		return []clause{letters(cells, "of")}, nil
	case test == "skipped":
		return each(cells, "s"), nil
	case test == "failed":
		return each(cells, "os"), nil
	case settled(cells):
		if slices.ContainsFunc(cells, func(c *cell) bool { return c.changed }) {
			return []clause{{}}, nil
		}
		return nil, nil
	}
	return nil, &need{result: true, what: fmt.Sprintf("%q cannot be asked beforehand: ask whether it is changed, failed, skipped or succeeded", q.Name+" is not changed")}
}

func settled(cells []*cell) bool {
	return !slices.ContainsFunc(cells, func(c *cell) bool { return c.pending })
}

// letters is one clause: any of the tasks ended in one of these ways.
func letters(cells []*cell, ways string) clause {
	out := clause{}
	for _, c := range cells {
		for i := range len(ways) {
			out = append(out, term{ways[i], c})
		}
	}
	return out
}

// each is a clause for every task: it ended in one of these ways.
func each(cells []*cell, ways string) []clause {
	var out []clause
	for _, c := range cells {
		out = append(out, letters([]*cell{c}, ways))
	}
	return out
}

// either joins two sets of clauses one of which must hold.
func either(a, b []clause) ([]clause, error) {
	if len(a)*len(b) > maxClauses {
		return nil, fmt.Errorf("this condition asks too many questions at once")
	}
	var out []clause
	for _, x := range a {
		for _, y := range b {
			out = append(out, append(slices.Clone(x), y...))
		}
	}
	return out, nil
}
