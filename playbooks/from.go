package playbooks

import (
	"slices"
	"strings"
)

// From is where an interrupted run is gone on with: what comes earlier is done.
type From struct {
	Play  int      // its index
	Path  string   // of the task to begin with; empty: the play's beginning
	Batch int      // its index
	Hosts []string // of the batch, that are in the middle of it
	Done  []string // hosts that have this play behind them
	Lost  []string // hosts that failed: they take no further part
}

// after tells whether a play is done.
func (f *From) after(play int) bool { return f != nil && play < f.Play }

// in tells whether a step has the task to begin with in it.
func (f *From) in(a around) bool { return strings.HasPrefix(f.Path, a.path+".") }

// beginAt notes with what the run begins.
func (r *Run) beginAt(o Options) {
	r.begins = o.StartAtTask == "" && (o.From == nil || o.From.Path == "")
	if o.From != nil {
		for _, h := range o.From.Lost {
			r.failed[h] = true
		}
	}
}

// batchesLeft are the batches of a play that are not done: first what is left of the
// one that was interrupted.
func (r *Run) batchesLeft(play int, hosts []string) ([][]string, error) {
	p, from := &r.Playbook.Plays[play], r.Options.From
	if from == nil || play != from.Play {
		return r.batches(p, hosts, 0)
	}
	var now, later []string
	for _, h := range hosts {
		switch {
		case slices.Contains(from.Hosts, h):
			now = append(now, h)
		case !slices.Contains(from.Done, h):
			later = append(later, h)
		}
	}
	batches, err := r.batches(p, later, from.Batch+1)
	if len(now) == 0 {
		return batches, err
	}
	return append([][]string{now}, batches...), err
}

// goesOn tells whether a task is where an interrupted run is gone on with, or comes
// after it. An include that has that task in it is to be looked into.
func (w *walker) goesOn(a around) bool {
	from := w.opts.From
	if a.path >= from.Path {
		w.begin()
	}
	return w.started || from.in(a)
}

// enters begins with a block that has the task to begin with in it, if what the block
// does further on depends on what becomes of its tasks.
func (w *walker) enters(s Step, a around) {
	if from := w.opts.From; from != nil && !w.started && len(s.Rescue)+len(s.Always) > 0 && from.in(a) {
		w.begin()
	}
}

// begin: from here on the host does what there is to do, and later plays run whole.
func (w *walker) begin() {
	w.started = true
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	w.run.begins = true
}
