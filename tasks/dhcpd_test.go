package tasks

import (
	"fmt"
	"strings"
	"testing"
)

const dhcpdConf = `default-lease-time 86400;
subnet 10.9.0.0 netmask 255.255.255.0 {
	option routers 10.9.0.1;
	host i-00000001 { hardware ethernet d0:0d:00:00:00:01; fixed-address %s; }
}
`

// dhcpdNet is an interface to serve, with a client behind it, and a dhcpd of
// somebody else on another interface.
const dhcpdNet = `
mkdir -p /run/netns /run/other
ip netns add c
ip link add br0 type veth peer name eth0 netns c
ip link add br1 type bridge
ip addr add 10.9.0.1/24 dev br0; ip link set br0 up
ip addr add 10.8.0.1/24 dev br1; ip link set br1 up
ip -n c link set eth0 address d0:0d:00:00:00:01
ip -n c link set eth0 up
echo 'subnet 10.8.0.0 netmask 255.255.255.0 { }' >/run/other/dhcpd.conf
: >/run/other/leases
dhcpd -q -cf /run/other/dhcpd.conf -lf /run/other/leases -pf /run/other/pid br1
`

// dhcpdOurs lists our daemons, dhcpdOther says whether the foreign one lives.
const (
	dhcpdOurs  = `for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" != dhcpd ] || ! tr '\0' ' ' <$p/cmdline | grep -q 'eucactl-dhcpd.conf ' || echo ${p#/proc/}; done`
	dhcpdOther = `kill -0 $(cat /run/other/pid) && echo other alive`
	dhcpdBare  = `for p in $(` + dhcpdOurs + `); do kill -9 $p; done; while [ -n "$(` + dhcpdOurs + `)" ]; do sleep 0.1; done; rm -rf /run/eucalyptus /var/lib/eucactl`
)

func dhcpdCall(addr string) kindCall {
	return kindCall{"dhcpd", "daemon", "/usr/sbin/dhcpd", "user", "root", "interfaces", []any{"br0"}, "content", fmt.Sprintf(dhcpdConf, addr)}
}

// lease asks as a guest would, and returns the address it gets.
func (h *kindHost) lease() string {
	h.t.Helper()
	return strings.TrimSpace(h.do(`printf '#!/bin/dash\n[ "$1" != bound ] || echo $ip >&2\n' >/mnt/got; chmod +x /mnt/got
		ip netns exec c udhcpc -i eth0 -nq -t 9 -T 1 -s /mnt/got 2>&1 >/dev/null | grep '^[0-9.]*$'`))
}

func TestDhcpd(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(dhcpdNet)
		k := dhcpdCall("10.9.0.2")
		h.do(dhcpdBare)
		h.wants(k, kindApply, Changed)
		if got := h.lease(); got != "10.9.0.2" {
			t.Fatal("leased ", got)
		}
		h.do(`mkdir -p /mnt/kept; cp -a /run/eucalyptus /var/lib/eucactl /mnt/kept`)
		h.try(kindTry{
			kindCall: k,
			bare:     dhcpdBare,
			states: []kindState{
				{"absent", ``},
				{"not running", `cp -a /mnt/kept/eucalyptus /run; cp -a /mnt/kept/eucactl /var/lib`},
				{"other process", `cp -a /mnt/kept/eucalyptus /run; cp -a /mnt/kept/eucactl /var/lib; cd /run/eucalyptus/net;
					dhcpd -q -cf $PWD/eucactl-dhcpd.conf -lf $PWD/eucactl-dhcpd.leases -pf $PWD/eucactl-dhcpd.pid br0`},
				{"pid of another", `cp -a /mnt/kept/eucalyptus /run; cp -a /mnt/kept/eucactl /var/lib; cp /run/other/pid /run/eucalyptus/net/eucactl-dhcpd.pid`},
			},
			proof: dhcpdOurs + ` | wc -l; ` + dhcpdOther + `; cat /run/eucalyptus/net/eucactl-dhcpd.conf 2>/dev/null || :`,
			tools: []string{"/usr/sbin/dhcpd", "/usr/bin/tr", "/usr/bin/readlink"},
		})
	})
}

