package plan

import (
	"net/netip"

	"eucactl/cloud"
)

// Records is one unchanging moment of the cloud's records, as state gives it.
// Lists are in key order; what is returned is the caller's to keep.
type Records interface {
	Cloud() (cloud.Cloud, bool)
	Instance(cloud.InstanceID) (cloud.Instance, bool)
	Instances() []cloud.Instance
	InstancesOn(host string) []cloud.Instance
	InstancesIn(cluster string) []cloud.Instance
	InstancesEnding(cluster string) []cloud.Instance // to be terminated, not yet released
	Image(cloud.ImageID) (cloud.Image, bool)
	Group(cloud.GroupID) (cloud.Group, bool)
	Groups() []cloud.Group
	GroupNamed(owner, name string) (cloud.Group, bool)
	Network(cloud.NetworkID) (cloud.Network, bool)
	NetworksIn(cluster string) []cloud.Network
	NetworkOf(cluster string, group cloud.GroupID) (cloud.Network, bool)
	Networks() []cloud.Network
	SubnetOf(cloud.NetworkID) (cloud.Subnet, bool)
	Port(cloud.PortID) (cloud.Port, bool)
	PortsOf(cloud.NetworkID) []cloud.Port
	Address(netip.Addr) (cloud.Address, bool)
	Addresses() []cloud.Address
	AddressesIn(cluster string) []cloud.Address
	Claim(name string) (cloud.Claim, bool)
	DeadHost(host string) (cloud.DeadHost, bool)
	Seen(host string) (cloud.Seen, bool)
}

// Changes are choices to be written down in one transaction. Claims are made
// before anything else is put, and refuse the whole if one is held already.
type Changes struct {
	Cloud     *cloud.Cloud
	Claims    []cloud.Claim
	Groups    []cloud.Group
	Instances []cloud.Instance
	Networks  []cloud.Network
	Subnets   []cloud.Subnet
	Ports     []cloud.Port
	Addresses []cloud.Address

	FreeClaims  []string
	FreePorts   []cloud.PortID
	FreeNets    []cloud.NetworkID
	FreeSubnets []cloud.SubnetID
	FreeAddrs   []netip.Addr
	Bury        []cloud.InstanceID
}

// Empty says whether there is nothing to write.
func (c *Changes) Empty() bool {
	return c.Cloud == nil && len(c.Claims)+len(c.Groups)+len(c.Instances)+len(c.Networks)+len(c.Subnets)+len(c.Ports)+len(c.Addresses)+
		len(c.FreeClaims)+len(c.FreePorts)+len(c.FreeNets)+len(c.FreeSubnets)+len(c.FreeAddrs)+len(c.Bury) == 0
}
