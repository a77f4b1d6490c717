package tasks

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A chainsHost is a host with one of iptables' back ends.
type chainsHost struct{ *kindHost }

// underEachBackend runs a test under every shell, with both back ends; without
// EUCACTL_SOAK one of them is enough for the second and the third shell.
func underEachBackend(t *testing.T, f func(t *testing.T, h chainsHost)) {
	underEach(t, func(t *testing.T, sh shell) {
		for _, backend := range []string{"nft", "legacy"} {
			if other := map[string]string{"bash": "legacy", "busybox": "nft"}[sh.name]; other == backend && os.Getenv("EUCACTL_SOAK") == "" {
				continue
			}
			t.Run(backend, func(t *testing.T) {
				h := chainsHost{newKindHost(t, sh)}
				h.do(`for c in iptables iptables-save iptables-restore; do ln -sf xtables-$0-multi /usr/sbin/$c; done`, backend)
				f(t, h)
			})
		}
	})
}

// foreign are rules of others: before and after our hook, like docker's, with
// names like ours, and a table of nft's own.
const chainsForeign = `
iptables -t nat -F; iptables -t nat -X; iptables -F; iptables -X
iptables -P INPUT ACCEPT
iptables -N DOCKER; iptables -N DOCKER-USER; iptables -N DOCKER-ISOLATION-STAGE-1; iptables -N bob-web
iptables -A FORWARD -j DOCKER-USER
iptables -A FORWARD -j DOCKER-ISOLATION-STAGE-1
iptables -A FORWARD -s 1.2.3.4 -m comment --comment "it's mine; eucactl too" -j ACCEPT
iptables -A DOCKER-USER -j RETURN
iptables -A DOCKER-ISOLATION-STAGE-1 -i lo -j DOCKER
iptables -A bob-web -m comment --comment "eucactl ffffffff bob" -j DROP
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
nft delete table inet site 2>/dev/null || :
nft -f - <<end
table inet site {
	chain input { type filter hook input priority -5; policy accept; tcp dport 9999 drop; }
}
end
rm -rf /var/lib/eucactl
`

// others prints everything that is not ours, without counters.
const chainsOthers = `iptables-save | sed '/^#/d; /EUCA-/d; /alice-web/d; s/\[[0-9]*:[0-9]*\]//'; nft list table inet site`

const chainsContent = `:EUCA-FORWARD -
:alice-web -
-A EUCA-FORWARD -m comment --comment "eucactl c10d0001 forward" -m conntrack --ctstate RELATED -j ACCEPT
-A EUCA-FORWARD -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT
-A EUCA-FORWARD -d 10.0.0.0/24 -j alice-web

# A rule that the back end spells in its own way.
-A alice-web -m comment --comment "eucactl c10d0001 group alice-web it's" -p tcp --dport 22:22 -s 0.0.0.0/0 -j ACCEPT
-A alice-web -s 1.1.1.1,2.2.2.2 -p 47 -j ACCEPT
hook FORWARD EUCA-FORWARD
`

// applied is a script that brings the host to the wanted state by hand.
func (h chainsHost) applied(content string) {
	h.t.Helper()
	h.do(chainsForeign)
	h.wants(kindCall{"chains", "table", "filter", "content", content}, kindApply, Changed)
}

