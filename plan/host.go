// Package plan chooses and derives. place.go and settle.go make choices, to be
// written down in the same transaction; compile.go turns the records into what one
// host should be. It is pure: it reads Records and an inventory, and neither the
// clock nor the network.
package plan

import "net/netip"

// Host is everything that one host should be, as plain data. Its snake_case form
// is what playbooks see as `plan` and what `eucactl plan HOST` prints.
type Host struct {
	Host     string    `json:"host"`
	Cluster  string    `json:"cluster"`
	Cloud    string    `json:"cloud"` // the cloud's id, in the mark of all we make
	Frontend *Frontend `json:"frontend"`
	Node     *Node     `json:"node"`
}

// Frontend is a frontend's part: routing, addresses, firewall and leases. Active
// is false until the cluster's first instance: nothing is to be done before.
type Frontend struct {
	Active        bool         `json:"active"`
	Routes        bool         `json:"routes"` // has firewall, gateways, translations: the MANAGED modes
	Left          []string     `json:"left"`   // interfaces by which it led guests under earlier settings, and does not now
	PrivInterface string       `json:"priv_interface"`
	PubInterface  string       `json:"pub_interface"`
	Subnet        netip.Prefix `json:"subnet"` // VNET_SUBNET/VNET_NETMASK
	Sysctls       []Sysctl     `json:"sysctls"`
	Segments      []Segment    `json:"segments"` // MANAGED: the VLANs that it routes
	GoneSegments  []Segment    `json:"gone_segments"`
	Loopback      []Sysctl     `json:"loopback"` // those that lead guests to loopback: only behind the filter
	Addresses     []Address    `json:"addresses"`
	GoneAddresses []Address    `json:"gone_addresses"`
	Sets          []Set        `json:"sets"`
	Flush         []string     `json:"flush"` // tables in which others' rules are what the operator preloads
	Filter        Table        `json:"filter"`
	Nat           Table        `json:"nat"`
	DHCP          DHCP         `json:"dhcp"`
	Flows         Flows        `json:"flows"`
}

// Sysctl is a kernel setting ("net.ipv4.ip_forward").
type Sysctl struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Dev   string `json:"dev"` // whose it is, if that may be made in the same run
}

// Address is an address on an interface.
type Address struct {
	Dev  string       `json:"dev"`
	CIDR netip.Prefix `json:"cidr"`
}

// Set is an ipset: the private addresses of a group's members.
type Set struct {
	Name    string       `json:"name"`
	Type    string       `json:"type"` // hash:ip
	Members []netip.Addr `json:"members"`
}

// Table is our part of an iptables table.
type Table struct {
	Hooks  []Hook  `json:"hooks"`
	Chains []Chain `json:"chains"`
}

// Hook is the jump at position 1 of a built-in chain to one of ours.
type Hook struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Chain is one of our chains. Mark is the comment of its first rule.
type Chain struct {
	Name  string `json:"name"`
	Mark  string `json:"mark"`
	Rules []Rule `json:"rules"`
}

// Rule is an iptables rule. Zero fields do not restrict.
type Rule struct {
	In        string       `json:"in"` // interface; "eth0.+" is all that begin so
	NotIn     string       `json:"not_in"`
	Source    netip.Prefix `json:"source"`
	SourceSet string       `json:"source_set"`
	Dest      netip.Prefix `json:"dest"`
	NotDest   netip.Prefix `json:"not_dest"`
	DestSet   string       `json:"dest_set"`
	Proto     string       `json:"proto"`
	Ports     string       `json:"ports"`     // "22" or "1:1024", destination
	ICMP      string       `json:"icmp"`      // "8" or "8/0"
	State     string       `json:"state"`     // conntrack states
	NotState  string       `json:"not_state"` // and those that it must not have
	Direction string       `json:"direction"` // REPLY or ORIGINAL
	NotSyn    bool         `json:"not_syn"`
	Target    string       `json:"target"`  // ACCEPT, DROP, DNAT, SNAT, MASQUERADE or a chain
	To        netip.Addr   `json:"to"`      // of DNAT and SNAT
	ToPort    int          `json:"to_port"` // of DNAT; 0: unchanged
}

