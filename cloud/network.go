package cloud

import (
	"net/netip"
)

// Network is one L2 segment, or in MANAGED-NOVLAN a group's part of the shared
// one. In the MANAGED modes an active group has one per cluster, and Index (the
// VLAN) numbers its slice of the cluster's subnet. In SYSTEM and STATIC a cluster
// has one for all instances, without a group.
type Network struct {
	Meta
	ID      NetworkID `json:"id"`
	Cluster string    `json:"cluster"`
	Owner   string    `json:"owner"`
	Group   GroupID   `json:"group"`
	Index   int       `json:"index"`
	Gone    bool      `json:"gone,omitempty"` // no instance left: being taken off the frontend
	// Uplinks are, in MANAGED, the nodes that may have the VLAN: it is not given to
	// another group before each of them was seen without it.
	Uplinks map[string]Uplink `json:"uplinks,omitempty"`
}

// Uplink is a node's way into a network's VLAN: the interface that it is tagged on.
// Gone means that no instance of the network is left on the node.
type Uplink struct {
	Dev  string `json:"dev"`
	Gone bool   `json:"gone,omitempty"`
}

func (n Network) Key() string { return string(n.ID) }

// Subnet is an address range of a network.
type Subnet struct {
	Meta
	ID        SubnetID     `json:"id"`
	Network   NetworkID    `json:"network"`
	CIDR      netip.Prefix `json:"cidr"`
	Gateway   netip.Addr   `json:"gateway"`
	LastGiven netip.Addr   `json:"last_given,omitzero"`
}

func (s Subnet) Key() string { return string(s.ID) }

// Port plugs an instance into a network.
type Port struct {
	Meta
	ID       PortID     `json:"id"`
	Network  NetworkID  `json:"network"`
	Subnet   SubnetID   `json:"subnet"`
	Instance InstanceID `json:"instance"`
	MAC      string     `json:"mac"`
	IP       netip.Addr `json:"ip"`
}

func (p Port) Key() string { return string(p.ID) }

// Address is a public address in use: given at launch (Elastic false) or allocated
// by a user. Gone means that it is on its way back to the pool: the frontend must
// be seen without it first.
type Address struct {
	Meta
	IP       netip.Addr `json:"ip"`
	Cluster  string     `json:"cluster"`
	Owner    string     `json:"owner"`
	Elastic  bool       `json:"elastic"`
	Instance InstanceID `json:"instance,omitempty"`
	Gone     bool       `json:"gone,omitempty"`
}

func (a Address) Key() string { return a.IP.String() }

// Claim is the exclusive hold of a scarce thing. Its key is unique, so a double
// allocation is a refused insert.
type Claim struct {
	Meta
	Name   string `json:"name"`   // "ip/<network>/<ip>", "vlan/<cluster>/<n>", "mac/<mac>", "public/<ip>"
	Holder string `json:"holder"` // id of the record that holds it
}

func (c Claim) Key() string { return c.Name }
