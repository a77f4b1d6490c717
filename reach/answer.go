package reach

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"eucactl/cloud"
	"eucactl/facts"
)

func aloneWords(w *walk) string {
	if w.gateway.Dev == "" {
		return ""
	}
	return fmt.Sprintf("%s: nobody else answers for %s", w.front.Name, w.port.IP)
}

// addressIsItsOwn: two machines with one address are each reached by chance.
func (w *walk) addressIsItsOwn() *cloud.Finding {
	if dev, own := w.node.has(w.port.IP); own {
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s itself has the guest's address %s, on %s", w.node.Name, w.port.IP, dev),
			Evidence: []string{"ip -4 addr show " + dev + " on " + w.node.Name}, Next: []string{fmt.Sprintf("on %s: ip addr del %s dev %s", w.node.Name, w.port.IP, dev)},
		}
	}
	n, mac := w.front.Found[w.port.IP], strings.ToLower(w.port.MAC)
	e, known := w.entry(n)
	if known && e.State == "PERMANENT" && e.MAC != mac {
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s sends packets for %s to %s, not to %s: an entry made by hand", w.front.Name, w.port.IP, e.MAC, mac),
			Evidence: []string{fmt.Sprintf("ip neigh show %s: lladdr %s PERMANENT", w.port.IP, e.MAC)},
			Next:     []string{fmt.Sprintf("on %s: ip neigh del %s dev %s", w.front.Name, w.port.IP, e.Dev)},
		}
	}
	others := slices.DeleteFunc(slices.Clone(n.Replies), func(m string) bool { return m == mac })
	if len(others) == 0 && known && e.MAC != "" && e.MAC != mac && !slices.Contains(n.Replies, mac) && e.State != "FAILED" {
		others = []string{e.MAC}
	}
	if len(others) == 0 {
		return nil
	}
	return &cloud.Finding{
		Words:    fmt.Sprintf("another machine on its segment has its address %s: %s answers, the guest is %s", w.port.IP, strings.Join(others, ", "), mac),
		Evidence: []string{fmt.Sprintf("arping -I %s %s: %s", w.gateway.Dev, w.port.IP, strings.Join(append(n.Replies, knownWords(e)...), ", "))},
		Next:     []string{"find the machine with " + others[0] + " (bridge fdb show on the nodes) and take the address from it"},
	}
}

func knownWords(e facts.Neighbour) []string {
	if e.State == "" {
		return nil
	}
	return []string{"ip neigh: " + strings.TrimSpace(e.MAC+" "+e.State)}
}

// entry is what the frontend's kernel knows of the guest on its segment.
func (w *walk) entry(n facts.Found) (facts.Neighbour, bool) {
	for _, e := range n.Known {
		if e.Dev == w.gateway.Dev {
			return e, true
		}
	}
	return facts.Neighbour{}, false
}

func answerWords(w *walk) string {
	if w.gateway.Dev == "" {
		return ""
	}
	return fmt.Sprintf("%s: the guest answers ARP for %s", w.front.Name, w.port.IP)
}

// guestAnswers: everything on the way is as it should be. If the guest is silent
// now, its frames or the frontend's get lost between the hosts, or it is the guest.
func (w *walk) guestAnswers() *cloud.Finding {
	n, mac := w.front.Found[w.port.IP], strings.ToLower(w.port.MAC)
	e, known := w.entry(n)
	evidence := []string{fmt.Sprintf("%s: %s", w.port.IP, strings.Join(append(knownWords(e), "ping "+answered(n.Ping)), ", "))}
	switch {
	case n.Ping, slices.Contains(n.Replies, mac):
		return nil
	case known && (e.State == "FAILED" || e.State == "INCOMPLETE"), n.Asked:
	case known && e.MAC == mac && e.State == "REACHABLE":
		return nil
	default:
		w.unseen(fmt.Sprintf("%s: whether the guest answers ARP now (%s): there is no arping", w.front.Name, strings.Join(evidence, ", ")))
		return nil
	}
	if n.Asked {
		evidence = append(evidence, fmt.Sprintf("arping -I %s %s: no answer", w.gateway.Dev, w.port.IP))
	}
	return w.silent(evidence)
}

