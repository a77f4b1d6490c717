package inventory

import (
	"net/netip"
)

// Network is what the inventory says about one cluster's network: the settings
// of the guide's eucalyptus.conf, taken from the variables of its frontend.
// Fields that the mode has no use for may be empty.
type Network struct {
	Mode           Mode         `json:"mode" yaml:"mode"`
	PubInterface   string       `json:"pub_interface" yaml:"pub_interface"`
	PrivInterface  string       `json:"priv_interface" yaml:"priv_interface"`
	Bridge         string       `json:"bridge" yaml:"bridge"` // the frontend's; nodes have their own in Host.Node
	Subnet         netip.Prefix `json:"subnet" yaml:"subnet"`
	Broadcast      netip.Addr   `json:"broadcast" yaml:"broadcast"`
	Router         netip.Addr   `json:"router" yaml:"router"`
	DNS            []netip.Addr `json:"dns" yaml:"dns"`
	DomainName     string       `json:"domain_name" yaml:"domain_name"`
	AddrsPerNet    int          `json:"addrs_per_net" yaml:"addrs_per_net"`
	PublicIPs      []netip.Addr `json:"public_ips" yaml:"public_ips"` // sorted, exclusions applied
	MACMap         []MACAddress `json:"mac_map" yaml:"mac_map"`
	DHCPDaemon     string       `json:"dhcp_daemon" yaml:"dhcp_daemon"`
	DHCPUser       string       `json:"dhcp_user" yaml:"dhcp_user"`
	LocalIP        netip.Addr   `json:"local_ip" yaml:"local_ip"`
	CloudIP        netip.Addr   `json:"cloud_ip" yaml:"cloud_ip"`
	FirewallPolicy string       `json:"firewall_policy" yaml:"firewall_policy"` // preserve or flush
}

// What becomes of others' firewall rules on a frontend: they stay as they are, or
// filter and nat are reset to what the operator preloads, as the guide has it.
const (
	Preserve = "preserve"
	Flush    = "flush"
)

// Where slices begin, as the documents lay them out: slice(vlan) begins
// (vlan-2) slices into the subnet, and the first VLAN in use is 10.
const (
	firstVLAN  = 10
	layoutVLAN = 2
	lastVLAN   = 4094
)

// slices is how many slices of AddrsPerNet the subnet has.
func (n Network) slices() int {
	return int((uint64(1) << (32 - n.Subnet.Bits())) / uint64(n.AddrsPerNet))
}

// topVLAN is the highest VLAN whose slice is inside the subnet.
func (n Network) topVLAN() int { return min(n.slices()+layoutVLAN-1, lastVLAN) }

// readNetwork takes a cluster's settings from its frontend and complains about
// missing and contradicting ones.
func (r *reader) readNetwork(fe *Host) Network {
	n := Network{FirewallPolicy: Preserve}
	if _, has := fe.merged["vnet_mode"]; !has {
		r.problems.add(fe.Where, "frontend %s: vnet_mode is missing; write one of %s into the vars of a group", fe.Name, joined(modes()))
	}
	if !set(fe, "vnet_mode", &n.Mode) {
		return n
	}
	n.PubInterface, n.PrivInterface = fe.interfaces()
	set(fe, "vnet_bridge", &n.Bridge)
	set(fe, "vnet_broadcast", &n.Broadcast)
	set(fe, "vnet_router", &n.Router)
	set(fe, "vnet_dns", &n.DNS)
	set(fe, "vnet_domainname", &n.DomainName)
	set(fe, "vnet_addrspernet", &n.AddrsPerNet)
	set(fe, "vnet_macmap", &n.MACMap)
	set(fe, "vnet_dhcpdaemon", &n.DHCPDaemon)
	set(fe, "vnet_dhcpuser", &n.DHCPUser)
	set(fe, "vnet_localip", &n.LocalIP)
	set(fe, "vnet_cloudip", &n.CloudIP)
	set(fe, "firewall_policy", &n.FirewallPolicy)
	r.checkPolicy(fe, n)
	r.checkNeeds(fe, n)
	r.readPublicIPs(fe, &n)
	r.readSubnet(fe, &n)
	if n.Subnet.IsValid() {
		r.checkSubnet(fe, n)
		r.checkPublicIPs(fe, n)
	}
	return n
}

