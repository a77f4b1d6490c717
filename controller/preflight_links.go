package controller

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"eucactl/facts"
)

// frontendLinkFindings looks at the interfaces that the inventory names.
func frontendLinkFindings(l *look) (list []Finding) {
	names := []string{l.network.PrivInterface}
	if pub := l.network.PubInterface; pub != "" && pub != names[0] {
		names = append(names, pub)
	}
	for _, name := range names {
		_, bad := l.usable(name, "the inventory names it")
		list = append(list, bad...)
	}
	return list
}

func nodeLinkFindings(l *look) []Finding {
	_, bad := l.usable(l.host.Node.Interface, "vnet_privinterface")
	return bad
}

// usable says why an interface cannot carry guests' packets, if it cannot.
func (l *look) usable(name, whose string) (facts.Link, []Finding) {
	link, there := l.link(name)
	switch {
	case !there:
		return link, []Finding{l.found(SeverityError, fmt.Sprintf("there is no interface %s (%s)", name, whose), "ip link: "+strings.Join(l.linkNames(), ", "),
			"correct the inventory, or make it")}
	case !link.Up:
		return link, []Finding{l.found(SeverityError, name+" is down", "ip link: not UP", "ip link set "+name+" up")}
	case !link.Carrier && link.Kind != "bridge":
		return link, []Finding{l.found(SeverityError, name+" has no carrier", "ip link: NO-CARRIER", "look at its cable and the switch's port")}
	}
	return link, nil
}

