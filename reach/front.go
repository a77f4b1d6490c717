package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/facts"
)

func privateWords(w *walk) string {
	if w.gateway.Dev == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s is up", w.front.Name, w.gateway.Dev)
}

// privateLink is the frontend's interface towards the guest.
func (w *walk) privateLink() *cloud.Finding {
	const what = "the interface towards the guests"
	l, there := w.front.link(w.gateway.Dev)
	if !there {
		return &cloud.Finding{
			Words: fmt.Sprintf("there is no %s, %s", w.gateway.Dev, what), Next: []string{"eucactl reconcile " + w.front.Name},
		}
	}
	for _, s := range w.Path.front.Segments {
		if s.Link != l.Name {
			continue
		}
		if f := tagged(w.front, l, s); f != nil {
			return f
		}
	}
	if f := linkUp(w.front, l, what); f != nil {
		return f
	}
	if f := w.noARP(l, what); f != nil {
		return f
	}
	if master, there := w.front.link(l.Master); there && master.Kind == "bridge" {
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s, %s, is plugged into the bridge %s: what arrives there is %s's", l.Name, what, l.Master, l.Master),
			Evidence: []string{"ip link show " + l.Name + ": " + masterWords(l)}, Next: []string{fmt.Sprintf("on %s: ip link set %s nomaster", w.front.Name, l.Name)},
		}
	}
	return linkWide(w.front, l, what)
}

func (w *walk) noARP(l facts.Link, what string) *cloud.Finding {
	if !l.NoARP {
		return nil
	}
	return &cloud.Finding{
		Words: fmt.Sprintf("%s, %s, neither asks nor answers by ARP", l.Name, what), Evidence: []string{"ip link show " + l.Name + ": NOARP"},
		Next: []string{fmt.Sprintf("on %s: ip link set %s arp on", w.front.Name, l.Name)},
	}
}

func gatewayWords(w *walk) string {
	if !w.managed() {
		return ""
	}
	return fmt.Sprintf("%s: %s has the guests' router %s", w.front.Name, w.gateway.Dev, w.gateway.CIDR)
}

func (w *walk) gatewayAddress() *cloud.Finding {
	l, _ := w.front.link(w.gateway.Dev)
	for _, a := range l.Addresses {
		if a.Addr() == w.gateway.CIDR.Addr() {
			return w.routerAnswers()
		}
	}
	f := &cloud.Finding{
		Words:    fmt.Sprintf("%s has no address %s, which is the guest's router", w.gateway.Dev, w.gateway.CIDR),
		Evidence: []string{fmt.Sprintf("ip -4 addr show %s: %s", l.Name, joinPrefixes(l.Addresses))}, Next: []string{"eucactl reconcile " + w.front.Name},
	}
	if dev, elsewhere := w.front.has(w.gateway.CIDR.Addr()); elsewhere {
		f.Words += ": it is on " + dev
		f.Next = append([]string{fmt.Sprintf("on %s: ip addr del %s dev %s", w.front.Name, w.gateway.CIDR, dev)}, f.Next...)
	}
	return f
}

// routerAnswers: a guest that hears nothing of its router sends nothing further.
func (w *walk) routerAnswers() *cloud.Finding {
	if w.front.setting("arp_ignore", w.gateway.Dev) < 8 {
		return nil
	}
	return w.ignores(w.gateway.Dev, w.gateway.CIDR.Addr(), 8)
}

func routerAlone(w *walk) string {
	if !w.managed() {
		return ""
	}
	return fmt.Sprintf("%s: nobody else answers for the guests' router %s", w.front.Name, w.gateway.CIDR.Addr())
}

// routerIsItsOwn: guests would send to whoever answers first.
func (w *walk) routerIsItsOwn() *cloud.Finding {
	ip := w.gateway.CIDR.Addr()
	mac, other := w.another(ip)
	if !other {
		return nil
	}
	return &cloud.Finding{
		Words:    fmt.Sprintf("another machine on the guest's segment has its router's address %s: %s", ip, mac),
		Evidence: []string{fmt.Sprintf("arping -I %s %s: %s answers", w.gateway.Dev, ip, mac)},
		Next:     []string{"find the machine with " + mac + " (bridge fdb show on the nodes) and take the address from it"},
	}
}

// another is a machine, not the frontend, that answers for one of the frontend's
// own addresses.
func (w *walk) another(ip netip.Addr) (mac string, found bool) {
	for _, mac := range w.front.Found[ip].Replies {
		if !slices.ContainsFunc(w.front.Links, func(l facts.Link) bool { return strings.EqualFold(l.MAC, mac) }) {
			return mac, true
		}
	}
	return "", false
}

func joinPrefixes(list []netip.Prefix) string {
	var out []string
	for _, p := range list {
		if p.Addr().Is4() {
			out = append(out, p.String())
		}
	}
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

func routeWords(w *walk) string {
	if !w.managed() {
		return ""
	}
	return fmt.Sprintf("%s: its routes lead to %s by %s", w.front.Name, w.port.IP, w.gateway.Dev)
}

// routeToGuest: packets for the guest leave by its segment, whatever rules and
// tables the frontend has.
func (w *walk) routeToGuest() *cloud.Finding {
	if dev, own := w.front.has(w.port.IP); own {
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s itself has the guest's address %s, on %s", w.front.Name, w.port.IP, dev),
			Evidence: []string{fmt.Sprintf("ip -4 addr show %s", dev)}, Next: []string{fmt.Sprintf("on %s: ip addr del %s dev %s", w.front.Name, w.port.IP, dev)},
		}
	}
	for _, x := range append([]want{{guest: true}}, w.wants...) {
		p := packet{src: w.source(x), dst: w.port.IP, in: w.entrance(x)}
		if !x.from.IsValid() { // the frontend itself
			p.src, p.in = w.gateway.CIDR.Addr(), ""
		} else if w.direct(x) {
			continue
		}
		if f := w.leadsTo(p); f != nil {
			return f
		}
	}
	return nil
}

