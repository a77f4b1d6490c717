package plan

import (
	"cmp"
	"slices"

	"eucactl/cloud"
)

// Domain is the DNS domain that guests are told.
const Domain = "eucalyptus.internal"

// dhcp gives every member its fixed address by MAC, in its network's slice.
func (e *edge) dhcp() DHCP {
	n := e.cluster.Network
	d := DHCP{Daemon: n.DHCPDaemon, User: cmp.Or(n.DHCPUser, "root"), Interfaces: []string{n.PrivInterface}, DNS: n.DNS, Domain: Domain}
	leases := map[cloud.NetworkID][]Lease{}
	for _, m := range e.members {
		l := Lease{MAC: m.port.MAC, IP: m.port.IP, Hostname: m.Hostname, Instance: string(m.ID)}
		leases[m.port.Network] = append(leases[m.port.Network], l)
	}
	for _, net := range e.networks {
		if net.Gone {
			continue
		}
		slice := e.subnets[net.ID].CIDR
		ls := leases[net.ID]
		slices.SortFunc(ls, func(a, b Lease) int { return a.IP.Compare(b.IP) })
		d.Subnets = append(d.Subnets, DHCPSubnet{
			Network: slice.Addr(), Netmask: Netmask(slice), Broadcast: Broadcast(slice), Gateway: e.subnets[net.ID].Gateway, Leases: ls,
		})
	}
	slices.SortFunc(d.Subnets, func(a, b DHCPSubnet) int { return a.Network.Compare(b.Network) })
	return d
}
