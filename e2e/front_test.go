package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"eucactl/cloud"
	"eucactl/e2e/crowd"
	"eucactl/e2e/wire"
	"eucactl/sim/policy"
)

// front is a cloud's frontend between a crowd that stands for its guests and one that stands for the world. The
// frontend, its kernel and its program are real. The guests are so as far as it can tell: they have the addresses and
// MACs of the records' instances, whose machines no node is ever told of (only the frontend is reconciled), so hundreds
// of policies take seconds.
type front struct {
	*world
	crowd *crowd.Crowd
}

// outsiders are addresses in the world. The frontend has no way back to some of them, which matters to nobody who only
// sends.
var outsiders = []netip.Addr{
	netip.MustParseAddr("203.0.113.101"), netip.MustParseAddr("203.0.113.102"), netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("192.0.2.9"),
}

func newFront(t *testing.T, name string) *front {
	t.Helper()
	w := newWorld(t, name, 1)
	text, err := os.ReadFile(w.lab.Inventory())
	if err != nil {
		t.Fatal(err)
	}
	roomy := strings.Replace(string(text), "203.0.113.10-203.0.113.29", "203.0.113.10-203.0.113.69", 1)
	if err := os.WriteFile(w.lab.Inventory(), []byte(roomy), 0o644); err != nil {
		t.Fatal(err)
	}
	fe1, err := w.lab.Host("fe1")
	if err != nil {
		t.Fatal(err)
	}
	w.on("node1", roomyNode)
	w.must("reconcile", "node1")
	f := &front{world: w}
	if f.crowd, err = crowd.Join(w.lab, map[crowd.Side]netip.Addr{crowd.Private: fe1.Private, crowd.Public: fe1.Public}); err != nil {
		t.Fatal(err)
	}
	for i, ip := range outsiders {
		f.crowd.Add(crowd.Public, ip, net.HardwareAddr{2, 0, 0, 0, 0, byte(i)})
	}
	return f
}

// roomyNode lets a node seem to have room for a thousand instances.
const roomyNode = `i=0
while [ $i -lt 1000 ]; do echo "cpu$i 0 0 0"; i=$((i + 1)); done >/run/stat
echo 'MemTotal: 2000000000 kB' >/run/meminfo
mount --bind /run/stat /proc/stat
mount --bind /run/meminfo /proc/meminfo
printf '%s\n' '#!/bin/sh' 'echo Filesystem' 'echo "roomy 5000000000 0 5000000000 0% /"' >/usr/local/sbin/df
chmod 755 /usr/local/sbin/df
`

// launch records instances and returns the last one's id.
func (f *front) launch(n int, args ...string) string {
	f.t.Helper()
	f.must(append([]string{"run-instances", f.image, "--no-wait", "-n", fmt.Sprint(n)}, args...)...)
	return f.policed().newest
}

// policed is what the records permit, and where public addresses lead.
type policed struct {
	policy.Policy
	behind map[netip.Addr]netip.Addr // the private by the public address
	newest string                    // instance
}

// policed reads it, and lets the crowd have who is new.
func (f *front) policed() policed {
	f.t.Helper()
	r := f.records()
	p := policed{policy.Policy{Subnet: netip.MustParsePrefix("10.50.0.0/16"), Guests: "eth0", Members: map[netip.Addr][]cloud.Group{}}, map[netip.Addr]netip.Addr{}, ""}
	var last cloud.Instance
	for _, in := range r.living() {
		if in.Want != cloud.Running {
			continue
		}
		port := r.ports[string(in.Port)]
		mac, err := net.ParseMAC(port.MAC)
		if err != nil {
			f.t.Fatal(err)
		}
		f.crowd.Add(crowd.Private, port.IP, mac)
		for _, id := range in.Groups {
			p.Members[port.IP] = append(p.Members[port.IP], r.groups[string(id)])
		}
		if in.Public.IsValid() {
			p.behind[in.Public] = port.IP
		}
		if in.Launched.After(last.Launched) || in.Launched.Equal(last.Launched) && in.LaunchIndex > last.LaunchIndex {
			last = in
		}
	}
	p.newest = string(last.ID)
	return p
}

// known lets the frontend know where the guests are: until it has found out, it keeps only the last packets to each.
func (f *front) known(guests []netip.Addr) {
	f.t.Helper()
	script := ""
	for _, ip := range guests {
		script += fmt.Sprintf("ip neigh replace %s lladdr %s dev eth0 nud reachable\n", ip, f.crowd.MAC(crowd.Private, ip))
	}
	f.on("fe1", script)
}

// guests are the private addresses of all members, in order.
func (p policed) guests() (list []netip.Addr) {
	for ip := range p.Members {
		list = append(list, ip)
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return list
}

// lets says whether a new flow may begin with the shot and end at that guest.
func (p policed) lets(s crowd.Shot, at netip.Addr) bool {
	if s.To != at && p.behind[s.To] != at {
		return false
	}
	return p.Verdict(asPacket(s, at)) == "ACCEPT"
}

// opens says whether it is to arrive, wherever that is.
func (p policed) opens(s crowd.Shot) bool {
	if to, ok := p.behind[s.To]; ok {
		return p.lets(s, to) && asPacket(s, to).State == "NEW" // nothing else is translated
	}
	if p.Subnet.Contains(s.To) && p.Members[s.To] == nil {
		return false
	}
	return p.lets(s, s.To)
}

// asPacket is the shot as a frontend judges it. Of icmp connection tracking knows questions and answers and their
// errors: what is none of these belongs to no flow.
func asPacket(s crowd.Shot, at netip.Addr) policy.Packet {
	k := policy.Packet{In: "eth0", Src: s.From, Dst: at, Port: int(s.DstPort), Type: int(s.Type), Code: int(s.Code), State: "NEW"}
	if s.Side == crowd.Public {
		k.In = "eth1"
	}
	switch s.Proto {
	case wire.TCP:
		k.Proto, k.Syn = "tcp", true
	case wire.UDP:
		k.Proto = "udp"
	case wire.ICMP:
		k.Proto = "icmp"
		if !slices.Contains([]byte{8, 13, 15, 17}, s.Type) {
			k.State = "INVALID"
		}
	default:
		k.Proto = fmt.Sprint(s.Proto)
	}
	return k
}

// reboot takes its rules, addresses and sets from the frontend, and everything below /run.
func (f *front) reboot() {
	f.t.Helper()
	if err := f.lab.Reboot("fe1"); err != nil {
		f.t.Fatal(err)
	}
}