func (w *walk) leadsTo(p packet) *cloud.Finding {
	way, found, sure := lookup(w.front.Routing, &p)
	if !sure {
		w.unseen(fmt.Sprintf("%s, routes to %s: a rule has conditions that are not understood", w.front.Name, p.dst))
		return nil
	}
	get := fmt.Sprintf("ip route get %s from %s", p.dst, p.src)
	if p.in != "" {
		get += " iif " + p.in
	}
	switch {
	case !found:
		return &cloud.Finding{
			Words: fmt.Sprintf("%s has no route to %s", w.front.Name, p.dst), Evidence: []string{get + ": unreachable"},
			Next: []string{fmt.Sprintf("on %s: ip route add %s dev %s", w.front.Name, w.gateway.CIDR.Masked(), w.gateway.Dev)},
		}
	case way.Type != "unicast":
		return &cloud.Finding{
			Words: fmt.Sprintf("a route of %s refuses packets to %s: %s", w.front.Name, p.dst, spell(way)), Evidence: []string{get + ": " + spell(way)},
			Next: []string{w.unroute(way)},
		}
	case way.Dev != w.gateway.Dev || way.Gateway.IsValid():
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s sends packets for %s elsewhere, not out of %s: %s", w.front.Name, p.dst, w.gateway.Dev, spell(way)),
			Evidence: []string{get + ": " + spell(way)}, Next: []string{w.unroute(way)},
		}
	}
	return nil
}

func (w *walk) unroute(way facts.Way) string {
	on := "on " + w.front.Name + ": "
	switch {
	case !way.Dest.IsValid():
		return on + "ip rule del priority " + strings.TrimPrefix(way.Table, "rule ")
	case way.Table != "main":
		return on + "see ip rule and ip route show table " + way.Table
	}
	return on + "ip route del " + spell(way)
}

func arpWords(w *walk) string {
	if w.gateway.Dev == "" {
		return ""
	}
	return w.front.Name + ": no rule stops ARP to and from the guest"
}

// arpPasses takes the question for the guest's address out and its answer in.
func (w *walk) arpPasses() *cloud.Finding {
	l, _ := w.front.link(w.gateway.Dev)
	ask := packet{ether: "arp", arpop: "request", out: l.Name, smac: l.MAC, dmac: "ff:ff:ff:ff:ff:ff", broadcast: true, src: w.gateway.CIDR.Addr(), dst: w.port.IP}
	reply := packet{ether: "arp", arpop: "reply", in: l.Name, smac: w.port.MAC, dmac: l.MAC, src: w.port.IP, dst: w.gateway.CIDR.Addr()}
	for _, one := range []struct {
		p      packet
		hook   string
		family string
		what   string
	}{{ask, "output", "arp", "ARP for "}, {reply, "ingress", "netdev", "answers to ARP from "}, {reply, "input", "arp", "answers to ARP from "}} {
		got := w.front.pass(one.hook, &one.p, one.family)
		w.doubt(w.front, got.doubts...)
		if got.stopped != nil {
			return w.stopped(w.front, got.stopped, one.what+w.port.IP.String())
		}
	}
	return nil
}

func forwardWords(w *walk) string {
	if !w.routed() {
		return ""
	}
	return w.front.Name + ": it forwards packets"
}

func (w *walk) forwards() *cloud.Finding {
	if w.front.Settings["ipv4/ip_forward"] == "0" {
		return &cloud.Finding{
			Words: "it does not forward packets", Evidence: []string{"sysctl net.ipv4.ip_forward: 0"}, Next: []string{"eucactl reconcile " + w.front.Name},
		}
	}
	devs := []string{w.gateway.Dev}
	if w.public() {
		devs = append(devs, w.Path.front.PubInterface)
	}
	for _, dev := range devs {
		if w.front.Settings["ipv4/conf/"+dev+"/forwarding"] == "0" {
			return &cloud.Finding{
				Words:    "it does not forward packets that come in by " + dev,
				Evidence: []string{"sysctl net.ipv4.conf." + dev + ".forwarding: 0"},
				Next:     []string{fmt.Sprintf("on %s: sysctl -w net.ipv4.conf.%s.forwarding=1", w.front.Name, dev)},
			}
		}
	}
	return nil
}

func trackWords(w *walk) string {
	if !w.routed() || w.front.Settings["netfilter/nf_conntrack_max"] == "" {
		return ""
	}
	return w.front.Name + ": its connection tracking table has room"
}

func (w *walk) tableFull() *cloud.Finding {
	count, most := number(w.front.Settings["netfilter/nf_conntrack_count"]), number(w.front.Settings["netfilter/nf_conntrack_max"])
	if most == 0 || count < most {
		return nil
	}
	return &cloud.Finding{
		Words:    fmt.Sprintf("its connection tracking table is full: %d of %d, so new connections are dropped", count, most),
		Evidence: []string{fmt.Sprintf("net.netfilter.nf_conntrack_count: %d, nf_conntrack_max: %d", count, most)},
		Next:     []string{fmt.Sprintf("on %s: sysctl -w net.netfilter.nf_conntrack_max=%d, and find who opens so many (conntrack -L)", w.front.Name, 2*most)},
	}
}
