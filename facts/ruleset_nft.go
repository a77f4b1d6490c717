package facts

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// nftReader gathers the tables that nft listed as JSON, with the words that its
// text has for each rule.
type nftReader struct {
	tables []FilterTable
	handle []ruleHandle // where the rules of the last table are
	sets   map[string][]string
	maps   map[string][]any
}

type ruleHandle struct {
	handle      int
	chain, rule int
}

type nftChain struct {
	Name, Type, Hook, Policy, Dev string
	Prio                          int
}

type nftRule struct {
	Chain  string
	Handle int
	Expr   []map[string]any
}

type nftSet struct {
	Name  string
	Type  any
	Flags []string
	Elem  []any
}

// read takes one table.
func (n *nftReader) read(text string) error {
	var doc struct {
		Nftables []struct {
			Table *struct{ Family, Name string }
			Chain *nftChain
			Rule  *nftRule
			Set   *nftSet
			Map   *nftSet
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return fmt.Errorf("nft: %w", err)
	}
	n.sets, n.maps, n.handle = map[string][]string{}, map[string][]any{}, nil
	t := FilterTable{Tool: "nft"}
	at := map[string]int{}
	for _, e := range doc.Nftables {
		switch {
		case e.Table != nil:
			t.Family, t.Name = e.Table.Family, e.Table.Name
		case e.Chain != nil:
			at[e.Chain.Name] = len(t.Chains)
			t.Chains = append(t.Chains, FilterChain{
				Name: e.Chain.Name, Hook: e.Chain.Hook, NAT: e.Chain.Type == "nat", Priority: e.Chain.Prio, Device: e.Chain.Dev,
				Drop: e.Chain.Policy == "drop",
			})
		case e.Set != nil:
			n.sets[e.Set.Name] = elements(e.Set.Elem)
		case e.Map != nil:
			n.maps[e.Map.Name] = e.Map.Elem
		}
	}
	for _, e := range doc.Nftables {
		if e.Rule == nil {
			continue
		}
		i, known := at[e.Rule.Chain]
		if !known {
			return fmt.Errorf("nft: a rule of chain %q, which is not listed", e.Rule.Chain)
		}
		for _, r := range n.rules(e.Rule) {
			n.handle = append(n.handle, ruleHandle{e.Rule.Handle, i, len(t.Chains[i].Rules)})
			t.Chains[i].Rules = append(t.Chains[i].Rules, r)
		}
	}
	n.tables = append(n.tables, t)
	return nil
}

var (
	handled  = regexp.MustCompile(`^\s*(.*\S)\s*# handle (\d+)$`)
	counters = regexp.MustCompile(`counter packets \d+ bytes \d+ `)
	device   = regexp.MustCompile(`^\s*type \w+ hook \w+ device "?([^" ]+)"? priority`)
)

// words gives the rules of the last table the text that nft has for them, and an
// ingress chain its device, which older versions leave out of their JSON.
func (n *nftReader) words(text string) {
	if len(n.tables) == 0 {
		return
	}
	t := &n.tables[len(n.tables)-1]
	of := map[int]string{}
	chain := -1
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := device.FindStringSubmatch(line); m != nil && chain >= 0 {
			t.Chains[chain].Device = m[1]
		}
		m := handled.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if name, ok := strings.CutPrefix(m[1], "chain "); ok {
			chain = t.chain(strings.TrimSuffix(name, " {"))
			continue
		}
		handle, err := strconv.Atoi(m[2])
		if err == nil {
			of[handle] = counters.ReplaceAllString(m[1], "")
		}
	}
	for _, h := range n.handle {
		t.Chains[h.chain].Rules[h.rule].Text = of[h.handle]
	}
}

func (t *FilterTable) chain(name string) int {
	for i := range t.Chains {
		if t.Chains[i].Name == name {
			return i
		}
	}
	return -1
}

