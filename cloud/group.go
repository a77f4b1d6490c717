package cloud

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Group is a security group. Name is unique for its owner.
type Group struct {
	Meta
	ID          GroupID      `json:"id"`
	Owner       string       `json:"owner"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Chain       string       `json:"chain"` // its iptables chain, chosen when the group is made
	Rules       []Permission `json:"rules,omitempty"`
	Created     time.Time    `json:"created"`
}

func (g Group) Key() string { return string(g.ID) }

// DefaultGroup is the name of the group every user has.
const DefaultGroup = "default"

// CheckGroupName says why a name cannot be a group's. It may be any text that people
// can read: where a host could not bear it (a chain's name), a hash stands for it.
func CheckGroupName(name string) error {
	if strings.HasPrefix(strings.ToLower(name), GroupPrefix) {
		return Errorf("InvalidParameterValue", "group name %s: names that begin with %s are ids", quoted(name), GroupPrefix)
	}
	unreadable := func(r rune) bool { return !unicode.IsPrint(r) }
	if name == "" || len(name) > 255 || !utf8.ValidString(name) || strings.ContainsFunc(name, unreadable) || strings.TrimSpace(name) != name {
		return Errorf("InvalidParameterValue", "group name %s: use 1 to 255 bytes of readable text, with blanks only between words", quoted(name))
	}
	return nil
}

// Permission lets traffic in: a protocol with its ports (tcp, udp) or its type and
// code (icmp; -1 = any) from either a CIDR or another group.
type Permission struct {
	Protocol string       `json:"protocol"` // tcp, udp, icmp; all = every protocol
	From     int          `json:"from"`     // first port, or icmp type
	To       int          `json:"to"`       // last port, or icmp code
	CIDR     netip.Prefix `json:"cidr,omitzero"`
	Source   GroupRef     `json:"source,omitzero"`
}

// GroupRef names a group the way the guide does: by user and name.
type GroupRef struct {
	User string `json:"user"`
	Name string `json:"name"`
}

// Check refuses what EC2 refuses.
func (p Permission) Check() error {
	switch p.Protocol {
	case "tcp", "udp":
		if p.From < 0 || p.To > 65535 || p.From > p.To {
			return Errorf("InvalidParameterValue", "port range %d-%d: ports go from 0 to 65535, the first not above the last", p.From, p.To)
		}
	case "icmp":
		// iptables takes type 255 for any type.
		if p.From < -1 || p.From > 254 || p.To < -1 || p.To > 255 {
			return Errorf("InvalidParameterValue", "icmp %d:%d: types go from 0 to 254 and codes from 0 to 255, or -1 for any", p.From, p.To)
		}
		if p.From == -1 && p.To != -1 {
			return Errorf("InvalidParameterValue", "icmp -1:%d: a code needs a type", p.To)
		}
	case "all":
		if p.From != -1 || p.To != -1 {
			return Errorf("InvalidParameterValue", "all protocols: ports cannot be given")
		}
	default:
		return Errorf("InvalidParameterValue", "protocol %s: use tcp, udp, icmp or all", quoted(p.Protocol))
	}
	hasCIDR, hasGroup := p.CIDR.IsValid(), p.Source != GroupRef{}
	if hasCIDR == hasGroup {
		return Errorf("InvalidParameterCombination", "a rule has one source: a CIDR or a group")
	}
	if hasCIDR && !p.CIDR.Addr().Is4() {
		return Errorf("InvalidParameterValue", "CIDR %s: only IPv4 is known here", p.CIDR)
	}
	return nil
}
