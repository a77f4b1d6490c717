package output

import (
	"slices"

	"eucactl/playbooks"
)

// Ordered tells another of a run as if all hosts had worked on one task after the
// other: hosts run ahead of each other, but people read task by task. What is
// written is late by no more than the slowest host.
type Ordered struct {
	to playbooks.Events

	hosts map[string]*pace // of the present batch
	tasks []*heldTask      // begun and not yet told of, in their order
}

// pace is how far a host has come.
type pace struct {
	at    playbooks.Place
	ended bool
}

type heldTask struct {
	info    *playbooks.TaskInfo
	results []playbooks.Result
	told    bool
}

// InOrder tells to in order.
func InOrder(to playbooks.Events) *Ordered { return &Ordered{to: to, hosts: map[string]*pace{}} }

// PlayStart implements playbooks.Events: no host works on the play before any more.
func (o *Ordered) PlayStart(p playbooks.PlayInfo) {
	o.flush()
	o.hosts = map[string]*pace{}
	for _, h := range p.Hosts {
		o.hosts[h] = &pace{}
	}
	o.to.PlayStart(p)
}

// TaskStart implements playbooks.Events.
func (o *Ordered) TaskStart(t *playbooks.TaskInfo) {
	at, _ := slices.BinarySearchFunc(o.tasks, t.Place, func(h *heldTask, p playbooks.Place) int {
		switch {
		case h.info.Place.Before(p):
			return -1
		case p.Before(h.info.Place):
			return 1
		}
		return -1 // several at one place come as they began
	})
	o.tasks = slices.Insert(o.tasks, at, &heldTask{info: t})
}

// Begun implements playbooks.Events: whoever begins a task has ended those before.
func (o *Ordered) Begun(host string, t *playbooks.TaskInfo) {
	o.reach(host, t.Place, false)
	o.to.Begun(host, t)
}

// Result implements playbooks.Events.
func (o *Ordered) Result(r playbooks.Result) {
	if r.Task == nil {
		o.to.Result(r)
		return
	}
	i := slices.IndexFunc(o.tasks, func(h *heldTask) bool { return h.info == r.Task })
	if i < 0 {
		i = slices.IndexFunc(o.tasks, func(h *heldTask) bool { return h.info.Place == r.Task.Place && h.info.Name == r.Task.Name })
	}
	if i < 0 { // its task was told of already
		o.to.Result(r)
		return
	}
	o.tasks[i].results = append(o.tasks[i].results, r)
	done := !r.HasItem && r.Status != playbooks.StatusWaiting
	o.reach(r.Host, r.Task.Place, done && (r.Status == playbooks.StatusUnreachable))
}

// Passed is told how far a host has come: it says no more of what lies before.
func (o *Ordered) Passed(host string, at playbooks.Place) { o.reach(host, at, false) }

// reach notes where a host is, and tells what nobody can add to any more.
func (o *Ordered) reach(host string, at playbooks.Place, ended bool) {
	p := o.hosts[host]
	if p == nil {
		return // delegated to, or added meanwhile
	}
	if p.at.Before(at) {
		p.at = at
	}
	p.ended = p.ended || ended
	for len(o.tasks) > 0 && o.passed(o.tasks[0].info.Place) {
		o.tell(o.tasks[0])
		o.tasks = o.tasks[1:]
	}
	if len(o.tasks) > 0 && len(o.hosts) == 1 {
		o.tell(o.tasks[0]) // nobody else is waited for
	}
}

// passed: every host is beyond the place, or takes no further part.
func (o *Ordered) passed(place playbooks.Place) bool {
	for _, p := range o.hosts {
		if !p.ended && !place.Before(p.at) {
			return false
		}
	}
	return true
}

func (o *Ordered) tell(h *heldTask) {
	if !h.told {
		o.to.TaskStart(h.info)
		h.told = true
	}
	for _, r := range h.results {
		o.to.Result(r)
	}
	h.results = nil
}

func (o *Ordered) flush() {
	for _, h := range o.tasks {
		o.tell(h)
	}
	o.tasks = nil
}

// Warning implements playbooks.Events.
func (o *Ordered) Warning(text string) { o.to.Warning(text) }

// Stats implements playbooks.Events.
func (o *Ordered) Stats(s map[string]playbooks.Stats, c playbooks.Custom) {
	o.flush()
	o.to.Stats(s, c)
}
