package e2e

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eucactl/controller"
	"eucactl/e2e/crowd"
)

// TestLeases asks the frontend's dhcpd as guests and strangers do, through what happens to it. It serves each guest its
// own address and nobody else any; it is restarted when what it serves has changed, and only then; a configuration that
// it cannot read leaves the one serving that served before.
//
// proves A64
func TestLeases(t *testing.T) {
	t.Parallel()
	f := newFront(t, "leases")
	f.must("create-group", "web", "--no-wait")
	f.launch(22, "-g", "web") // some addresses begin like others: 10.50.1.2 and 10.50.1.20
	f.must("reconcile", "fe1")
	p := f.policed()
	guests := p.guests()
	for _, ip := range guests {
		f.served(ip, true)
	}
	stranger := net.HardwareAddr{0xd0, 0x0d, 0, 0, 0, 1}
	if kind, ip := f.lease(stranger, crowd.Discover, netip.Addr{}, time.Second); kind != 0 {
		t.Errorf("a stranger is told %d, %s", kind, ip)
	}
	if kind, ip := f.lease(stranger, crowd.Request, guests[0], time.Second); kind == crowd.Ack {
		t.Errorf("a stranger is given %s", ip)
	}
	if kind, ip := f.lease(f.crowd.MAC(crowd.Private, guests[0]), crowd.Request, guests[1], time.Second); kind == crowd.Ack && ip == guests[1] {
		t.Errorf("%s is given %s", guests[0], ip)
	}

	// What does not concern it does not concern it.
	first := f.dhcpd()
	for _, args := range [][]string{
		nil, {"authorize", "web", "-P", "tcp", "-p", "22", "--no-wait"}, {"allocate-address", "--no-wait"}, {"create-group", "db", "--no-wait"}, nil,
	} {
		if args != nil {
			f.must(args...)
		}
		f.must("reconcile", "fe1")
		if now := f.dhcpd(); now != first {
			t.Fatalf("after %v dhcpd is process %s, and was %s", args, now, first)
		}
	}

	f.unreadable(guests[0])
	if now := f.dhcpd(); now != first {
		t.Fatalf("after a bad configuration dhcpd is process %s, and was %s", now, first)
	}

	// One guest goes, one comes, in another network: one restart, and everybody else has what he had.
	f.must("terminate-instances", f.instances()[0], "--no-wait")
	f.launch(1, "-g", "db")
	f.must("reconcile", "fe1")
	if now := f.dhcpd(); now == first || strings.Contains(now, " ") {
		t.Errorf("dhcpd is process %s, and was %s", now, first)
	}
	now := f.policed()
	for _, ip := range now.guests() {
		f.served(ip, true)
	}
	for _, ip := range guests {
		if now.Members[ip] == nil {
			f.served(ip, false)
		}
	}

	// Killed, and after a reboot, it comes back with what it served.
	f.on("fe1", "kill -9 $(pgrep -x dhcpd)")
	f.must("reconcile", "fe1")
	f.served(guests[1], true)
	f.reboot()
	f.must("reconcile", "fe1")
	f.served(guests[1], true)
}

// dhcpd is the ids of its processes.
func (f *front) dhcpd() string {
	f.t.Helper()
	return strings.TrimSpace(f.on("fe1", "pgrep -x dhcpd | tr '\\n' ' '"))
}

func (f *front) lease(mac net.HardwareAddr, kind byte, want netip.Addr, limit time.Duration) (byte, netip.Addr) {
	f.t.Helper()
	is, ip, err := f.crowd.AskLease(crowd.Private, mac, kind, want, limit)
	if err != nil {
		f.t.Fatal(err)
	}
	return is, ip
}

// served: the guest is offered its address and gets it when it asks; or hears nothing.
func (f *front) served(ip netip.Addr, yes bool) {
	f.t.Helper()
	mac := f.crowd.MAC(crowd.Private, ip)
	limit := time.Second
	if yes {
		limit = 20 * time.Second
	}
	kind, offered := f.lease(mac, crowd.Discover, netip.Addr{}, limit)
	if !yes && kind == crowd.Offer {
		f.t.Errorf("%s is gone, and is offered %s", ip, offered)
	}
	if !yes {
		return
	}
	if kind != crowd.Offer || offered != ip {
		f.t.Errorf("%s asks, and is told %d, %s", ip, kind, offered)
		return
	}
	if kind, given := f.lease(mac, crowd.Request, offered, limit); kind != crowd.Ack || given != ip {
		f.t.Errorf("%s takes what it was offered, and is told %d, %s", ip, kind, given)
	}
}

// unreadable brings a configuration to the frontend that dhcpd cannot read: it fails in dhcpd's words, and dhcpd goes on.
func (f *front) unreadable(guest netip.Addr) {
	f.t.Helper()
	dir := filepath.Join(f.t.TempDir(), "edited")
	f.must("playbook", "eject", dir)
	template, err := filepath.Glob(filepath.Join(dir, "*", "dhcpd.conf.j2"))
	if err != nil || len(template) != 1 {
		f.t.Fatalf("templates: %v, %v", template, err)
	}
	text, err := os.ReadFile(template[0])
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(template[0], append(text, "no sense\n"...), 0o644); err != nil {
		f.t.Fatal(err)
	}
	before := f.on("fe1", "cat /run/eucalyptus/net/eucactl-dhcpd.conf")
	said := f.reconcile("fe1", "--playbooks", dir)
	words := ""
	for _, task := range said.Hosts[0].Tasks {
		words += task.Words
	}
	if said.Hosts[0].Outcome != controller.HostFailed || !strings.Contains(words, "the old one stays in force") {
		f.t.Errorf("a bad configuration: %+v", said.Hosts[0])
	}
	if after := f.on("fe1", "cat /run/eucalyptus/net/eucactl-dhcpd.conf"); after != before {
		f.t.Errorf("it took the place of the good one:\n%s", after)
	}
	f.served(guest, true)
}
