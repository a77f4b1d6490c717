package tasks

import (
	"strings"
	"testing"
)

func TestBridge(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		br := kindCall{"bridge", "name", "eucabr"}
		if w := h.wants(br, kindApply, Failed); !strings.Contains(w, "ip link add eucabr type bridge") {
			t.Fatal("no advice: ", w)
		}
		h.wants(kindCall{"bridge", "name", "lo"}, kindApply, Failed)
		h.wants(kindCall{"bridge", "name", "../lo"}, kindApply, Failed)
		h.try(kindTry{
			kindCall: br,
			bare:     `ip link del eucabr 2>&1 || :; ip link add eucabr type bridge`,
			states:   []kindState{{"down", ``}},
			proof:    `ip -br link show eucabr | cut -d' ' -f1; cat /sys/class/net/eucabr/flags`,
		})
	})
}

func TestAddress(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(`ip link add eucabr type bridge; ip addr add 172.19.0.9/24 dev eucabr`)
		h.try(kindTry{
			kindCall: kindCall{"address", "dev", "eucabr", "cidr", []any{"172.19.0.1/26", "10.0.0.1/32"}},
			bare:     `ip addr flush dev eucabr; ip addr add 172.19.0.9/24 dev eucabr`,
			states: []kindState{
				{"absent", ``},
				{"one missing", `ip addr add 172.19.0.1/26 dev eucabr`},
				{"another length", `ip addr add 172.19.0.1/27 dev eucabr; ip addr add 10.0.0.1/32 dev eucabr; ip addr del 172.19.0.1/27 dev eucabr`},
			},
			proof: `ip -o -4 addr show dev eucabr | awk '{print $4}' | sort`,
			tools: []string{"/usr/bin/ip"},
		})
		h.wants(kindCall{"address", "dev", "eucabr", "cidr", "169.254.169.254/32"}, kindApply, Changed)
		if scope := h.do(`ip -o -4 addr show dev eucabr to 169.254.169.254`); !strings.Contains(scope, "scope link") {
			t.Error(scope)
		}
		gone := kindCall{"address", "dev", "nosuch", "cidr", "10.0.0.1/32"}
		h.wants(gone, kindCheck, Would) // an earlier task may make the device
		h.wants(gone, kindApply, Failed)
		for _, bad := range []string{"10.0.0.1", "10.0.0.1/x", "10.0.0.1/24;reboot", "/24"} {
			h.wants(kindCall{"address", "dev", "eucabr", "cidr", bad}, kindApply, Failed)
		}
	})
}

func TestAddressGone(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(`ip link add eucabr type bridge; echo 0 >/proc/sys/net/ipv4/conf/eucabr/promote_secondaries`)
		h.try(kindTry{
			kindCall: kindCall{"address_gone", "dev", "eucabr", "cidr", []any{"172.19.0.1/24", "10.0.0.1/32"}},
			bare:     `ip addr flush dev eucabr; ip addr add 172.19.0.1/26 dev eucabr`,
			states: []kindState{
				{"one", `ip addr add 10.0.0.1/32 dev eucabr; ip addr add 172.19.0.9/24 dev eucabr`},
				// The first of a subnet takes the others with it, if one lets it.
				{"first of its subnet", `ip addr add 172.19.0.1/24 dev eucabr; ip addr add 172.19.0.9/24 dev eucabr`},
			},
			proof: `ip -o -4 addr show dev eucabr | awk '{print $4}' | sort`,
			tools: []string{"/usr/bin/ip"},
		})
		if got := h.do(`cat /proc/sys/net/ipv4/conf/eucabr/promote_secondaries`); got != "0\n" && got != "1\n" {
			t.Fatal("promote_secondaries is ", got)
		}
		h.wants(kindCall{"address_gone", "dev", "nosuch", "cidr", "10.0.0.1/32"}, kindCheck, OK)
	})
}
