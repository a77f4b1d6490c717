package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/facts"
)

func bridgedWords(w *walk) string {
	return w.node.Name + ": no rule on the bridge stops ARP, leases or its packets, and nobody else there has its MAC"
}

// bridgePasses takes frames both ways over the node's bridge: through the rules of
// bridges, and through those for routed packets where the kernel is told to ask
// them too (br_netfilter).
func (w *walk) bridgePasses() *cloud.Finding {
	if f := w.macIsItsOwn(); f != nil {
		return f
	}
	up := w.uplinkPort()
	for _, p := range w.frames(up) {
		if f := w.crossBridge(p); f != nil {
			return f
		}
	}
	return nil
}

// uplinkPort is the port behind which the frontend is: where it was heard, or the
// one that leads out.
func (w *walk) uplinkPort() string {
	for _, s := range w.node.Heard.Senders {
		if s.Bridge == w.machine.Bridge && s.MAC == w.frontMAC() && !s.Own {
			return s.Port
		}
	}
	if s, tagged := w.nodeSegment(); tagged {
		return s.Link
	}
	for _, l := range w.node.ports(w.machine.Bridge) {
		if leadsOut(l) {
			return l.Name
		}
	}
	return ""
}

// frontMAC is that of the frontend's private interface.
func (w *walk) frontMAC() string {
	l, _ := w.front.link(w.gateway.Dev)
	return strings.ToLower(l.MAC)
}

// bridgeFrame is a frame on its way over the bridge, and what it is to people.
type bridgeFrame struct {
	what string
	packet
}

// frames are those that must cross the bridge, in the order of a guest's life.
func (w *walk) frames(up string) (list []bridgeFrame) {
	guest, front, all := strings.ToLower(w.port.MAC), w.frontMAC(), "ff:ff:ff:ff:ff:ff"
	base := packet{inbridge: w.machine.Bridge, bridged: true, vlan: 0, state: "new", local: func(a netip.Addr) bool { _, ok := w.node.has(a); return ok }}
	out, in := base, base
	out.physin, out.physout, out.smac, out.dmac = w.card.Tap, up, guest, front
	in.physin, in.physout, in.smac, in.dmac = up, w.card.Tap, front, guest
	if w.managed() {
		ask, offer := out, in
		ask.ether, ask.proto, ask.sport, ask.dport, ask.dmac, ask.broadcast = "ip", "udp", 68, 67, all, true
		ask.src, ask.dst = netip.IPv4Unspecified(), netip.AddrFrom4([4]byte{255, 255, 255, 255})
		offer.ether, offer.proto, offer.sport, offer.dport, offer.src, offer.dst = "ip", "udp", 67, 68, w.gateway.CIDR.Addr(), w.port.IP
		list = append(list, bridgeFrame{"the guest's question for a lease", ask}, bridgeFrame{"the answer with its lease", offer})
		who, here := in, out
		who.ether, who.arpop, who.dmac, who.broadcast, who.src, who.dst = "arp", "request", all, true, w.gateway.CIDR.Addr(), w.port.IP
		here.ether, here.arpop, here.src, here.dst = "arp", "reply", w.port.IP, w.gateway.CIDR.Addr()
		list = append(list, bridgeFrame{"ARP for " + w.port.IP.String(), who}, bridgeFrame{"the guest's answers to ARP", here})
	}
	for _, x := range w.wants {
		from := w.source(x)
		to, back := in, out
		to.ether, to.proto, to.dport, to.src, to.dst = "ip", x.proto, x.port, from, w.port.IP
		back.ether, back.proto, back.dport, back.src, back.dst = "ip", x.proto, x.port, w.port.IP, from
		back.state, back.reply = "established", true
		if w.direct(x) {
			to.smac, to.physin, back.dmac, back.physout = "", "", "", ""
		}
		list = append(list, bridgeFrame{x.String() + " to it", to}, bridgeFrame{"its answers to " + x.String(), back})
	}
	return list
}

// crossBridge takes one frame through all that looks at it.
func (w *walk) crossBridge(b bridgeFrame) *cloud.Finding {
	p := b.packet
	p.in, p.out = p.physin, p.physout
	for _, hook := range []string{"ingress", "prerouting", "forward", "postrouting"} {
		families := []string{"bridge"}
		if hook == "ingress" {
			families = []string{"netdev"}
		}
		got := w.node.pass(hook, &p, families...)
		w.doubt(w.node, got.doubts...)
		if got.stopped != nil {
			return w.stopped(w.node, got.stopped, b.what)
		}
	}
	switch {
	case p.ether == "ip" && w.node.callsIP(w.machine.Bridge):
		return w.crossIP(b)
	case p.ether == "arp" && number(w.node.Settings["bridge/bridge-nf-call-arptables"]) > 0:
		return w.crossARP(b)
	}
	return nil
}

