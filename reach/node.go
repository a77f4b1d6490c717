package reach

import (
	"fmt"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/plan"
)

// frame is what a guest's card sends and takes in one piece: nobody tells guests of
// a smaller MTU.
const frame = 1500

func guestRuns(w *walk) string { return w.node.Name + ": its machine runs" }

func (w *walk) machineRuns() *cloud.Finding {
	g, id := w.node.Guest, string(w.Instance.ID)
	switch {
	case g.Absent:
		return &cloud.Finding{
			Words: "libvirt has no machine " + id, Evidence: []string{"virsh list --all does not show it"},
			Next: []string{"eucactl reconcile " + w.node.Name},
		}
	case g.State == "running" || g.State == "idle":
		return nil
	}
	f := &cloud.Finding{
		Words: fmt.Sprintf("its machine is %s (%s)", g.State, g.Reason), Evidence: []string{fmt.Sprintf("virsh domstate --reason %s: %s (%s)", id, g.State, g.Reason)},
		Next: []string{"eucactl reconcile " + w.node.Name},
	}
	switch g.State {
	case "paused":
		f.Next = []string{"on " + w.node.Name + ": virsh resume " + id}
	case "pmsuspended":
		f.Next = []string{"on " + w.node.Name + ": virsh dompmwakeup " + id}
	}
	return f
}

func cardPlugged(w *walk) string {
	return fmt.Sprintf("%s: its card %s is plugged into %s", w.node.Name, w.port.MAC, w.machine.Bridge)
}

// cardIsPlugged looks at the guest's card from both ends: libvirt's and the bridge's.
func (w *walk) cardIsPlugged() *cloud.Finding {
	id := string(w.Instance.ID)
	if !w.node.knows("guest") {
		w.card = facts.Card{MAC: w.port.MAC, Bridge: w.machine.Bridge, Tap: w.machine.Dev}
		return w.tapIsPlugged()
	}
	i := slices.IndexFunc(w.node.Guest.Cards, func(c facts.Card) bool { return c.MAC == strings.ToLower(w.port.MAC) })
	if i < 0 {
		f := &cloud.Finding{
			Words: "its machine has no network card " + w.port.MAC,
			Next:  []string{fmt.Sprintf("on %s: virsh attach-interface %s bridge %s --mac %s --model virtio --live", w.node.Name, id, w.machine.Bridge, w.port.MAC)},
		}
		for _, c := range w.node.Guest.Cards {
			f.Evidence = append(f.Evidence, fmt.Sprintf("virsh dumpxml %s: a card %s on %s", id, c.MAC, c.Tap))
		}
		return f
	}
	w.card = w.node.Guest.Cards[i]
	if w.card.Down {
		return &cloud.Finding{
			Words: "the cable of its card is pulled out", Evidence: []string{fmt.Sprintf("virsh dumpxml %s: <link state='down'/> of %s", id, w.card.Tap)},
			Next: []string{fmt.Sprintf("on %s: virsh domif-setlink %s %s up", w.node.Name, id, w.port.MAC)},
		}
	}
	return w.tapIsPlugged()
}

func (w *walk) tapIsPlugged() *cloud.Finding {
	tap, there := w.node.link(w.card.Tap)
	switch {
	case !there:
		return &cloud.Finding{
			Words: fmt.Sprintf("the interface %s of its card is not there", w.card.Tap),
			Next:  []string{fmt.Sprintf("eucactl reboot-instances %s", w.Instance.ID)},
		}
	case tap.Master != w.machine.Bridge && tap.Master == "":
		return w.plug(fmt.Sprintf("%s, its card, is plugged into no bridge: it belongs on %s", tap.Name, w.machine.Bridge), tap)
	case tap.Master != w.machine.Bridge:
		return w.plug(fmt.Sprintf("%s, its card, is plugged into %s: it belongs on %s", tap.Name, tap.Master, w.machine.Bridge), tap)
	}
	return linkUp(w.node, tap, "its card")
}

func (w *walk) plug(words string, tap facts.Link) *cloud.Finding {
	return &cloud.Finding{
		Words: words, Evidence: []string{"ip link show " + tap.Name + ": " + masterWords(tap)},
		Next: []string{fmt.Sprintf("on %s: ip link set %s master %s", w.node.Name, tap.Name, w.machine.Bridge)},
	}
}

func masterWords(l facts.Link) string {
	if l.Master == "" {
		return "no master"
	}
	return "master " + l.Master
}

// linkUp names what keeps an interface from carrying any frame.
func linkUp(h *Host, l facts.Link, what string) *cloud.Finding {
	switch {
	case !l.Up:
		return &cloud.Finding{
			Words: fmt.Sprintf("%s, %s, is switched off", l.Name, what), Evidence: []string{"ip link show " + l.Name + ": state DOWN"},
			Next: []string{fmt.Sprintf("on %s: ip link set %s up", h.Name, l.Name)},
		}
	case !l.Carrier:
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s, %s, has no carrier: nothing is plugged in at its other end, or that is switched off", l.Name, what),
			Evidence: []string{"ip link show " + l.Name + ": NO-CARRIER"}, Next: []string{"look after the cable and the switch port of " + l.Name + " on " + h.Name},
		}
	}
	return nil
}

