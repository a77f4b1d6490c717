// Package reach finds out why an instance cannot be reached. It follows the way of
// a packet from the records over the instance's node and the leases to the frontend
// (the guide's own order of diagnosis, A114) and names the first link that is broken.
//
// It does not look for known faults: it reads what the hosts are (their interfaces,
// routes, rules of every tool) and takes the packets that the records permit through
// them, as the kernel would. So what does not stop these packets is never named,
// however odd it looks; and what is not understood is said to be so, not blamed.
// Where something of ours is missing, what the plan says tells what it should be.
//
// The package is pure: Find follows the records and says what to ask the hosts,
// ReadHost reads their answers, Judge walks.
package reach

import (
	"slices"

	"eucactl/cloud"
	"eucactl/facts"
)

// step is one link of the way.
type step struct {
	looks func(*walk) string // at what, for the list of what was looked at; "" if it does not apply
	host  func(*walk) *Host
	needs []string // the questions that must have been answered
	find  func(*walk) *cloud.Finding
}

// steps are the links in the order in which they are looked at: the guide's.
func steps() []step {
	return []step{
		{looks: func(w *walk) string { return w.node.Name + " answers" }, host: onNode, find: answers(onNode)},
		{looks: guestRuns, host: onNode, needs: []string{"guest"}, find: (*walk).machineRuns},
		{looks: cardPlugged, host: onNode, needs: []string{"links"}, find: (*walk).cardIsPlugged},
		{looks: bridgeWords, host: onNode, needs: []string{"links", "vlans"}, find: (*walk).bridgeCarries},
		{looks: bridgedWords, host: onNode, needs: []string{"links", "rules", "settings", "earlier", "senders"}, find: (*walk).bridgePasses},
		{looks: nodeQueues, host: onNode, needs: []string{"queues"}, find: (*walk).nodeIsQuick},
		{looks: func(w *walk) string { return w.front.Name + " answers" }, host: onFront, find: answers(onFront)},
		{looks: privateWords, host: onFront, needs: []string{"links"}, find: (*walk).privateLink},
		{looks: leaseWords, host: onFront, needs: []string{"servers", "leases"}, find: (*walk).lease},
		{looks: rogueWords, host: onFront, needs: []string{"servers"}, find: (*walk).rogueLease},
		{looks: frontQueues, host: onFront, needs: []string{"queues"}, find: (*walk).frontIsQuick},
		{looks: gatewayWords, host: onFront, needs: []string{"links"}, find: (*walk).gatewayAddress},
		{looks: routerAlone, host: onFront, needs: []string{"neighbours", "links"}, find: (*walk).routerIsItsOwn},
		{looks: routeWords, host: onFront, needs: []string{"links", "routing"}, find: (*walk).routeToGuest},
		{looks: arpWords, host: onFront, needs: []string{"links", "rules"}, find: (*walk).arpPasses},
		{looks: aloneWords, host: onFront, needs: []string{"neighbours", "links"}, find: (*walk).addressIsItsOwn},
		{looks: answerWords, host: onFront, needs: []string{"neighbours", "links"}, find: (*walk).guestAnswers},
		{looks: publicWords, host: onFront, needs: []string{"links", "settings"}, find: (*walk).publicAddress},
		{looks: publicAlone, host: onFront, needs: []string{"links", "neighbours"}, find: (*walk).publicIsItsOwn},
		{looks: forwardWords, host: onFront, needs: []string{"settings"}, find: (*walk).forwards},
		{looks: sourceWords, host: onFront, needs: []string{"settings", "routing", "links"}, find: (*walk).wayBack},
		{looks: trackWords, host: onFront, needs: []string{"settings"}, find: (*walk).tableFull},
		{looks: oursWords, host: onFront, needs: []string{"rules"}, find: (*walk).ourFilter},
		{looks: natWords, host: onFront, needs: []string{"rules"}, find: (*walk).ourTranslations},
		{looks: foreignWords, host: onFront, needs: []string{"rules", "links"}, find: (*walk).othersRules},
	}
}

// walk is one look at a path, with what its hosts answered.
type walk struct {
	*Path
	front, node *Host
	planned     *Host  // the frontend's rules as they should be; nil if that is not known
	leases      string // dhcpd's configuration as it should be; "" if that is not known
	card        facts.Card
	d           *cloud.Diagnosis
}

func onNode(w *walk) *Host  { return w.node }
func onFront(w *walk) *Host { return w.front }

// Judge walks the path over what its hosts answered, up to the first broken link.
// expected is what the frontend's chains should be, by table, in the form of the
// task kind chains, and its dhcpd's configuration, as "dhcpd".
func (p *Path) Judge(front, node *Host, expected map[string]string) cloud.Diagnosis {
	d := cloud.Diagnosis{ID: p.Instance.ID, Way: p.Way(), Looked: []string{p.looked}}
	w := &walk{Path: p, front: front, node: node, d: &d}
	w.planned, w.leases = plannedRules(expected, p.front), expected["dhcpd"]
	for _, s := range steps() {
		looks := s.looks(w)
		if looks == "" {
			continue
		}
		h := s.host(w)
		if missing := w.unanswered(h, s.needs); missing != "" {
			w.unseen(looks + ": " + missing)
			continue
		}
		if f := s.find(w); f != nil {
			f.Host = h.Name
			d.Broken = f
			break
		}
		d.Looked = append(d.Looked, looks)
	}
	return d
}

// unanswered is why a step cannot be looked at: once for each question.
func (w *walk) unanswered(h *Host, needs []string) string {
	for _, q := range needs {
		if why, missing := h.Missing[q]; missing {
			return h.Name + ", " + q + ": " + why
		}
	}
	return ""
}

func (w *walk) unseen(words string) {
	if !slices.Contains(w.d.Unseen, words) {
		w.d.Unseen = append(w.d.Unseen, words)
	}
}

func (w *walk) doubt(h *Host, list ...*place) {
	for _, p := range list {
		words := h.Name + ", " + p.words()
		if !slices.Contains(w.d.Doubts, words) {
			w.d.Doubts = append(w.d.Doubts, words)
		}
	}
}

// answers: a host that says nothing is broken itself.
func answers(host func(*walk) *Host) func(*walk) *cloud.Finding {
	return func(w *walk) *cloud.Finding {
		h := host(w)
		if h.Problem == "" {
			return nil
		}
		return &cloud.Finding{Words: "it does not answer: " + h.Problem, Next: []string{"eucactl hosts list " + h.Name}}
	}
}

// managed tells whether the frontend routes to the guest.
func (w *walk) managed() bool {
	return w.Path.front != nil && w.Path.front.Routes && w.gateway.CIDR.IsValid()
}

// routed tells whether somebody's packets go through the frontend.
func (w *walk) routed() bool {
	return w.managed() && slices.ContainsFunc(w.wants, func(x want) bool { return !w.direct(x) })
}

// direct: members of a network reach each other without the frontend.
func (w *walk) direct(x want) bool { return x.guest && w.gateway.CIDR.Contains(x.from.Addr()) }

// public tells whether somebody sends to the public address.
func (w *walk) public() bool { return w.managed() && w.Instance.Public.IsValid() && !w.inside() }
