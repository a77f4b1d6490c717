// Package policy says what the records allow, without any rules or sets: the yardstick
// for what frontends let through.
package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/state"
)

// Packet is what a frontend judges: where it is from and to, and what connection
// tracking knows of its flow.
type Packet struct {
	In         string // interface
	Src, Dst   netip.Addr
	Proto      string // tcp, udp, icmp or another one's name
	Port       int    // destination
	Type, Code int    // of icmp
	State      string // NEW, ESTABLISHED, RELATED or INVALID
	Reply      bool   // in an established flow: against its first packet's direction
	Syn        bool   // tcp: it begins a flow
	Led        bool   // its destination was translated on this host
}

func (p Packet) String() string {
	return fmt.Sprintf("%s %s>%s port %d icmp %d/%d syn %v %s reply %v", p.Proto, p.Src, p.Dst, p.Port, p.Type, p.Code, p.Syn, p.State, p.Reply)
}

// Policy is what the records allowed at one moment in one cluster.
type Policy struct {
	Subnet  netip.Prefix
	Guests  string                       // the frontend's interface towards them; with + those that begin so
	Members map[netip.Addr][]cloud.Group // by private address
}

// Of reads the policy of a cluster.
func Of(tx *state.Tx, cluster string) Policy {
	c, _ := tx.Cloud()
	s := c.Networks[cluster]
	p := Policy{s.Subnet, s.PrivInterface, map[netip.Addr][]cloud.Group{}}
	if s.Mode == "MANAGED" {
		p.Guests += ".+"
	}
	for _, in := range tx.Instances() {
		if in.Cluster != cluster || in.Want != cloud.Running {
			continue
		}
		port, _ := tx.Port(in.Port)
		for _, id := range in.Groups {
			g, _ := tx.Group(id)
			p.Members[port.IP] = append(p.Members[port.IP], g)
		}
	}
	return p
}

func (p Policy) in(a netip.Addr, user, name string) bool {
	return slices.ContainsFunc(p.Members[a], func(g cloud.Group) bool { return g.Owner == user && g.Name == name })
}

// near says whether guests are behind an interface.
func (p Policy) near(dev string) bool {
	all, many := strings.CutSuffix(p.Guests, "+")
	return dev == p.Guests || many && strings.HasPrefix(dev, all)
}

// Opens says whether the records let a new flow begin with this packet.
func (p Policy) Opens(k Packet) bool {
	for _, g := range p.Members[k.Dst] {
		if p.in(k.Src, g.Owner, g.Name) {
			return true
		}
		for _, r := range g.Rules {
			from := r.CIDR.IsValid() && r.CIDR.Contains(k.Src) || !r.CIDR.IsValid() && p.in(k.Src, r.Source.User, r.Source.Name)
			if from && Covers(r, k) {
				return true
			}
		}
	}
	return false
}

// Covers says whether a rule speaks of such packets, whoever sends them.
func Covers(r cloud.Permission, k Packet) bool {
	switch r.Protocol {
	case "all":
		return true
	case "icmp":
		return k.Proto == "icmp" && (r.From == -1 || r.From == k.Type && (r.To == -1 || r.To == k.Code))
	}
	return k.Proto == r.Protocol && r.From <= k.Port && k.Port <= r.To
}

// Verdict is what a frontend must do with the packet: ACCEPT, DROP, or "" if it is
// not the cloud's to judge.
func (p Policy) Verdict(k Packet) string {
	toCloud, fromCloud := p.Subnet.Contains(k.Dst), p.Subnet.Contains(k.Src)
	switch {
	case fromCloud && !p.near(k.In):
		return "DROP" // it only says that it comes from a guest
	case k.State == "RELATED", k.State == "ESTABLISHED" && k.Reply:
		return "ACCEPT"
	case !toCloud && !fromCloud:
		return ""
	case fromCloud && !toCloud && k.State == "INVALID":
		return "DROP" // its private address would be seen outside
	case fromCloud && k.Proto == "tcp" && k.State == "NEW" && !k.Syn:
		return "DROP" // it would revive a flow that was cut
	case !toCloud, p.Opens(k):
		return "ACCEPT"
	}
	return "DROP"
}