// TestDhcpdLifetime follows one daemon.
func TestDhcpdLifetime(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(dhcpdNet)
		pid := func() string { h.t.Helper(); return strings.TrimSpace(h.do(dhcpdOurs)) }
		h.wants(dhcpdCall("10.9.0.2"), kindApply, Changed)
		first := pid()
		h.wants(dhcpdCall("10.9.0.2"), kindApply, OK)
		if got := pid(); got != first || strings.Contains(got, "\n") {
			t.Fatalf("was %s is %s", first, got)
		}
		// A daemon must not hold the lock of the run that started it.
		if got := h.do(`ls -l /proc/$0/fd | grep -c eucactl.lock || :`, first); got != "0\n" {
			t.Fatal("the daemon has the lock open")
		}
		if got := h.do(`stat -c '%a %U' /run/eucalyptus /run/eucalyptus/net /run/eucalyptus/net/eucactl-dhcpd.conf`); got != "755 root\n755 root\n644 root\n" {
			t.Fatal(got)
		}

		// A file changed by hand is set right, the daemon did not see it.
		h.do(`echo '# mine' >>/run/eucalyptus/net/eucactl-dhcpd.conf`)
		h.wants(dhcpdCall("10.9.0.2"), kindApply, Changed)
		if got := pid(); got != first {
			t.Fatal("restarted for nothing")
		}

		// Another configuration: one restart, and it serves the new address.
		h.wants(dhcpdCall("10.9.0.3"), kindApply, Changed)
		second := pid()
		if second == first || strings.Contains(second, "\n") {
			t.Fatalf("was %s is %s", first, second)
		}
		if got := h.lease(); got != "10.9.0.3" {
			t.Fatal("leased ", got)
		}

		// A wrong one: the old one serves on, untouched.
		bad := dhcpdCall("10.9.0.3; no sense")
		words := h.wants(bad, kindApply, Failed)
		if !strings.Contains(words, "line 4") || !strings.Contains(words, "the old one stays in force") {
			t.Fatal(words)
		}
		if got := pid(); got != second || h.lease() != "10.9.0.3" {
			t.Fatal("the old daemon went: ", got)
		}
		h.wants(dhcpdCall("10.9.0.3"), kindApply, OK)

		// One that dhcpd accepts and cannot start with: the old one is put back.
		wrong := kindCall{"dhcpd", "daemon", "/usr/sbin/dhcpd", "user", "root", "interfaces", []any{"br0"}, "content", "subnet 10.7.0.0 netmask 255.255.255.0 { }\n"}
		words = h.wants(wrong, kindApply, Failed)
		if !strings.Contains(words, "No subnet declaration for br0") || !strings.Contains(words, "in force again") {
			t.Fatal(words)
		}
		if got := h.lease(); got != "10.9.0.3" {
			t.Fatal("leased ", got)
		}
		h.wants(dhcpdCall("10.9.0.3"), kindApply, OK)

		h.do(`kill -9 $0; while [ -n "$(`+dhcpdOurs+`)" ]; do sleep 0.1; done`, pid())
		h.wants(dhcpdCall("10.9.0.3"), kindApply, Changed)

		// Two at once end as one.
		h.do(`cd /run/eucalyptus/net; dhcpd -q -cf $PWD/eucactl-dhcpd.conf -lf $PWD/eucactl-dhcpd.leases --no-pid br0`)
		h.wants(dhcpdCall("10.9.0.3"), kindApply, Changed)
		if got := pid(); strings.Contains(got, "\n") {
			t.Fatal(got)
		}

		// As another user it serves too, from a directory that stays root's.
		k := dhcpdCall("10.9.0.3")
		k[4] = "nobody"
		h.wants(k, kindApply, Changed)
		h.wants(k, kindApply, OK)
		if got := h.do(`stat -c %U /proc/$0 /run/eucalyptus/net`, pid()); got != "nobody\nroot\n" {
			t.Fatal(got)
		}
		if got := h.lease(); got != "10.9.0.3" {
			t.Fatal("leased ", got)
		}
		k[4] = "nosuchuser"
		h.wants(k, kindApply, Failed)
		if got := h.lease(); got != "10.9.0.3" {
			t.Fatal("leased ", got)
		}

		h.wants(kindCall{"dhcpd_gone"}, kindCheck, Would)
		h.wants(kindCall{"dhcpd_gone"}, kindApply, Changed)
		h.wants(kindCall{"dhcpd_gone"}, kindApply, OK)
		if got := pid() + h.do(dhcpdOther); got != "other alive\n" {
			t.Fatal(got)
		}
		h.wants(dhcpdCall("10.9.0.3"), kindApply, Changed)
	})
}