func TestChains(t *testing.T) {
	underEachBackend(t, func(t *testing.T, h chainsHost) {
		h.applied(chainsContent)
		h.do(`mkdir /mnt/kept; cp /var/lib/eucactl/host/chains/filter /mnt/kept/filter; iptables-save >/mnt/kept/save`)
		again := `mkdir -p /var/lib/eucactl/host/chains; cp /mnt/kept/filter /var/lib/eucactl/host/chains/; iptables-restore </mnt/kept/save
			`
		h.do(chainsForeign)
		before := h.do(chainsOthers)
		h.try(kindTry{
			kindCall: kindCall{"chains", "table", "filter", "content", chainsContent},
			bare:     chainsForeign,
			states: []kindState{
				{"absent", ``},
				{"rule deleted", again + `iptables -D alice-web 1`},
				{"rule added", again + `iptables -A alice-web -j ACCEPT`},
				{"chain flushed", again + `iptables -F EUCA-FORWARD`},
				{"chain deleted", again + `iptables -D EUCA-FORWARD 3; iptables -F alice-web; iptables -X alice-web`},
				{"hook deleted", again + `iptables -D FORWARD -j EUCA-FORWARD`},
				{"hook not first", again + `iptables -D FORWARD -j EUCA-FORWARD; iptables -A FORWARD -j EUCA-FORWARD`},
				{"hooked twice", again + `iptables -A FORWARD -j EUCA-FORWARD`},
				{"hooked elsewhere", again + `iptables -I OUTPUT -j EUCA-FORWARD`},
				{"record lost", again + `rm -r /var/lib/eucactl`},
				{"one too many", again + `iptables -N alice-web2; iptables -A alice-web2 -m comment --comment "eucactl c10d0001 old"; iptables -A EUCA-FORWARD -j alice-web2`},
			},
			// The order of chains in the dump is that of their making.
			proof: `iptables-save | sed '/^#/d; s/\[[0-9]*:[0-9]*\]//; /^:.*-/d'; iptables-save | sed -n 's/^:\(.*\) - .*/\1/p' | sort; nft list table inet site; sort /var/lib/eucactl/host/chains/filter 2>/dev/null || :`,
			tools: []string{"/usr/sbin/iptables-save", "/usr/sbin/iptables-restore", "/usr/bin/awk"},
		})
		h.applied(chainsContent)
		if diff := cmp.Diff(before, h.do(chainsOthers)); diff != "" {
			t.Fatal("touched what is not ours:\n", diff)
		}
	})
}

// TestChainsLifetime follows a table through changes of what is wanted.
func TestChainsLifetime(t *testing.T) {
	underEachBackend(t, func(t *testing.T, h chainsHost) {
		h.applied(chainsContent)
		before := h.do(chainsOthers)
		mark := `-m comment --comment "eucactl c10d0001 x"`
		h.wants(kindCall{"chains", "table", "nat", "content", ":EUCA-PRE -\n-A EUCA-PRE " + mark + "\n-A EUCA-PRE -d 9.9.9.9 -j DNAT --to-destination 10.0.0.2\nhook PREROUTING EUCA-PRE\n"}, kindApply, Changed)

		// Renamed, hooked elsewhere, one gone.
		other := ":EUCA-INPUT -\n:EUCA-FORWARD -\n-A EUCA-INPUT " + mark + "\n-A EUCA-FORWARD " + mark + " -j DROP\nhook INPUT EUCA-INPUT\n"
		h.wants(kindCall{"chains", "table", "filter", "content", other}, kindApply, Changed)
		h.wants(kindCall{"chains", "table", "filter", "content", other}, kindApply, OK)
		got := h.do(`iptables-save | grep -e EUCA -e alice || :`)
		for _, no := range []string{"alice-web", "-A FORWARD -j EUCA-FORWARD"} {
			if strings.Contains(got, no) {
				t.Fatalf("%s is left:\n%s", no, got)
			}
		}

		// A counter lives as long as nobody changes its chain.
		h.do(`ping -qc 3 127.0.0.1`)
		counter := h.do(`iptables-save -c | grep -e '-A EUCA-INPUT'`)
		more := other + "-A EUCA-FORWARD -s 8.8.8.8 -j DROP\n"
		h.wants(kindCall{"chains", "table", "filter", "content", more}, kindApply, Changed)
		if now := h.do(`iptables-save -c | grep -e '-A EUCA-INPUT'`); now != counter || strings.Contains(now, "[0:0]") {
			t.Fatalf("counter was %s is %s", counter, now)
		}

		// Nothing wanted is nothing left.
		h.wants(kindCall{"chains", "table", "filter", "content", "\n"}, kindApply, Changed)
		h.wants(kindCall{"chains", "table", "nat", "content", "\n"}, kindApply, Changed)
		h.wants(kindCall{"chains", "table", "nat", "content", "\n"}, kindApply, OK)
		if got := h.do(`iptables-save | grep -e EUCA -e alice || :`); got != "" {
			t.Fatal("left: ", got)
		}
		if diff := cmp.Diff(before, h.do(chainsOthers)); diff != "" {
			t.Fatal("touched what is not ours:\n", diff)
		}
	})
}

