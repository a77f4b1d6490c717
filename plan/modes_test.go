package plan

import (
	"strings"
	"testing"

	"eucactl/cloud"
)

const systemMode = `all:
  vars: {vnet_mode: SYSTEM, vnet_bridge: br0}
  children:
    frontends: {hosts: {fe1: }}
    nodes: {hosts: {n1: , n2: }}
`

const staticMode = `all:
  vars:
    vnet_mode: STATIC
    vnet_interface: eth0
    vnet_subnet: 192.168.1.0
    vnet_netmask: 255.255.255.0
    vnet_broadcast: 192.168.1.255
    vnet_router: 192.168.1.1
    vnet_dns: 192.168.1.2
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_macmap: "52:54:00:00:00:01=192.168.1.10 52:54:00:00:00:02=192.168.1.11"
    vnet_bridge: br0
  children:
    frontends: {hosts: {fe1: {ansible_host: 192.168.1.254}}}
    nodes: {hosts: {n1: , n2: }}
`

// In SYSTEM a guest has a random card and whatever address somebody else leases it;
// the frontend has nothing to do. proves A91 A95
func TestPlaceInSystem(t *testing.T) {
	w := newWorld(t, systemMode)
	order := w.order(2, 2, w.group("alice", cloud.DefaultGroup))
	order.MACs = []string{"d2:0d:00:00:00:01", "d2:0d:00:00:00:02"}
	list, err := w.place(order)
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range list {
		port := w.port(in.ID)
		if port.MAC != order.MACs[i] || port.IP.IsValid() || in.Public.IsValid() {
			t.Errorf("%+v %+v", in, port)
		}
		m := Compile(w.store.View(), w.inv, w.host(in.Host)).Node
		if m.Machines[0].Bridge != "br0" || len(m.Senders)+len(m.Segments) > 0 {
			t.Errorf("%+v", m)
		}
	}
	if f := Compile(w.store.View(), w.inv, w.host("fe1")).Frontend; f.Active || f.Routes || len(f.Filter.Chains) > 0 {
		t.Errorf("%+v", f)
	}
	w.end(list[0].ID, list[1].ID)
	w.converge()
	equal(t, "claims", w.claims(""), []string(nil))
	if nets := w.store.View().Networks(); len(nets) > 0 {
		t.Errorf("%+v", nets)
	}
}

// In STATIC pairs are given first come, first served, and dhcpd has one entry for
// each. proves A93 A94
func TestPlaceInStatic(t *testing.T) {
	w := newWorld(t, staticMode)
	g := w.group("alice", cloud.DefaultGroup)
	list := w.run(2, g)
	equal(t, "addresses", w.privates(list), []string{"192.168.1.10", "192.168.1.11"})
	_, err := w.place(w.order(1, 1, g))
	refused(t, err, "InsufficientFreeAddressesInSubnet")
	f := Compile(w.store.View(), w.inv, w.host("fe1")).Frontend
	if !f.Active || f.Routes || len(f.Filter.Chains)+len(f.Addresses)+len(f.Sysctls) > 0 {
		t.Errorf("%+v", f)
	}
	equal(t, "leases", f.DHCP.Subnets, []DHCPSubnet{{
		Network: ip("192.168.1.0"), Netmask: ip("255.255.255.0"), Broadcast: ip("192.168.1.255"), Gateway: ip("192.168.1.1"),
		Leases: []Lease{
			{MAC: "52:54:00:00:00:01", IP: ip("192.168.1.10"), Hostname: "euca-" + string(list[0].ID), Instance: string(list[0].ID)},
			{MAC: "52:54:00:00:00:02", IP: ip("192.168.1.11"), Hostname: "euca-" + string(list[1].ID), Instance: string(list[1].ID)},
		},
	}})
	w.end(list[0].ID)
	w.converge()
	equal(t, "the pair that came back", w.privates(w.run(1, g)), []string{"192.168.1.10"})
}

