package plan

import (
	"cmp"
	"net/netip"
	"slices"

	"eucactl/cloud"
)

// Domain is the DNS domain that guests are told.
const Domain = "eucalyptus.internal"

// dhcp gives every member its fixed address by MAC, in its network's slice.
func (e *edge) dhcp() DHCP {
	n := e.cluster.Network
	d := DHCP{Daemon: n.DHCPDaemon, User: cmp.Or(n.DHCPUser, "root"), Shared: !e.tagged(), DNS: n.DNS, Domain: Domain}
	leases := e.leases()
	for _, net := range e.networks {
		if net.Gone {
			continue
		}
		sub := e.subnets[net.ID]
		if dev := e.dev(net); !slices.Contains(d.Interfaces, dev) {
			d.Interfaces = append(d.Interfaces, dev)
		}
		d.Subnets = append(d.Subnets, DHCPSubnet{
			Network: sub.CIDR.Addr(), Netmask: Netmask(sub.CIDR), Broadcast: Broadcast(sub.CIDR), Gateway: sub.Gateway,
			Server: e.server(sub), Leases: leases[net.ID],
		})
	}
	slices.Sort(d.Interfaces)
	slices.SortFunc(d.Subnets, func(a, b DHCPSubnet) int { return a.Network.Compare(b.Network) })
	return d
}

// leases are the members' addresses, by network.
func (e *edge) leases() map[cloud.NetworkID][]Lease {
	leases := map[cloud.NetworkID][]Lease{}
	for _, m := range e.members {
		l := Lease{MAC: m.port.MAC, IP: m.port.IP, Hostname: m.Hostname, Instance: string(m.ID)}
		leases[m.port.Network] = append(leases[m.port.Network], l)
	}
	for _, ls := range leases {
		slices.SortFunc(ls, func(a, b Lease) int { return a.IP.Compare(b.IP) })
	}
	return leases
}

// server is the address that dhcpd goes by in a subnet: the gateway's, where that is
// the frontend. In STATIC somebody else routes, and dhcpd knows its own.
func (e *edge) server(sub cloud.Subnet) netip.Addr {
	if !e.cluster.Network.Mode.Groups() {
		return netip.Addr{}
	}
	return sub.Gateway
}
