package reach

import (
	"fmt"
	"net/netip"
	"strings"

	"eucactl/cloud"
)

func oursWords(w *walk) string {
	if !w.routed() || w.planned == nil {
		return ""
	}
	return fmt.Sprintf("%s: the chains and sets of eucactl lead to the rules of %s, which permit it", w.front.Name, groupWords(w.groups))
}

// ourFilter follows each packet through the rules as they are planned, and looks
// whether each rule that it meets there is on the frontend too.
func (w *walk) ourFilter() *cloud.Finding {
	for _, x := range w.wants {
		if w.direct(x) {
			continue
		}
		p := w.inward(x)
		if f := w.asPlanned("filter", "FORWARD", p); f != nil {
			return f
		}
		if f := w.ownVerdict("filter", "FORWARD", p, x); f != nil {
			return f
		}
	}
	return nil
}

// inward is a packet for the guest as the frontend forwards it.
func (w *walk) inward(x want) packet {
	return packet{
		ether: "ip", in: w.entrance(x), out: w.gateway.Dev, src: w.source(x), dst: w.port.IP, proto: x.proto, dport: x.port,
		state: "new", translated: !x.guest, local: w.isLocal,
	}
}

func (w *walk) isLocal(a netip.Addr) bool { _, ok := w.front.has(a); return ok }

// asPlanned compares the rules that a packet meets by the plan with those that are
// there: their chains, the rules themselves, and who is in their sets.
func (w *walk) asPlanned(table, hook string, p packet) *cloud.Finding {
	for _, b := range w.planned.built(table, hook) {
		planned := p
		for _, at := range w.planned.through(b.table, b.chain, &planned, 0).by {
			if f := w.present(at, p); f != nil {
				return f
			}
		}
	}
	return nil
}

func (w *walk) present(at *place, p packet) *cloud.Finding {
	table, chain := at.table.Name, at.chain.Name
	next := []string{"eucactl reconcile " + w.front.Name}
	there := w.front.built(table, chain)
	if len(there) == 0 && at.chain.Hook == "" {
		return &cloud.Finding{
			Words:    fmt.Sprintf("table %s has no chain %s", table, chain),
			Evidence: []string{fmt.Sprintf("iptables -t %s -S %s: no chain of that name", table, chain)}, Next: next,
		}
	}
	if !holds(there, *at.rule) {
		f := &cloud.Finding{
			Words:    fmt.Sprintf("chain %s of table %s lacks a rule: %s", chain, table, at.rule.Text),
			Evidence: []string{fmt.Sprintf("iptables-save -t %s: %s is not there", table, at.rule.Text)}, Next: next,
		}
		if at.chain.Hook != "" {
			f.Words = fmt.Sprintf("%s of table %s does not lead to %s", chain, table, at.rule.To)
		}
		return f
	}
	return w.members(at, p, next)
}

// members compares who is in the sets that a rule asks.
func (w *walk) members(at *place, p packet, next []string) *cloud.Finding {
	for _, m := range at.rule.Matches {
		for _, v := range m.Values {
			name, isSet := strings.CutPrefix(v, "@")
			if !isSet {
				continue
			}
			a := p.dst
			if m.Key == "src" {
				a = p.src
			}
			s, there := w.front.Rules.Sets[name]
			switch {
			case !there:
				return &cloud.Finding{Words: "there is no ipset " + name, Evidence: []string{"ipset list " + name + ": it does not exist"}, Next: next}
			case among(a, s.Members, nil) == no:
				return &cloud.Finding{
					Words:    fmt.Sprintf("ipset %s lacks %s", name, a),
					Evidence: []string{fmt.Sprintf("ipset list %s: %s", name, strings.Join(s.Members, ", "))}, Next: next,
				}
			}
		}
	}
	return nil
}

// ownVerdict: a rule in one of our chains that is not planned may stop the packet.
func (w *walk) ownVerdict(table, hook string, p packet, x want) *cloud.Finding {
	for _, planned := range w.planned.built(table, hook) {
		for _, r := range planned.chain.Rules {
			for _, b := range w.front.built(table, r.To) {
				q := p
				f := w.front.through(b.table, b.chain, &q, 0)
				if f.certain() && f.stopped.rule != nil {
					return w.alien(f.stopped, x.String())
				}
			}
		}
	}
	return nil
}

// alien is a rule in our chains that eucactl did not put there, or not where it is.
func (w *walk) alien(at *place, what string) *cloud.Finding {
	words := fmt.Sprintf("a rule in chain %s that eucactl did not put there stops %s: %s", at.chain.Name, what, at.rule.Text)
	if w.isPlanned(at) {
		words = fmt.Sprintf("the rules of chain %s are not in their order: %s stops %s", at.chain.Name, at.rule.Text, what)
	}
	return &cloud.Finding{Words: words, Evidence: []string{at.words()}, Next: []string{"eucactl reconcile " + w.front.Name}}
}

func natWords(w *walk) string {
	if !w.public() || w.planned == nil {
		return ""
	}
	return fmt.Sprintf("%s: DNAT leads from %s to %s, and SNAT back", w.front.Name, w.Instance.Public, w.port.IP)
}

// ourTranslations: what is sent to the public address becomes the guest's (DNAT),
// and what the guest sends by itself comes from there (SNAT).
func (w *walk) ourTranslations() *cloud.Finding {
	for _, x := range w.wants {
		if x.guest {
			continue
		}
		in := w.inward(x)
		in.dst, in.out, in.translated = w.Instance.Public, "", false
		if f := w.asPlanned("nat", "PREROUTING", in); f != nil {
			return f
		}
		out := packet{
			ether: "ip", in: w.gateway.Dev, out: w.Path.front.PubInterface, src: w.port.IP, dst: w.source(x), proto: "tcp", dport: 80,
			state: "new", local: w.isLocal,
		}
		if f := w.asPlanned("nat", "POSTROUTING", out); f != nil {
			return f
		}
	}
	return nil
}