// DHCP is what the frontend's dhcpd serves. No subnets: it does not run.
type DHCP struct {
	Shared     bool         `json:"shared"` // the subnets are on one wire
	Daemon     string       `json:"daemon"`
	User       string       `json:"user"`
	Interfaces []string     `json:"interfaces"`
	DNS        []netip.Addr `json:"dns"`
	Domain     string       `json:"domain"`
	Subnets    []DHCPSubnet `json:"subnets"`
}

// DHCPSubnet is a network's slice with its leases.
type DHCPSubnet struct {
	Network   netip.Addr `json:"network"`
	Netmask   netip.Addr `json:"netmask"`
	Broadcast netip.Addr `json:"broadcast"`
	Gateway   netip.Addr `json:"gateway"`
	Server    netip.Addr `json:"server"` // server-identifier; none where somebody else routes
	Leases    []Lease    `json:"leases"`
}

// Lease is the fixed address of a MAC.
type Lease struct {
	MAC      string     `json:"mac"`
	IP       netip.Addr `json:"ip"`
	Hostname string     `json:"hostname"`
	Instance string     `json:"instance"`
}

// Flows tells live addresses from stale ones, for the connection tracking table.
type Flows struct {
	Live []netip.Addr  `json:"live"`
	Nat  []Translation `json:"nat"`
	Pool []netip.Addr  `json:"pool"`
	// Permits are who may reach a group's members: between guests, a flow without
	// one is ended.
	Permits []Permit `json:"permits"`
}

// Permit lets Whom, a network or a set, reach the members of a group's set.
type Permit struct {
	Group string `json:"group"`
	Proto string `json:"proto"`
	From  int    `json:"from"`
	To    int    `json:"to"`
	Whom  string `json:"whom"`
}

// Translation is a public address and the private one behind it.
type Translation struct {
	Public  netip.Addr `json:"public"`
	Private netip.Addr `json:"private"`
}

// Node is a node's part: images, machines, and the machines that must not be.
type Node struct {
	Bridge       string    `json:"bridge"`     // the operator's; empty in MANAGED
	Hypervisor   string    `json:"hypervisor"` // kvm or qemu
	Segments     []Segment `json:"segments"`   // MANAGED: the VLANs that machines are in
	GoneSegments []Segment `json:"gone_segments"`
	Senders      []Sender  `json:"senders"` // what each machine may send; none in SYSTEM and STATIC
	Images       []Image   `json:"images"`
	Machines     []Machine `json:"machines"`
	Gone         []Gone    `json:"gone"`
}

// Sender is the only sender's address that a machine may use.
type Sender struct {
	Dev string     `json:"dev"` // the machine's interface on the node
	MAC string     `json:"mac"`
	IP  netip.Addr `json:"ip"`
}

// Image is a file that machines of this node need.
type Image struct {
	ID     string `json:"id"`
	Sum    string `json:"sum"`
	Size   int64  `json:"size"`
	Format string `json:"format"`
	Path   string `json:"path"`
}

// Machine is an instance as its node sees it.
type Machine struct {
	ID       string `json:"id"`
	UUID     string `json:"uuid"`
	Owner    string `json:"owner"`
	Dir      string `json:"dir"`
	Hostname string `json:"hostname"`
	Cores    int    `json:"cores"`
	Memory   int    `json:"memory"` // MiB
	Disk     int    `json:"disk"`   // MiB
	Image    Image  `json:"image"`
	Kernel   Image  `json:"kernel"`  // empty: the machine image boots itself
	Ramdisk  Image  `json:"ramdisk"` // empty: none
	Seed     Seed   `json:"seed"`
	MAC      string `json:"mac"`
	Dev      string `json:"dev"` // its interface on the node, named for it
	Bridge   string `json:"bridge"`
	Reboots  int    `json:"reboots"`
}

// Seed is a NoCloud seed disk by the sum of its content, which has secrets in it.
type Seed struct {
	Sum  string `json:"sum"`
	Size int64  `json:"size"`
}

// Gone is a machine to be destroyed, by name.
type Gone struct {
	ID  string `json:"id"`
	Dir string `json:"dir"`
}
