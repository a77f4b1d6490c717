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
	seen := w.visibleLoss(st, lost)
	seen.result.TimedOut = timedOut
	return w.lose(st, seen, StatusUnreachable, map[string]any{"unreachable": true, "changed": false, "msg": reason})
}

// refused takes in that a stage's user could not be become: its tasks fail, as each
// would by itself. The gathering of facts does so for the whole play.
func (w *walker) refused(st *stage, why string) (tasks.Report, error) {
	own, err := w.login(around{scope: w.scope(), settings: w.play.Settings}, w.mem)
	if err != nil {
		return tasks.Report{}, err
	}
	mine := st.host == w.mem.host.Name
	if mine && st.login == own && len(w.queue) > 0 && w.queue[0].contact && !w.queue[0].known {
		return tasks.Report{}, w.lose(st, w.queue[0], StatusFailed, map[string]any{"changed": false, "msg": why})
	}
	if mine && st.login != own {
		// What comes first in a play is asked for again, as the play's own user.
		w.stage.login, w.opened, w.probed = own, false, false
		for _, e := range st.entries {
			if e.group == nil {
				e.arrived = nil
			}
		}
	}
	return st.program.Refused(why), nil
}

// lose takes in that a host was lost, which an entry shows.
func (w *walker) lose(st *stage, seen *entry, status Status, fields map[string]any) error {
	ignored, _ := seen.around.is("ignore_unreachable")
	ignored = ignored && status == StatusUnreachable
	for _, e := range st.entries {
		if !e.answered && !e.known && e != seen {
			w.block(e)
		}
	}
	seen.raw, seen.known, seen.status, seen.fields, seen.ignored = nil, true, status, fields, ignored
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
	w.gone, w.lastFailed = true, seen
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