// callsIP: bridged packets meet the rules for routed ones too.
func (h *Host) callsIP(string) bool { return number(h.Settings["bridge/bridge-nf-call-iptables"]) > 0 }

// crossIP: there the packet comes in and goes out by the bridge.
func (w *walk) crossIP(b bridgeFrame) *cloud.Finding {
	p := b.packet
	p.in, p.out = p.inbridge, p.inbridge
	for _, hook := range []string{"prerouting", "forward", "postrouting"} {
		got := w.node.pass(hook, &p, "ip", "inet")
		w.doubt(w.node, got.doubts...)
		if got.stopped != nil {
			f := w.stopped(w.node, got.stopped, b.what)
			f.Evidence = append(f.Evidence, "sysctl net.bridge.bridge-nf-call-iptables: 1, so bridged packets meet iptables")
			f.Next = append(f.Next, fmt.Sprintf("or, if %s routes for nobody, let bridged packets alone: sysctl -w net.bridge.bridge-nf-call-iptables=0", w.node.Name))
			return f
		}
	}
	return nil
}

func (w *walk) crossARP(b bridgeFrame) *cloud.Finding {
	p := b.packet
	p.in, p.out = p.physin, p.physout
	got := w.node.pass("forward", &p, "arp")
	w.doubt(w.node, got.doubts...)
	if got.stopped == nil {
		return nil
	}
	return w.stopped(w.node, got.stopped, b.what)
}

// stopped blames a rule that is not ours, or what is missing in our own table.
func (w *walk) stopped(h *Host, at *place, what string) *cloud.Finding {
	if at.table.Tool == "nft" && strings.HasPrefix(at.table.Name, "eucactl_") {
		return &cloud.Finding{
			Words:    fmt.Sprintf("the table %s, which lets guests send as themselves only, stops %s: it is not as planned", at.table.Name, what),
			Evidence: []string{at.words()}, Next: []string{"eucactl reconcile " + h.Name},
		}
	}
	f := &cloud.Finding{Words: fmt.Sprintf("a rule that is not eucactl's stops %s: %s", what, at.words()), Evidence: []string{at.words()}}
	if at.rule == nil {
		f.Words = fmt.Sprintf("nothing lets %s through: %s", what, at.words())
		f.Next = []string{fmt.Sprintf("on %s: let it pass there, or set the policy of %s to ACCEPT", h.Name, at.chain.Name)}
		return f
	}
	f.Next = []string{"on " + h.Name + ": " + removal(at)}
	return f
}

// removal is the command that takes a rule away.
func removal(at *place) string {
	rest, saved := strings.CutPrefix(at.rule.Text, "-A ")
	if !saved {
		return fmt.Sprintf("see nft -a list chain %s %s %s", at.table.Family, at.table.Name, at.chain.Name)
	}
	return fmt.Sprintf("%s -t %s -D %s", at.table.Tool, at.table.Name, rest)
}

// macIsItsOwn: a bridge sends to where it heard an address last.
func (w *walk) macIsItsOwn() *cloud.Finding {
	mac := strings.ToLower(w.port.MAC)
	for _, s := range append(slices.Clone(w.node.Earlier.Senders), w.node.Heard.Senders...) {
		if s.MAC != mac || s.Bridge != w.machine.Bridge || s.Port == w.card.Tap {
			continue
		}
		f := &cloud.Finding{
			Words:    fmt.Sprintf("somebody else has its MAC %s: %s hears it at %s, not at %s", w.port.MAC, w.machine.Bridge, s.Port, w.card.Tap),
			Evidence: []string{fmt.Sprintf("bridge fdb show: %s dev %s", s.MAC, s.Port)},
			Next:     []string{"find the machine behind " + s.Port + " of " + w.node.Name + " that has this MAC"},
		}
		if s.Own {
			f.Words = fmt.Sprintf("%s sends frames for its MAC %s to %s, not to %s: an entry made by hand", w.machine.Bridge, w.port.MAC, s.Port, w.card.Tap)
			f.Next = []string{fmt.Sprintf("on %s: bridge fdb del %s dev %s master", w.node.Name, s.MAC, s.Port)}
		}
		return f
	}
	return nil
}

// heard is when the bridge heard a MAC last, if it did: at the port, on the way.
func (w *walk) heard(mac string, port string) (facts.Sender, bool) {
	for _, s := range w.node.Heard.Senders {
		if s.MAC == strings.ToLower(mac) && s.Bridge == w.machine.Bridge && !s.Own && (port == "" || s.Port == port) {
			return s, true
		}
	}
	return facts.Sender{}, false
}
