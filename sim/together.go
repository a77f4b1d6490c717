package sim

import (
	"slices"

	"eucactl/controller"
)

// underway is a reconcile that is under way, as far as a second one needs to know of
// it: it would wait for the hosts that the first still works on, and nobody is there to
// let it wait.
type underway struct {
	around  *underway // the one that it came into
	hosts   []string
	follows bool     // after its first round it may go on to any host
	done    []string // of its first round
}

// begins notes a reconcile, and gives what is to be told of each host's report.
func (w *world) begins(req controller.Reconcile) func(controller.HostReport) {
	u := &underway{around: w.underway, hosts: req.Hosts, follows: req.Follow}
	if u.hosts == nil {
		u.hosts = w.inventoried()
	}
	w.underway = u
	return func(r controller.HostReport) { u.done = append(u.done, r.Host) }
}

func (w *world) ends() { w.underway = w.underway.around }

// holds says whether the reconcile may work on a host, now or before it asks for it again.
func (u *underway) holds(host string) bool {
	if u == nil {
		return false
	}
	first := len(u.done) < len(u.hosts)
	return first && slices.Contains(u.hosts, host) && !slices.Contains(u.done, host) || !first && (u.follows || slices.Contains(u.hosts, host))
}

// meanwhile is what comes while a host is slow, or its answer is under way: a verb of a
// user, or another reconcile. Two reconciles never work on one host at once, so the
// second does what it finds free, and that is before the first has heard its host.
func (w *world) meanwhile(s Step) {
	if w.nested || w.strangers || w.dead() {
		return
	}
	w.nested = true
	defer func() { w.nested = false }()
	w.later(func() {
		if s.Op != "reconcile" {
			w.asks(s, false)
			return
		}
		for _, one := range s.Burst {
			if w.asks(one, false); w.dead() {
				return
			}
		}
		w.joins(s)
	})
}

// joins is a second reconcile.
func (w *world) joins(s Step) {
	free := slices.DeleteFunc(w.inventoried(), w.underway.holds)
	if len(free) == 0 {
		return
	}
	if s.N[1]%3 == 0 {
		free = free[s.N[1]/3%len(free):][:1]
	}
	checking := w.checking
	w.checking = false
	w.joined++
	w.say("meanwhile:")
	w.reconcile(controller.Reconcile{Hosts: free})
	w.checking = checking
}
