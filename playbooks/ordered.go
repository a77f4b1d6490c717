package playbooks

import "slices"

// Ordered tells results as Ansible does, whose hosts go from task to task together:
// all of one task, in the order of the hosts, then all of the next. What a host has
// ahead of others is kept until they have come as far.
type Ordered struct {
	to     Events
	hosts  []string
	kept   map[string][]Result
	passed map[string]Place
	last   *TaskInfo
}

// NewOrdered tells to what it is told.
func NewOrdered(to Events) *Ordered {
	return &Ordered{to: to, kept: map[string][]Result{}, passed: map[string]Place{}}
}

// PlayStart implements Events.
func (o *Ordered) PlayStart(p PlayInfo) {
	o.rest()
	o.hosts, o.kept, o.passed, o.last = p.Hosts, map[string][]Result{}, map[string]Place{}, nil
	o.to.PlayStart(p)
}

// TaskStart implements Events: the task is told of with its first result.
func (o *Ordered) TaskStart(*TaskInfo) {}

// Begun implements Events.
func (o *Ordered) Begun(host string, t *TaskInfo) { o.to.Begun(host, t) }

// Warning implements Events.
func (o *Ordered) Warning(text string) { o.to.Warning(text) }

// Result implements Events.
func (o *Ordered) Result(r Result) {
	o.kept[r.Host] = append(o.kept[r.Host], r)
	o.emit(false)
}

// Passed is told how far a host has come: it has nothing to tell of what lies before.
func (o *Ordered) Passed(host string, at Place) {
	if o.passed[host].Before(at) {
		o.passed[host] = at
		o.emit(false)
	}
}

// Stats implements Events.
func (o *Ordered) Stats(s map[string]Stats) {
	o.rest()
	o.to.Stats(s)
}

// rest tells all that is kept.
func (o *Ordered) rest() { o.emit(true) }

// emit tells of each task that no host of the batch will say more of.
func (o *Ordered) emit(all bool) {
	for {
		place, ok := o.first()
		if !ok || !all && !o.through(place) {
			return
		}
		for _, host := range o.order() {
			list := o.kept[host]
			for len(list) > 0 && !place.Before(list[0].Task.Place) {
				o.tell(list[0])
				list = list[1:]
			}
			o.kept[host] = list
		}
	}
}

func (o *Ordered) tell(r Result) {
	if o.last == nil || o.last.Place != r.Task.Place {
		o.to.TaskStart(r.Task)
		o.last = r.Task
	}
	o.to.Result(r)
}

// first is the place of the earliest result that is kept.
func (o *Ordered) first() (first Place, ok bool) {
	for _, list := range o.kept {
		if len(list) > 0 && (!ok || list[0].Task.Place.Before(first)) {
			first, ok = list[0].Task.Place, true
		}
	}
	return first, ok
}

// through tells whether all hosts of the batch have gone beyond a place.
func (o *Ordered) through(p Place) bool {
	for _, h := range o.hosts {
		if !p.Before(o.passed[h]) {
			return false
		}
	}
	return true
}

// order is that of the batch, then others that tasks were delegated to.
func (o *Ordered) order() []string {
	out := slices.Clone(o.hosts)
	for _, h := range sortedNames(o.kept) {
		if !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}
