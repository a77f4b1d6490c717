package state

import "eucactl/cloud"

var subnets = &table[cloud.Subnet]{name: "subnet", buries: true, indexes: map[string]func(*cloud.Subnet) []string{
	"network": func(v *cloud.Subnet) []string { return []string{string(v.Network)} },
}}

// Subnet finds a subnet by id.
func (tx *Tx) Subnet(id cloud.SubnetID) (cloud.Subnet, bool) { return subnets.get(tx, string(id)) }

// SubnetOf finds the subnet of a network.
func (tx *Tx) SubnetOf(id cloud.NetworkID) (cloud.Subnet, bool) {
	return subnets.one(tx, "network", string(id))
}

// Subnets lists all subnets.
func (tx *Tx) Subnets() []cloud.Subnet { return subnets.all(tx) }

// PutSubnet adds or replaces a subnet.
func (tx *Tx) PutSubnet(v cloud.Subnet) { subnets.put(tx, v) }

// DeleteSubnet removes a subnet and buries its id.
func (tx *Tx) DeleteSubnet(id cloud.SubnetID) { subnets.delete(tx, string(id)) }
