package tasks

import (
	"fmt"
	"strconv"
	"strings"
)

// Refused is what a host would reply if nothing of the program could run there, for
// one and the same reason: each task fails when its turn comes.
func (p *Program) Refused(why string) Report {
	r := Report{Hello: true, Done: true}
	for i, t := range p.Tasks {
		holds, failed := met(t.Guard, r.Results)
		result := Result{Index: i, Outcome: Failed, RC: 1, Words: why, Needs: -1}
		switch {
		case !holds && failed >= 0:
			result = Result{Index: i, Outcome: Skipped, Why: fmt.Sprint("needs ", failed), Needs: failed}
		case !holds, t.Flags.Handler != "": // nothing changed, so no handler was notified
			result = Result{Index: i, Outcome: Skipped, Why: "when", Needs: -1}
		case t.Flags.Failed == No:
			result.Outcome = OK
		}
		r.Results = append(r.Results, result)
	}
	return r
}

// met tells whether a guard holds after these results, none of which changed
// anything; if not, which failure is to blame, or -1.
func met(guard string, results []Result) (holds bool, failed int) {
	for term := range strings.FieldsSeq(guard) {
		holds, failed := false, -1
		for one := range strings.SplitSeq(term, "|") {
			was := Result{Needs: -1}
			if i, err := strconv.Atoi(one[1:]); err == nil && i < len(results) {
				was = results[i]
			}
			bad := was.Outcome.Bad() || was.Needs >= 0
			if one[0] == 'n' && bad {
				if failed < 0 {
					failed = was.Index
				}
				continue
			}
			holds = holds || one[0] == 'n' ||
				one[0] == 'o' && was.Outcome == OK ||
				one[0] == 'f' && was.Outcome.Bad() ||
				one[0] == 's' && was.Outcome == Skipped
		}
		if !holds {
			return false, failed
		}
	}
	return true, -1
}
