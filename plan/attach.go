package plan

import (
	"fmt"
	"net/netip"

	"eucactl/cloud"
	"eucactl/inventory"
)

// join finds the network that a launch belongs to, or opens it: in the MANAGED modes
// the first group's, in SYSTEM and STATIC the one that all instances share.
func (p *placement) join(order Order) error {
	if p.cluster.Network.Mode.Groups() {
		return p.activate(order)
	}
	if err := p.groupless(order.Instance); err != nil {
		return err
	}
	net, ok := p.NetworkOf(p.cluster.Name, "")
	if ok {
		net.Gone = false
		p.net = net
		p.subnet, _ = p.SubnetOf(net.ID)
		return nil
	}
	p.net = cloud.Network{ID: order.Network, Cluster: p.cluster.Name, Owner: cloud.Admin}
	p.subnet = cloud.Subnet{ID: order.Subnet, Network: order.Network, CIDR: p.cluster.Network.Subnet, Gateway: p.cluster.Network.Router}
	return nil
}

// groupless refuses groups where nothing would enforce their rules. Everybody has a
// group default, so that one means nothing there.
func (p *placement) groupless(in cloud.Instance) error {
	for _, id := range in.Groups {
		if g, _ := p.Group(id); g.Name != cloud.DefaultGroup || len(in.Groups) > 1 {
			return NoGroups(p.cluster, "security groups: leave -g away")
		}
	}
	return nil
}

// NoGroups is the answer to a wish that only the MANAGED modes fulfil (A95).
func NoGroups(c inventory.Cluster, what string) error {
	return cloud.Errorf("UnsupportedOperation", "%s has vnet_mode %s, which has no %s; %s and %s have them",
		c.Name, c.Network.Mode, what, inventory.Managed, inventory.ManagedNoVLAN)
}

// activate finds the network of the first group, or opens one at the lowest free
// index.
func (p *placement) activate(order Order) error {
	group := order.Instance.Groups[0]
	if net, ok := p.NetworkOf(p.cluster.Name, group); ok {
		net.Gone = false
		p.net = net
		p.subnet, _ = p.SubnetOf(net.ID)
		return nil
	}
	s := p.cloud.Networks[p.cluster.Name]
	for index := FirstVLAN; index <= lastVLAN; index++ {
		slice, ok := Slice(s, index)
		if !ok {
			break
		}
		claim := vlanClaim(p.cluster.Name, index)
		if p.taken(claim) {
			continue
		}
		p.net = cloud.Network{ID: order.Network, Cluster: p.cluster.Name, Owner: order.Instance.Owner, Group: group, Index: index}
		p.subnet = cloud.Subnet{ID: order.Subnet, Network: order.Network, CIDR: slice, Gateway: Gateway(slice)}
		p.claim(claim, string(order.Network))
		return nil
	}
	n, _ := Slices(s)
	return cloud.Errorf("SecurityGroupLimitExceeded", "all %d networks of %s are in use: an active group needs one", n, p.cluster.Name)
}

// plug chooses hardware and IP address of the launch's instance number i. In SYSTEM
// somebody else's DHCP server gives the address.
func (p *placement) plug(order Order, i int) (mac string, ip netip.Addr, err error) {
	switch p.cluster.Network.Mode {
	case inventory.System:
		return order.MACs[i], netip.Addr{}, nil
	case inventory.Static:
		return p.pair()
	}
	ip, ok := nextHost(p.subnet.CIDR, p.subnet.LastGiven, func(a netip.Addr) bool { return !p.taken(ipClaim(p.net.ID, a)) })
	if !ok {
		_, n := Slices(p.cloud.Networks[p.cluster.Name])
		return "", ip, cloud.Errorf("InsufficientFreeAddressesInSubnet", "the group's network %s is full: it holds %d instances", p.subnet.CIDR, n)
	}
	p.subnet.LastGiven = ip
	return MAC(order.IDs[i]), ip, nil
}

// pair is the first of the operator's pairs that nobody has.
func (p *placement) pair() (string, netip.Addr, error) {
	pairs := p.cluster.Network.MACMap
	for _, pair := range pairs {
		if !p.taken(macClaim(pair.MAC)) && !p.taken(ipClaim(p.net.ID, pair.IP)) {
			return pair.MAC, pair.IP, nil
		}
	}
	return "", netip.Addr{}, cloud.Errorf("InsufficientFreeAddressesInSubnet", "all %d pairs of vnet_macmap of %s are in use", len(pairs), p.cluster.Name)
}

// uplink notes that the network's VLAN is wanted on a node.
func (p *placement) uplink(node string) {
	if p.cluster.Network.Mode != inventory.Managed {
		return
	}
	p.net = p.net.Clone()
	if p.net.Uplinks == nil {
		p.net.Uplinks = map[string]cloud.Uplink{}
	}
	up, has := p.net.Uplinks[node]
	if !has {
		for _, h := range p.cluster.Nodes {
			if h.Name == node {
				up.Dev = h.Node.Interface
			}
		}
	}
	up.Gone = false
	p.net.Uplinks[node] = up
}

// PublicClaim names the hold of a public address.
func PublicClaim(ip netip.Addr) string { return "public/" + ip.String() }

func ipClaim(net cloud.NetworkID, ip netip.Addr) string { return fmt.Sprintf("ip/%s/%s", net, ip) }

func macClaim(mac string) string { return "mac/" + mac }

func vlanClaim(cluster string, index int) string { return fmt.Sprintf("vlan/%s/%d", cluster, index) }
