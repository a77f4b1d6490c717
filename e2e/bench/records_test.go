package bench

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/state"
)

// The cloud that compiling and rendering are measured with: what one cluster of MANAGED-NOVLAN can hold.
const (
	bigNodes     = 1000
	bigInstances = 10000
	bigGroups    = 2000
	bigRules     = 10 // of each group
)

// bigTime is when everything in the big cloud happened.
var bigTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// bigInventory has one frontend and the nodes.
func bigInventory(b *testing.B) *inventory.Inventory {
	text := fmt.Sprintf(`all:
  vars:
    cluster: big
    vnet_mode: MANAGED-NOVLAN
    vnet_interface: eth0
    vnet_pubinterface: eth1
    vnet_bridge: br0
    vnet_subnet: 10.64.0.0
    vnet_netmask: 255.192.0.0
    vnet_addrspernet: 32
    vnet_dns: 10.0.0.1
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_publicips: 198.18.0.0/18
  children:
    frontends: {hosts: {fe: {}}}
    nodes: {hosts: {"node[1:%d]": {}}}
`, bigNodes)
	inv, err := inventory.Parse("big.yml", []byte(text))
	if err != nil {
		b.Fatal(err)
	}
	return inv
}

// fillBig writes the big cloud's records, a thousand or so at a time.
func fillBig(b *testing.B, s *state.Store, inv *inventory.Inventory) {
	cluster, _ := inv.Cluster("big")
	settings := plan.SettingsOf(cluster)
	update(b, s, func(tx *state.Tx) { putCommon(tx, settings) })
	for from := 0; from < bigGroups; from += 500 {
		update(b, s, func(tx *state.Tx) {
			for n := from; n < from+500; n++ {
				putGroup(tx, settings, n)
			}
		})
	}
	for from := 0; from < bigInstances; from += 500 {
		update(b, s, func(tx *state.Tx) {
			for n := from; n < from+500; n++ {
				putInstance(tx, cluster.Network.PublicIPs[n], settings, n)
			}
		})
	}
	for _, h := range cluster.Nodes {
		seen := cloud.Seen{
			Host: h.Name, At: bigTime, Tried: bigTime, DomainsAt: bigTime, Capacity: cloud.Capacity{Cores: 64, Memory: 65536, Disk: 2000},
			Facts: cloud.HostFacts{"arch": "x86_64"},
		}
		if err := s.Observe(seen); err != nil {
			b.Fatal(err)
		}
	}
}

func putCommon(tx *state.Tx, settings cloud.Settings) {
	tx.PutCloud(cloud.Cloud{ID: "0badcafe", Created: bigTime, Networks: map[string]cloud.Settings{"big": settings}})
	tx.PutUser(cloud.User{Name: cloud.Admin, Created: bigTime})
	tx.PutImage(cloud.Image{
		ID: "emi-00000001", Owner: cloud.Admin, Type: cloud.MachineImage, Format: "qcow2", Arch: "x86_64", Public: true,
		Sum: strings.Repeat("1", 64), Size: 200 << 20, VirtualSize: 1 << 30, Registered: bigTime,
	})
}

// putGroup puts an active group: its rules, its network and its part of the subnet.
func putGroup(tx *state.Tx, settings cloud.Settings, n int) {
	g := cloud.Group{
		ID: cloud.GroupID(fmt.Sprintf("sg-%08x", n)), Owner: cloud.Admin, Name: fmt.Sprintf("group%d", n),
		Chain: fmt.Sprintf("%s-group%d", cloud.Admin, n), Created: bigTime,
	}
	if n == 0 {
		g.Name, g.Chain = cloud.DefaultGroup, cloud.Admin+"-"+cloud.DefaultGroup
	}
	for i := range bigRules - 1 {
		from := netip.AddrFrom4([4]byte{172, 16, byte(n), byte(i)})
		g.Rules = append(g.Rules, cloud.Permission{Protocol: "tcp", From: 1000 + i, To: 1000 + i, CIDR: netip.PrefixFrom(from, 32)})
	}
	g.Rules = append(g.Rules, cloud.Permission{
		Protocol: "tcp", From: 5432, To: 5432, Source: cloud.GroupRef{User: cloud.Admin, Name: fmt.Sprintf("group%d", (n+1)%bigGroups)},
	})
	tx.PutGroup(g)
	slice, _ := plan.Slice(settings, 10+n)
	network := cloud.Network{ID: networkID(n), Cluster: "big", Owner: cloud.Admin, Group: g.ID, Index: 10 + n}
	tx.PutNetwork(network)
	tx.PutSubnet(cloud.Subnet{ID: subnetID(n), Network: network.ID, CIDR: slice, Gateway: plan.Gateway(slice)})
	claim(tx, fmt.Sprintf("vlan/big/%d", network.Index), string(network.ID))
}

func networkID(group int) cloud.NetworkID { return cloud.NetworkID(fmt.Sprintf("net-%08x", group)) }
func subnetID(group int) cloud.SubnetID   { return cloud.SubnetID(fmt.Sprintf("subnet-%08x", group)) }

// putInstance puts a running instance with its port, its public address and what it claims. Groups and nodes get
// their instances in turn.
func putInstance(tx *state.Tx, public netip.Addr, settings cloud.Settings, n int) {
	group := n % bigGroups
	slice, _ := plan.Slice(settings, 10+group)
	ip := slice.Addr()
	for range 2 + n/bigGroups {
		ip = ip.Next()
	}
	id := cloud.InstanceID(fmt.Sprintf("i-%08x", n))
	in := cloud.Instance{
		ID: id, Reservation: cloud.ReservationID(fmt.Sprintf("r-%08x", n)), Owner: cloud.Admin, Image: "emi-00000001",
		KeyName: "mykey", PublicKey: "ssh-ed25519 " + strings.Repeat("A", 68) + " alice@example.org",
		Type: cloud.DefaultTypes()[0], Groups: []cloud.GroupID{cloud.GroupID(fmt.Sprintf("sg-%08x", group))},
		Cluster: "big", Host: fmt.Sprintf("node%d", 1+n%bigNodes), Port: cloud.PortID(fmt.Sprintf("port-%08x", n)), Public: public,
		Hostname: "euca-" + strings.ReplaceAll(ip.String(), ".", "-"), SeedSum: strings.Repeat("5", 64), SeedSize: 65536,
		Launched: bigTime, Want: cloud.Running,
	}
	tx.PutInstance(in)
	tx.PutPort(cloud.Port{ID: in.Port, Network: networkID(group), Subnet: subnetID(group), Instance: id, MAC: plan.MAC(id), IP: ip})
	tx.PutAddress(cloud.Address{IP: public, Cluster: "big", Owner: cloud.Admin, Instance: id})
	claim(tx, fmt.Sprintf("ip/%s/%s", networkID(group), ip), string(id))
	claim(tx, "mac/"+plan.MAC(id), string(id))
	claim(tx, "public/"+public.String(), string(id))
}

func claim(tx *state.Tx, name, holder string) {
	if err := tx.PutClaim(cloud.Claim{Name: name, Holder: holder}); err != nil {
		panic(err) // the figures above do not fit together
	}
}

func update(b *testing.B, s *state.Store, fn func(*state.Tx)) {
	b.Helper()
	_, err := s.Update(state.Actor{User: cloud.Admin, Verb: "bench", Time: bigTime}, func(tx *state.Tx) error { fn(tx); return nil })
	if err != nil {
		b.Fatal(err)
	}
}