// linkWide: a bridge drops what is longer than the MTU of the port it goes out by,
// without a word to anybody.
func linkWide(h *Host, l facts.Link, what string) *cloud.Finding {
	if l.MTU >= frame || l.MTU == 0 {
		return nil
	}
	return &cloud.Finding{
		Words:    fmt.Sprintf("%s, %s, takes only %d bytes a packet, guests send %d: long packets are lost", l.Name, what, l.MTU, frame),
		Evidence: []string{fmt.Sprintf("ip link show %s: mtu %d", l.Name, l.MTU)},
		Next:     []string{fmt.Sprintf("on %s: ip link set %s mtu %d", h.Name, l.Name, frame)},
	}
}

func bridgeWords(w *walk) string {
	return fmt.Sprintf("%s: %s is up and has an uplink, and both it and the card forward", w.node.Name, w.machine.Bridge)
}

// bridgeCarries looks at the bridge, its uplink, and how it treats its ports.
func (w *walk) bridgeCarries() *cloud.Finding {
	br, there := w.node.link(w.machine.Bridge)
	switch {
	case !there:
		return &cloud.Finding{Words: "there is no bridge " + w.machine.Bridge, Next: []string{"eucactl reconcile " + w.node.Name}}
	case br.Kind != "bridge":
		return &cloud.Finding{Words: w.machine.Bridge + " is not a bridge"}
	case !br.Up:
		return linkUp(w.node, br, "the guest's bridge")
	}
	tap, _ := w.node.link(w.card.Tap)
	if f := w.portForwards(tap, "its card"); f != nil {
		return f
	}
	if f := w.uplink(tap); f != nil {
		return f
	}
	if f := w.sameVLAN(br, tap); f != nil {
		return f
	}
	if f := linkWide(w.node, tap, "its card"); f != nil {
		return f
	}
	return linkWide(w.node, br, "the guest's bridge")
}

// portForwards: a port that learns or blocks, or takes no broadcasts, hides what is
// behind it.
func (w *walk) portForwards(l facts.Link, what string) *cloud.Finding {
	show := "bridge -d link show dev " + l.Name
	set := "on " + w.node.Name + ": bridge link set dev " + l.Name
	switch {
	case l.Port.State != "forwarding":
		f := &cloud.Finding{
			Words: fmt.Sprintf("%s does not forward to %s, %s: the port is %s", l.Master, l.Name, what, l.Port.State), Evidence: []string{show + ": state " + l.Port.State},
			Next: []string{set + " state 3"},
		}
		if l.Port.State == "listening" || l.Port.State == "learning" || l.Port.State == "blocking" {
			f.Next = append(f.Next, fmt.Sprintf("if the spanning tree does it: look for a loop behind %s, or switch it off: ip link set %s type bridge stp_state 0", l.Name, l.Master))
		}
		return f
	case !l.Port.Broadcast:
		return &cloud.Finding{
			Words: fmt.Sprintf("%s sends no broadcasts to %s, %s: nobody finds what is behind it", l.Master, l.Name, what), Evidence: []string{show + ": bcast_flood off"},
			Next: []string{set + " bcast_flood on"},
		}
	case l.Port.Locked:
		return &cloud.Finding{
			Words: fmt.Sprintf("%s hears nobody behind %s, %s: the port is locked", l.Master, l.Name, what), Evidence: []string{show + ": locked on"},
			Next: []string{set + " locked off"},
		}
	}
	return nil
}

// uplink finds the port of the bridge that leads to the frontend.
func (w *walk) uplink(tap facts.Link) *cloud.Finding {
	if s, tagged := w.nodeSegment(); tagged {
		return w.taggedUplink(s, tap)
	}
	var first *cloud.Finding
	for _, l := range w.node.ports(w.machine.Bridge) {
		if !leadsOut(l) {
			continue
		}
		f := w.uplinkWorks(l, tap)
		if f == nil {
			return nil
		}
		if first == nil || l.Name == w.Node.Node.Interface {
			first = f
		}
	}
	if first != nil {
		return first
	}
	return w.noUplink()
}

// leadsOut: guests' cards and interfaces without another end lead nowhere.
func leadsOut(l facts.Link) bool {
	return l.Kind != "tun" && l.Kind != "dummy" && l.Kind != "ifb"
}