// linkNames are what the host has instead: neither loopback nor guests' interfaces.
func (l *look) linkNames() (names []string) {
	for _, link := range l.links {
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
func bridgeFindings(l *look) []Finding {
	name := l.host.Node.Bridge
	bridge, bad := l.usable(name, "vnet_bridge")
	if _, there := l.link(name); !there {
		return []Finding{l.found(SeverityError, fmt.Sprintf("there is no bridge %s (vnet_bridge)", name), "ip link: "+strings.Join(l.linkNames(), ", "),
			fmt.Sprintf("make it in the host's own network configuration, with %s in it; eucactl never makes it", l.uplinkName()))}
	}
	if bridge.Kind != "bridge" {
		return []Finding{l.found(SeverityError, name+" is not a bridge (vnet_bridge)", "ip -d link: kind "+kindOf(bridge), "name a bridge in vnet_bridge; "+name+" belongs into one")}
	}
	return append(bad, l.uplinkFindings(name)...)
}

// uplinkName is the interface that leads to the frontend, in words.
func (l *look) uplinkName() string {
	if name := l.host.Node.Interface; name != "" && name != l.host.Node.Bridge {
		return name
	}
	return "the network card"
}

// uplinkFindings: without the network card in the bridge guests reach each other at
// most.
func (l *look) uplinkFindings(bridge string) (list []Finding) {
	want := l.host.Node.Interface
	if card, there := l.link(want); there && want != bridge {
		if card.Master != bridge {
			evidence := "bridge link: " + want + " is in no bridge"
			if card.Master != "" {
				evidence = "bridge link: " + want + " is in " + card.Master
			}
			return []Finding{l.found(SeverityError, fmt.Sprintf("%s is not in the bridge %s: guests cannot leave this host", want, bridge), evidence,
				fmt.Sprintf("put it there in the host's own network configuration, for a trial with: ip link set %s master %s", want, bridge))}
		}
		_, bad := l.usable(want, "vnet_interface")
		return bad
	}
	ports := 0
	for _, link := range l.links {
		if link.Master == bridge && !isVIF(link) {
			ports++
			_, bad := l.usable(link.Name, "")
			list = append(list, bad...)
		}
	}
	if ports == 0 {
		return []Finding{l.found(SeverityError, "the bridge "+bridge+" has no uplink: guests cannot leave this host", "bridge link: no port but guests'",
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
func vlanBridgeFindings(l *look) (list []Finding) {
	for _, bridge := range l.links {
		m := vlanBridge.FindStringSubmatch(bridge.Name)
		if m == nil || bridge.Kind != "bridge" {
			continue
		}
		want := l.host.Node.Interface + "." + m[1]
		port, there := l.link(want)
		fix := "eucactl reconcile " + l.host.Name
		switch {
		case !bridge.Up:
			list = append(list, l.found(SeverityError, bridge.Name+" is down", "ip link: not UP", fix))
		case !there:
			list = append(list, l.found(SeverityError, fmt.Sprintf("the bridge %s lacks %s: its guests cannot leave this host", bridge.Name, want), "ip link: there is no "+want, fix))
		case port.Master != bridge.Name:
			list = append(list, l.found(SeverityError, fmt.Sprintf("%s is not in the bridge %s: its guests cannot leave this host", want, bridge.Name), "bridge link: master "+orNone(port.Master), fix))
		case !port.Up:
			list = append(list, l.found(SeverityError, want+" is down", "ip link: not UP", fix))
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
func vifFindings(l *look) (list []Finding) {
	for _, link := range l.links {
		switch {
		case isVIF(link) && link.Master == "":
			list = append(list, l.found(SeverityWarning, "the guest's interface "+link.Name+" is in no bridge", "bridge link", "virsh list, then virsh domiflist, tell whose it is"))
		case isVIF(link) && strings.HasPrefix(link.Master, "virbr"):
			list = append(list, l.found(SeverityNote, "the guest's interface "+link.Name+" is in libvirt's own bridge "+link.Master+", so it is not the cloud's", "bridge link", ""))
		case strings.HasPrefix(link.Name, "virbr") && link.Kind == "bridge" && link.Up:
			list = append(list, l.found(SeverityNote, "libvirt's own bridge "+link.Name+" is up; eucactl does not use it", "ip link", "if nothing else does: virsh net-destroy default && virsh net-autostart --disable default"))
		}
	}
	return list
}

// subnetFindings: the guests' subnet has to be free; what the frontend itself has
// there of ours is on the interface towards the nodes.
func subnetFindings(l *look) (list []Finding) {
	subnet := l.network.Subnet
	for _, r := range l.routes {
		ours := r.Dev == l.network.PrivInterface || strings.HasPrefix(r.Dev, l.network.PrivInterface+".")
		if r.Dest.Bits() == 0 || !r.Dest.Overlaps(subnet) || ours && !r.Gateway.IsValid() && within(r.Dest, subnet) {
			continue
		}
		evidence := fmt.Sprintf("ip route: %s dev %s", r.Dest, r.Dev)
		list = append(list, l.found(SeverityError, fmt.Sprintf("it has a route into the guests' subnet %s that is not the cloud's", subnet), evidence,
			"choose another vnet_subnet, or remove the route"))
	}
	return list
}

// within says whether all of a network is inside another, larger one.
func within(p, all netip.Prefix) bool { return p.Bits() >= all.Bits() && all.Contains(p.Addr()) }

// segment is the interface of a host on the segment that carries the guests.
func (l *look) segment() string {
	switch {
	case l.host.Frontend:
		return l.network.PrivInterface
	case managedNode(l):
		return l.host.Node.Interface
	}
	return l.host.Node.Bridge
}

// mtuFindings: on one segment all must have one MTU, or long packets vanish. Those are
// named that differ from most.
func mtuFindings(looks []*look) (list []Finding) {
	count := map[string]map[int]int{} // by cluster
	mtu := func(l *look) int {
		link, _ := l.link(l.segment())
		return link.MTU
	}
	for _, l := range looks {
		if isEither(l) && mtu(l) > 0 {
			if count[l.host.Cluster] == nil {
				count[l.host.Cluster] = map[int]int{}
			}
			count[l.host.Cluster][mtu(l)]++
		}
	}
	for _, l := range looks {
		usual := 0
		for n, hosts := range count[l.host.Cluster] {
			if most := count[l.host.Cluster][usual]; hosts > most || hosts == most && n < usual {
				usual = n
			}
		}
		if isEither(l) && mtu(l) > 0 && mtu(l) != usual {
			list = append(list, l.found(SeverityWarning, fmt.Sprintf("%s has an MTU of %d, others on its segment one of %d: long packets between them vanish", l.segment(), mtu(l), usual),
				"ip link", fmt.Sprintf("ip link set %s mtu %d, or set all the same", l.segment(), usual)))
		}
	}
	return list
}

// sameAddressFindings: two hosts whose interfaces have one MAC lose each other's
// packets.
func sameAddressFindings(looks []*look) (list []Finding) {
	whose := map[string]string{}
	for _, l := range looks {
		own := map[string]bool{} // a bridge has the MAC of its port
		for _, link := range l.links {
			if link.Kind != "" && link.Kind != "veth" && link.Name != l.segment() || link.MAC == "" || link.Name == "lo" || own[link.MAC] {
				continue
			}
			own[link.MAC] = true
			if other, again := whose[link.MAC]; again && !slices.Contains([]string{"00:00:00:00:00:00"}, link.MAC) {
				list = append(list, l.found(SeverityError, fmt.Sprintf("%s has the same MAC as %s", link.Name, other), "ip link: "+link.MAC, "give one of them another: was a disk or a virtual machine copied?"))
				continue
			}
			whose[link.MAC] = link.Name + " of " + l.host.Name
		}
	}
	return list
}

// sameMachineFindings: one kernel under two names would be settled twice.
func sameMachineFindings(looks []*look) (list []Finding) {
	boots, machines := map[string]string{}, map[string]string{}
	for _, l := range looks {
		if _, silent := l.unknown["boot"]; silent {
			continue
		}
		if other, again := boots[l.boot.ID]; again {
			list = append(list, l.found(SeverityError, "is the same machine as "+other, "boot id "+l.boot.ID, "correct ansible_host of one of them"))
			continue
		}
		boots[l.boot.ID] = l.host.Name
		if l.machine == "" {
			continue
		}
		if other, again := machines[l.machine]; again {
			list = append(list, l.found(SeverityNote, "has the same machine id as "+other+": one was copied from the other", "/etc/machine-id "+l.machine, "rm /etc/machine-id && systemd-machine-id-setup on the copy"))
			continue
		}
		machines[l.machine] = l.host.Name
	}
	return list
}