// TestDhcpdKeepsLeases: an address that was dealt out, not fixed, stays its holder's when another configuration is
// served: the lease is in the file that the next daemon reads.
func TestDhcpdKeepsLeases(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(dhcpdNet)
		call := func(more string) kindCall {
			return kindCall{"dhcpd", "daemon", "/usr/sbin/dhcpd", "user", "root", "interfaces", []any{"br0"},
				"content", "default-lease-time 86400;\nsubnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.120; }\n" + more}
		}
		h.wants(call(""), kindApply, Changed)
		first := h.lease()
		// Who asked before him would be the first again in an empty file.
		h.do(`ip -n c link set eth0 address d0:0d:00:00:00:02`)
		second := h.lease()
		if first == second || !strings.HasPrefix(second, "10.9.0.1") {
			t.Fatalf("leased %s and %s", first, second)
		}
		h.wants(call("option domain-name \"changed\";\n"), kindApply, Changed)
		if got := h.do(`grep -c '^lease ' /run/eucalyptus/net/eucactl-dhcpd.leases`); got != "2\n" {
			t.Errorf("so many leases are known: %s", got)
		}
		if got := h.lease(); got != second {
			t.Errorf("leased %s, and before %s", got, second)
		}
	})
}

func TestDhcpdGone(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(dhcpdNet)
		h.wants(dhcpdCall("10.9.0.2"), kindApply, Changed)
		h.do(`mkdir -p /mnt/kept; cp -a /run/eucalyptus /var/lib/eucactl /mnt/kept; rm /mnt/kept/eucalyptus/net/eucactl-dhcpd.pid`)
		again := `cp -a /mnt/kept/eucalyptus /run; cp -a /mnt/kept/eucactl /var/lib
			`
		h.try(kindTry{
			kindCall: kindCall{"dhcpd_gone"},
			bare:     dhcpdBare,
			states: []kindState{
				{"running", again + `cd /run/eucalyptus/net; dhcpd -q -cf $PWD/eucactl-dhcpd.conf -lf $PWD/eucactl-dhcpd.leases -pf $PWD/eucactl-dhcpd.pid br0`},
				{"not running", again},
			},
			proof: dhcpdOurs + `; ls /run/eucalyptus/net | grep -v lease || :; ` + dhcpdOther,
			tools: []string{"/usr/bin/tr", "/usr/bin/readlink"},
		})
	})
}

func TestDhcpdRefuses(t *testing.T) {
	h := newKindHost(t, shells[0])
	for _, bad := range [][3]string{
		{"/bin/sh", "root", "lo"}, {"/usr/sbin/nodhcpd", "root", "lo"}, {"/usr/sbin/dhcpd", "-x", "lo"},
		{"/usr/sbin/dhcpd", "a b", "lo"}, {"/usr/sbin/dhcpd", "root", ""}, {"/usr/sbin/dhcpd", "root", "lo -play"},
		{"/usr/sbin/dhcpd", "root", "lo;reboot"},
	} {
		h.wants(kindCall{"dhcpd", "daemon", bad[0], "user", bad[1], "interfaces", bad[2], "content", "x"}, kindApply, Failed)
	}
}