func answered(b bool) string {
	if b {
		return "answered"
	}
	return "not answered"
}

// silent tells a guest that does not answer from a wire that does not carry: what
// was heard at the node since both hosts were asked was said for us.
func (w *walk) silent(evidence []string) *cloud.Finding {
	guest, spoke := w.heard(w.port.MAC, w.card.Tap)
	front, arrives := w.heard(w.frontMAC(), "")
	spoke, arrives = spoke && guest.Age < w.node.Heard.Window, arrives && front.Age < w.node.Heard.Window
	wire := fmt.Sprintf("%s of %s and %s of %s", w.gateway.Dev, w.front.Name, w.uplinkPort(), w.node.Name)
	if s, tagged := w.nodeSegment(); tagged {
		wire += fmt.Sprintf(" (VLAN %d)", s.VLAN)
	}
	next := []string{"look at the cable and the switch ports between them: do they carry this network? eucactl check network"}
	switch {
	case !w.node.knows("senders") || w.frontMAC() == "" || !w.listened():
		return &cloud.Finding{
			Words:    fmt.Sprintf("nobody answers ARP for %s, and all that can be seen on the way is as it should be: it is the guest, or the wire between %s", w.port.IP, wire),
			Evidence: evidence, Next: append(w.askGuest(), next...),
		}
	case spoke && arrives:
		return &cloud.Finding{
			Words:    fmt.Sprintf("the guest answers, but %s does not hear it: its frames are lost between %s", w.front.Name, wire),
			Evidence: append(evidence, w.heardWords(guest, w.port.MAC)), Next: next,
		}
	case !arrives:
		return &cloud.Finding{
			Words:    fmt.Sprintf("%s's frames do not arrive at %s: they are lost between %s", w.front.Name, w.node.Name, wire),
			Evidence: append(evidence, w.heardWords(front, w.frontMAC())), Next: next,
		}
	}
	return &cloud.Finding{
		Words:    fmt.Sprintf("the guest does not answer ARP for %s, and all on the way to it is as it should be", w.port.IP),
		Evidence: append(evidence, w.heardWords(guest, w.port.MAC)),
		Next:     w.askGuest(),
	}
}

// booting is how long a guest may well take until it answers.
const booting = 3 * time.Minute

func (w *walk) askGuest() (next []string) {
	id := string(w.Instance.ID)
	if age := w.node.Answered.Sub(w.Instance.Launched); age >= 0 && age < booting {
		next = []string{fmt.Sprintf("it was launched %s ago and may still be starting: ask again in a moment", age.Round(time.Second))}
	}
	return append(next, "eucactl "+w.owner+"get-console-output "+id, "eucactl "+w.owner+"reboot-instances "+id)
}

// listened tells whether the node listened when the frontend asked. Each host knows
// how long its program runs; when its last word came, the controller knows.
func (w *walk) listened() bool {
	begun := w.node.Answered.Add(-hundredths(w.node.Heard.Window))
	for _, at := range w.front.Found[w.port.IP].At {
		asked := w.front.Answered.Add(-hundredths(w.front.Elapsed - at))
		if begun.Before(asked) && asked.Add(50*time.Millisecond).Before(w.node.Answered) {
			return true
		}
	}
	return false
}

func hundredths(n int) time.Duration { return time.Duration(n) * 10 * time.Millisecond }

func (w *walk) heardWords(s facts.Sender, mac string) string {
	if s.MAC == "" {
		return fmt.Sprintf("bridge fdb show on %s: nothing from %s", w.node.Name, mac)
	}
	return fmt.Sprintf("bridge -s fdb show on %s: %s spoke last %.1f s ago, at %s", w.node.Name, s.MAC, float64(s.Age)/100, s.Port)
}
