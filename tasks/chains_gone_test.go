package tasks

import (
	"strings"
	"testing"
)

// chainsStale is what one back end holds after iptables became the other one: chains
// of ours that rules use or do not, and others' rules and marks.
const chainsStale = `

stale() { iptables-$stale "$@"; }
stale -F; stale -X; stale -t nat -F; stale -t nat -X
stale -N EUCA-FORWARD; stale -N alice-web; stale -N kept; stale -N bob-web; stale -N DOCKER
stale -A EUCA-FORWARD -m comment --comment "eucactl c10d0001 forward"
stale -A EUCA-FORWARD -d 10.0.0.0/24 -j alice-web
stale -A alice-web -m comment --comment "eucactl c10d0001 sg-1" -j DROP
stale -A kept -m comment --comment "eucactl c10d0001" -j DROP
stale -A bob-web -m comment --comment "eucactl ffffffff sg-1"
stale -A FORWARD -j EUCA-FORWARD; stale -A FORWARD -j DOCKER; stale -A FORWARD -j bob-web; stale -A INPUT -j EUCA-FORWARD
stale -A OUTPUT -d 7.7.7.7 -j kept
stale -t nat -N EUCA-PRE; stale -t nat -A EUCA-PRE -m comment --comment "eucactl c10d0001 prerouting" -d 9.9.9.9 -j DNAT --to-destination 10.0.0.2
stale -t nat -A PREROUTING -j EUCA-PRE; stale -t nat -A PREROUTING -d 8.8.8.8 -j ACCEPT
iptables -F; iptables -X; iptables -N EUCA-FORWARD
iptables -A EUCA-FORWARD -m comment --comment "eucactl c10d0001 forward"
iptables -A FORWARD -j EUCA-FORWARD
`

const chainsGoneLeft = `-N DOCKER
-N bob-web
-N kept
-A FORWARD -j DOCKER
-A FORWARD -j bob-web
-A OUTPUT -d 7.7.7.7/32 -j kept
-A bob-web -m comment --comment "eucactl ffffffff sg-1"
-A PREROUTING -d 8.8.8.8/32 -j ACCEPT
`

const chainsFlushed = `-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-A PREROUTING -d 8.8.8.8/32 -j ACCEPT
`

func TestChainsGone(t *testing.T) {
	underEachBackend(t, func(t *testing.T, h chainsHost) {
		other := "legacy"
		if strings.Contains(h.do(`iptables -V`), "legacy") {
			other = "nft"
		}
		call := kindCall{"chains_gone"}
		h.wants(call, kindApply, OK)
		bare := "stale=" + other + chainsStale
		h.try(kindTry{
			kindCall: call,
			bare:     bare,
			states:   []kindState{{"stale", ``}},
			proof:    `iptables-save | sed '/^#/d; s/\[[0-9]*:[0-9]*\]//'; iptables-` + other + `-save | sed '/^#/d; s/\[[0-9]*:[0-9]*\]//'`,
			tools:    []string{"/usr/sbin/iptables"},
		})
		h.do(bare)
		h.wants(call, kindApply, Changed)
		for _, line := range strings.Split(strings.TrimSpace(h.do(`iptables-`+other+` -S; iptables-`+other+` -t nat -S`)), "\n") {
			if !strings.HasPrefix(line, "-P ") && !strings.HasPrefix(line, "#") && !strings.Contains(chainsGoneLeft, line+"\n") {
				t.Errorf("left: %s", line)
			}
		}
		h.do(bare + "stale -P FORWARD DROP")
		h.wants(kindCall{"chains_gone", "flush", "filter"}, kindCheck, Would)
		h.wants(kindCall{"chains_gone", "flush", "filter"}, kindApply, Changed)
		h.wants(kindCall{"chains_gone", "flush", "filter"}, kindApply, OK)
		if got := h.do(`iptables-` + other + ` -S 2>/dev/null; iptables-` + other + ` -t nat -S 2>/dev/null | grep -v ^-P`); got != chainsFlushed {
			t.Error("flushed: ", got)
		}
		if got := h.do(`iptables -S FORWARD`); !strings.Contains(got, "-j EUCA-FORWARD") {
			t.Error("the back end in use was touched: ", got)
		}
	})
}
