package preflight

import (
	"net/netip"
	"slices"
	"strings"

	"eucactl/facts"
)

// guests are the packets that a walk through chains is about: those from and to the
// subnet, by these interfaces.
type guests struct {
	subnet netip.Prefix
	ifaces []string
}

// all says whether the rule takes every packet of guests in one direction at least.
func (g guests) all(r facts.Rule) bool {
	for _, m := range r.Matches {
		fits := !m.Not
		switch m.Key {
		case "src", "dst":
			fits = fits && slices.ContainsFunc(m.Values, g.covered)
		case "in", "out":
			fits = fits && slices.ContainsFunc(m.Values, g.passes)
		default:
			fits = false
		}
		if !fits {
			return false
		}
	}
	return true
}

// some says whether it can take one at all.
func (g guests) some(r facts.Rule) bool {
	misses := map[string]bool{}
	for _, m := range r.Matches {
		switch {
		case m.Not:
		case m.Key == "src" || m.Key == "dst":
			misses[m.Key] = !slices.ContainsFunc(m.Values, g.touched)
		case m.Key == "in" || m.Key == "out":
			misses[m.Key] = !slices.ContainsFunc(m.Values, g.passes)
		}
	}
	return !(misses["src"] && misses["dst"]) && !(misses["in"] && misses["out"])
}

func (g guests) covered(value string) bool {
	p, ok := prefixOf(value)
	return ok && within(g.subnet, p)
}

// touched: what is not a plain network may be anything.
func (g guests) touched(value string) bool {
	p, ok := prefixOf(value)
	return !ok || p.Overlaps(g.subnet)
}

func prefixOf(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// passes says whether guests' packets can go by an interface; eth* is all whose names
// begin so.
func (g guests) passes(name string) bool {
	prefix, pattern := strings.CutSuffix(name, "*")
	return slices.ContainsFunc(g.ifaces, func(i string) bool {
		return i == name || pattern && strings.HasPrefix(i, prefix) || strings.HasPrefix(name, i+".")
	})
}

// met is a rule that guests' packets meet.
type met struct {
	facts.Rule
	always bool // all of them
}

// open recognises the blanket rule for connections that are open.
func (m met) open() bool {
	established := false
	for _, c := range m.Matches {
		switch c.Key {
		case "ctstate":
			established = established || slices.Contains(c.Values, "established")
		case "ctdir", "proto", "src", "dst":
			return false
		}
	}
	return established
}

// walk follows guests' packets through a chain until the hook, if there is one, and
// lists what decides about them before.
func walk(t facts.FilterTable, chain, hook string, g guests) (list []met, hooked bool) {
	w := walker{table: t, hook: hook, guests: g}
	w.chain(chain, true, 0)
	return w.list, w.hooked
}

type walker struct {
	table  facts.FilterTable
	hook   string
	guests guests
	list   []met
	hooked bool
}

// deepest is how many chains are followed into each other.
const deepest = 16

// chain follows one chain until the hook was come to. A rule that takes all packets of
// one direction leaves those of the other, so the hook is looked for all the same.
func (w *walker) chain(name string, always bool, depth int) {
	i := slices.IndexFunc(w.table.Chains, func(c facts.FilterChain) bool { return c.Name == name })
	if i < 0 || depth > deepest {
		return
	}
	for _, r := range w.table.Chains[i].Rules {
		all := always && w.guests.all(r)
		switch {
		case w.hooked:
			return
		case w.hook != "" && r.To == w.hook:
			w.hooked = true
			return
		case !w.guests.some(r):
		case r.Do == facts.Return && w.guests.all(r):
			return
		case r.Do == facts.Jump || r.Do == facts.Goto:
			w.chain(r.To, all, depth+1)
		case slices.Contains([]facts.Verdict{facts.Accept, facts.Drop, facts.DNAT, facts.Unclear}, r.Do):
			w.list = append(w.list, met{r, all})
		}
	}
}
