package controller

import (
	"net/netip"
	"slices"
	"strings"

	"eucactl/facts"
)

// ruleShape is what a rule of iptables-save asks of a packet and does with it, as far
// as it matters to guests.
type ruleShape struct {
	target   string
	src, dst netip.Prefix // the zero prefix asks nothing
	in, out  string
	more     []string // whatever else it asks, word by word
}

// shapeOf reads "-A CHAIN ...". What is negated counts among more.
func shapeOf(rule string) (r ruleShape) {
	words := ruleWords(rule)
	for i := 2; i < len(words); i++ {
		word, next := words[i], ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		negated := words[i-1] == "!"
		switch {
		case word == "-j" || word == "-g":
			r.target = next
			return r // the rest are the target's own words
		case word == "-s" && !negated:
			r.src = prefixOf(next)
		case word == "-d" && !negated:
			r.dst = prefixOf(next)
		case word == "-i" && !negated:
			r.in = next
		case word == "-o" && !negated:
			r.out = next
		case word == "--comment" || word == "-m" && next == "comment":
		case word == "!":
			continue
		default:
			r.more = append(r.more, word)
			continue
		}
		i++
	}
	return r
}

// ruleWords splits as iptables-save quotes.
func ruleWords(rule string) (words []string) {
	var word strings.Builder
	quoted, open := false, false
	for i := 0; i < len(rule); i++ {
		switch c := rule[i]; {
		case c == '\\' && quoted && i+1 < len(rule):
			i++
			word.WriteByte(rule[i])
		case c == '"':
			quoted, open = !quoted, true
		case c == ' ' && !quoted:
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words
}

func prefixOf(s string) netip.Prefix {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked()
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen())
	}
	return netip.Prefix{}
}

// guests are the packets that a walk through chains is about: those from and to the
// subnet, by these interfaces.
type guests struct {
	subnet netip.Prefix
	ifaces []string
}

// all says whether the rule takes every packet of guests in one direction at least.
func (g guests) all(r ruleShape) bool {
	covers := func(p netip.Prefix) bool { return p.IsValid() && within(g.subnet, p) }
	narrow := func(p netip.Prefix) bool { return p.IsValid() && !covers(p) }
	return len(r.more) == 0 && !narrow(r.src) && !narrow(r.dst) && g.passes(r.in) && g.passes(r.out)
}

// some says whether it can take one at all.
func (g guests) some(r ruleShape) bool {
	misses := func(p netip.Prefix) bool { return p.IsValid() && !p.Overlaps(g.subnet) }
	return !(misses(r.src) && misses(r.dst)) && (g.passes(r.in) || g.passes(r.out))
}

// passes says whether guests' packets can go by an interface; "" is any, and eth+
// all whose names begin so.
func (g guests) passes(name string) bool {
	if name == "" {
		return true
	}
	prefix, pattern := strings.CutSuffix(name, "+")
	return slices.ContainsFunc(g.ifaces, func(i string) bool {
		return i == name || pattern && strings.HasPrefix(i, prefix) || strings.HasPrefix(name, i+".")
	})
}

// met is a rule that guests' packets meet.
type met struct {
	rule   string
	target string
	always bool // all of them
	open   bool // those of connections that are open
}

// walk follows guests' packets through a chain until the hook, if there is one, and
// lists what decides about them before. reached says whether they come to its end.
func walk(chains []facts.RuleChain, table, name, hook string, g guests) (list []met, hooked bool) {
	w := walker{chains: chains, table: table, hook: hook, guests: g}
	w.chain(name, true, 0)
	return w.list, w.hooked
}

type walker struct {
	chains []facts.RuleChain
	table  string
	hook   string
	guests guests
	list   []met
	hooked bool
}

// chain returns true when the hook was come to, or nobody comes further.
func (w *walker) chain(name string, always bool, depth int) (over bool) {
	i := slices.IndexFunc(w.chains, func(c facts.RuleChain) bool { return c.Table == w.table && c.Name == name })
	if i < 0 || depth > 16 {
		return false
	}
	for _, text := range w.chains[i].Rules {
		r := shapeOf(text)
		all := always && w.guests.all(r)
		switch {
		case r.target == w.hook && w.hook != "":
			w.hooked = true
			return true
		case !w.guests.some(r):
		case r.target == "RETURN" && w.guests.all(r):
			return false
		case slices.Contains([]string{"ACCEPT", "DROP", "REJECT", "DNAT", "REDIRECT"}, r.target):
			w.list = append(w.list, met{rule: text, target: r.target, always: all, open: forOpen(r)})
			if all {
				// Only the other direction comes further; the hook is looked for all the same.
				continue
			}
		default:
			if w.chain(r.target, all, depth+1) && w.hooked {
				return true
			}
		}
	}
	return false
}

// forOpen recognises the blanket rule for connections that are open.
func forOpen(r ruleShape) bool {
	state := slices.ContainsFunc(r.more, func(word string) bool { return strings.Contains(word, "ESTABLISHED") })
	return state && !slices.Contains(r.more, "--ctdir") && !slices.Contains(r.more, "-p") && !r.src.IsValid() && !r.dst.IsValid()
}
