package sim

import (
	"net/netip"

	"eucactl/plan"
	"eucactl/sim/policy"
)

// guarded: nothing that comes from a network gets to the frontend's loopback, or from
// it, but guests' requests for their metadata.
func (w *world) guarded() {
	m := w.machines[w.front()]
	guest, listener := netip.MustParseAddr("10.50.0.70"), netip.MustParseAddrPort(plan.MetadataListener)
	metadata := netip.MustParseAddr(plan.MetadataAddress)
	local, home := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.53")
	for _, in := range []string{"eth0", "eth1", "eth0.10", "eth0.11"} {
		for _, src := range []netip.Addr{guest, world1, local, home} {
			for _, dst := range []netip.AddrPort{
				listener, netip.AddrPortFrom(local, 22), netip.AddrPortFrom(home, 53), netip.AddrPortFrom(metadata, 80), netip.AddrPortFrom(metadata, 22),
			} {
				p := policy.Packet{In: in, Src: src, Dst: dst.Addr(), Proto: "tcp", Port: int(dst.Port()), State: "NEW", Syn: true}
				to, enters := m.Enters(p)
				lawful := src == guest && dst == netip.AddrPortFrom(metadata, 80) && to == listener
				w.tally.Checks++
				if enters && (to.Addr().IsLoopback() || src.IsLoopback()) && !lawful {
					w.breach("7 closed", "the frontend lets %s in to %s", p, to)
				}
			}
		}
	}
}

// metadataIsNear: guests' requests get to where eucactl serve listens, whichever
// interface they come in by.
func (w *world) metadataIsNear() {
	h, _ := w.c.Inventory.Host(w.front())
	f := plan.Compile(w.store.View(), w.c.Inventory, h).Frontend
	metadata := netip.MustParseAddr(plan.MetadataAddress)
	for _, a := range f.Addresses {
		if a.CIDR.Addr() != metadata {
			continue
		}
		p := policy.Packet{In: a.Dev, Src: f.Subnet.Addr().Next(), Dst: metadata, Proto: "tcp", Port: 80, State: "NEW", Syn: true}
		if to, enters := w.machines[w.front()].Enters(p); !enters || to.String() != plan.MetadataListener {
			w.breach("3 convergent", "by %s a guest's request for its metadata gets to %s: %v", a.Dev, to, enters)
		}
	}
}
