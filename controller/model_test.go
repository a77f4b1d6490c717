package controller

import (
	"maps"
	"net/netip"
	"slices"

	"pgregory.net/rapid"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
)

// flight is a program on its way: the plan of an earlier moment.
type flight struct {
	rev  uint64
	plan plan.Host
}

// modelHost is what a host really is, whatever the controller knows of it.
type modelHost struct {
	flight   *flight
	machines map[string]bool // name -> still on (off: its guest switched it off)
	front    map[netip.Addr]netip.Addr
}

// start sends a program to a host that has none; it is of this moment.
func (h *history) start(t *rapid.T) { h.send(h.host(t)) }

func (h *history) send(on *inventory.Host) {
	m := h.models[on.Name]
	if m.flight != nil || h.isDead(on.Name) {
		return
	}
	tx := h.c.Store.View()
	m.flight = &flight{tx.Rev(), plan.Compile(tx, h.c.Inventory, on)}
}

// How a program ends.
const (
	whole  = iota // all was done and said
	failed        // a part was done; the lists are complete
	broken        // a part was done; nobody heard
	late          // all was done; nobody heard
)

func (h *history) finish(t *rapid.T) {
	on := h.host(t)
	h.end(on, rapid.IntRange(whole, late).Draw(t, "how"), func() bool { return rapid.Bool().Draw(t, "done") })
}

// end lets a host's program end. done says of each part whether it was done.
func (h *history) end(on *inventory.Host, how int, done func() bool) {
	m := h.models[on.Name]
	if m.flight == nil {
		return
	}
	f := m.flight
	m.flight = nil
	if how == whole || how == late {
		done = func() bool { return true }
	}
	m.apply(f.plan, done)
	seen, _ := h.c.Store.View().Seen(on.Name)
	now := h.c.Now()
	seen.Host, seen.Tried = on.Name, now
	if how == broken || how == late {
		seen.Problem = "the answer broke off"
	} else {
		h.heard(&seen, on, m, f, how == whole)
	}
	if err := h.c.Store.Observe(seen); err != nil {
		h.t.Fatalf("%v", err)
	}
}

// apply does what a plan orders: absence is no order.
func (m *modelHost) apply(p plan.Host, done func() bool) {
	if p.Node != nil {
		for _, g := range p.Node.Gone {
			if done() {
				delete(m.machines, g.ID)
			}
		}
		for _, one := range p.Node.Machines {
			if _, there := m.machines[one.ID]; !there && done() {
				m.machines[one.ID] = true
			}
		}
	}
	if p.Frontend != nil && p.Frontend.Active && done() {
		m.front = map[netip.Addr]netip.Addr{}
		for _, t := range p.Frontend.Flows.Nat {
			m.front[t.Public] = t.Private
		}
	}
}

func (h *history) heard(seen *cloud.Seen, on *inventory.Host, m *modelHost, f *flight, ran bool) {
	c, _ := h.c.Store.View().Cloud()
	seen.Problem, seen.At, seen.PlanRev, seen.Ran = "", h.c.Now(), f.rev, ran
	seen.Capacity = cloud.Capacity{Cores: 4, Memory: 4096, Disk: 100}
	if on.Frontend && ran {
		seen.FrontRev = f.rev
	}
	if !on.IsNode {
		return
	}
	seen.Domains, seen.DomainsAt, seen.DomainsRev = nil, seen.At, f.rev
	seen.Folders, seen.FoldersRev = nil, f.rev
	for _, name := range slices.Sorted(maps.Keys(m.machines)) {
		d := cloud.SeenDomain{Name: name, Cloud: c.ID, State: "running"}
		if !m.machines[name] {
			d.State, d.Reason, d.PoweredOff = "shut off", "shutdown", true
		}
		seen.Domains, seen.Folders = append(seen.Domains, d), append(seen.Folders, name)
	}
}

// round lets all hosts that are not dead do and say everything.
func (h *history) round() {
	for _, on := range h.c.Inventory.Hosts() {
		h.end(on, late, nil)
		h.send(on)
		h.end(on, whole, nil)
	}
	h.settle()
}
