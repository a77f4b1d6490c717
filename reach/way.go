package reach

import (
	"fmt"
	"net/netip"

	"eucactl/facts"
)

// lookup finds a packet's way as the kernel does: the rules in their order, in each
// table the longest prefix, then the smallest metric. sure is false where a rule
// has conditions that are not understood.
func lookup(r facts.Routing, p *packet) (way facts.Way, found, sure bool) {
	sure = true
	for _, rule := range r.Rules {
		fits := rule.Source.Contains(p.src) && rule.Dest.Contains(p.dst) &&
			(rule.In == "" || rule.In == p.in) && p.mark&rule.Mask == rule.Mark&rule.Mask
		if p.markUnclear && rule.Mark != 0 {
			sure = false
		}
		if fits == rule.Not {
			continue
		}
		if rule.Unclear {
			sure = false
			continue
		}
		if rule.Action != "" && rule.Action != "to_tbl" {
			return facts.Way{Type: rule.Action, Table: fmt.Sprintf("rule %d", rule.Priority)}, true, sure
		}
		way, found := best(r.Ways, rule.Table, p.dst)
		if found && way.Type != "throw" {
			return way, true, sure
		}
	}
	return facts.Way{}, false, sure
}

func best(ways []facts.Way, table string, dst netip.Addr) (out facts.Way, found bool) {
	for _, w := range ways {
		if w.Table != table || w.Dead || !w.Dest.Contains(dst) || w.Type == "broadcast" {
			continue
		}
		if !found || w.Dest.Bits() > out.Dest.Bits() || w.Dest.Bits() == out.Dest.Bits() && w.Metric < out.Metric {
			out, found = w, true
		}
	}
	return out, found
}

// spell is a way in ip's words.
func spell(w facts.Way) string {
	text := w.Dest.String()
	if w.Type != "unicast" {
		text = w.Type + " " + text
	}
	if !w.Dest.IsValid() { // a rule's own verdict
		return w.Table + ": " + w.Type
	}
	if w.Gateway.IsValid() {
		text += " via " + w.Gateway.String()
	}
	if w.Dev != "" {
		text += " dev " + w.Dev
	}
	if w.Table != "main" {
		text += " table " + w.Table
	}
	return text
}
