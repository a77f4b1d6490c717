package preflight

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"eucactl/facts"
)

// frontendLinkFindings looks at the interfaces that the inventory names.
func frontendLinkFindings(h *Host) (list []Finding) {
	names := []string{h.Network.PrivInterface}
	if pub := h.Network.PubInterface; pub != "" && pub != names[0] {
		names = append(names, pub)
	}
	for _, name := range names {
		_, bad := h.usable(name, "the inventory names it")
		list = append(list, bad...)
	}
	return list
}

func nodeLinkFindings(h *Host) []Finding {
	_, bad := h.usable(h.Node.Interface, "vnet_privinterface")
	return bad
}

// usable says why an interface cannot carry guests' packets, if it cannot.
func (h *Host) usable(name, whose string) (facts.Link, []Finding) {
	link, there := h.link(name)
	switch {
	case !there:
		return link, []Finding{h.found(Error, fmt.Sprintf("there is no interface %s (%s)", name, whose), "ip link: "+strings.Join(h.linkNames(), ", "),
			"correct the inventory, or make it")}
	case !link.Up:
		return link, []Finding{h.found(Error, name+" is down", "ip link: not UP", "ip link set "+name+" up")}
	case !link.Carrier && link.Kind != "bridge":
		return link, []Finding{h.found(Error, name+" has no carrier", "ip link: NO-CARRIER", "look at its cable and the switch's port")}
	}
	return link, nil
}

// linkNames are what the host has instead: neither loopback nor guests' interfaces.
func (h *Host) linkNames() (names []string) {
	for _, link := range h.links {
		if link.Name != "lo" && !isVIF(link) {
			names = append(names, link.Name)
		}
	}
	return names
}

// isVIF tells guests' interfaces from others.
func isVIF(l facts.Link) bool {
	return l.Kind == "tun" && (strings.HasPrefix(l.Name, "vnet") || strings.HasPrefix(l.Name, "vif"))
}

// bridgeFindings: the node's bridge is one, is up, and has the uplink in it.
func bridgeFindings(h *Host) []Finding {
	name := h.Node.Bridge
	bridge, bad := h.usable(name, "vnet_bridge")
	if _, there := h.link(name); !there {
		return []Finding{h.found(Error, fmt.Sprintf("there is no bridge %s (vnet_bridge)", name), "ip link: "+strings.Join(h.linkNames(), ", "),
			fmt.Sprintf("make it in the host's own network configuration, with %s in it; eucactl never makes it", h.uplinkName()))}
	}
	if bridge.Kind != "bridge" {
		return []Finding{h.found(Error, name+" is not a bridge (vnet_bridge)", "ip -d link: kind "+kindOf(bridge), "name a bridge in vnet_bridge; "+name+" belongs into one")}
	}
	return append(bad, h.uplinkFindings(name)...)
}

// uplinkName is the interface that leads to the frontend, in words.
func (h *Host) uplinkName() string {
	if name := h.Node.Interface; name != "" && name != h.Node.Bridge {
		return name
	}
	return "the network card"
}

// uplinkFindings: without the network card in the bridge guests reach each other at
// most.
func (h *Host) uplinkFindings(bridge string) (list []Finding) {
	want := h.Node.Interface
	if card, there := h.link(want); there && want != bridge {
		if card.Master != bridge {
			evidence := "bridge link: " + want + " is in no bridge"
			if card.Master != "" {
				evidence = "bridge link: " + want + " is in " + card.Master
			}
			return []Finding{h.found(Error, fmt.Sprintf("%s is not in the bridge %s: guests cannot leave this host", want, bridge), evidence,
				fmt.Sprintf("put it there in the host's own network configuration, for a trial with: ip link set %s master %s", want, bridge))}
		}
		_, bad := h.usable(want, "vnet_interface")
		return bad
	}
	ports := 0
	for _, link := range h.links {
		if link.Master == bridge && !isVIF(link) {
			ports++
			_, bad := h.usable(link.Name, "")
			list = append(list, bad...)
		}
	}
	if ports == 0 {
		return []Finding{h.found(Error, "the bridge "+bridge+" has no uplink: guests cannot leave this host", "bridge link: no port but guests'",
			fmt.Sprintf("put the network card into it, for a trial with: ip link set CARD master %s", bridge))}
	}
	return list
}

func kindOf(l facts.Link) string {
	if l.Kind == "" {
		return "hardware"
	}
	return l.Kind
}

var vlanBridge = regexp.MustCompile(`^eucabr([1-9][0-9]*)$`)

