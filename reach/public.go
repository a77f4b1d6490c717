package reach

import (
	"fmt"
	"net/netip"
	"slices"

	"eucactl/cloud"
)

func publicWords(w *walk) string {
	if !w.public() {
		return ""
	}
	return fmt.Sprintf("%s: %s is up and has %s", w.front.Name, w.Path.front.PubInterface, w.Instance.Public)
}

// publicAddress: the frontend must answer for the public address where the world is.
func (w *walk) publicAddress() *cloud.Finding {
	const what = "the interface towards the world"
	dev, ip := w.Path.front.PubInterface, w.Instance.Public
	l, there := w.front.link(dev)
	if !there {
		return &cloud.Finding{Words: fmt.Sprintf("there is no %s, %s", dev, what), Next: []string{"look at vnet_pubinterface, and at the interfaces of " + w.front.Name}}
	}
	if f := linkUp(w.front, l, what); f != nil {
		return f
	}
	if f := w.noARP(l, what); f != nil {
		return f
	}
	at, has := w.front.has(ip)
	next := []string{"eucactl reconcile " + w.front.Name}
	evidence := []string{fmt.Sprintf("ip -4 addr show %s: %s", dev, joinPrefixes(l.Addresses))}
	ignore := w.front.setting("arp_ignore", dev)
	here := slices.ContainsFunc(l.Addresses, func(p netip.Prefix) bool { return p.Addr() == ip })
	switch {
	case !has:
		return &cloud.Finding{Words: fmt.Sprintf("%s has no address %s", dev, ip), Evidence: evidence, Next: next}
	case !here:
		next = append([]string{fmt.Sprintf("on %s: ip addr del %s/32 dev %s", w.front.Name, ip, at)}, next...)
		return &cloud.Finding{Words: fmt.Sprintf("%s has no address %s: it is on %s", dev, ip, at), Evidence: evidence, Next: next}
	case ignore == 2 || ignore == 8:
		return w.ignores(dev, ip, ignore)
	case l.MTU > 0 && l.MTU < leastMTU:
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s, %s, takes only %d bytes a packet", dev, what, l.MTU),
			Evidence: []string{fmt.Sprintf("ip link show %s: mtu %d", dev, l.MTU)}, Next: []string{fmt.Sprintf("on %s: ip link set %s mtu %d", w.front.Name, dev, frame)},
		}
	}
	return nil
}

// leastMTU is what every link towards the world has these days, tunnels too.
const leastMTU = 1280

// ignores: 8 answers nobody, 2 only who is in the address's own network, and that
// of a public address is itself alone.
func (w *walk) ignores(dev string, ip netip.Addr, value int) *cloud.Finding {
	return &cloud.Finding{
		Words:    fmt.Sprintf("%s does not answer ARP for %s: arp_ignore is %d", dev, ip, value),
		Evidence: []string{fmt.Sprintf("sysctl net.ipv4.conf.%s.arp_ignore or net.ipv4.conf.all.arp_ignore: %d", dev, value)},
		Next:     []string{fmt.Sprintf("on %s: sysctl -w net.ipv4.conf.%s.arp_ignore=0 net.ipv4.conf.all.arp_ignore=0", w.front.Name, dev)},
	}
}

func publicAlone(w *walk) string {
	if !w.public() {
		return ""
	}
	return fmt.Sprintf("%s: nobody else answers for %s", w.front.Name, w.Instance.Public)
}

func (w *walk) publicIsItsOwn() *cloud.Finding {
	mac, other := w.another(w.Instance.Public)
	if !other {
		return nil
	}
	return &cloud.Finding{
		Words:    fmt.Sprintf("another machine out there has its public address %s: %s", w.Instance.Public, mac),
		Evidence: []string{fmt.Sprintf("arping -I %s %s: %s answers", w.Path.front.PubInterface, w.Instance.Public, mac)},
		Next:     []string{"find the machine with " + mac + " and take the address from it, or leave the address out of vnet_publicips"},
	}
}

