package plan

import (
	"net/netip"
	"strings"
	"testing"
)

// Guests are led to their metadata from each interface they are behind, and loopback
// is guarded on all of them before there is a way.
//
// proves A103
func TestWayToMetadata(t *testing.T) {
	for mode, want := range map[string]struct{ in, devs, sysctls string }{
		"MANAGED-NOVLAN": {"eth0", "eth0", "net.ipv4.conf.eth0.route_localnet"},
		"MANAGED":        {"eth0.+", "eth0.10 eth0.11", "net.ipv4.conf.eth0/10.route_localnet net.ipv4.conf.eth0/11.route_localnet"},
	} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t, strings.Replace(oneCluster, "MANAGED-NOVLAN", mode, 1))
			w.run(1, w.group("alice", "web"))
			in := w.run(1, w.group("alice", "db"))[0]
			f := Compile(w.store.View(), w.inv, w.host("fe1")).Frontend
			var devs, sysctls []string
			for _, a := range f.Addresses {
				if a.CIDR.Addr().IsLinkLocalUnicast() {
					devs = append(devs, a.Dev)
				}
			}
			for _, s := range f.Loopback {
				sysctls = append(sysctls, s.Name)
			}
			equal(t, "devices", strings.Join(devs, " "), want.devs)
			equal(t, "settings", strings.Join(sysctls, " "), want.sysctls)
			equal(t, "guard", f.Filter.Chains[1].Rules[:3], []Rule{
				{In: want.in, Source: cidr("127.0.0.0/8"), Target: "DROP"},
				{In: want.in, Dest: cidr("127.0.0.0/8"), NotState: "DNAT", Target: "DROP"},
				{In: want.in, Source: f.Subnet, Dest: cidr("127.0.0.1/32"), Proto: "tcp", Ports: "8773", State: "DNAT", Target: "ACCEPT"},
			})

			port, _ := w.store.View().Port(in.Port)
			if who, ok := GuestAt(w.store.View(), "one", port.IP); !ok || who.ID != in.ID {
				t.Errorf("%s is %s, %v", port.IP, who.ID, ok)
			}
			for _, stranger := range []netip.Addr{port.IP.Next(), f.Addresses[0].CIDR.Addr(), {}} {
				if who, ok := GuestAt(w.store.View(), "one", stranger); ok {
					t.Errorf("%s is %s", stranger, who.ID)
				}
			}
			if who, ok := GuestAt(w.store.View(), "two", port.IP); ok {
				t.Errorf("in another cluster it is %s", who.ID)
			}
		})
	}
}