// checkNeeds complains about the settings that the mode cannot do without.
func (r *reader) checkNeeds(fe *Host, n Network) {
	missing := make(map[string]bool)
	for _, name := range n.Mode.frontendNeeds() {
		missing[name] = fe.lacks(name)
	}
	var subnet subnetWord
	if set(fe, "vnet_subnet", &subnet) && subnet.length >= 0 {
		missing["vnet_netmask"] = false
	}
	if missing["vnet_pubinterface"] && missing["vnet_privinterface"] {
		missing["vnet_pubinterface"], missing["vnet_privinterface"] = false, false
		r.missing(fe, n.Mode, "vnet_interface (or vnet_pubinterface and vnet_privinterface)")
	}
	for _, name := range n.Mode.frontendNeeds() {
		if missing[name] {
			r.missing(fe, n.Mode, name)
		}
	}
}

func (r *reader) missing(fe *Host, m Mode, name string) {
	at, _ := fe.WhereVar("vnet_mode")
	r.problems.add(at, "%s of frontend %s needs %s, which is missing", m, fe.Name, name)
}

// checkPolicy refuses to flush where nothing of ours would be filtered.
func (r *reader) checkPolicy(fe *Host, n Network) {
	if n.FirewallPolicy == Flush && !n.Mode.Groups() {
		at, _ := fe.WhereVar("firewall_policy")
		r.problems.add(at, "firewall_policy: flush is for %s and %s; in %s no rules are made", Managed, ManagedNoVLAN, n.Mode)
	}
}

// lacks says whether the host has no such setting, vnet_interface counting for
// the two it is short for.
func (h *Host) lacks(name string) bool {
	_, has := h.merged[name]
	if name == "vnet_pubinterface" || name == "vnet_privinterface" {
		_, both := h.merged["vnet_interface"]
		return !has && !both
	}
	return !has
}

// readSubnet joins vnet_subnet and vnet_netmask into one prefix.
func (r *reader) readSubnet(fe *Host, n *Network) {
	var subnet subnetWord
	if !set(fe, "vnet_subnet", &subnet) {
		return
	}
	at, _ := fe.WhereVar("vnet_subnet")
	length := subnet.length
	var mask int
	if set(fe, "vnet_netmask", &mask) {
		if length >= 0 && length != mask {
			maskAt, _ := fe.WhereVar("vnet_netmask")
			r.problems.add(at, "vnet_subnet: /%d contradicts vnet_netmask %s at %s, which is /%d", length, netmask(mask), maskAt, mask)
			return
		}
		length = mask
	}
	if length < 0 {
		return // complained about as a missing vnet_netmask where one is needed
	}
	p := netip.PrefixFrom(subnet.addr, length)
	if p.Masked() != p {
		r.problems.add(at, "vnet_subnet: %s has bits set after the netmask %s; the network is %s", subnet.addr, netmask(length), p.Masked().Addr())
		return
	}
	n.Subnet = p
	if !n.Broadcast.IsValid() {
		_, high := bounds(p)
		n.Broadcast = fromNumber(high)
	}
}

