package plan

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"eucactl/cloud"
	"eucactl/inventory"
)

// Moves gathers the records that a chain of address changes touches, so that each
// step sees what the one before did.
type Moves struct {
	r         Records
	instances map[cloud.InstanceID]cloud.Instance
	addresses map[netip.Addr]cloud.Address
	out       Changes
	Notes     []string // what the user should know
}

// NewMoves starts with nothing moved.
func NewMoves(r Records) *Moves {
	return &Moves{r: r, instances: map[cloud.InstanceID]cloud.Instance{}, addresses: map[netip.Addr]cloud.Address{}}
}

// Changes are all moves together, in one order whatever the way there.
func (m *Moves) Changes() Changes {
	out := m.out
	for _, id := range slices.Sorted(maps.Keys(m.instances)) {
		out.Instances = append(out.Instances, m.instances[id])
	}
	for _, ip := range slices.SortedFunc(maps.Keys(m.addresses), netip.Addr.Compare) {
		out.Addresses = append(out.Addresses, m.addresses[ip])
	}
	return out
}

func (m *Moves) instance(id cloud.InstanceID) (cloud.Instance, bool) {
	if in, ok := m.instances[id]; ok {
		return in, true
	}
	return m.r.Instance(id)
}

func (m *Moves) address(ip netip.Addr) (cloud.Address, bool) {
	if a, ok := m.addresses[ip]; ok {
		return a, true
	}
	return m.r.Address(ip)
}

// Associate puts an elastic address in front of an instance. The instance's launch
// address goes back to the pool and is remembered; an instance that had the elastic
// address before gets its own one back.
func (m *Moves) Associate(cluster inventory.Cluster, ip netip.Addr, id cloud.InstanceID) error {
	if a, _ := m.address(ip); a.Instance == id {
		return nil
	}
	if err := m.Disassociate(cluster, ip); err != nil {
		return err
	}
	in, _ := m.instance(id)
	if old, ok := m.address(in.Public); ok {
		old.Instance = ""
		if !old.Elastic {
			old.Gone = true
			in.Previous = old.IP
		}
		m.addresses[old.IP] = old
	}
	a, _ := m.address(ip)
	a.Instance, in.Public = id, ip
	m.addresses[ip], m.instances[id] = a, in
	return nil
}

// Disassociate takes an elastic address from its instance, which gets back the
// public address it had before (A123), or another with a note if that is taken.
func (m *Moves) Disassociate(cluster inventory.Cluster, ip netip.Addr) error {
	a, _ := m.address(ip)
	if a.Instance == "" {
		return nil
	}
	in, _ := m.instance(a.Instance)
	a.Instance = ""
	m.addresses[ip] = a
	back, err := m.restore(cluster, in)
	if err != nil {
		return err
	}
	in.Public, in.Previous = back, netip.Addr{}
	m.instances[in.ID] = in
	return nil
}

// restore gives an instance its previous launch address again, if it can.
func (m *Moves) restore(cluster inventory.Cluster, in cloud.Instance) (netip.Addr, error) {
	if !in.Previous.IsValid() {
		return netip.Addr{}, nil
	}
	if old, ok := m.address(in.Previous); ok && old.Gone && !old.Elastic {
		holder, _ := m.r.Claim(PublicClaim(old.IP))
		if holder.Holder == string(in.ID) { // on its way back, but not there yet
			old.Gone, old.Instance = false, in.ID
			m.addresses[old.IP] = old
			return old.IP, nil
		}
	}
	ip := in.Previous
	if _, taken := m.r.Claim(PublicClaim(ip)); taken || !pooled(cluster, ip) {
		c, _ := m.r.Cloud()
		next, err := NextPublic(m.r, cluster, c, func(claim string) bool { _, ok := m.r.Claim(claim); return ok })
		if err != nil {
			m.Notes = append(m.Notes, fmt.Sprintf("%s had %s before, which is taken, and no other address is free: it has none now", in.ID, ip))
			return netip.Addr{}, nil
		}
		m.Notes = append(m.Notes, fmt.Sprintf("%s had %s before, which is taken: it has %s now", in.ID, ip, next))
		ip, c = next, WithLastPublic(c, cluster.Name, next)
		m.out.Cloud = &c
	}
	m.addresses[ip] = cloud.Address{IP: ip, Cluster: in.Cluster, Owner: in.Owner, Instance: in.ID}
	m.out.Claims = append(m.out.Claims, cloud.Claim{Name: PublicClaim(ip), Holder: string(in.ID)})
	return ip, nil
}

func pooled(c inventory.Cluster, ip netip.Addr) bool {
	for _, p := range c.Network.PublicIPs {
		if p == ip {
			return true
		}
	}
	return false
}
