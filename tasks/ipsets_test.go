package tasks

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const setsContent = `EUCA-web hash:ip 10.0.0.2 10.0.0.3
EUCA-empty hash:ip
EUCA-nets hash:net 10.1.0.0/24 10.2.0.0/16
`

// setsBare leaves foreign sets, one of them with a name much like ours.
const setsBare = `iptables -F; ipset destroy; ipset create other hash:ip; ipset add other 9.9.9.9; ipset create EUC hash:ip`

const setsProof = `ipset save | sed 's/ initval [^ ]*//; s/ bucketsize [^ ]*//' | sort`

func TestIpsetsShrink(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		shrink := kindCall{"ipsets_shrink", "content", setsContent}
		h.try(kindTry{
			kindCall: shrink,
			bare:     setsBare,
			states: []kindState{
				{"absent", ``},
				{"too many members", `ipset create EUCA-web hash:ip; ipset add EUCA-web 10.0.0.9; ipset add EUCA-web 6.6.6.6; ipset create EUCA-empty hash:ip`},
				{"a network", `ipset create EUCA-nets hash:net; ipset add EUCA-nets 10.3.0.0/16; ipset create EUCA-web hash:ip; ipset create EUCA-empty hash:ip`},
			},
			proof: setsProof,
			tools: []string{"/usr/sbin/ipset", "/usr/bin/awk"},
		})
		// Wanted members are neither added nor lost.
		h.do(setsBare + `; ipset create EUCA-web hash:ip; ipset add EUCA-web 10.0.0.3; ipset add EUCA-web 10.0.0.4`)
		h.wants(shrink, kindApply, Changed)
		if got := h.do(`ipset save EUCA-web | grep ^add`); got != "add EUCA-web 10.0.0.3\n" {
			t.Fatal(got)
		}
		h.do(setsBare + `; ipset create EUCA-web hash:net`)
		if w := h.wants(shrink, kindApply, Failed); !strings.Contains(w, "set EUCA-web exists with type hash:net, wanted is hash:ip") {
			t.Fatal(w)
		}
		for _, bad := range []string{"web hash:ip", "EUCA-a", "EUCA-a hash:ip -exist", "EUCA-a hash:ip 1.1.1.1;x", "EUCA-" + strings.Repeat("x", 30) + " hash:ip", "EUCA-a hash:ip\nEUCA-a hash:ip"} {
			h.wants(kindCall{"ipsets_shrink", "content", bad}, kindApply, Failed)
			h.wants(kindCall{"ipsets_grow", "content", bad}, kindApply, Failed)
		}
	})
}

func TestIpsetsGrow(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		grow := kindCall{"ipsets_grow", "content", setsContent}
		sets := `for s in web empty; do ipset create EUCA-$s hash:ip; done; ipset create EUCA-nets hash:net;`
		h.try(kindTry{
			kindCall: grow,
			bare:     setsBare,
			states: []kindState{
				{"empty", sets},
				{"one missing", sets + `ipset add EUCA-web 10.0.0.3; ipset add EUCA-nets 10.1.0.0/24`},
			},
			proof: setsProof,
			tools: []string{"/usr/sbin/ipset", "/usr/bin/awk"},
		})
		// A set too many members of is for ipsets_shrink, a missing one too.
		h.wants(grow, kindApply, Changed)
		h.do(`ipset add EUCA-empty 1.1.1.1`)
		h.wants(grow, kindApply, OK)
		h.do(setsBare)
		h.wants(grow, kindCheck, Would)
		h.wants(grow, kindApply, Failed)
	})
}

func TestIpsetsGone(t *testing.T) {
	underEachBackend(t, func(t *testing.T, h chainsHost) {
		gone := kindCall{"ipsets_gone", "content", setsContent}
		h.try(kindTry{
			kindCall: gone,
			bare:     setsBare,
			states: []kindState{
				{"one", `ipset create EUCA-web hash:ip; ipset create EUCA-old hash:ip; ipset add EUCA-old 1.1.1.1`},
				{"several", `ipset create EUCA-web hash:ip; for i in 1 2 3; do ipset create EUCA-$i hash:net; done`},
			},
			proof: setsProof,
			tools: []string{"/usr/sbin/ipset", "/usr/bin/awk"},
		})
		h.do(`ipset create EUCA-used hash:ip; ipset create EUCA-free hash:ip; iptables -A INPUT -m set --match-set EUCA-used src`)
		w := h.wants(gone, kindApply, Failed)
		if !strings.Contains(w, "EUCA-used") || strings.Contains(w, "EUCA-free") {
			t.Fatal(w)
		}
		if got := h.do(`ipset list -n | grep EUCA | sort`); got != "EUCA-used\nEUCA-web\n" {
			t.Fatal(got)
		}
		// The reference goes just before.
		h.do(`iptables -F INPUT`)
		h.wants(gone, kindApply, Changed)
		h.wants(gone, kindApply, OK)
	})
}

// TestIpsetsMany prints what 2,000 sets of ten members cost.
func TestIpsetsMany(t *testing.T) {
	h := newKindHost(t, shells[0])
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "EUCA-%d hash:ip", i)
		for j := range 10 {
			fmt.Fprintf(&b, " 10.%d.%d.%d", i/256, i%256, j+2)
		}
		b.WriteByte('\n')
	}
	p := program(t)
	for _, kind := range []string{"ipsets_shrink", "ipsets_grow", "ipsets_gone"} {
		call(t, p, kind, "content", b.String())
	}
	for _, outcome := range []string{"changed changed ok", "ok ok ok"} {
		from := time.Now()
		want(t, h.runAll(p, kindApply), outcome)
		t.Logf("%-20s %d ms", outcome, time.Since(from).Milliseconds())
	}
}