// What a mode cannot do is refused by name, and nothing is chosen.
func TestModesWithoutGroups(t *testing.T) {
	for mode, text := range map[string]string{"SYSTEM": systemMode, "STATIC": staticMode} {
		w := newWorld(t, text)
		_, err := w.place(w.order(1, 1, w.group("alice", "web")))
		refused(t, err, "UnsupportedOperation")
		if err != nil && !strings.Contains(err.Error(), "vnet_mode "+mode+",") {
			t.Error(err)
		}
	}
}

// In MANAGED a group's network is a VLAN of its own, on the frontend and on the nodes
// that have an instance in it. proves A60 A61 A63 A64
func TestManaged(t *testing.T) {
	w := newWorld(t, strings.Replace(oneCluster, "MANAGED-NOVLAN", "MANAGED", 1))
	web, db := w.group("alice", "web"), w.group("alice", "db")
	first := w.run(3, web)
	second := w.run(1, db)
	f := Compile(w.store.View(), w.inv, w.host("fe1")).Frontend
	equal(t, "the frontend's VLANs", links(f.Segments), []string{"eth0.10 ", "eth0.11 "})
	equal(t, "dhcpd listens on", f.DHCP.Interfaces, []string{"eth0.10", "eth0.11"})
	equal(t, "gateways", []Address{f.Addresses[0], f.Addresses[1]}, []Address{{"eth0.10", cidr("192.168.2.1/26")}, {"eth0.11", cidr("192.168.2.65/26")}})
	n1 := Compile(w.store.View(), w.inv, w.host(second[0].Host)).Node
	equal(t, "n1's VLANs", links(n1.Segments), []string{"eth0.10 eucabr10", "eth0.11 eucabr11"})
	equal(t, "bridges of its machines", []string{n1.Machines[0].Bridge, n1.Machines[1].Bridge}, []string{"eucabr10", "eucabr11"})
	equal(t, "VLANs elsewhere", links(Compile(w.store.View(), w.inv, w.host(first[1].Host)).Node.Segments), []string{"eth0.10 eucabr10"})
}

// A VLAN is given to another group only when every host that had it was seen without
// it. proves A96
func TestVLANComesBack(t *testing.T) {
	w := newWorld(t, strings.Replace(oneCluster, "MANAGED-NOVLAN", "MANAGED", 1))
	web := w.group("alice", "web")
	in := w.run(1, web)[0]
	w.converge()
	has := func(s *cloud.Seen) { s.Links = []string{"eth0.10", "eucabr10"} }
	w.report(in.Host, has)
	w.end(in.ID)
	for range 4 { // the node keeps its bridge, whatever else it does
		w.report("fe1")
		w.report(in.Host, has)
		w.settle()
	}
	equal(t, "claims", w.claims("vlan/"), []string{"vlan/one/10"})
	gone := Compile(w.store.View(), w.inv, w.host(in.Host)).Node.GoneSegments
	equal(t, "to be left", links(gone), []string{"eth0.10 eucabr10"})
	equal(t, "another group's", w.port(w.run(1, w.group("bob", "db"))[0].ID).IP.String(), "192.168.2.66")
	w.converge()
	equal(t, "claims", w.claims("vlan/"), []string{"vlan/one/11"})
}

// A list of links from before the network left the node says nothing about now.
func TestOldListOfLinks(t *testing.T) {
	w := newWorld(t, strings.Replace(oneCluster, "MANAGED-NOVLAN", "MANAGED", 1))
	in := w.run(1, w.group("alice", "web"))[0]
	w.converge()
	w.end(in.ID)
	old := func(s *cloud.Seen) { s.LinksRev = 1 }
	for range 4 {
		w.report("fe1")
		w.report(in.Host, old)
		w.settle()
	}
	equal(t, "claims", w.claims("vlan/"), []string{"vlan/one/10"})
}

func links(list []Segment) (out []string) {
	for _, s := range list {
		out = append(out, s.Link+" "+s.Bridge)
	}
	return out
}
