package playbooks

import (
	"context"
	"slices"
	"sync"
)

// batch is the hosts that go through a play together: what they share, and how far
// each has come.
type batch struct {
	place Place // of its play and itself
	hosts []string

	mu      sync.Mutex
	reached map[string]string // the path before which a host has reported everything
	over    map[string]bool   // hosts that are through, or out
	failed  map[string]fall   // hosts that failed or were lost
	forgave string            // the path before which that does not count
	waiting []*waiter
	once    map[string]*once
	out     map[string][]string      // by path, hosts that take no part in the task with run_once there
	slots   map[string]chan struct{} // of tasks with throttle
	fatal   bool                     // no host goes on
	ended   bool                     // no later batch begins
	broken  bool                     // a failure of one was one of all: nothing begins any more
}

// fall is where a host failed, and whether it was lost.
type fall struct {
	path string
	lost bool
}

// A waiter waits until hosts have reported everything before a path.
type waiter struct {
	by    string
	hosts []string
	path  string
	ready chan struct{}
}

// once is what a task with run_once came to.
type once struct {
	leader string // who does it: chosen when all have come as far
	done   chan struct{}
	fields map[string]any
	failed bool
	ran    bool
	facts  map[string]Var
	said   map[string]any

	over   bool // done is closed
	passed bool // the leader dropped out: another one was chosen
}

func newBatch(place Place, hosts []string) *batch {
	return &batch{
		place: place, hosts: hosts, reached: map[string]string{}, over: map[string]bool{},
		failed: map[string]fall{}, once: map[string]*once{}, out: map[string][]string{},
	}
}

// beyond sorts after all that is inside a path, and before what follows it.
func beyond(path string) string { return path + "~" }

// reach notes how far a host has come.
func (b *batch) reach(host, path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if path > b.reached[host] {
		b.reached[host] = path
		b.wake()
	}
}

// leave notes that a host takes no further part, and how it fell if it did.
func (b *batch) leave(host string, how *fall) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over[host] = true
	if how != nil && how.path >= b.forgave {
		b.failed[host] = *how
	}
	for path := range b.once {
		b.passOn(path, host)
	}
	b.wake()
}

// fail notes that a host failed, although it may go on for a while.
func (b *batch) fail(host, path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed[host] = fall{path: path}
}

// forgive lets hosts that failed before a path take part in the next play.
func (b *batch) forgive(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed, b.forgave = map[string]fall{}, path
}

// standing are those of hosts that did not fail before a path; waits tells that others
// of the batch have yet to come there.
func (b *batch) standing(hosts []string, host, path string) (left []string, waits bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range b.hosts {
		waits = waits || h != host && !b.over[h] && b.reached[h] < path
	}
	for _, h := range hosts {
		if how, fell := b.failed[h]; !fell || how.path >= path {
			left = append(left, h)
		}
	}
	return left, waits
}

// wake lets those go on that have nobody left to wait for.
func (b *batch) wake() {
	b.waiting = slices.DeleteFunc(b.waiting, func(w *waiter) bool {
		for _, h := range w.hosts {
			if !b.over[h] && b.reached[h] < w.path {
				return false
			}
		}
		close(w.ready)
		return true
	})
}

// wanted tells whether somebody waits for a host that has come to a path.
func (b *batch) wanted(host, path string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.waiting {
		if w.by != host && w.path <= path && slices.Contains(w.hosts, host) {
			return true
		}
	}
	return false
}

// await waits until hosts have reported everything before a path.
func (b *batch) await(ctx context.Context, r Runner, host string, hosts []string, path string) error {
	b.mu.Lock()
	w := &waiter{by: host, path: path, ready: make(chan struct{})}
	for _, h := range hosts {
		if h != host && slices.Contains(b.hosts, h) {
			w.hosts = append(w.hosts, h)
		}
	}
	b.waiting = append(b.waiting, w)
	b.wake()
	b.mu.Unlock()
	return r.Wait(ctx, host, w.ready)
}

// behind tells whether a host has yet to report what comes before a path.
func (b *batch) behind(host, path string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.hosts, host) && !b.over[host] && b.reached[host] < path
}

// leader is the first host that takes part in the task with run_once at a path.
func (b *batch) leader(path string) string {
	for _, h := range b.hosts {
		if !b.over[h] && !b.fell(h) && !slices.Contains(b.out[path], h) {
			return h
		}
	}
	return ""
}

// decline notes that a host takes no part in the task with run_once at a path: something before it failed.
func (b *batch) decline(host, path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out[path] = append(b.out[path], host)
	if b.once[path] != nil {
		b.passOn(path, host)
	}
}

// passOn chooses another leader if this host was to be it. The others chose it when all had come as far, maybe before
// it knew that it had failed.
func (b *batch) passOn(path, host string) {
	o := b.once[path]
	if o.over || o.leader != host {
		return
	}
	o.over, o.passed = true, true
	b.once[path] = &once{done: make(chan struct{}), leader: b.leader(path)}
	close(o.done)
}

// finish lets those go on that wait for the leader.
func (b *batch) finish(o *once) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !o.over {
		o.over = true
		close(o.done)
	}
}

func (b *batch) fell(host string) bool {
	_, fell := b.failed[host]
	return fell
}

// failures counts the hosts that failed, and those of them that were lost.
func (b *batch) failures() (all, lost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, how := range b.failed {
		if how.lost {
			lost++
		}
	}
	return len(b.failed), lost
}

// stop keeps all hosts from going on.
func (b *batch) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fatal = true
}

// breakOff notes that a failure of one host was one of all.
func (b *batch) breakOff() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = true
}

// end keeps all hosts from going on, for no fault of theirs; with all those of
// later batches too.
func (b *batch) end(all bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fatal = true
	b.ended = b.ended || all
}

func (b *batch) stopped() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fatal
}

// at is what a task with run_once at a path came to, or will come to.
func (b *batch) at(path string) *once {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.once[path] == nil {
		b.once[path] = &once{done: make(chan struct{}), leader: b.leader(path)}
	}
	return b.once[path]
}
