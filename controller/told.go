package controller

import (
	"reflect"
	"sync"

	"eucactl/plan"
	"eucactl/state"
)

// told remembers which plan each host has carried out whole, since this process
// began and as long as no other program was sent to it.
type told struct {
	mu sync.Mutex
	by map[string]*order
}

// order is a plan that a host has carried out. Rev is the newest revision of the
// records that is known to give this very plan.
type order struct {
	plan plan.Host
	rev  uint64
}

// forget: a program is on its way, and nobody knows yet how far it will come.
func (t *told) forget(host string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, host)
}

func (t *told) carriedOut(host string, p plan.Host, rev uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = map[string]*order{}
	}
	t.by[host] = &order{p, rev}
}

// rev is the newest revision whose plan the host is known to have carried out, not
// older than least.
func (t *told) rev(host string, least uint64) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o, ok := t.by[host]; ok {
		return max(o.rev, least)
	}
	return least
}

// plan is what the host was left with.
func (t *told) plan(host string) (p plan.Host, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o, ok := t.by[host]
	if ok {
		p = o.plan
	}
	return p, ok
}

// isCarriedOut compares the plan of a revision with the one that the host was left
// with.
func (t *told) isCarriedOut(host string, p plan.Host, rev uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	o, ok := t.by[host]
	if !ok || !reflect.DeepEqual(o.plan, p) {
		return false
	}
	o.rev = max(o.rev, rev)
	return true
}

// Behind are the hosts that have not carried out, as far as this process knows, what
// the records say now.
func (c *Controller) Behind() (names []string) {
	tx := c.Store.View()
	for _, h := range c.Inventory.Hosts() {
		if c.isBehind(tx, h.Name) {
			names = append(names, h.Name)
		}
	}
	return names
}

func (c *Controller) isBehind(tx *state.Tx, host string) bool {
	h, ok := c.Inventory.Host(host)
	if _, dead := tx.DeadHost(host); dead || !ok {
		return false // not contacted
	}
	return !c.told.isCarriedOut(host, plan.Compile(tx, c.Inventory, h), tx.Rev())
}