// source is an address that a want may come from: of those outside, one in the
// frontend's own public network if it may be.
func (w *walk) source(x want) netip.Addr {
	if !x.from.IsValid() || x.from.IsSingleIP() {
		return x.from.Addr()
	}
	if w.Path.front != nil {
		l, _ := w.front.link(w.Path.front.PubInterface)
		for _, p := range l.Addresses {
			if p.Addr().Is4() && !p.IsSingleIP() {
				if a := neighbourOf(w.front, p); x.from.Contains(a) {
					return a
				}
			}
		}
	}
	return x.from.Masked().Addr().Next()
}

// neighbourOf is an address of the network that is not the host's own.
func neighbourOf(h *Host, p netip.Prefix) netip.Addr {
	for a := p.Masked().Addr().Next(); p.Contains(a); a = a.Next() {
		if _, own := h.has(a); !own {
			return a
		}
	}
	return p.Masked().Addr().Next()
}

// entrance is the interface by which a want comes to the frontend.
func (w *walk) entrance(x want) string {
	if !x.guest {
		return w.Path.front.PubInterface
	}
	for _, a := range w.Path.front.Addresses {
		if a.CIDR.Contains(x.from.Addr()) {
			return a.Dev
		}
	}
	return w.gateway.Dev
}

// exact tells whether it is known who asks, and not only who might.
func (w *walk) exact(x want) bool {
	return w.from.IsValid() || x.from.IsSingleIP()
}

func sourceWords(w *walk) string {
	if !w.routed() {
		return ""
	}
	return w.front.Name + ": answers find their way back, and rp_filter lets the questions in"
}

// wayBack: the kernel drops packets from where it would not send (rp_filter), and
// answers need a route.
func (w *walk) wayBack() *cloud.Finding {
	for _, x := range w.wants {
		if w.direct(x) {
			continue
		}
		if f := w.findsBack(x); f != nil {
			return f
		}
	}
	return nil
}

func (w *walk) findsBack(x want) *cloud.Finding {
	in := w.entrance(x)
	p := packet{src: w.port.IP, dst: w.source(x), in: w.gateway.Dev}
	way, found, sure := lookup(w.front.Routing, &p)
	strict := w.front.setting("rp_filter", in)
	if !sure || !w.exact(x) && !(found && way.Dev != in) {
		return nil
	}
	get := fmt.Sprintf("ip route get %s: ", p.dst)
	switch {
	case !found:
		return &cloud.Finding{
			Words: fmt.Sprintf("%s has no route back to %s", w.front.Name, p.dst), Evidence: []string{get + "unreachable"},
			Next: []string{fmt.Sprintf("on %s: ip route add default via ROUTER dev %s", w.front.Name, in)},
		}
	case way.Type != "unicast":
		return &cloud.Finding{
			Words: fmt.Sprintf("a route of %s refuses the answers to %s: %s", w.front.Name, p.dst, spell(way)), Evidence: []string{get + spell(way)},
			Next: []string{w.unroute(way)},
		}
	case way.Dev != in && strict == 1:
		return &cloud.Finding{
			Words:    fmt.Sprintf("rp_filter drops packets from %s that come in by %s: the way back is %s", p.dst, in, way.Dev),
			Evidence: []string{get + spell(way), fmt.Sprintf("sysctl net.ipv4.conf.%s.rp_filter (or all): %d", in, strict)},
			Next:     []string{w.unroute(way), fmt.Sprintf("or on %s: sysctl -w net.ipv4.conf.%s.rp_filter=2", w.front.Name, in)},
		}
	case way.Dev != in:
		w.unseen(fmt.Sprintf("%s: where answers to %s go: out of %s, not of %s (%s)", w.front.Name, p.dst, way.Dev, in, spell(way)))
	}
	return nil
}
