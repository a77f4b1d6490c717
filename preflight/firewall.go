package preflight

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"eucactl/facts"
)

// present is the tool whose tables are those that iptables shows on this host, and
// other that of the other back end.
func (h *Host) present() (present, other string) {
	if h.stable["iptables"] == "legacy" {
		return "iptables-legacy", "iptables"
	}
	return "iptables", "iptables-legacy"
}

// table is one of iptables' tables, empty if there is none.
func (h *Host) table(name string) facts.FilterTable {
	tool, _ := h.present()
	for _, t := range h.rules.Tables {
		if t.Tool == tool && t.Name == name {
			return t
		}
	}
	return facts.FilterTable{}
}

// frontendFirewallFindings: with an active network our hooks are first, so what others
// put in front of them decides instead of the groups' rules.
func frontendFirewallFindings(h *Host) (list []Finding) {
	list = h.nativeFindings("ip", "inet")
	f := h.Plan.Frontend
	if f == nil || !f.Active {
		return list
	}
	for _, hook := range f.Filter.Hooks {
		if hook.From == "FORWARD" { // INPUT is about the frontend itself
			list = append(list, h.beforeHook(hook.From, hook.To)...)
		}
	}
	for _, hook := range f.Nat.Hooks {
		if hook.From == "PREROUTING" {
			list = append(list, h.beforeNat(hook.From, hook.To)...)
		}
	}
	return list
}

func (h *Host) front(subnet netip.Prefix) guests {
	return guests{subnet: subnet, ifaces: []string{h.Network.PrivInterface, h.Network.PubInterface}}
}

// inFront is what to do about a rule that stands before our hook.
func (h *Host) inFront() string {
	return "eucactl reconcile " + h.Name + " puts our hook in front; look who put the rule there"
}

// beforeHook tells what stands in front of a hook of ours.
func (h *Host) beforeHook(chain, hook string) (list []Finding) {
	before, hooked := walk(h.table("filter"), chain, hook, h.front(h.Network.Subnet))
	if !hooked {
		list = append(list, h.found(Error, fmt.Sprintf("%s does not lead to %s: groups' rules are not asked", chain, hook), "iptables -S "+chain, "eucactl reconcile "+h.Name))
	}
	for _, m := range before {
		evidence := "iptables -S: " + m.Text
		switch {
		case m.always && m.Do == facts.Accept:
			list = append(list, h.found(Error, "another firewall accepts guests' packets before the groups' rules are asked", evidence, h.inFront()))
		case m.always:
			list = append(list, h.found(Error, "another firewall drops guests' packets before the groups' rules are asked", evidence, h.inFront()))
		case m.open() && m.Do == facts.Accept:
			list = append(list, h.found(Warning, "another firewall lets connections live on whose permission was revoked", evidence, h.inFront()))
		default:
			list = append(list, h.found(Note, "a rule of others stands before the groups' rules", evidence, ""))
		}
	}
	return list
}

// beforeNat tells what takes public addresses away from us.
func (h *Host) beforeNat(chain, hook string) (list []Finding) {
	nat := h.table("nat")
	for _, ip := range h.Network.PublicIPs {
		before, _ := walk(nat, chain, hook, h.front(netip.PrefixFrom(ip, 32)))
		for _, m := range before {
			from := slices.ContainsFunc(m.Matches, func(c facts.Match) bool { return c.Key == "src" })
			if m.always && !from {
				return append(list, h.found(Error, fmt.Sprintf("another rule takes the public address %s before ours", ip), "iptables -t nat -S: "+m.Text, h.inFront()))
			}
		}
	}
	return list
}

// nativeFindings is about what is not iptables': a packet must pass every chain at a hook, so an ACCEPT of ours does
// not help where another one drops.
func (h *Host) nativeFindings(families ...string) (list []Finding) {
	for _, t := range h.rules.Tables {
		if t.Tool != "nft" && t.Tool != "ebtables" || !slices.Contains(families, t.Family) || strings.HasPrefix(t.Name, "eucactl_") {
			continue
		}
		for _, c := range t.Chains {
			where := fmt.Sprintf("nft list chain %s %s %s", t.Family, t.Name, c.Name)
			if t.Tool == "ebtables" {
				where = fmt.Sprintf("ebtables -t %s -L %s", t.Name, c.Name)
			}
			const fix = "let it accept what guests send and get, or remove it"
			switch drops := dropping(c); {
			case c.Hook != "forward":
			case c.Drop:
				list = append(list, h.found(Error, "another firewall drops what it does not know, guests' packets too", where+": policy drop", fix))
			case drops > 0:
				list = append(list, h.found(Warning, "another firewall has rules that drop forwarded packets", where+": "+Count(drops, "rule"), fix))
			}
		}
	}
	return list
}

func dropping(c facts.FilterChain) (n int) {
	for _, r := range c.Rules {
		if r.Do == facts.Drop {
			n++
		}
	}
	return n
}

// nodeFirewallFindings: a node's firewall is about the node, unless bridged frames
// are led through it.
func nodeFirewallFindings(h *Host) (list []Finding) {
	list = h.nativeFindings("bridge")
	const call = "bridge-nf-call-iptables"
	if h.setting("bridge/"+call) != 1 {
		return list
	}
	list = append(list, h.nativeFindings("ip", "inet")...)
	filter := h.table("filter")
	meets, _ := walk(filter, "FORWARD", "", guests{subnet: h.Network.Subnet, ifaces: []string{h.segment()}})
	drops := ""
	for _, m := range meets {
		if m.always && m.Do != facts.Accept {
			drops = m.Text
		}
		if m.always {
			break
		}
	}
	accepted := drops == "" && slices.ContainsFunc(meets, func(m met) bool { return m.always })
	if i := slices.IndexFunc(filter.Chains, func(c facts.FilterChain) bool { return c.Name == "FORWARD" && c.Drop }); i >= 0 && !accepted && drops == "" {
		drops = "iptables -S FORWARD: -P FORWARD DROP"
	}
	if drops != "" {
		list = append(list, h.found(Error, "its firewall drops what guests send over the bridge", "sysctl net.bridge."+call+": 1; "+drops,
			"sysctl -w net.bridge."+call+"=0, and in /etc/sysctl.d"))
	}
	return list
}

// backendFindings: rules in both back ends are all obeyed, and each tool shows one half.
func backendFindings(h *Host) []Finding {
	_, other := h.present()
	save := map[string]string{"iptables": "iptables-nft-save", "iptables-legacy": "iptables-legacy-save"}[other]
	fix := "move them to one back end: " + save + ", then update-alternatives --config iptables"
	rules := 0
	for _, t := range h.rules.Tables {
		if t.Tool != other {
			continue
		}
		for _, c := range t.Chains {
			if rules += len(c.Rules); c.Drop && c.Hook == "forward" {
				return []Finding{h.found(Error, "the other back end of iptables drops what is forwarded: rules are obeyed in both", save+": :FORWARD DROP", fix)}
			}
		}
	}
	if rules == 0 {
		return nil
	}
	return []Finding{h.found(Warning, "there are rules in both back ends of iptables, nft and legacy: each shows only its own", save+": "+Count(rules, "rule"), fix)}
}
