package sim

import (
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"eucactl/cloud"
	"eucactl/controller"
)

// restored lets a controller loose on a copy of older records: a host that has obeyed
// a newer program refuses it.
func (w *world) restored() {
	if w.backup == nil {
		return
	}
	copied := leftOf(w.backup, 100, 0)
	l, err := w.born(copied)
	if err != nil {
		w.breach("acknowledged requests survive", "a backup does not open: %v", err)
	}
	known := map[string][]string{}
	for _, name := range w.names {
		f, _ := l.store.View().Fence(name)
		seen, _ := l.store.View().Seen(name)
		known[name] = append(slices.Clone(f.Tokens), seen.Token)
	}
	w.say("a controller with the backup's records runs:")
	w.strange(l, func(name string) bool {
		_, token, _ := strings.Cut(w.machines[name].Token(), " ")
		return slices.Contains(known[name], token)
	})
}

// empty lets a controller without any records loose. It is refused; and where an
// operator lets it take the hosts over, it orders nothing.
func (w *world) empty(takesOver bool) {
	l, err := w.born(vfs.NewCrashableMem())
	if err != nil {
		w.breach("acknowledged requests survive", "empty records do not open: %v", err)
	}
	w.say("a controller with empty records runs:")
	if !takesOver {
		w.strange(l, func(string) bool { return false })
		return
	}
	before, openings := w.dumps(), w.openings
	w.others(l, func() {
		r, _ := w.reconcile(controller.Reconcile{})
		for _, h := range r.Hosts {
			if h.Outcome == controller.HostFenced {
				w.send(request{user: cloud.Admin, verb: "TakeOver", body: cloud.TakeOver{Host: h.Host}})
			}
		}
		w.reconcile(controller.Reconcile{})
	})
	w.openings = openings.told(w.machines[w.front()])
	for name, text := range w.dumps() {
		w.usurped[name] = true
		if text != before[name] {
			w.breach("absence is never an order", "empty records changed %s:\n%s", name, difference(before[name], text))
		}
	}
}

// others lets another controller be the one that acts, to its end.
func (w *world) others(l *life, do func()) {
	mine, wreck := w.life, w.wreck
	w.life, w.strangers = l, true
	do()
	w.learnEnds(l.store.View())
	w.openings.refresh(w.machines[w.front()])
	w.life, w.strangers, w.wreck = mine, false, w.wreck || wreck // theirs repairs nothing of ours
	_ = l.store.Close()
	w.tally.Checks++
}

// strange lets another controller run on all hosts. Those that do not know it any more
// must stay as they are.
func (w *world) strange(l *life, knows func(host string) bool) {
	before, tokens, may := w.dumps(), map[string]string{}, map[string]bool{}
	for _, name := range w.names {
		may[name], tokens[name] = knows(name), w.machines[name].Token()
	}
	w.others(l, func() { w.reconcile(controller.Reconcile{}) })
	for name, text := range w.dumps() {
		if may[name] {
			w.usurped[name] = true // or will be, by what lies in wait
			continue
		}
		if w.machines[name].Token() != tokens[name] {
			w.breach("the fence holds", "%s obeyed %s, and had obeyed %s", name, w.machines[name].Token(), tokens[name])
		}
		if text != before[name] {
			w.breach("the fence holds", "a controller that %s does not know changed it:\n%s", name, difference(before[name], text))
		}
	}
}