// vlanBridgeFindings: a group's bridge has the group's VLAN interface in it.
func vlanBridgeFindings(h *Host) (list []Finding) {
	for _, bridge := range h.links {
		m := vlanBridge.FindStringSubmatch(bridge.Name)
		if m == nil || bridge.Kind != "bridge" {
			continue
		}
		want := h.Node.Interface + "." + m[1]
		port, there := h.link(want)
		fix := "eucactl reconcile " + h.Name
		switch {
		case !bridge.Up:
			list = append(list, h.found(Error, bridge.Name+" is down", "ip link: not UP", fix))
		case !there:
			list = append(list, h.found(Error, fmt.Sprintf("the bridge %s lacks %s: its guests cannot leave this host", bridge.Name, want), "ip link: there is no "+want, fix))
		case port.Master != bridge.Name:
			list = append(list, h.found(Error, fmt.Sprintf("%s is not in the bridge %s: its guests cannot leave this host", want, bridge.Name), "bridge link: master "+orNone(port.Master), fix))
		case !port.Up:
			list = append(list, h.found(Error, want+" is down", "ip link: not UP", fix))
		}
	}
	return list
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// vifFindings: a guest's interface in no bridge, or in libvirt's own, reaches nobody.
func vifFindings(h *Host) (list []Finding) {
	for _, link := range h.links {
		switch {
		case isVIF(link) && link.Master == "":
			list = append(list, h.found(Warning, "the guest's interface "+link.Name+" is in no bridge", "bridge link", "virsh list, then virsh domiflist, tell whose it is"))
		case isVIF(link) && strings.HasPrefix(link.Master, "virbr"):
			list = append(list, h.found(Note, "the guest's interface "+link.Name+" is in libvirt's own bridge "+link.Master+", so it is not the cloud's", "bridge link", ""))
		case strings.HasPrefix(link.Name, "virbr") && link.Kind == "bridge" && link.Up:
			list = append(list, h.found(Note, "libvirt's own bridge "+link.Name+" is up; eucactl does not use it", "ip link", "if nothing else does: virsh net-destroy default && virsh net-autostart --disable default"))
		}
	}
	return list
}

// subnetFindings: the guests' subnet has to be free; what the frontend itself has
// there of ours is on the interface towards the nodes.
func subnetFindings(h *Host) (list []Finding) {
	subnet := h.Network.Subnet
	for _, r := range h.routes {
		ours := r.Dev == h.Network.PrivInterface || strings.HasPrefix(r.Dev, h.Network.PrivInterface+".")
		if r.Dest.Bits() == 0 || !r.Dest.Overlaps(subnet) || ours && !r.Gateway.IsValid() && within(r.Dest, subnet) {
			continue
		}
		evidence := fmt.Sprintf("ip route: %s dev %s", r.Dest, r.Dev)
		list = append(list, h.found(Error, fmt.Sprintf("it has a route into the guests' subnet %s that is not the cloud's", subnet), evidence,
			"choose another vnet_subnet, or remove the route"))
	}
	return list
}

// within says whether all of a network is inside another, larger one.
func within(p, all netip.Prefix) bool { return p.Bits() >= all.Bits() && all.Contains(p.Addr()) }

// mtuFindings: on one segment all must have one MTU, or long packets vanish. Those are
// named that differ from most.
func mtuFindings(hosts []*Host) (list []Finding) {
	count := map[string]map[int]int{} // by cluster
	mtu := func(h *Host) int {
		link, _ := h.link(h.segment())
		return link.MTU
	}
	for _, h := range hosts {
		if isEither(h) && mtu(h) > 0 {
			if count[h.Cluster] == nil {
				count[h.Cluster] = map[int]int{}
			}
			count[h.Cluster][mtu(h)]++
		}
	}
	for _, h := range hosts {
		usual := 0
		for n, have := range count[h.Cluster] {
			if most := count[h.Cluster][usual]; have > most || have == most && n < usual {
				usual = n
			}
		}
		if isEither(h) && mtu(h) > 0 && mtu(h) != usual {
			list = append(list, h.found(Warning, fmt.Sprintf("%s has an MTU of %d, others on its segment one of %d: long packets between them vanish", h.segment(), mtu(h), usual),
				"ip link", fmt.Sprintf("ip link set %s mtu %d, or set all the same", h.segment(), usual)))
		}
	}
	return list
}

// sameAddressFindings: two hosts whose interfaces have one MAC lose each other's
// packets.
func sameAddressFindings(hosts []*Host) (list []Finding) {
	whose := map[string]string{}
	for _, h := range hosts {
		own := map[string]bool{} // a bridge has the MAC of its port
		for _, link := range h.links {
			if link.Kind != "" && link.Kind != "veth" && link.Name != h.segment() || link.MAC == "" || link.Name == "lo" || own[link.MAC] {
				continue
			}
			own[link.MAC] = true
			if other, again := whose[link.MAC]; again && !slices.Contains([]string{"00:00:00:00:00:00"}, link.MAC) {
				list = append(list, h.found(Error, fmt.Sprintf("%s has the same MAC as %s", link.Name, other), "ip link: "+link.MAC, "give one of them another: was a disk or a virtual machine copied?"))
				continue
			}
			whose[link.MAC] = link.Name + " of " + h.Name
		}
	}
	return list
}

// sameMachineFindings: one kernel under two names would be settled twice.
func sameMachineFindings(hosts []*Host) (list []Finding) {
	boots, machines := map[string]string{}, map[string]string{}
	for _, h := range hosts {
		if _, silent := h.unknown["boot"]; silent {
			continue
		}
		if other, again := boots[h.boot.ID]; again {
			list = append(list, h.found(Error, "is the same machine as "+other, "boot id "+h.boot.ID, "correct ansible_host of one of them"))
			continue
		}
		boots[h.boot.ID] = h.Name
		if h.machine == "" {
			continue
		}
		if other, again := machines[h.machine]; again {
			list = append(list, h.found(Note, "has the same machine id as "+other+": one was copied from the other", "/etc/machine-id "+h.machine, "rm /etc/machine-id && systemd-machine-id-setup on the copy"))
			continue
		}
		machines[h.machine] = h.Name
	}
	return list
}
