package playbooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"eucactl/tasks"
)

// stage is the program being made, and what its tasks are of.
type stage struct {
	host    string
	login   Login
	program *tasks.Program
	entries []*entry // of the program's tasks, by their indexes
}

// entry is a task of a walk, or one item of its loop.
type entry struct {
	step   *Step
	around around
	info   *TaskInfo
	group  *group
	cell   *cell
	needs  []*cell
	each   map[string]any // the variables of the item
	label  string

	fields    map[string]any // what became of it; nil while that is not known
	status    Status
	ignored   bool
	result    Result
	raw       *tasks.Result
	undo      []func() // takes back what it set, if it turns out not to have run
	began     time.Time
	took      time.Duration
	after     string // content that it gives its object, for differences
	empties   bool   // that content is empty
	known     bool
	arrived   func(*entry)      // is told when the result is there
	decide    func(*cell) error // what is judged here anyway
	answered  bool              // the host said what became of it
	tries     *trying
	tree      *tree    // a folder that is copied
	parts     []*entry // the tasks for what is in it
	contact   bool     // it is about nothing but reaching the host
	skips     bool     // a condition does not hold, if it is met at all
	flushes   bool     // meta: flush_handlers
	ends      bool     // meta: the host goes no further
	marks     bool     // the host remembers whom it notifies
	elsewhere string   // the host that it was delegated to
	teaches   *memory  // whose facts its result may have
}

// group is a task with the items of its loop: what register names.
type group struct {
	info    *TaskInfo
	step    *Step
	around  around
	loop    bool
	closed  bool
	told    bool
	entries []*entry
	shown   int
	value   map[string]any
	failed  bool // one of its items did
	ignored bool
}

// done tells whether all that will become of the task is known.
func (g *group) done() bool {
	if !g.closed {
		return false
	}
	for _, e := range g.entries {
		if !e.known {
			return false
		}
	}
	return true
}

// errGone ends a walk: the host cannot be asked any more. errEnd ends it because
// the playbook says so.
var (
	errGone = errors.New("the host is gone")
	errEnd  = errors.New("the play ends here")
)

// add puts a task into the program.
func (w *walker) add(e *entry, t tasks.Task) {
	e.cell.pending, e.cell.index = true, w.stage.program.Add(t)
	w.stage.entries = append(w.stage.entries, e)
	after, given := w.stage.program.After(e.cell.index)
	e.after, e.empties = after, given && after == "" && isFile(e.step.Kind)
	if h := e.around.handler; h != nil {
		h.last = e
	}
	w.enqueue(e)
}

// conclude says at once what became of an entry.
func (w *walker) conclude(e *entry, status Status, fields map[string]any) {
	if status == StatusSkipped && !met(e.around.gates) {
		e.cell.absent = true
	}
	e.status, e.fields, e.known = status, fields, true
	e.cell.pending = false
	switch status {
	case StatusOK, StatusIncluded:
		e.cell.ran = true
	case StatusChanged:
		e.cell.ran, e.cell.changed = true, true
	case StatusSkipped:
		e.cell.skipped = true
	case StatusFailed, StatusUnreachable:
		e.cell.ran, e.cell.failed = true, true
	}
	w.enqueue(e)
}

// skip says that a condition of an entry does not hold. Whether it was met at all is
// not known before those that it needs have run.
func (w *walker) skip(e *entry) {
	if _, v, err := fold(e.needs, e.around.gates); !w.asks() || err == nil && v != waits {
		w.conclude(e, StatusSkipped, skippedFields())
		return
	}
	e.status, e.fields, e.skips = StatusSkipped, skippedFields(), true
	*e.cell = cell{skipped: true}
	w.enqueue(e)
}

// block says that an entry was never reached: an earlier task failed.
func (w *walker) block(e *entry) {
	e.cell.pending, e.cell.blocked, e.known = false, true, true
}