// checkSubnet checks what depends on the subnet, each thing by itself.
func (r *reader) checkSubnet(fe *Host, n Network) {
	low, high := bounds(n.Subnet)
	at, _ := fe.WhereVar("vnet_subnet")
	if n.Mode != System && n.Subnet.Bits() > 30 {
		r.problems.add(at, "vnet_subnet: %s has no room for a guest", n.Subnet)
		return
	}
	if n.Broadcast != fromNumber(high) {
		where, _ := fe.WhereVar("vnet_broadcast")
		r.problems.add(where, "vnet_broadcast: %s is not the broadcast address of %s, which is %s", n.Broadcast, n.Subnet, fromNumber(high))
	}
	if n.Router.IsValid() && (!n.Subnet.Contains(n.Router) || toNumber(n.Router) == low || toNumber(n.Router) == high) {
		where, _ := fe.WhereVar("vnet_router")
		r.problems.add(where, "vnet_router: %s is not an address for a machine in %s", n.Router, n.Subnet)
	}
	r.checkMACMap(fe, n)
	if n.Mode.Groups() {
		r.checkSlices(fe, n)
	}
}

func (r *reader) checkMACMap(fe *Host, n Network) {
	low, high := bounds(n.Subnet)
	at, _ := fe.WhereVar("vnet_macmap")
	for i, pair := range n.MACMap {
		switch number := toNumber(pair.IP); {
		case !n.Subnet.Contains(pair.IP):
			r.problems.add(at, "vnet_macmap: pair %d: %s is not in %s", i+1, pair.IP, n.Subnet)
		case number == low || number == high:
			r.problems.add(at, "vnet_macmap: pair %d: %s is the network or broadcast address of %s", i+1, pair.IP, n.Subnet)
		case pair.IP == n.Router:
			r.problems.add(at, "vnet_macmap: pair %d: %s is the router", i+1, pair.IP)
		}
	}
}

// checkSlices checks that the subnet is one for private addresses and holds the
// slice of the first VLAN.
func (r *reader) checkSlices(fe *Host, n Network) {
	at, _ := fe.WhereVar("vnet_subnet")
	if !private(n.Subnet) {
		r.problems.add(at, "vnet_subnet: %s is not of the private networks (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 198.18.0.0/15); guests would hide the real ones", n.Subnet)
	}
	if n.AddrsPerNet == 0 {
		return
	}
	need := firstVLAN - layoutVLAN + 1
	if slices := n.slices(); slices < need {
		where, _ := fe.WhereVar("vnet_addrspernet")
		r.problems.add(where, "vnet_addrspernet: %s holds %d slices of %d addresses, and the first VLAN, %d, has the slice number %d; make the subnet wider or the slices smaller",
			n.Subnet, slices, n.AddrsPerNet, firstVLAN, need)
		return
	}
	if name, ok := longestVLANName(n.PrivInterface, n.topVLAN()); !ok && n.Mode == Managed {
		where, _ := fe.WhereVar("vnet_subnet")
		r.problems.add(where, "vnet_privinterface %s: the interface of the highest VLAN, %s, would be longer than 15 letters; rename the interface or use a smaller subnet", n.PrivInterface, name)
	}
}

// checkPublicIPs refuses public addresses inside the private subnet.
func (r *reader) checkPublicIPs(fe *Host, n Network) {
	if !n.Mode.Groups() {
		return
	}
	at, _ := fe.WhereVar("vnet_publicips")
	switch inside := within(n.PublicIPs, n.Subnet); len(inside) {
	case 0:
	case 1:
		r.problems.add(at, "vnet_publicips: %s is inside the private subnet %s", inside[0], n.Subnet)
	default:
		r.problems.add(at, "vnet_publicips: %s and %d more are inside the private subnet %s", inside[0], len(inside)-1, n.Subnet)
	}
}

// readPublicIPs counts the public addresses out.
func (r *reader) readPublicIPs(fe *Host, n *Network) {
	var ranges publicRanges
	if !set(fe, "vnet_publicips", &ranges) {
		return
	}
	for _, one := range ranges.wanted {
		r.publicIPs += one.size()
	}
	if r.publicIPs > maxAllPublicIPs {
		at, _ := fe.WhereVar("vnet_publicips")
		r.problems.add(at, "vnet_publicips: the clusters have more than %d public addresses in all", maxAllPublicIPs)
		return
	}
	n.PublicIPs = ranges.expand()
}
