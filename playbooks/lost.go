package playbooks

import (
	"context"
	"errors"

	"eucactl/tasks"
)

// ended takes in how a stage came to its end. A task that the host did not speak
// of did not run; the first of these shows why.
func (w *walker) ended(st *stage, report tasks.Report, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	reason := ""
	timedOut := false
	var gone *Unreachable
	switch {
	case errors.As(err, &gone):
		reason, timedOut = gone.Reason, gone.TimedOut
	case err != nil:
		reason = err.Error()
	case report.Busy != "":
		reason = report.Busy
	case report.Stopped != "":
		reason = "the program stopped: " + report.Stopped
	case !report.Done && !report.Stage:
		reason = "the host fell silent"
	}
	if reason != "" && report.Words != "" {
		reason += ": " + report.Words
	}
	var lost *entry
	for _, e := range st.entries {
		if !e.answered {
			lost = e
			break
		}
	}
	if lost == nil {
		return nil
	}
	if reason == "" {
		reason = "the host did not say what became of this"
	}
	return w.lose(st, lost, reason, timedOut)
}

// lose takes in that a host was lost at an entry.
func (w *walker) lose(st *stage, lost *entry, reason string, timedOut bool) error {
	seen := w.visibleLoss(st, lost)
	ignored, _ := seen.around.is("ignore_unreachable")
	for _, e := range st.entries {
		if !e.answered && !e.known && e != seen {
			w.block(e)
		}
	}
	seen.raw, seen.known, seen.status, seen.ignored = nil, true, StatusUnreachable, ignored
	seen.fields = map[string]any{"unreachable": true, "changed": false, "msg": reason}
	seen.result.TimedOut = timedOut
	if seen.cell.fail(); ignored {
		*seen.cell = cell{ran: true}
	}
	w.judge()
	for e := w.stuck(); e != nil && !ignored; e = w.stuck() {
		// What would decide about it needs a host that is gone: it is what it said.
		e.cell.late, e.decide, e.tries = late{}, nil, nil
		e.step = &Step{Kind: e.step.Kind}
		w.judge()
	}
	if ignored {
		return nil
	}
	w.gone = true
	return errGone
}

// visibleLoss is the entry that shows that the host was lost: the gathering of facts
// if the host was never reached, or else the first task that people know of.
func (w *walker) visibleLoss(st *stage, lost *entry) *entry {
	if len(w.queue) > 0 && w.queue[0].contact && !w.queue[0].known {
		return w.queue[0]
	}
	if lost.group != nil {
		return lost
	}
	for _, e := range st.entries {
		if e.group != nil && !e.answered {
			return e
		}
	}
	info := &TaskInfo{Place: w.placeOf(w.place), Name: "Gathering Facts", Action: "gather_facts", Where: w.play.Where, Play: w.play.name()}
	e := &entry{step: &Step{Kind: "gather_facts"}, info: info, cell: &cell{}}
	e.group = &group{info: info, step: e.step, closed: true, entries: []*entry{e}}
	w.queue = append(w.queue, e)
	return e
}
