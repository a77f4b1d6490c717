package reach

import (
	"fmt"

	"eucactl/cloud"
	"eucactl/facts"
)

func foreignWords(w *walk) string {
	if !w.routed() {
		return ""
	}
	return w.front.Name + ": no rule of others, in any table of any tool, stops or redirects it or its answers"
}

// othersRules takes each packet through everything that the frontend has at every
// hook, and its answers back.
func (w *walk) othersRules() *cloud.Finding {
	for _, x := range w.wants {
		if w.direct(x) {
			continue
		}
		for _, look := range []func(want) *cloud.Finding{w.comesIn, w.goesOn, w.comesBack, w.goesOut} {
			if f := look(x); f != nil {
				return f
			}
		}
	}
	return nil
}

// at takes a packet through hooks and names the rule that stops it.
func (w *walk) at(p *packet, what string, hooks ...string) (passage, *cloud.Finding) {
	var all passage
	for _, hook := range hooks {
		families := []string{"ip", "inet"}
		if hook == "ingress" {
			families = []string{"netdev", "inet"}
		}
		got := w.front.pass(hook, p, families...)
		w.doubt(w.front, got.doubts...)
		if got.stopped != nil {
			return got, w.blame(got.stopped, what)
		}
		if got.untracked != nil {
			all.untracked = got.untracked
		}
		if got.translated != nil {
			all.translated = got.translated
		}
		if got.unclear != nil {
			all.unclear = got.unclear
		}
	}
	return all, nil
}

func (w *walk) blame(at *place, what string) *cloud.Finding {
	if at.rule != nil && w.isOurChain(at) {
		return w.alien(at, what)
	}
	return w.stopped(w.front, at, what)
}

// comesIn: up to the routing decision, by which the packet must be for the guest.
func (w *walk) comesIn(x want) *cloud.Finding {
	p := w.inward(x)
	p.out, p.translated = "", false
	if !x.guest {
		p.dst = w.Instance.Public
	}
	got, f := w.at(&p, x.String(), "ingress", "prerouting")
	switch {
	case f != nil:
		return f
	case got.untracked != nil && !x.guest:
		return &cloud.Finding{
			Words:    fmt.Sprintf("a rule keeps %s from being tracked, so it is not translated: %s", x, got.untracked.words()),
			Evidence: []string{got.untracked.words()}, Next: []string{"on " + w.front.Name + ": " + removal(got.untracked)},
		}
	case p.dst == w.port.IP:
		return nil
	case got.unclear != nil:
		w.doubt(w.front, got.unclear)
		return nil
	case got.translated != nil:
		return w.astray(got.translated, fmt.Sprintf("%s to %s is sent elsewhere", x, w.Instance.Public))
	case !x.guest:
		return &cloud.Finding{
			Words: fmt.Sprintf("no rule translates %s to %s", w.Instance.Public, w.port.IP), Evidence: []string{"iptables -t nat -S PREROUTING"},
			Next: []string{"eucactl reconcile " + w.front.Name},
		}
	}
	return nil
}

func (w *walk) astray(at *place, what string) *cloud.Finding {
	f := &cloud.Finding{Words: fmt.Sprintf("a rule that is not eucactl's has its way: %s: %s", what, at.words()), Evidence: []string{at.words()}}
	f.Next = []string{"on " + w.front.Name + ": " + removal(at)}
	if w.isOurChain(at) {
		f.Words = fmt.Sprintf("%s: %s", what, at.words())
		f.Next = []string{"eucactl reconcile " + w.front.Name}
	}
	return f
}

// goesOn: from the routing decision out to the guest.
func (w *walk) goesOn(x want) *cloud.Finding {
	p := w.inward(x)
	before := p
	before.out, before.translated = "", false
	if !x.guest {
		before.dst = w.Instance.Public
	}
	w.front.pass("prerouting", &before, "ip", "inet") // for the marks that it gets there
	p.mark, p.markUnclear = before.mark, before.markUnclear
	if p.mark != 0 && !p.markUnclear {
		if f := w.leadsTo(p); f != nil {
			return f
		}
	}
	_, f := w.at(&p, x.String(), "forward", "postrouting")
	return f
}

// comesBack: the guest's answers, which the kernel translates back by itself.
func (w *walk) comesBack(x want) *cloud.Finding {
	p := packet{
		ether: "ip", in: w.gateway.Dev, src: w.port.IP, dst: w.source(x), proto: x.proto, dport: x.port, smac: w.port.MAC,
		state: "established", reply: true, translated: !x.guest, local: w.isLocal,
	}
	what := "the answers to " + x.String()
	if _, f := w.at(&p, what, "ingress", "prerouting"); f != nil {
		return f
	}
	p.out = w.entrance(x)
	_, f := w.at(&p, what, "forward", "postrouting")
	return f
}

// goesOut: under which address the guest speaks to the world by itself.
func (w *walk) goesOut(x want) *cloud.Finding {
	if x.guest || !w.public() {
		return nil
	}
	p := packet{
		ether: "ip", in: w.gateway.Dev, out: w.Path.front.PubInterface, src: w.port.IP, dst: w.source(x), proto: "tcp", dport: 80,
		smac: w.port.MAC, state: "new", local: w.isLocal,
	}
	got := w.front.pass("postrouting", &p, "ip", "inet")
	switch {
	case p.src == w.Instance.Public || got.stopped != nil:
		return nil
	case got.unclear != nil:
		w.doubt(w.front, got.unclear)
	case got.translated != nil && got.translated.rule.Do != facts.Pass:
		return w.astray(got.translated, fmt.Sprintf("what it sends leaves under another address than %s", w.Instance.Public))
	}
	return nil
}
