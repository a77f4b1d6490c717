package playbooks

import (
	"fmt"
	"slices"
	"strings"

	"eucactl/templates"
)

// maxClauses bounds a guard that was multiplied out.
const maxClauses = 4096

// guard spells out when a task runs: none of those it needs failed, and every
// clause has an alternative that is so. What is needed comes first, so that a
// task that lacks it counts as blocked even if a condition fails as well.
func guard(needs []int, clauses [][]string) string {
	var terms []string
	for _, n := range needs {
		terms = append(terms, fmt.Sprintf("n%d", n))
	}
	for _, c := range clauses {
		terms = append(terms, strings.Join(c, "|"))
	}
	return strings.Join(terms, " ")
}

// when evaluates a step's conditions. It returns false if the step is left out,
// and adds what only the host knows to the clauses of ctx.
func (b *builder) when(s Step, ctx *around) (bool, error) {
	for _, w := range s.When {
		c, err := b.set.Condition(w.Text, ctx.scope.vars, func(name string) bool {
			_, ok := b.results[name]
			return ok
		})
		if err != nil {
			return false, wrap(w.Where, "when", err)
		}
		clauses, holds, err := b.clauses(c)
		if err != nil {
			return false, wrap(w.Where, "when", err)
		}
		if !holds {
			return false, nil
		}
		ctx.when = append(slices.Clone(ctx.when), clauses...)
	}
	return true, nil
}

// clauses turns a condition's questions into terms of a guard.
func (b *builder) clauses(c templates.Condition) (out [][]string, holds bool, err error) {
	if c.Never {
		return nil, false, nil
	}
	for _, questions := range c.All {
		any, settled := [][]string{{}}, false
		for _, q := range questions {
			terms, err := answer(q, b.results[q.Name])
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
		if slices.ContainsFunc(any, func(alternatives []string) bool { return len(alternatives) == 0 }) {
			return nil, false, nil
		}
		out = append(out, any...)
	}
	return out, true, nil
}

// answer is a question as clauses: no clause is yes, an empty clause is no. A loop
// changed or failed if one of its items did; it was skipped, or succeeded, if all
// were. Tasks that were left out count as skipped.
func answer(q templates.Question, tasks []int) ([][]string, error) {
	test, not := q.Test, q.Not
	if test == "succeeded" {
		test, not = "failed", !not
	}
	switch {
	case test == "changed" && !not:
		return [][]string{letters(tasks, "c")}, nil
	case test == "failed" && !not:
		return [][]string{letters(tasks, "f")}, nil
	case test == "skipped" && not:
		return [][]string{letters(tasks, "o", "f")}, nil
	case test == "skipped":
		return each(tasks, "s"), nil
	case test == "failed":
		return each(tasks, "o", "s"), nil
	case len(tasks) == 0:
		return nil, nil
	}
	return nil, fmt.Errorf("%q is not supported yet: ask whether it is changed, failed, skipped or succeeded", q.Name+" is not changed")
}

// letters is one clause: any of the tasks ended in one of these ways.
func letters(tasks []int, ways ...string) []string {
	out := []string{}
	for _, n := range tasks {
		for _, w := range ways {
			out = append(out, fmt.Sprintf("%s%d", w, n))
		}
	}
	return out
}

// each is a clause for every task: it ended in one of these ways.
func each(tasks []int, ways ...string) [][]string {
	var out [][]string
	for _, n := range tasks {
		out = append(out, letters([]int{n}, ways...))
	}
	return out
}

// either joins two sets of clauses one of which must hold.
func either(a, b [][]string) ([][]string, error) {
	if len(a)*len(b) > maxClauses {
		return nil, fmt.Errorf("this condition asks too many questions at once")
	}
	var out [][]string
	for _, x := range a {
		for _, y := range b {
			out = append(out, append(slices.Clone(x), y...))
		}
	}
	return out, nil
}
