package controller

import (
	"net/netip"
	"slices"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
)

func allocateAddress(t *turn, req cloud.AllocateAddress) (out cloud.AddressAnswer, err error) {
	clusters, err := t.clusters(req.Zone)
	if err != nil {
		return out, err
	}
	c, _ := t.Cloud()
	for _, cluster := range clusters {
		if !cluster.Network.Mode.Groups() {
			err = plan.NoGroups(cluster, "elastic addresses")
			continue
		}
		if len(cluster.Network.PublicIPs) == 0 {
			err = cloud.Errorf("AddressLimitExceeded", "%s has no public addresses: set vnet_publicips", cluster.Name)
			continue
		}
		var ip netip.Addr
		if ip, err = plan.NextPublic(t.Tx, cluster, c, t.claimed); err == nil {
			return t.allocate(cluster, c, ip)
		}
	}
	return out, err
}

func (t *turn) claimed(claim string) bool { _, ok := t.Claim(claim); return ok }

func (t *turn) allocate(cluster inventory.Cluster, c cloud.Cloud, ip netip.Addr) (cloud.AddressAnswer, error) {
	a := cloud.Address{IP: ip, Cluster: cluster.Name, Owner: t.user, Elastic: true}
	c = plan.WithLastPublic(c, cluster.Name, ip)
	return cloud.AddressAnswer{Address: a}, t.apply(plan.Changes{
		Cloud: &c, Claims: []cloud.Claim{{Name: plan.PublicClaim(ip), Holder: "user " + t.user}}, Addresses: []cloud.Address{a},
	})
}

// elastic finds an elastic address of the caller.
func (t *turn) elastic(text string) (cloud.Address, error) {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return cloud.Address{}, cloud.Errorf("InvalidParameterValue", "Invalid value '%.64s' for PublicIp: not an IPv4 address", text)
	}
	a, ok := t.Address(ip)
	if !ok || !a.Elastic || a.Owner != t.user && !t.admin() {
		return a, cloud.Errorf("InvalidAddress.NotFound", "Address '%s' not found among your elastic addresses: see eucactl describe-addresses", ip)
	}
	return a, nil
}

func associateAddress(t *turn, req cloud.AssociateAddress) (out cloud.AddressAnswer, err error) {
	a, err := t.elastic(req.IP)
	if err != nil {
		return out, err
	}
	in, err := t.instance(req.Instance)
	if err != nil {
		return out, err
	}
	if in.Want != cloud.Running {
		return out, cloud.Errorf("IncorrectInstanceState", "the instance '%s' is %s", in.ID, plan.StatusOf(t.Tx, in).State)
	}
	if in.Cluster != a.Cluster {
		return out, cloud.Errorf("InvalidParameterCombination", "%s is an address of %s, %s runs in %s", a.IP, a.Cluster, in.ID, in.Cluster)
	}
	return t.move(a, func(m *plan.Moves, c inventory.Cluster) error { return m.Associate(c, a.IP, in.ID) })
}

func disassociateAddress(t *turn, req cloud.DisassociateAddress) (out cloud.AddressAnswer, err error) {
	a, err := t.elastic(req.IP)
	if err != nil {
		return out, err
	}
	return t.move(a, func(m *plan.Moves, c inventory.Cluster) error { return m.Disassociate(c, a.IP) })
}

// move makes an address change and answers with the address as it is then.
func (t *turn) move(a cloud.Address, how func(*plan.Moves, inventory.Cluster) error) (cloud.AddressAnswer, error) {
	cluster, _ := t.c.Inventory.Cluster(a.Cluster)
	m := plan.NewMoves(t.Tx)
	if err := how(m, cluster); err != nil {
		return cloud.AddressAnswer{}, err
	}
	if err := t.apply(m.Changes()); err != nil {
		return cloud.AddressAnswer{}, err
	}
	a, _ = t.Address(a.IP)
	return cloud.AddressAnswer{Address: a, Notes: m.Notes}, nil
}

// releaseAddress gives an address back; the pool has it again when the frontend was
// seen without it, which may be so already.
func releaseAddress(t *turn, req cloud.ReleaseAddress) (cloud.AddressAnswer, error) {
	a, err := t.elastic(req.IP)
	if err != nil {
		return cloud.AddressAnswer{}, err
	}
	if a.Instance == "" && t.frontRev(a.Cluster) >= a.Rev {
		return cloud.AddressAnswer{Address: a}, t.apply(plan.Changes{FreeAddrs: []netip.Addr{a.IP}, FreeClaims: []string{plan.PublicClaim(a.IP)}})
	}
	out, err := t.move(a, func(m *plan.Moves, c inventory.Cluster) error { return m.Disassociate(c, a.IP) })
	if err != nil {
		return out, err
	}
	out.Address.Elastic, out.Address.Gone = false, true
	t.PutAddress(out.Address)
	return out, nil
}

// frontRev is the revision at which a cluster's frontend was last wholly as planned.
func (t *turn) frontRev(cluster string) uint64 {
	c, ok := t.c.Inventory.Cluster(cluster)
	if !ok || c.Frontend == nil {
		return 0
	}
	seen, _ := t.Seen(c.Frontend.Name)
	return seen.FrontRev
}

func describeAddresses(t *turn, req cloud.DescribeAddresses) (out cloud.Addresses, err error) {
	for _, ip := range req.IPs {
		if _, err := t.elastic(ip); err != nil {
			return out, err
		}
	}
	for _, a := range t.Addresses() {
		mine := a.Owner == t.user || t.admin() && (req.All || len(req.IPs) > 0)
		named := len(req.IPs) == 0 || slices.Contains(req.IPs, a.IP.String())
		if mine && named && (a.Elastic || req.All) {
			out.Addresses = append(out.Addresses, a)
		}
	}
	out.Addresses = orEmpty(out.Addresses)
	slices.SortFunc(out.Addresses, func(a, b cloud.Address) int { return a.IP.Compare(b.IP) })
	return out, nil
}
