package reach

import (
	"net/netip"
	"slices"
	"strings"

	"eucactl/facts"
)

// place is where in a host's rules something happened to a packet. Without a rule
// it was the chain's policy.
type place struct {
	table *facts.FilterTable
	chain *facts.FilterChain
	rule  *facts.Rule
}

// words name the place as its tool does.
func (p *place) words() string {
	table := p.table.Tool + " " + p.table.Name
	if p.table.Tool == "nft" {
		table = "nft " + p.table.Family + " " + p.table.Name
	}
	if p.rule == nil {
		return table + " " + p.chain.Name + ": its policy is DROP"
	}
	text := strings.TrimPrefix(p.rule.Text, "-A "+p.chain.Name+" ")
	return table + " " + p.chain.Name + ": " + text
}

// fate is what may become of a packet in a chain: more than one thing, where a
// condition is not understood or the packet not fully known.
type fate struct {
	passes  bool   // it may be accepted
	falls   bool   // it may come to the end of the chain
	stopped *place // it may be stopped, here
	changed *place // it may be translated, here
	sure    bool   // what was translated was so for sure
	unclear *place // what happens here is not known
	by      []*place
}

// certain tells whether the packet is stopped whatever is not known.
func (f fate) certain() bool { return f.stopped != nil && !f.passes && !f.falls && f.unclear == nil }

// deepest is how far jumps are followed; the kernel allows no circles.
const deepest = 32

// through takes a packet through a chain. A rule's marks stay on the packet.
func (h *Host) through(t *facts.FilterTable, c *facts.FilterChain, p *packet, depth int) (f fate) {
	if depth > deepest {
		f.unclear = &place{t, c, nil}
		return f
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		fit := p.fits(*r, h.Rules.Sets)
		if fit == no {
			continue
		}
		if h.apply(&f, place{t, c, r}, p, fit, depth) && fit == yes {
			return f
		}
	}
	f.falls = true
	return f
}

// apply does what one rule does, and tells whether it ends the walk of its chain.
func (h *Host) apply(f *fate, at place, p *packet, fit truth, depth int) (ends bool) {
	r := at.rule
	if fit == yes && r.Do != facts.Pass {
		f.by = append(f.by, &at)
	}
	switch r.Do {
	case facts.Pass:
		return false
	case facts.Mark:
		p.setMark(r.To, fit)
		return false
	case facts.NoTrack:
		if fit == yes {
			p.state = "untracked"
			f.changed = &at
		}
		return false
	case facts.Accept:
		f.passes = true
	case facts.Drop:
		f.stopped = &at
	case facts.Return:
		f.falls = true
	case facts.Jump, facts.Goto:
		return h.leap(f, at, p, fit, depth)
	case facts.DNAT, facts.SNAT, facts.Masquerade:
		if f.changed == nil {
			f.changed, f.sure = &at, fit == yes && f.unclear == nil
		}
		f.passes = true
	default:
		f.unclear = &at
		f.passes = true
	}
	return true
}

// leap goes on in another chain, and comes back if that one has no verdict.
func (h *Host) leap(f *fate, at place, p *packet, fit truth, depth int) (ends bool) {
	i := slices.IndexFunc(at.table.Chains, func(c facts.FilterChain) bool { return c.Name == at.rule.To })
	if i < 0 {
		f.unclear = &at
		return false
	}
	sub := h.through(at.table, &at.table.Chains[i], p, depth+1)
	f.passes = f.passes || sub.passes
	if sub.stopped != nil && f.stopped == nil {
		f.stopped = sub.stopped
	}
	if sub.changed != nil && f.changed == nil {
		f.changed, f.sure = sub.changed, sub.sure && fit == yes
	}
	if sub.unclear != nil {
		f.unclear = sub.unclear
	}
	if fit == yes && at.rule.Do != facts.Pass {
		f.by = append(f.by, sub.by...)
	}
	if at.rule.Do == facts.Goto {
		f.falls = f.falls || sub.falls
		return true
	}
	return !sub.falls
}

func (p *packet) setMark(text string, fit truth) {
	value, mask, ok := markOf(text)
	if !ok || fit != yes {
		p.markUnclear = true
		return
	}
	p.mark = p.mark&^mask ^ value
}

// base is a chain at a hook, in its table.
type base struct {
	table *facts.FilterTable
	chain *facts.FilterChain
}

// hooked lists the chains at a hook in the order in which packets meet them.
func (h *Host) hooked(hook string, families ...string) (list []base) {
	for i := range h.Rules.Tables {
		t := &h.Rules.Tables[i]
		if !slices.Contains(families, t.Family) {
			continue
		}
		for j := range t.Chains {
			if t.Chains[j].Hook == hook {
				list = append(list, base{t, &t.Chains[j]})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b base) int { return a.chain.Priority - b.chain.Priority })
	return list
}

// passage is what a host's rules do to a packet at one hook.
type passage struct {
	stopped    *place   // for sure
	doubts     []*place // where it may be stopped
	untracked  *place   // where it is taken out of connection tracking
	translated *place   // where its address changes
	unclear    *place   // where it may change
}

// pass takes a packet through all chains at a hook, of all tools. Its addresses and
// marks change as the rules say.
func (h *Host) pass(hook string, p *packet, families ...string) (out passage) {
	for _, b := range h.hooked(hook, families...) {
		if b.chain.Hook == "ingress" && b.chain.Device != "" && b.chain.Device != p.in {
			continue
		}
		if b.chain.NAT && (p.state != "new" || out.translated != nil) {
			continue
		}
		f := h.through(b.table, b.chain, p, 0)
		h.policy(&f, b)
		out.note(f, b, p)
		if out.stopped != nil {
			return out
		}
	}
	return out
}

// policy decides about a packet that came to the end of a base chain.
func (h *Host) policy(f *fate, b base) {
	if !f.falls {
		return
	}
	f.falls = false
	if !b.chain.Drop {
		f.passes = true
	} else {
		f.stopped = &place{b.table, b.chain, nil}
	}
}

func (out *passage) note(f fate, b base, p *packet) {
	switch {
	case f.certain():
		out.stopped = f.stopped
	case f.stopped != nil:
		out.doubts = append(out.doubts, f.stopped)
	}
	if f.changed != nil && f.changed.rule.Do == facts.NoTrack {
		out.untracked = f.changed
		return
	}
	if !b.chain.NAT || f.changed == nil {
		if f.unclear != nil {
			out.unclear = f.unclear
		}
		return
	}
	if !f.sure {
		out.unclear = f.changed
		return
	}
	out.translated = f.changed
	to, err := netip.ParseAddr(strings.SplitN(f.changed.rule.To, ":", 2)[0])
	switch {
	case err != nil:
	case f.changed.rule.Do == facts.DNAT:
		p.dst, p.translated = to, true
	case f.changed.rule.Do == facts.SNAT:
		p.src = to
	}
}
