package controller

import (
	"context"
	"errors"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/plan"
	"eucactl/preflight"
)

// What a check of the network does on hosts is POSIX sh and clean for shellcheck.
func TestTrialScriptsArePosix(t *testing.T) {
	addr := netip.MustParsePrefix("198.18.0.1/16")
	for name, script := range map[string]string{
		"make VLAN":     makeVLAN("eth0", "eth0.4093", 4093, addr),
		"remove VLANs":  removeVLANs + facts.VLANsScript,
		"quietly":       quietly,
		"make public":   makePublic("eth1", addr.Addr()),
		"remove public": removePublic("eth1"),
	} {
		if _, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(script), name); err != nil {
			t.Error(err)
		}
		cmd := exec.Command("shellcheck", "-s", "sh", "-e", "SC2154,SC2034", "-")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// ends are a frontend and nodes.
func endsOf(w *world, n int) (list []*end) {
	hosts := w.c.Inventory.Hosts()
	for i := range n {
		h := *hosts[min(i, 1)]
		h.Name = "h" + string(rune('0'+i))
		list = append(list, &end{host: &h, dev: "eth0", peer: facts.Peer{Name: h.Name}, pings: map[string]facts.Ping{}})
	}
	return list
}

func TestWhoPingsWhom(t *testing.T) {
	w := newWorld(t, twoNodes)
	for _, n := range []int{2, 5, fullMesh + 1, fullMesh + 2, 200} {
		ends := endsOf(w, n)
		pairs, most := map[[2]int]bool{}, 0
		for i := range ends {
			peers := peersOf(ends, i)
			if i > 0 {
				most = max(most, len(peers))
			}
			for _, p := range peers {
				j := slices.IndexFunc(ends, func(e *end) bool { return e.peer == p })
				pairs[[2]int{min(i, j), max(i, j)}] = true
			}
		}
		for i := 1; i < n; i++ {
			if !pairs[[2]int{0, i}] {
				t.Errorf("%d hosts: nobody tries the way between the frontend and h%d", n, i)
			}
		}
		if n <= fullMesh+1 && len(pairs) != n*(n-1)/2 {
			t.Errorf("%d hosts: %d pairs", n, len(pairs))
		}
		if n > fullMesh+1 && most > 4 {
			t.Errorf("%d hosts: a node pings %d", n, most)
		}
	}
}

// broken says between whom nothing, or nothing long, passes.
func judged(w *world, n int, spoil func(a, b int) facts.Ping) []string {
	t := &trial{c: w.c, tx: w.c.Store.View(), out: &preflight.Result{}, ends: endsOf(w, n)}
	for i, a := range t.ends {
		for j, b := range t.ends {
			if i != j {
				a.pings[b.peer.Name] = spoil(min(i, j), max(i, j))
			}
		}
	}
	t.judgePairs(pairs(t.ends), wire{what: "frames", fix: "mend it"})
	list := slices.Clone(t.out.Done)
	for _, f := range t.out.Findings {
		list = append(list, f.Host+": "+f.Words)
	}
	return list
}

// As few sentences as are true: all of a switch, all of a host, or one pair.
func TestWhoIsBlamed(t *testing.T) {
	w := newWorld(t, twoNodes)
	whole := facts.Ping{Small: true, Full: true, MAC: "02:00:00:00:00:01"}
	for name, c := range map[string]struct {
		hosts int
		spoil func(a, b int) facts.Ping
		want  []string
	}{
		"nobody":        {3, func(int, int) facts.Ping { return whole }, []string{"frames pass between h0, h1, h2, small and full ones (3 pairs)"}},
		"the switch":    {3, func(int, int) facts.Ping { return facts.Ping{} }, []string{"h0: frames do not pass between any of h0, h1, h2"}},
		"the only pair": {2, func(int, int) facts.Ping { return facts.Ping{} }, []string{"h0: frames do not pass between it and h1"}},
		"one host": {4, func(_, b int) facts.Ping {
			if b == 3 {
				return facts.Ping{}
			}
			return whole
		}, []string{"h3: frames do not pass between it and any other host"}},
		"one pair": {4, func(a, b int) facts.Ping {
			if a == 1 && b == 2 {
				return facts.Ping{}
			}
			return whole
		}, []string{"h1: frames do not pass between it and h2"}},
		"full frames of one host": {3, func(_, b int) facts.Ping {
			return facts.Ping{Small: true, Full: b != 2}
		}, []string{"h2: full-sized frames do not pass between it and any other host"}},
		"a firewall": {2, func(int, int) facts.Ping { return facts.Ping{MAC: "02:00:00:00:00:01"} },
			[]string{"frames pass between h0, h1, small and full ones (1 pair)", "h0: frames pass between it and h1, but pings are dropped"}},
	} {
		t.Run(name, func(t *testing.T) { equal(t, "said", judged(w, c.hosts, c.spoil), c.want) })
	}
}

// The VLAN and the range to try with are nobody's.
func TestTrialTakesNothingOfTheSite(t *testing.T) {
	w := newWorld(t, strings.Replace(strings.Replace(twoNodes, "MANAGED-NOVLAN", "MANAGED", 1), "10.50.0.0", "198.18.0.0", 1))
	cluster, _ := w.c.Inventory.Cluster("one")
	tr := &trial{c: w.c, tx: w.c.Store.View(), cluster: cluster, out: &preflight.Result{}, ends: endsOf(w, 3)}
	for i, e := range tr.ends {
		e.vlans.Tags = map[int]string{highestTrial - i: "eth0.x"}
	}
	tag, ok := tr.chooseTag()
	equal(t, "tag", tag, highestTrial-3)
	equal(t, "chosen", ok && tr.chooseAddresses(), true)
	equal(t, "address", tr.ends[2].peer.Addr.String(), "198.19.0.3")
	tr.req.VLAN = highestTrial
	if _, ok := tr.chooseTag(); ok || len(tr.out.Findings) != 1 {
		t.Errorf("a VLAN that a host has was chosen: %v", tr.out.Findings)
	}
	tr.ends[1].route = []facts.Route{{Dev: "tun0", Dest: netip.MustParsePrefix("198.16.0.0/13")}}
	equal(t, "chosen again", tr.chooseAddresses(), true)
	equal(t, "address", tr.ends[0].peer.Addr.String(), "10.255.0.1")
}

func TestFreePublicAddresses(t *testing.T) {
	w := newWorld(t, twoNodes)
	held := w.run(2)
	cluster, _ := w.c.Inventory.Cluster("one")
	tr := &trial{c: w.c, tx: w.c.Store.View(), cluster: cluster}
	free := tr.freePublic()
	equal(t, "free", len(free), len(cluster.Network.PublicIPs)-2)
	for _, in := range held {
		if slices.Contains(free, in.Public) {
			t.Errorf("%s is held by %s", in.Public, in.ID)
		}
	}
	next, err := plan.NextPublic(tr.tx, cluster, func() cloud.Cloud { c, _ := tr.tx.Cloud(); return c }(), func(claim string) bool { _, is := tr.tx.Claim(claim); return is })
	if err != nil || free[len(free)-1] != next {
		t.Errorf("the one given next, %s, is tried before the last: %v %v", next, free, err)
	}
}

// Hosts that fall silent, break off or were declared dead are said, and nobody waits.
func TestPreflightOfSilentHosts(t *testing.T) {
	w := newWorld(t, twoNodes)
	w.hosts["n1"].down = unreachable("n1")
	must[cloud.HostView](w, "DeclareDead", cloud.DeclareDead{Host: "n2", Name: "n2", Why: "it burnt"})
	w.hosts["fe1"].breakAt = 3
	for _, req := range []Preflight{{}, {Network: &NetworkCheck{}}} {
		out, err := w.c.Preflight(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, f := range out.Findings {
			said = append(said, f.Severity+" "+f.Host)
		}
		for _, want := range []string{preflight.Unreachable + " n1", preflight.Note + " n2"} {
			if !slices.Contains(said, want) {
				t.Errorf("%v: %s was not said", said, want)
			}
		}
		if out.ExitCode() == 0 {
			t.Errorf("%v", out.Findings)
		}
	}
	_, err := w.c.Preflight(context.Background(), Preflight{Pattern: "nodes", Network: &NetworkCheck{VLAN: 7}})
	if err == nil || !strings.Contains(err.Error(), "--vlan 7: none of these hosts is in a cluster of vnet_mode MANAGED") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.c.Preflight(ctx, Preflight{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
