package controller

import (
	"fmt"
	"strings"

	"eucactl/preflight"
)

// pair is two hosts of which one pinged the other, or both did.
type pair struct {
	a, b        *end
	small, full bool
	arp         bool // one answered for its address, whatever became of pings
}

// pairs joins what both ends of each pair said.
func pairs(ends []*end) (list []pair) {
	for i, a := range ends {
		for _, b := range ends[i+1:] {
			there, one := a.pings[b.peer.Name]
			back, two := b.pings[a.peer.Name]
			if !one && !two {
				continue
			}
			list = append(list, pair{a, b, there.Small || back.Small, there.Full || back.Full, there.MAC != "" || back.MAC != ""})
		}
	}
	return list
}

// wire is what a pair's frames travel as, in words.
type wire struct {
	what string // "tagged frames (VLAN 4093)"
	fix  string // for a switch that does not let them pass
}

// judgePairs says what passes and what does not, as few sentences as are true: all of
// a switch, all of a host, or one pair after the other.
func (t *trial) judgePairs(list []pair, w wire) {
	t.out.Checks += 2 * len(list)
	var silent, short []pair
	for _, p := range list {
		switch {
		case !p.small && !p.arp:
			silent = append(silent, p)
		case !p.small:
			t.note(p.a, fmt.Sprintf("%s pass between it and %s, but pings are dropped", w.what, p.b.host.Name), "each answers for its address: "+t.where(p), "full frames could not be tried")
		case !p.full:
			short = append(short, p)
		}
	}
	t.blame(list, silent, w.what+" do not pass", "ping and ARP: no answer", w.fix)
	t.blame(list, short, "full-sized "+w.what+" do not pass", "ping -s 1472: no answer, and small ones pass",
		"let the switch take frames of 1522 bytes on these ports (its MTU, or \"jumbo\" or \"baby giant\" frames)")
	if len(list) > 0 && len(silent)+len(short) == 0 {
		t.out.Done = append(t.out.Done, fmt.Sprintf("%s pass between %s, small and full ones (%s)", w.what, names(t.present()), preflight.Count(len(list), "pair")))
	}
}

// judgeApart says which clusters' VLANs are the same: each deals out its own, so a group
// of one would hear, and be heard by, a group of the other.
func (t *trial) judgeApart(list []pair, what string) {
	t.out.Checks += len(list)
	met := 0
	for _, p := range list {
		if p.small || p.arp {
			met++
			t.finds(preflight.Error, p.a, fmt.Sprintf("its cluster %s has one segment with cluster %s: %s pass between it and %s, so groups of both would share VLANs",
				p.a.host.Cluster, p.b.host.Cluster, what, p.b.host.Name), t.where(p),
				"let the switch keep the two apart, join them to one cluster with one frontend, or use vnet_mode MANAGED-NOVLAN in all but one")
		}
	}
	if len(list) > 0 && met == 0 {
		t.out.Done = append(t.out.Done, fmt.Sprintf("VLANs of different clusters do not meet (%s between %s)", what, names(t.present())))
	}
}

// where names both ends of a pair.
func (t *trial) where(p pair) string {
	return fmt.Sprintf("%s %s, %s %s", p.a.dev, p.a.peer.Addr, p.b.dev, p.b.peer.Addr)
}

// blame finds out whose the trouble is: the bad ones among all pairs.
func (t *trial) blame(all, bad []pair, words, evidence, fix string) {
	if len(bad) == 0 {
		return
	}
	if len(bad) == len(all) && len(all) > 1 {
		t.finds(preflight.Error, bad[0].a, fmt.Sprintf("%s between any of %s", words, names(t.present())), fmt.Sprintf("%s; %s", evidence, preflight.Count(len(bad), "pair")), fix)
		return
	}
	count := func(list []pair, e *end) (n int) {
		for _, p := range list {
			if p.a == e || p.b == e {
				n++
			}
		}
		return n
	}
	told := map[*end]bool{}
	for _, e := range t.present() {
		if n := count(all, e); n > 1 && count(bad, e) == n {
			told[e] = true
			t.finds(preflight.Error, e, words+" between it and any other host", fmt.Sprintf("%s %s; %s", e.dev, e.peer.Addr, evidence), fix)
		}
	}
	for _, p := range bad {
		if !told[p.a] && !told[p.b] {
			t.finds(preflight.Error, p.a, fmt.Sprintf("%s between it and %s", words, p.b.host.Name), strings.Join([]string{t.where(p), evidence}, "; "), fix)
		}
	}
}
