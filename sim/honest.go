package sim

import (
	"fmt"
	"reflect"

	"eucactl/controller"
	"eucactl/plan"
	"eucactl/tasks"
)

// check asks what would be done, and then does it: law 6.
func (w *world) check() {
	before, plans, joined := w.dumps(), w.plans(), w.joined
	ask, err := w.checked()
	if w.dead() || err != nil || w.joined != joined {
		return
	}
	for name, text := range w.dumps() {
		if text != before[name] {
			w.breach("6 honest", "a check changed %s:\n%s", name, difference(before[name], text))
		}
	}
	clear(w.troubles) // what was foretold does not foresee them
	down := len(w.down) + len(w.off)
	did, err := w.reconcile(controller.Reconcile{})
	if w.dead() || err != nil || down > 0 || !reflect.DeepEqual(plans, w.plans()) {
		return
	}
	w.tally.Checks++
	for _, h := range did.Hosts {
		foretold := outcomesOf(ask, h.Host)
		for _, t := range h.Tasks {
			if was := foretold[t.Name]; t.Outcome == string(tasks.Changed) && was != string(tasks.Would) && was != string(tasks.Unknown) {
				w.breach("6 honest", "%s: %q changed, and the check had said %q", h.Host, t.Name, was)
			}
		}
		became := outcomesOf(did, h.Host)
		for name, was := range foretold {
			if is := became[name]; was == string(tasks.Would) && is != string(tasks.Changed) && !tasks.Outcome(is).Bad() && is != string(tasks.Skipped) {
				w.breach("6 honest", "%s: the check had said that %q would change, and it was %q", h.Host, name, is)
			}
		}
	}
}

// checked is a check of every host; only if all answered whole it foretells anything.
func (w *world) checked() (controller.Reconciled, error) {
	w.checking = true
	defer func() { w.checking = false }()
	r, err := w.reconcile(controller.Reconcile{Check: true})
	for _, h := range r.Hosts {
		switch h.Outcome {
		case controller.HostOK, controller.HostWould, controller.HostDead:
		default:
			if err == nil {
				err = fmt.Errorf("%s: %s", h.Host, h.Outcome)
			}
		}
	}
	return r, err
}

func outcomesOf(r controller.Reconciled, name string) map[string]string {
	list := map[string]string{}
	for _, h := range r.Hosts {
		if h.Host != name {
			continue
		}
		for _, t := range h.Tasks {
			list[t.Name] = t.Outcome
		}
	}
	return list
}

func (w *world) dumps() map[string]string {
	list := map[string]string{}
	for _, name := range w.names {
		list[name] = w.machines[name].Dump()
	}
	return list
}

func (w *world) plans() map[string]plan.Host {
	list := map[string]plan.Host{}
	tx := w.store.View()
	for _, h := range w.c.Inventory.Hosts() {
		list[h.Name] = plan.Compile(tx, w.c.Inventory, h)
	}
	return list
}
