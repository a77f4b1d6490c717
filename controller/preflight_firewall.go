package controller

import (
	"fmt"
	"strings"

	"eucactl/facts"
)

// frontendFirewallFindings: with an active network our hooks are first, so what others
// put in front of them decides instead of the groups' rules.
func frontendFirewallFindings(l *look) (list []Finding) {
	list = l.nativeFindings("ip", "inet")
	f := l.plan.Frontend
	if f == nil || !f.Active {
		return list
	}
	g := guests{subnet: l.network.Subnet, ifaces: []string{l.network.PrivInterface, l.network.PubInterface}}
	for _, hook := range f.Filter.Hooks {
		if hook.From == "INPUT" { // what guests may ask the frontend itself
			continue
		}
		list = append(list, l.beforeHook("filter", hook.From, hook.To, g)...)
	}
	for _, hook := range f.Nat.Hooks {
		if hook.From == "PREROUTING" {
			list = append(list, l.beforeNat(hook.From, hook.To)...)
		}
	}
	return list
}

// beforeHook tells what stands in front of a hook of ours.
func (l *look) beforeHook(table, chain, hook string, g guests) (list []Finding) {
	before, hooked := walk(l.firewall.Chains, table, chain, hook, g)
	fix := "eucactl reconcile " + l.host.Name + " puts our hook in front; look who put the rule there"
	if !hooked {
		list = append(list, l.found(SeverityError, fmt.Sprintf("%s does not lead to %s: groups' rules are not asked", chain, hook), "iptables -t "+table+" -S "+chain, "eucactl reconcile "+l.host.Name))
	}
	for _, m := range before {
		evidence := "iptables -t " + table + " -S: " + m.rule
		switch {
		case m.always && m.target == "ACCEPT":
			list = append(list, l.found(SeverityError, "another firewall accepts guests' packets before the groups' rules are asked", evidence, fix))
		case m.always:
			list = append(list, l.found(SeverityError, "another firewall drops guests' packets before the groups' rules are asked", evidence, fix))
		case m.open && m.target == "ACCEPT":
			list = append(list, l.found(SeverityWarning, "another firewall lets connections live on whose permission was revoked", evidence, fix))
		default:
			list = append(list, l.found(SeverityNote, "a rule of others stands before the groups' rules", evidence, ""))
		}
	}
	return list
}

// beforeNat tells what takes public addresses away from us.
func (l *look) beforeNat(chain, hook string) (list []Finding) {
	g := guests{ifaces: []string{l.network.PrivInterface, l.network.PubInterface}}
	for _, ip := range l.network.PublicIPs {
		g.subnet = prefixOf(ip.String())
		before, _ := walk(l.firewall.Chains, "nat", chain, hook, g)
		for _, m := range before {
			if shape := shapeOf(m.rule); m.always && (!shape.src.IsValid() || shape.dst.IsValid()) {
				return append(list, l.found(SeverityError, fmt.Sprintf("another rule takes the public address %s before ours", ip), "iptables -t nat -S: "+m.rule,
					"eucactl reconcile "+l.host.Name+" puts our hook in front; look who put the rule there"))
			}
		}
	}
	return list
}

// nativeFindings: a packet must pass every chain at a hook, so an ACCEPT of ours does
// not help where another one drops.
func (l *look) nativeFindings(families ...string) (list []Finding) {
	for _, n := range l.firewall.Native {
		if n.Hook != "forward" || !strings.Contains(" "+strings.Join(families, " ")+" ", " "+n.Family+" ") || strings.HasPrefix(n.Table, "euca") {
			continue
		}
		where := fmt.Sprintf("nft list chain %s %s %s", n.Family, n.Table, n.Name)
		fix := "let it accept what guests send and get, or remove it"
		switch {
		case n.Policy == "drop":
			list = append(list, l.found(SeverityError, "another firewall drops what it does not know, guests' packets too", where+": policy drop", fix))
		case n.Drops > 0:
			list = append(list, l.found(SeverityWarning, "another firewall has rules that drop forwarded packets", fmt.Sprintf("%s: %s", where, plural(n.Drops, "rule")), fix))
		}
	}
	return list
}

// nodeFirewallFindings: a node's firewall is about the node, unless bridged frames
// are led through it.
func nodeFirewallFindings(l *look) (list []Finding) {
	list = l.nativeFindings("bridge")
	const call = "bridge-nf-call-iptables"
	if l.setting("net/bridge/"+call) != 1 {
		return list
	}
	fix := "sysctl -w net.bridge." + call + "=0, and in /etc/sysctl.d"
	because := "sysctl net.bridge." + call + ": 1; "
	list = append(list, l.nativeFindings("ip", "inet")...)
	dropped, _ := walk(l.firewall.Chains, "filter", "FORWARD", "", guests{subnet: l.network.Subnet, ifaces: []string{l.segment()}})
	for _, m := range dropped {
		if m.always && m.target != "ACCEPT" {
			return append(list, l.found(SeverityError, "its firewall drops what guests send over the bridge", because+m.rule, fix))
		}
	}
	for _, c := range l.firewall.Chains {
		accepted := len(dropped) > 0 && dropped[0].always
		if c.Table == "filter" && c.Name == "FORWARD" && c.Policy == "DROP" && !accepted {
			list = append(list, l.found(SeverityError, "its firewall drops what guests send over the bridge", because+"iptables -S FORWARD: -P FORWARD DROP", fix))
		}
	}
	return list
}

// backendFindings: rules in both back ends are all obeyed, and each tool shows one half.
func backendFindings(l *look) (list []Finding) {
	rules, drops := 0, ""
	for _, c := range l.firewall.Other {
		rules += len(c.Rules)
		if c.Policy == "DROP" && c.Table == "filter" && c.Name == "FORWARD" {
			drops = c.Name
		}
	}
	native := 0
	if l.firewall.Backend == "legacy" {
		for _, n := range l.firewall.Native {
			if ofIptables(n) && (n.Policy == "drop" || n.Drops > 0) {
				native++
			}
		}
	}
	other := map[string]string{"nft": "legacy", "legacy": "nft"}[l.firewall.Backend]
	fix := fmt.Sprintf("move them to one back end: iptables-%s-save, then update-alternatives --config iptables", other)
	switch {
	case drops != "":
		list = append(list, l.found(SeverityError, fmt.Sprintf("the back end %s of iptables drops what is forwarded, while rules are made in %s", other, l.firewall.Backend), "iptables-"+other+"-save: :FORWARD DROP", fix))
	case rules > 0:
		list = append(list, l.found(SeverityWarning, "there are rules in both back ends of iptables, nft and legacy: each shows only its own", fmt.Sprintf("iptables-%s-save: %s", other, plural(rules, "rule")), fix))
	case native > 0:
		list = append(list, l.found(SeverityWarning, "there are rules in both back ends of iptables, nft and legacy: each shows only its own", fmt.Sprintf("nft list ruleset: %s", plural(native, "chain")), fix))
	}
	return list
}

// ofIptables recognises chains that iptables-nft made.
func ofIptables(n facts.NativeChain) bool {
	return n.Family == "ip" && (n.Table == "filter" || n.Table == "nat" || n.Table == "mangle")
}
