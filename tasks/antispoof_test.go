package tasks

import (
	"fmt"
	"strings"
	"testing"
)

const antispoofTable = "eucactl_c10d0001"

// sendersOf is a table that lets n senders pass.
func sendersOf(n int) string {
	var senders []string
	for i := range n {
		senders = append(senders, fmt.Sprintf(`"i-%08x" . d0:0d:00:00:%02x:%02x . 10.0.%d.%d`, i*7919, i/256, i%256, i/250, i%250+1))
	}
	return `table bridge ` + antispoofTable + `
delete table bridge ` + antispoofTable + `
table bridge ` + antispoofTable + ` {
	set senders {
		type ifname . ether_addr . ipv4_addr
		elements = { ` + strings.Join(senders, ", ") + ` }
	}
	chain prerouting {
		type filter hook prerouting priority -310; policy accept;
		iifname "i-*" iifname . ether saddr . ip saddr != @senders drop
	}
}
`
}

func TestAntispoof(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(`nft 'add table bridge theirs; add chain bridge theirs x { type filter hook prerouting priority 0; }; add rule bridge theirs x ether type 0x88b5 drop'
			nft -s list table bridge theirs >/root/theirs 2>/dev/null`)
		text := sendersOf(300)
		load := "nft -f - <<'NFT'\n" + text + "NFT\n"
		h.try(kindTry{
			kindCall: kindCall{"antispoof", "content", text},
			bare:     `nft delete table bridge ` + antispoofTable + ` 2>/dev/null || :; rm -f /var/lib/eucactl/host/antispoof-*`,
			states: []kindState{
				{"absent", ``},
				{"there without a mark", load},
				{"with a rule more", load + `nft add rule bridge ` + antispoofTable + ` prerouting drop`},
			},
			proof: `nft -s list ruleset bridge 2>/dev/null`,
			tools: []string{"/usr/sbin/nft"},
		})
		h.do(`nft -s list table bridge theirs 2>/dev/null | cmp - /root/theirs`)
	})
}

// It stays while an interface of a guest is there, and goes with the last.
func TestAntispoofGone(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		absent := kindCall{"antispoof", "state", "absent"}
		h.wants(absent, kindApply, OK)
		h.wants(kindCall{"antispoof", "content", sendersOf(1)}, kindApply, Changed)
		h.do(`ip link add i-00000000 type veth peer name other`)
		h.wants(absent, kindApply, OK)
		h.do(`nft list table bridge ` + antispoofTable + ` >/dev/null; ip link del i-00000000`)
		h.wants(absent, kindCheck, Would)
		h.wants(absent, kindApply, Changed)
		h.do(`! nft list table bridge ` + antispoofTable + ` 2>/dev/null; ! ls /var/lib/eucactl/host/antispoof-* 2>/dev/null`)
	})
}