// rules are what one rule comes to: a verdict map is a rule for each of its elements.
func (n *nftReader) rules(raw *nftRule) []Rule {
	var r Rule
	for _, statement := range raw.Expr {
		for name, v := range statement {
			if name == "vmap" {
				return n.branches(r, v)
			}
			if name == "match" {
				r.Matches = append(r.Matches, n.match(v)...)
				continue
			}
			r.statement(name, v)
		}
	}
	return []Rule{r}
}

// statement is what a rule does; one that neither decides nor restricts is nothing.
func (r *Rule) statement(name string, v any) {
	to, _ := v.(map[string]any)
	switch name {
	case "accept":
		r.Do = Accept
	case "drop", "reject":
		r.Do = Drop
	case "return":
		r.Do = Return
	case "jump", "goto":
		r.Do, r.To = Verdict(name), fmt.Sprint(to["target"])
	case "dnat", "snat":
		r.Do = Unclear
		if a, ok := to["addr"].(string); ok {
			r.Do, r.To = Verdict(name), a
		}
	case "masquerade":
		r.Do = Masquerade
	case "notrack":
		r.Do = NoTrack
	case "mangle":
		key, _ := to["key"].(map[string]any)
		meta, _ := key["meta"].(map[string]any)
		if value, ok := to["value"].(float64); ok && meta["key"] == "mark" {
			r.Do, r.To = Mark, fmt.Sprintf("0x%x/0xffffffff", int64(value))
		}
	case "counter", "log", "comment", "ct helper", "flow", "set", "meter":
	case "limit", "quota", "xt", "ct count", "synproxy", "last":
		r.Matches = append(r.Matches, Match{Values: []string{name}})
	default:
		r.Do = Unclear
	}
}

// branches are the rules that a verdict map stands for.
func (n *nftReader) branches(r Rule, v any) (list []Rule) {
	vmap, _ := v.(map[string]any)
	key := nftKey(vmap["key"])
	var data []any
	switch d := vmap["data"].(type) {
	case string:
		data = n.maps[strings.TrimPrefix(d, "@")]
	case map[string]any:
		data, _ = d["set"].([]any)
	}
	for _, e := range data {
		pair, _ := e.([]any)
		if len(pair) != 2 {
			continue
		}
		one := Rule{Matches: append(append([]Match{}, r.Matches...), Match{Key: key, Values: elements([]any{pair[0]})})}
		verdict, _ := pair[1].(map[string]any)
		for name, to := range verdict {
			one.statement(name, to)
		}
		list = append(list, one)
	}
	return list
}

// match reads a comparison, with what it implies: that of a port, the protocol.
func (n *nftReader) match(v any) []Match {
	m, _ := v.(map[string]any)
	return append(implied(m["left"]), n.comparison(m))
}

func implied(left any) []Match {
	l, _ := left.(map[string]any)
	if parts, ok := l["concat"].([]any); ok {
		var list []Match
		for _, part := range parts {
			list = append(list, implied(part)...)
		}
		return list
	}
	p, _ := l["payload"].(map[string]any)
	switch name, _ := p["protocol"].(string); name {
	case "tcp", "udp", "icmp", "sctp", "icmpv6":
		return []Match{{Key: "proto", Values: []string{name}}}
	case "ip", "arp", "ip6":
		return []Match{{Key: "ether", Values: []string{name}}}
	case "vlan":
		return []Match{{Key: "ether", Values: []string{"8021q"}}}
	}
	return nil
}

func (n *nftReader) comparison(m map[string]any) Match {
	op, _ := m["op"].(string)
	out := Match{Key: nftKey(m["left"]), Not: op == "!="}
	unclear := Match{Values: []string{fmt.Sprint(m["left"])}}
	if mask, left, ok := masked(m["left"]); ok && nftKey(left) == "mark" {
		value, isNumber := m["right"].(float64)
		if !isNumber {
			return unclear
		}
		return Match{Key: "mark", Not: op == "!=", Values: []string{fmt.Sprintf("0x%x/0x%x", int64(value), mask)}}
	}
	switch op {
	case "==", "!=", "in":
	default:
		return unclear
	}
	switch right := m["right"].(type) {
	case string:
		if set, ok := strings.CutPrefix(right, "@"); ok {
			members, known := n.sets[set]
			if !known {
				return unclear
			}
			out.Values = members
			return out
		}
		out.Values = elements([]any{right})
	case []any:
		out.Values = elements(right)
	case map[string]any:
		if set, ok := right["set"].([]any); ok {
			out.Values = elements(set)
		} else {
			out.Values = elements([]any{right})
		}
	default:
		out.Values = elements([]any{right})
	}
	if out.Key == "" {
		return unclear
	}
	return out
}

