package sim

import (
	"fmt"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/state"
)

// learn notes what laws need to know about instances for ever.
func (w *world) learn() {
	tx := w.store.View()
	for _, in := range tx.Instances() {
		if port, ok := tx.Port(in.Port); ok {
			w.private[string(in.ID)] = port.IP
		}
	}
	w.learnEnds(tx)
}

// learnEnds notes which instances some record ended, and that somebody wished it.
func (w *world) learnEnds(tx *state.Tx) {
	for _, in := range tx.Instances() {
		if in.Want == cloud.Running {
			continue
		}
		if w.ended[string(in.ID)] = true; !w.mayEnd[string(in.ID)] && !(w.gaveUp[in.Host]) {
			w.breach("silence is not an end", "%s ended (%s), and neither its user nor its guest nor an operator wished it", in.ID, in.Reason)
		}
	}
}

// records are all that is kept, but what hosts said and when who was asked.
func (w *world) records(s *state.Store) string {
	var b strings.Builder
	if err := s.Export(&b); err != nil {
		w.breach("records are readable", "%v", err)
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, `{"table":"seen"`) && !strings.HasPrefix(line, `{"dump":`) {
			out.WriteString(line)
		}
	}
	return out.String()
}

// difference shows the lines that only one of two texts has.
func difference(a, b string) string {
	var out strings.Builder
	only := func(sign, a, b string) {
		have := strings.Split(b, "\n")
		for _, line := range strings.Split(a, "\n") {
			if !slices.Contains(have, line) {
				fmt.Fprintf(&out, "%s %s\n", sign, line)
			}
		}
	}
	only("-", a, b)
	only("+", b, a)
	return out.String()
}