// TestChainsRefuses: everything or nothing, in words that help.
func TestChainsRefuses(t *testing.T) {
	mark := `-m comment --comment "eucactl c10d0001 x"`
	first := "-A EUCA-X " + mark + "\n"
	underEachBackend(t, func(t *testing.T, h chainsHost) {
		h.applied(chainsContent)
		dump := `iptables-save | sed '/^#/d; s/\[[0-9]*:[0-9]*\]//'`
		before := h.do(dump)
		for name, c := range map[string]struct{ content, words string }{
			"unknown option": {":EUCA-X -\n" + first + "-A EUCA-X --nonsense 1 -j ACCEPT\nhook INPUT EUCA-X\n", "-A EUCA-X --nonsense 1 -j ACCEPT"},
			"unknown target": {":EUCA-X -\n" + first + "-A EUCA-X -s 3.3.3.3 -j NOSUCH\n-A EUCA-X -j DROP\n", "-A EUCA-X -s 3.3.3.3 -j NOSUCH"},
			"unknown set":    {":EUCA-X -\n" + first + "-A EUCA-X -m set --match-set EUCA-no src -j DROP\n", "-A EUCA-X -m set --match-set EUCA-no src -j DROP"},
			"foreign chain":  {":DOCKER-USER -\n-A DOCKER-USER " + mark + "\n", "chain DOCKER-USER exists and is not ours"},
			"other cloud":    {":bob-web -\n-A bob-web " + mark + "\n", "chain bob-web exists and is not ours"},
			"no mark":        {":EUCA-X -\n-A EUCA-X -j DROP\n", "lacks the mark"},
			"wrong mark":     {":EUCA-X -\n-A EUCA-X -m comment --comment \"eucactl c10d0002 x\"\n", "lacks the mark"},
			"empty":          {":EUCA-X -\n", "no rule to carry our mark"},
			"built-in":       {":INPUT -\n-A INPUT " + mark + "\n", "built-in"},
			"undefined":      {"-A FORWARD -j ACCEPT\n", "not defined above"},
			"option":         {":-F -\n", "bad chain name"},
			"semicolon":      {":a;b -\n", "bad chain name"},
			"too long":       {":" + strings.Repeat("x", 29) + " -\n", "bad chain name"},
			"policy":         {":INPUT DROP [0:0]\n", "not a line of chains"},
			"table":          {"*nat\n", "not a line of chains"},
			"commit":         {":EUCA-X -\n" + first + "COMMIT\n*nat\n-F\n", "not a line of chains"},
			"flush":          {"-F FORWARD\n", "not a line of chains"},
			"hook":           {":EUCA-X -\n" + first + "hook DOCKER EUCA-X\n", "no built-in chain"},
			"two hooks":      {":EUCA-X -\n" + first + "hook INPUT EUCA-X\nhook INPUT EUCA-X\n", "two hooks"},
		} {
			words := h.wants(kindCall{"chains", "table", "filter", "content", chainsContent + c.content}, kindApply, Failed)
			if !strings.Contains(words, c.words) {
				t.Errorf("%s: words do not name %q:\n%s", name, c.words, words)
			}
			if diff := cmp.Diff(before, h.do(dump)); diff != "" {
				t.Fatalf("%s: something changed:\n%s", name, diff)
			}
		}
		h.wants(kindCall{"chains", "table", "filter", "content", chainsContent}, kindApply, OK)

		// A chain that foreign rules use cannot go, but nothing else waits for it.
		h.do(`iptables -A OUTPUT -d 7.7.7.7 -j alice-web`)
		less := ":EUCA-FORWARD -\n-A EUCA-FORWARD " + mark + " -j DROP\nhook FORWARD EUCA-FORWARD\n"
		for range 2 {
			words := h.wants(kindCall{"chains", "table", "filter", "content", less}, kindApply, Failed)
			if !strings.Contains(words, "-A OUTPUT -d 7.7.7.7/32 -j alice-web") {
				t.Fatal("does not name the rule: ", words)
			}
		}
		if got := h.do(`iptables -S EUCA-FORWARD; iptables -S alice-web`); !strings.Contains(got, "-j DROP") || strings.Contains(got, "22") {
			t.Fatal(got)
		}
		h.do(`iptables -D OUTPUT -d 7.7.7.7 -j alice-web`)
		h.wants(kindCall{"chains", "table", "filter", "content", less}, kindApply, Changed)
		h.wants(kindCall{"chains", "table", "filter", "content", less}, kindApply, OK)
	})
}