// masked takes apart {"&": [LEFT, MASK]}.
func masked(v any) (mask int64, left any, ok bool) {
	m, _ := v.(map[string]any)
	pair, _ := m["&"].([]any)
	if len(pair) != 2 {
		return 0, nil, false
	}
	number, ok := pair[1].(float64)
	return int64(number), pair[0], ok
}

// nftKey names what is compared; "" if it is not understood.
func nftKey(v any) string {
	m, _ := v.(map[string]any)
	for kind, inner := range m {
		in, _ := inner.(map[string]any)
		switch kind {
		case "payload":
			return payloadKey(fmt.Sprint(in["protocol"]), fmt.Sprint(in["field"]))
		case "meta":
			return map[string]string{
				"iifname": "in", "oifname": "out", "iif": "in", "oif": "out", "l4proto": "proto", "mark": "mark", "nfproto": "nfproto",
				"protocol": "ether", "pkttype": "pkttype", "ibrname": "inbridge", "obrname": "outbridge",
			}[fmt.Sprint(in["key"])]
		case "ct":
			if in["dir"] != nil {
				return ""
			}
			return map[string]string{"state": "ctstate", "direction": "ctdir", "status": "ctstatus"}[fmt.Sprint(in["key"])]
		case "fib":
			return fibKey(in)
		case "concat":
			parts, _ := inner.([]any)
			return concat(parts)
		}
	}
	return ""
}

// concat is several keys at once.
func concat(parts []any) string {
	var keys []string
	for _, part := range parts {
		key := nftKey(part)
		if key == "" {
			return ""
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, Concat)
}

func payloadKey(protocol, field string) string {
	switch protocol + " " + field {
	case "ip saddr":
		return "src"
	case "ip daddr":
		return "dst"
	case "ip protocol":
		return "proto"
	case "tcp dport", "udp dport", "th dport":
		return "dport"
	case "tcp sport", "udp sport", "th sport":
		return "sport"
	case "icmp type":
		return "icmp"
	case "ether saddr":
		return "smac"
	case "ether daddr":
		return "dmac"
	case "ether type":
		return "ether"
	case "arp saddr ip":
		return "arpsrc"
	case "arp daddr ip":
		return "arpdst"
	case "arp saddr ether":
		return "smac"
	case "arp operation":
		return "arpop"
	case "vlan id":
		return "vlan"
	}
	return ""
}

func fibKey(in map[string]any) string {
	flags, _ := in["flags"].([]any)
	if in["result"] != "type" || len(flags) != 1 {
		return ""
	}
	return map[string]string{"saddr": "srctype", "daddr": "dsttype"}[fmt.Sprint(flags[0])]
}

// elements spells values as iptables' are spelled.
func elements(list []any) (out []string) {
	for _, e := range list {
		switch e := e.(type) {
		case string:
			out = append(out, e)
		case float64:
			out = append(out, strconv.FormatInt(int64(e), 10))
		case map[string]any:
			out = append(out, element(e))
		default:
			out = append(out, "?")
		}
	}
	return out
}

// element is one of several words; "?" is one that is not understood.
func element(e map[string]any) string {
	if inner, ok := e["elem"].(map[string]any); ok { // with a timeout or a counter
		return elements([]any{inner["val"]})[0]
	}
	if parts, ok := e["concat"].([]any); ok {
		return strings.Join(elements(parts), Concat)
	}
	if p, ok := e["prefix"].(map[string]any); ok {
		return fmt.Sprintf("%v/%v", p["addr"], p["len"])
	}
	if r, ok := e["range"].([]any); ok && len(r) == 2 {
		return strings.Join(elements(r), "-")
	}
	return "?"
}
