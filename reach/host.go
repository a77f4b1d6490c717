package reach

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"eucactl/facts"
)

// Host is what a host answered. What it did not answer is in Missing, by question.
type Host struct {
	Name     string
	Problem  string    // why it answered nothing at all
	Answered time.Time // when its last word came
	Missing  map[string]string
	Links    []facts.Link
	Settings map[string]string
	Rules    facts.Ruleset
	Routing  facts.Routing
	Found    map[netip.Addr]facts.Found
	Leases   []facts.Lease
	Servers  []facts.DHCPServer
	Guest    facts.Guest
	Heard    facts.Heard
	Earlier  facts.Heard // before anybody looked for the guest
	Queues   []facts.Queue
	VLANs    []facts.PortVLANs
	Config   map[string]string // what dhcpd's configuration says, by its blocks
	Elapsed  int               // hundredths of a second that its program took
}

// Answer is what a host said to one question.
type Answer struct {
	RC    int
	Text  string
	Words string
}

// ReadHost reads a host's answers to the questions that Path asked it.
func ReadHost(name string, questions []facts.Section, answers map[string]Answer) *Host {
	h := &Host{Name: name, Missing: map[string]string{}}
	for _, q := range questions {
		a, there := answers[q.Name]
		switch {
		case !there:
			h.Missing[q.Name] = "it was not answered"
		case a.RC != 0:
			h.Missing[q.Name] = fmt.Sprintf("it cannot tell (%d): %s", a.RC, lastLine(a.Words))
		default:
			if err := h.read(q.Name, a.Text); err != nil {
				h.Missing[q.Name] = err.Error()
			}
		}
	}
	return h
}

func (h *Host) read(question, text string) (err error) {
	switch question {
	case "links":
		h.Links, err = facts.ReadLinks(text)
	case "settings":
		h.Settings, err = facts.ReadNetSettings(text)
	case "rules":
		h.Rules, err = facts.ReadRuleset(text)
	case "routing":
		h.Routing, err = facts.ReadRouting(text)
	case "neighbours":
		h.Found, err = facts.ReadFound(text)
	case "leases":
		h.Leases, err = facts.ReadLeases(text)
		h.Config = blocks(leaseConfig(text))
	case "servers":
		h.Servers, err = facts.ReadDHCPServers(text)
	case "earlier":
		h.Earlier, err = facts.ReadSenders(text)
	case "queues":
		h.Queues, err = facts.ReadQueues(text)
	case "vlans":
		h.VLANs, err = facts.ReadBridgeVLANs(text)
	case "elapsed":
		h.Elapsed, err = facts.ReadElapsed(text)
	case "guest":
		h.Guest, err = facts.ReadVif(text)
	case "senders":
		h.Heard, err = facts.ReadSenders(text)
	default:
		err = fmt.Errorf("no such question")
	}
	return err
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// knows tells whether the host answered all these questions.
func (h *Host) knows(questions ...string) bool {
	for _, q := range questions {
		if _, missing := h.Missing[q]; missing {
			return false
		}
	}
	return true
}

// link finds an interface.
func (h *Host) link(name string) (facts.Link, bool) {
	for _, l := range h.Links {
		if l.Name == name {
			return l, true
		}
	}
	return facts.Link{}, false
}

// has tells on which interface the host has an address.
func (h *Host) has(a netip.Addr) (dev string, ok bool) {
	for _, l := range h.Links {
		for _, p := range l.Addresses {
			if p.Addr() == a {
				return l.Name, true
			}
		}
	}
	return "", false
}

// ports lists what is plugged into a bridge.
func (h *Host) ports(bridge string) (list []facts.Link) {
	for _, l := range h.Links {
		if l.Master == bridge {
			list = append(list, l)
		}
	}
	return list
}

// setting is a kernel setting of an interface: the stricter of its own and of all.
func (h *Host) setting(name, dev string) int {
	return max(number(h.Settings["ipv4/conf/all/"+name]), number(h.Settings["ipv4/conf/"+dev+"/"+name]))
}

func number(text string) (n int) {
	_, _ = fmt.Sscan(text, &n)
	return n
}
