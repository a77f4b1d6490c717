package controller

import (
	"context"
	"fmt"
	"slices"

	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/preflight"
	"eucactl/tasks"
)

// untagged pings between the hosts' own addresses on the guests' segment. Nothing is
// made.
func (t *trial) untagged(ctx context.Context) {
	t.meet(ctx)
	defer t.part()
	t.together(func(e *end) (err error) {
		e.links, err = asked(ctx, e, tasks.Env{More: !t.req.Check}, facts.Section{Name: "links", Script: facts.LinksScript}, facts.ReadLinks)
		return err
	})
	for _, e := range t.present() {
		if !e.address() {
			e.out = true
			t.note(e, fmt.Sprintf("has no IPv4 address on %s, so the way between it and others was not tried", e.dev), "ip addr show "+e.dev, "")
		}
	}
	if t.req.Check {
		for _, e := range t.present() {
			t.out.Would = append(t.out.Would, fmt.Sprintf("%s: ping the others from %s, %s", e.host.Name, e.dev, e.peer.Addr))
		}
		return
	}
	if len(t.present()) > 1 {
		t.ping(ctx, tasks.Env{More: true})
		t.judgePairs(pairs(t.present()), wire{
			what: "frames", fix: "look at the cables, the switch's ports, and what the interfaces are plugged into: eucactl check hosts",
		})
	}
}

// address takes the host's first address on the segment.
func (e *end) address() bool {
	for _, link := range e.links {
		if link.Name != e.dev {
			continue
		}
		for _, p := range link.Addresses {
			if p.Addr().Is4() {
				e.peer.Addr = p.Addr()
				return true
			}
		}
	}
	return false
}

// lookForDHCP asks on the guests' segment for an address, from one node, as a machine
// that nobody knows. Ours does not answer it. In SYSTEM it is somebody else's that
// guests need, and in MANAGED guests are on segments of their own.
func (t *trial) lookForDHCP(ctx context.Context) {
	i := slices.IndexFunc(t.ends, func(e *end) bool { return e.host.IsNode })
	mode := t.cluster.Network.Mode
	if i < 0 || mode == inventory.System || mode == inventory.Managed {
		return
	}
	e := t.ends[i]
	if t.req.Check {
		t.out.Would = append(t.out.Would, fmt.Sprintf("%s: ask on %s for an address that it does not take", e.host.Name, e.dev))
		return
	}
	rep, err := t.c.ask(ctx, t.tx, e.host, facts.Section{Name: "offers", Script: facts.Offers(e.dev)})
	if err != nil {
		return // which is said where its way to others is tried
	}
	t.out.Checks++
	switch o, err := heard(e, rep, "offers", facts.ReadOffer); {
	case err != nil:
		t.note(e, "could not ask for other DHCP servers on "+e.dev, lastLine(rep.Sections["offers"].Words), "")
	case o.Server != "":
		t.finds(preflight.Warning, e, fmt.Sprintf("another DHCP server answers on %s, where guests are: they may get its addresses", e.dev),
			fmt.Sprintf("udhcpc: %s offered %s", o.Server, o.Address), "stop it, or keep it from answering what it does not know")
	default:
		t.out.Done = append(t.out.Done, "no other DHCP server answers on "+e.dev+" of "+e.host.Name)
	}
}
