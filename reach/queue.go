package reach

import (
	"fmt"

	"eucactl/cloud"
)

// Limits beyond which nobody would call a guest reachable.
const (
	mostLoss  = 0.2
	leastRate = 1000 // bytes a second
)

func nodeQueues(w *walk) string {
	return w.node.Name + ": no queue loses its packets on purpose"
}

func (w *walk) nodeIsQuick() *cloud.Finding {
	return quick(w.node, w.card.Tap, w.machine.Bridge, w.uplinkPort(), w.Node.Node.Interface)
}

func frontQueues(w *walk) string {
	if w.gateway.Dev == "" {
		return ""
	}
	return w.front.Name + ": no queue loses its packets on purpose"
}

func (w *walk) frontIsQuick() *cloud.Finding {
	devs := []string{w.gateway.Dev, w.Path.front.PrivInterface}
	if w.public() {
		devs = append(devs, w.Path.front.PubInterface)
	}
	return quick(w.front, devs...)
}

// quick names a queue on one of the interfaces that loses or slows nearly all.
func quick(h *Host, devs ...string) *cloud.Finding {
	for _, dev := range devs {
		for _, q := range h.Queues {
			if q.Dev != dev || q.Loss < mostLoss && (q.Rate == 0 || q.Rate >= leastRate) {
				continue
			}
			f := &cloud.Finding{
				Words:    fmt.Sprintf("a queue on %s loses %.0f %% of the packets that leave there (tc qdisc %s)", dev, 100*q.Loss, q.Kind),
				Evidence: []string{fmt.Sprintf("tc qdisc show dev %s: %s", dev, q.Kind)}, Next: []string{fmt.Sprintf("on %s: tc qdisc del dev %s root", h.Name, dev)},
			}
			if q.Loss < mostLoss {
				f.Words = fmt.Sprintf("a queue on %s lets only %d bytes a second leave (tc qdisc %s)", dev, q.Rate, q.Kind)
			}
			return f
		}
	}
	return nil
}