func (w *walk) uplinkWorks(l, tap facts.Link) *cloud.Finding {
	const what = "the bridge's uplink"
	if f := linkUp(w.node, l, what); f != nil {
		return f
	}
	if f := w.portForwards(l, what); f != nil {
		return f
	}
	if l.Port.Isolated && tap.Port.Isolated {
		return &cloud.Finding{
			Words: fmt.Sprintf("%s passes nothing between %s and %s: both are isolated", l.Master, tap.Name, l.Name), Evidence: []string{"bridge -d link show: isolated on"},
			Next: []string{fmt.Sprintf("on %s: bridge link set dev %s isolated off", w.node.Name, l.Name)},
		}
	}
	return linkWide(w.node, l, what)
}

func (w *walk) noUplink() *cloud.Finding {
	var ports []string
	for _, l := range w.node.ports(w.machine.Bridge) {
		ports = append(ports, l.Name)
	}
	f := &cloud.Finding{
		Words:    w.machine.Bridge + " has no uplink: nothing in it leads to the frontend",
		Evidence: []string{"in " + w.machine.Bridge + ": " + strings.Join(ports, ", ")},
		Next:     []string{"on " + w.node.Name + ": ip link set UPLINK master " + w.machine.Bridge},
	}
	if l, there := w.node.link(w.Node.Node.Interface); there && l.Kind != "bridge" {
		f.Evidence = append(f.Evidence, "ip link show "+l.Name+": "+masterWords(l))
		f.Next = []string{fmt.Sprintf("on %s: ip link set %s master %s", w.node.Name, l.Name, w.machine.Bridge)}
	}
	return f
}

// nodeSegment is the guest's VLAN on its node, where groups have one.
func (w *walk) nodeSegment() (plan.Segment, bool) {
	for _, s := range w.segments {
		if s.Bridge == w.machine.Bridge {
			return s, true
		}
	}
	return plan.Segment{}, false
}

// taggedUplink: in MANAGED the uplink is the group's VLAN of the node's interface.
func (w *walk) taggedUplink(s plan.Segment, tap facts.Link) *cloud.Finding {
	l, there := w.node.link(s.Link)
	if !there {
		return &cloud.Finding{
			Words: fmt.Sprintf("there is no %s, the uplink of %s: frames with tag %d do not arrive", s.Link, s.Bridge, s.VLAN),
			Next:  []string{"eucactl reconcile " + w.node.Name},
		}
	}
	if f := tagged(w.node, l, s); f != nil {
		return f
	}
	if l.Master != s.Bridge {
		return &cloud.Finding{
			Words: fmt.Sprintf("%s has no uplink: %s is not in it", s.Bridge, s.Link), Evidence: []string{"ip link show " + s.Link + ": " + masterWords(l)},
			Next: []string{"eucactl reconcile " + w.node.Name},
		}
	}
	return w.uplinkWorks(l, tap)
}

// tagged compares a VLAN interface with what its name stands for.
func tagged(h *Host, l facts.Link, s plan.Segment) *cloud.Finding {
	next := []string{fmt.Sprintf("on %s: ip link del %s", h.Name, l.Name), "eucactl reconcile " + h.Name}
	switch {
	case l.Kind != "vlan":
		return &cloud.Finding{Words: fmt.Sprintf("%s is not a VLAN interface", l.Name), Next: next}
	case l.VLAN != s.VLAN:
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s tags its frames with VLAN %d, not %d", l.Name, l.VLAN, s.VLAN),
			Evidence: []string{fmt.Sprintf("ip -d link show %s: vlan id %d", l.Name, l.VLAN)}, Next: next,
		}
	case l.Parent != s.Dev:
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s is on %s, not on %s", l.Name, l.Parent, s.Dev),
			Evidence: []string{fmt.Sprintf("ip link show %s: %s@%s", l.Name, l.Name, l.Parent)}, Next: next,
		}
	}
	if below, there := h.link(s.Dev); there {
		return linkUp(h, below, "below "+l.Name)
	}
	return nil
}

// sameVLAN: a bridge that filters passes between two ports what is of both VLANs.
func (w *walk) sameVLAN(br, tap facts.Link) *cloud.Finding {
	up := w.uplinkPort()
	if !br.Filters || up == "" {
		return nil
	}
	var native int
	var ids []int
	for _, p := range w.node.VLANs {
		if p.Port == tap.Name {
			native = p.Native
		}
		if p.Port == up {
			ids = p.VLANs
		}
	}
	if native != 0 && slices.Contains(ids, native) {
		return nil
	}
	return &cloud.Finding{
		Words:    fmt.Sprintf("%s filters VLANs: %s, its card, is in VLAN %d, and the uplink %s is in %v", br.Name, tap.Name, native, up, ids),
		Evidence: []string{"bridge vlan show, and vlan_filtering of " + br.Name + ": 1"},
		Next:     []string{fmt.Sprintf("on %s: bridge vlan add vid VLAN dev %s pvid untagged, with a VLAN of %s", w.node.Name, tap.Name, up)},
	}
}
