package sim

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"eucactl/cloud"
	"eucactl/controller"
)

// rest lets faults end and everything settle: laws 1 to 5.
func (w *world) rest() {
	w.say("faults end")
	w.deliver()
	clear(w.down)
	w.edits(w.flushed, w.site)
	for _, name := range w.names[1:] {
		dead := w.isDead(name)
		if dead && w.seed%2 == 0 {
			continue // it never comes back
		}
		w.powerOn(name)
		if dead {
			w.send(request{cloud.Admin, "DeclareDead", "", cloud.DeclareDead{Host: name, Undo: true}, nil})
		}
	}
	w.settles(true)
	w.flowsAreOfToday(w.store.View())
	w.metadataIsNear()
	w.deterministic()
	if w.seed%8 == 0 {
		w.convergent()
	}
	for _, in := range w.store.View().Instances() {
		if in.Want == cloud.Running {
			w.mayEnd[string(in.ID)] = true
			w.send(request{in.Owner, "TerminateInstances", "", cloud.TerminateInstances{IDs: []string{string(in.ID)}}, nil})
		}
	}
	w.settles(false)
	w.conserving()
}

// settles reconciles until every host says only ok, which must not take long, and with
// idempotent once more.
func (w *world) settles(idempotent bool) {
	for range 4 {
		r, err := w.reconcile(controller.Reconcile{})
		if err != nil {
			w.breach("3 convergent", "%v", err)
		}
		w.takesOver(r)
		w.judge()
		if w.quiet(r) && !idempotent {
			return
		} else if w.quiet(r) {
			before := w.dumps()
			again, err := w.reconcile(controller.Reconcile{})
			if err != nil || !w.quiet(again) {
				w.breach("1 idempotent", "once more: %s", outcomes(again, err))
			}
			for name, text := range w.dumps() {
				if text != before[name] {
					w.breach("1 idempotent", "a reconcile that said ok changed %s:\n%s", name, difference(before[name], text))
				}
			}
			return
		}
	}
	r, err := w.reconcile(controller.Reconcile{})
	w.breach("3 convergent", "it does not come to rest: %s", outcomes(r, err)+details(r))
}

func details(r controller.Reconciled) string {
	var b strings.Builder
	for _, h := range r.Hosts {
		for _, t := range h.Tasks {
			fmt.Fprintf(&b, "\n%s: %s: %s: %s", h.Host, t.Name, t.Outcome, t.Words)
		}
	}
	return b.String()
}

func (w *world) quiet(r controller.Reconciled) bool {
	for _, h := range r.Hosts {
		if h.Outcome != controller.HostOK && h.Outcome != controller.HostDead {
			return false
		}
	}
	return true
}

// takesOver is what an operator does after a restored backup has had its way.
func (w *world) takesOver(r controller.Reconciled) {
	for _, h := range r.Hosts {
		if h.Outcome == controller.HostFenced {
			if !w.usurped[h.Host] {
				w.breach("the fence holds", "%s refuses its own controller", h.Host)
			}
			w.send(request{cloud.Admin, "TakeOver", "", cloud.TakeOver{Host: h.Host}, nil})
		}
	}
}

// deterministic: the same records give the same plans and the same answers.
func (w *world) deterministic() {
	if !reflect.DeepEqual(w.plans(), w.plans()) {
		w.breach("2 deterministic", "two compilations differ")
	}
	for _, verb := range controller.Verbs() {
		if !strings.HasPrefix(verb, "Describe") {
			continue
		}
		_, a, err := ask[any](w, cloud.Admin, verb, map[string]bool{"all": true})
		_, b, again := ask[any](w, cloud.Admin, verb, map[string]bool{"all": true})
		if err != nil || again != nil || string(a.Body) != string(b.Body) {
			w.breach("2 deterministic", "%s:\n%s %v\n%s %v", verb, a.Body, err, b.Body, again)
		}
	}
}

// conserving: when everything is terminated, nothing is left but what users hold.
func (w *world) conserving() {
	tx := w.store.View()
	elastic := 0
	for _, a := range tx.Addresses() {
		if !a.Elastic {
			w.breach("5 conserving", "%+v is left", a)
		}
		elastic++
	}
	if claims := tx.Claims(""); len(claims) != elastic || len(tx.Networks()) > 0 {
		w.breach("5 conserving", "%d claims for %d elastic addresses, %d networks", len(claims), elastic, len(tx.Networks()))
	}
	for _, name := range w.names {
		if w.isDead(name) {
			continue
		}
		if left := w.machines[name].Folders(); len(left) > 0 {
			w.breach("5 conserving", "%s still has %v", name, left)
		}
		for id, d := range w.machines[name].Domains() {
			if _, ours := w.private[id]; ours {
				w.breach("5 conserving", "%s still has %s, %s", name, id, d.State)
			}
		}
	}
	if flows := w.machines[w.front()].Flows(); len(flows) > 0 {
		w.breach("5 conserving", "flows of ended guests are still tracked: %v", flows)
	}
}

// convergent: a host that has gone through all this is the same as one that never was
// anything else than what the records say: law 3.
func (w *world) convergent() {
	twin, err := newTwin(w)
	if err != nil {
		w.breach("3 convergent", "a second world: %v", err)
	}
	defer func() { _ = twin.close() }()
	if _, err := twin.reconcile(controller.Reconcile{}); err != nil {
		w.breach("3 convergent", "a second world: %v", err)
	}
	w.tally.Checks++
	plans := w.plans()
	for _, name := range w.names {
		if w.isDead(name) {
			continue
		}
		if n := plans[name].Node; n != nil && len(n.Machines) == 0 {
			continue // it is left alone, whatever it is like
		}
		a, b := lasting(twin.machines[name].Dump()), lasting(w.machines[name].Dump())
		if b = without(b, a); a != b {
			w.breach("3 convergent", "%s is not as a new host would be (- new, + this one):\n%s", name, difference(a, b))
		}
	}
}

// lasting leaves out what passes: tracked flows, known neighbours, and with which
// definition a machine runs now (a change waits for its next start).
func lasting(text string) string { return passing.ReplaceAllString(text, "") }

var passing = regexp.MustCompile(`(?m) live=\w+|^(flow|neighbour) .*\n`)

// without leaves out what stays on a host on purpose, as far as the new one lacks it:
// cached images, and the folders of users.
func without(text, fresh string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		stays := strings.HasPrefix(line, "file /var/lib/eucactl/host/images") || usersFolder.MatchString(line)
		if !stays || strings.Contains(fresh, line) {
			out.WriteString(line)
		}
	}
	return out.String()
}

var usersFolder = regexp.MustCompile(`^file /var/lib/eucalyptus(/instances(/[a-z]+)?)? folder `)

// newTwin is a world with the same records and new hosts.
func newTwin(w *world) (*world, error) {
	twin := bare(w.Stage, w.seed)
	twin.edit, twin.site, twin.now, twin.given = w.edit, w.site, w.now, w.given
	var err error
	twin.life, err = twin.born(leftOf(w.fs, 100, 0))
	return twin, err
}