func (w *walker) enqueue(e *entry) {
	w.queue = append(w.queue, e)
	if e.group != nil && !e.cell.skipped && !e.cell.blocked {
		w.shownTasks++
	}
	w.show()
}

// asks tells whether there is a host to ask.
func (w *walker) asks() bool { return w.batch != nil }

// flush sends what is pending and takes in what becomes of it.
func (w *walker) flush() error {
	if !w.asks() {
		return nil
	}
	w.mem.owe(false) // what is judged from now on knows what was said before it
	if len(w.stage.entries) == 0 {
		w.contacted = true
		w.judge()
		return nil
	}
	st := w.stage
	w.stage = w.newStage(st.host, st.login)
	err := w.send(st)
	for e := w.stuck(); err == nil && e != nil; e = w.stuck() {
		err = w.judgeNow(e)
	}
	w.takeBack()
	w.reached()
	return err
}

// send runs a stage.
func (w *walker) send(st *stage) error {
	s := Stage{Program: st.program, Login: st.login, Check: w.run.Options.Check, Diff: w.run.Options.Diff, Secrets: w.run.secrets()}
	s.OnBegin = func(i int) {
		if i >= 0 && i < len(st.entries) {
			st.entries[i].began = w.run.Runner.Now()
			w.run.begun(w.mem.host.Name, st.entries[i].info)
		}
	}
	seen := map[int]bool{}
	s.OnResult = func(r tasks.Result) {
		if r.Index < 0 || r.Index >= len(st.entries) || seen[r.Index] || r.Cut {
			return
		}
		seen[r.Index] = true
		w.contacted = true
		e := st.entries[r.Index]
		e.answered = true
		if !e.began.IsZero() {
			e.took = w.run.Runner.Now().Sub(e.began)
		}
		e.raw = &r
		w.judge()
	}
	report, err := w.run.Runner.Stage(w.ctx, st.host, s)
	var refused *Refused
	if errors.As(err, &refused) {
		if report, err = w.refused(st, refused.Reason); isEnd(err) {
			return err
		}
	}
	for _, r := range report.Results {
		s.OnResult(r)
	}
	return w.ended(st, report, err)
}

// newStage begins another program.
func (w *walker) newStage(host string, login Login) *stage {
	return &stage{host: host, login: login, program: &tasks.Program{Kinds: w.lib}}
}

// resolve calls f until what it needs is known. What fails only because earlier
// tasks are still to run is tried again when they have run.
func (w *walker) resolve(needs []*cell, a *around, f func() error) error {
	for range 1000 {
		err := f()
		if err == nil {
			return nil
		}
		n := neededBy(err)
		switch {
		case n != nil && !w.asks():
			return w.unaskable(err, n)
		case n != nil:
			if err := w.satisfy(n, a); err != nil {
				return err
			}
		case !w.asks() || isEnd(err):
			return err
		default:
			if _, v, _ := fold(needs, a.when); v != waits {
				return err
			}
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return errors.New("this needs one thing after the other without end")
}

func isEnd(err error) bool {
	return errors.Is(err, errGone) || errors.Is(err, errEnd) || errors.Is(err, context.Canceled)
}

// unaskable is the error of a program that is made for a host that is not asked.
func (w *walker) unaskable(err error, n *need) error {
	var at *Error
	if errors.As(err, &at) {
		return wrap(at.Where, at.Message, n)
	}
	return n
}

// satisfy finds out what is needed.
func (w *walker) satisfy(n *need, a *around) error {
	switch {
	case n.facts != "" && n.host != "" && n.host != w.mem.host.Name:
		return w.gatherOf(n.host, n.facts)
	case n.facts != "":
		return w.gather(n.facts)
	case n.all:
		return w.barrier(w.place)
	case n.host != "":
		return w.await(n.host, a)
	case len(w.stage.entries) == 0:
		return fmt.Errorf("%w, and nobody can tell", n)
	}
	return w.flush()
}
