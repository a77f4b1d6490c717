package facts

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// RoutingScript prints all IPv4 routes of all tables, and the rules that choose a
// table, as two lines of iproute2's JSON.
const RoutingScript = `
for ip in /usr/sbin/ip /sbin/ip /usr/bin/ip /bin/ip; do
	[ ! -x "$ip" ] || break
done
routes=$("$ip" -j -4 route show table all) || exit 2
rules=$("$ip" -j -4 rule show) || exit 2
printf '%s\n%s\n' "${routes:-[]}" "${rules:-[]}"
`

// Routing is how a host finds the way of a packet.
type Routing struct {
	Ways  []Way
	Rules []WayRule // in the order in which they are asked
}

// A Way is the way to a network.
type Way struct {
	Table   string
	Type    string // unicast, local, broadcast, blackhole, unreachable, prohibit, throw
	Dest    netip.Prefix
	Dev     string
	Gateway netip.Addr
	Metric  int
	Dead    bool // its interface is switched off or has no carrier
}

// A WayRule sends packets that it fits to a table, or refuses them.
type WayRule struct {
	Priority int
	Not      bool
	Source   netip.Prefix
	Dest     netip.Prefix
	In       string
	Mark     uint32
	Mask     uint32 // 0: whatever the mark is
	Table    string
	Action   string // "" for a table; blackhole, unreachable, prohibit
	Unclear  bool   // it has conditions that are not understood
}

// ReadRouting reads what RoutingScript printed.
func ReadRouting(text string) (r Routing, err error) {
	routes, rules, ok := strings.Cut(strings.TrimSpace(text), "\n")
	if !ok {
		return r, fmt.Errorf("routing: not two lines")
	}
	if r.Ways, err = readRoutes(routes); err != nil {
		return Routing{}, fmt.Errorf("routing: %w", err)
	}
	if r.Rules, err = readWayRules(rules); err != nil {
		return Routing{}, fmt.Errorf("routing: %w", err)
	}
	return r, nil
}

func readRoutes(text string) (list []Way, err error) {
	type hop struct {
		Gateway string   `json:"gateway"`
		Dev     string   `json:"dev"`
		Flags   []string `json:"flags"`
	}
	var raw []struct {
		hop
		Type   string `json:"type"`
		Dst    string `json:"dst"`
		Table  string `json:"table"`
		Metric int    `json:"metric"`
		Hops   []hop  `json:"nexthops"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, err
	}
	for _, one := range raw {
		dest, err := network(one.Dst)
		if err != nil {
			return nil, err
		}
		r := Way{Table: cmp.Or(one.Table, "main"), Type: cmp.Or(one.Type, "unicast"), Dest: dest, Metric: one.Metric}
		for i, h := range append([]hop{one.hop}, one.Hops...) {
			if i == 0 && len(one.Hops) > 0 {
				continue
			}
			r.Dev, r.Gateway = h.Dev, netip.Addr{}
			r.Dead = slices.Contains(h.Flags, "dead") || slices.Contains(h.Flags, "linkdown")
			if h.Gateway != "" {
				if r.Gateway, err = netip.ParseAddr(h.Gateway); err != nil {
					return nil, err
				}
			}
			list = append(list, r)
		}
	}
	return list, nil
}

func readWayRules(text string) (list []WayRule, err error) {
	var raw []map[string]any
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, err
	}
	for _, one := range raw {
		var r WayRule
		for name, v := range one {
			if err := r.read(name, v); err != nil {
				return nil, err
			}
		}
		if r.Source, err = ruleNetwork(one["src"], one["srclen"]); err != nil {
			return nil, err
		}
		if r.Dest, err = ruleNetwork(one["dst"], one["dstlen"]); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b WayRule) int { return a.Priority - b.Priority })
	return list, nil
}

func (r *WayRule) read(name string, v any) (err error) {
	text := fmt.Sprint(v)
	switch name {
	case "priority":
		number, _ := v.(float64)
		r.Priority = int(number)
	case "src", "srclen", "dst", "dstlen", "protocol", "iif_detached", "oif_detached":
	case "not":
		r.Not = true
	case "iif":
		r.In = text
	case "table":
		r.Table = text
	case "action":
		r.Action = text
	case "fwmark":
		if r.Mark, err = hexWord(text); r.Mask == 0 {
			r.Mask = 0xffffffff
		}
	case "fwmask":
		r.Mask, err = hexWord(text)
	default:
		r.Unclear = true
	}
	return err
}

func hexWord(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 0, 32)
	return uint32(n), err
}

// network reads "default", an address, or a network.
func network(text string) (netip.Prefix, error) {
	if text == "default" || text == "all" || text == "" {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0), nil
	}
	if !strings.Contains(text, "/") {
		text += "/32"
	}
	return netip.ParsePrefix(text)
}

func ruleNetwork(addr, length any) (netip.Prefix, error) {
	text, _ := addr.(string)
	if n, ok := length.(float64); ok {
		text = fmt.Sprintf("%s/%d", text, int(n))
	}
	return network(text)
}