// manyChains is a dispatch chain and n group chains of ten rules; group odd
// differs from the others of its kind.
func manyChains(n, odd int) string {
	var b strings.Builder
	b.WriteString(":EUCA-FORWARD -\n")
	for i := range n {
		fmt.Fprintf(&b, ":u-g%d -\n", i)
	}
	b.WriteString("-A EUCA-FORWARD -m comment --comment \"eucactl c10d0001 forward\"\n")
	for i := range n {
		fmt.Fprintf(&b, "-A EUCA-FORWARD -d 10.%d.%d.0/24 -j u-g%d\n", i/256, i%256, i)
		fmt.Fprintf(&b, "-A u-g%d -m comment --comment \"eucactl c10d0001 u-g%d\"\n", i, i)
		for j := range 9 {
			port := 1000 + j
			if i == odd {
				port += 5000
			}
			fmt.Fprintf(&b, "-A u-g%d -s 1.2.3.%d/32 -p tcp -m tcp --dport %d -j ACCEPT\n", i, j, port)
		}
	}
	b.WriteString("hook FORWARD EUCA-FORWARD\n")
	return b.String()
}

// TestChainsMany prints what 22,000 rules cost, against bare iptables-restore
// and iptables-save. It fails only where something is not linear any more.
func TestChainsMany(t *testing.T) {
	underEachBackend(t, func(t *testing.T, h chainsHost) {
		took := func(what string, f func()) time.Duration {
			from := time.Now()
			f()
			d := time.Since(from)
			t.Logf("%-40s %6d ms", what, d.Milliseconds())
			return d
		}
		groups := 2000
		if h.sh.name != "dash" && os.Getenv("EUCACTL_SOAK") == "" {
			groups = 500
		}
		content := func(odd int) kindCall {
			return kindCall{"chains", "table", "filter", "content", manyChains(groups, odd)}
		}
		h.do(`iptables -N DOCKER`)
		t.Logf("%d chains of 11 rules", groups)
		took("all new", func() { h.wants(content(-1), kindApply, Changed) })
		took("nothing to do", func() { h.wants(content(-1), kindCheck, OK) })
		took("one chain changed", func() { h.wants(content(77), kindApply, Changed) })
		took("bare iptables-save", func() { h.do(`iptables-save >/mnt/all`) })
		took("bare iptables-restore of all", func() { h.do(`iptables-restore </mnt/all`) })
		took("bare iptables-restore of one chain", func() {
			h.do(`(echo '*filter'; echo ':u-g5 -'; grep -e '^-A u-g5 ' /mnt/all; echo COMMIT) | iptables-restore --noflush`)
		})
		if d := took("nothing to do", func() { h.wants(content(77), kindCheck, OK) }); d > 20*time.Second {
			t.Fatal("too slow: ", d)
		}
	})
}
