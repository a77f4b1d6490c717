package state

import (
	"net/netip"

	"eucactl/cloud"
)

var addresses = &table[cloud.Address]{name: "address", indexes: map[string]func(*cloud.Address) []string{
	"cluster":  func(v *cloud.Address) []string { return []string{v.Cluster} },
	"owner":    func(v *cloud.Address) []string { return []string{v.Owner} },
	"instance": func(v *cloud.Address) []string { return []string{string(v.Instance)} },
}}

// Address finds a public address in use.
func (tx *Tx) Address(ip netip.Addr) (cloud.Address, bool) { return addresses.get(tx, ip.String()) }

// Addresses lists all public addresses in use.
func (tx *Tx) Addresses() []cloud.Address { return addresses.all(tx) }

// AddressesIn lists those of a cluster.
func (tx *Tx) AddressesIn(cluster string) []cloud.Address {
	return addresses.list(tx, "cluster", cluster)
}

// AddressesOf lists those of a user.
func (tx *Tx) AddressesOf(owner string) []cloud.Address { return addresses.list(tx, "owner", owner) }

// AddressesOfInstance lists those that lead to an instance.
func (tx *Tx) AddressesOfInstance(id cloud.InstanceID) []cloud.Address {
	return addresses.list(tx, "instance", string(id))
}

// PutAddress adds or replaces a public address.
func (tx *Tx) PutAddress(v cloud.Address) { addresses.put(tx, v) }

// DeleteAddress removes a public address.
func (tx *Tx) DeleteAddress(ip netip.Addr) { addresses.delete(tx, ip.String()) }
