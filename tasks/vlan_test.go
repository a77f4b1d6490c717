package tasks

import (
	"strings"
	"testing"

	"eucactl/e2e/lab"
)

// A VLAN and its bridge on a host that has a kernel of its own, with ip and then with
// the older tools.
func TestVlan(t *testing.T) {
	l := openLab(t, lab.Options{Kernel: lab.OwnKernel})
	h := kindHostIn(l, t, shells[0])
	vlan := kindCall{"vlan", "link", "eth0.10", "dev", "eth0", "id", 10, "network", "net-00000001", "bridge", "eucabr10"}
	gone := append(vlan[:len(vlan):len(vlan)], "state", "absent")
	forget := `for l in eucabr10 eth0.10 probe0; do [ ! -e /sys/class/net/$l ] || ip link del $l; done; rm -rf /var/lib/eucactl/host/links`
	for _, tools := range []string{"ip", "vconfig, brctl and ifconfig"} {
		if tools != "ip" {
			h.do(`mkdir -p /root/bin; mv $(readlink -f /usr/sbin/ip) /root/bin/ip; rm -f /usr/sbin/ip /usr/bin/ip /sbin/ip /bin/ip
				for t in vconfig brctl ifconfig; do ln -sf /usr/bin/busybox /usr/local/bin/$t; done`)
		}
		h.do(`PATH=/root/bin:$PATH; ` + forget)
		h.wants(vlan, kindCheck, Would)
		h.wants(vlan, kindApply, Changed)
		h.wants(vlan, kindApply, OK)
		got := h.do(`cat /sys/class/net/eth0.10/ifalias /sys/class/net/eucabr10/ifalias /sys/class/net/eucabr10/bridge/stp_state
			ls /sys/class/net/eucabr10/brif; grep VID /proc/net/vlan/eth0.10 | cut -c1-20
			echo $(($(cat /sys/class/net/eth0.10/flags) & $(cat /sys/class/net/eucabr10/flags) & 1)); cat /proc/sys/net/ipv6/conf/eucabr10/disable_ipv6`)
		want := "eucactl c10d0001 net-00000001\neucactl c10d0001 net-00000001\n0\neth0.10\neth0.10  VID: 10\t RE\n1\n1\n"
		if got != want {
			t.Errorf("%s: got\n%swant\n%s", tools, got, want)
		}
		h.do(`echo 0 >/sys/class/net/eucabr10/ifalias; PATH=/root/bin:$PATH; ip link set eucabr10 alias "eucactl c10d0001 net-00000001"; ip link set eth0.10 nomaster`)
		h.wants(vlan, kindApply, Changed)
		h.do(`PATH=/root/bin:$PATH; ip link set eucabr10 down`)
		h.wants(vlan, kindApply, Changed)
		h.wants(vlan, kindApply, OK)
		// A bridge with another's port stays.
		h.do(`PATH=/root/bin:$PATH; ip link add probe0 type veth peer name probe1; ip link set probe0 master eucabr10`)
		if words := h.wants(gone, kindApply, Failed); !strings.Contains(words, "eucabr10 still has the port probe0") {
			t.Error(words)
		}
		h.do(`PATH=/root/bin:$PATH; ip link del probe0`)
		h.wants(gone, kindCheck, Would)
		h.wants(gone, kindApply, Changed)
		h.wants(gone, kindApply, OK)
		h.do(`[ ! -e /sys/class/net/eth0.10 ] && [ ! -e /sys/class/net/eucabr10 ]`)
		// What others made is in the way, and is left alone.
		h.do(`PATH=/root/bin:$PATH; ip link add link eth0 name eth0.10 type vlan id 10`)
		if words := h.wants(vlan, kindApply, Failed); !strings.Contains(words, "eth0.10 exists on this host and is not ours") {
			t.Error(words)
		}
		h.wants(gone, kindApply, OK)
		h.do(`[ -e /sys/class/net/eth0.10 ]`)
		// Being made when the program was killed: no mark yet, but a note of this boot.
		h.do(`mkdir -p /var/lib/eucactl/host/links; echo "$(cat /proc/sys/kernel/random/boot_id) net-00000001" >/var/lib/eucactl/host/links/eth0.10`)
		h.wants(vlan, kindApply, Changed)
		h.wants(vlan, kindApply, OK)
	}
	for _, bad := range []kindCall{
		{"vlan", "link", "eth0.11", "dev", "eth0", "id", 10, "network", "net-00000001"},
		{"vlan", "link", "eth9.10", "dev", "eth9", "id", 10, "network", "net-00000001"},
		{"vlan", "link", "eth0.x", "dev", "eth0", "id", "x", "network", "net-00000001"},
	} {
		h.wants(bad, kindApply, Failed)
	}
}
