package facts

import (
	"fmt"
	"strings"
)

// readSave reads the format that iptables-save and ebtables-save share.
func (r *Ruleset) readSave(tool, text string) error {
	var table *FilterTable
	at := map[string]int{}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		switch {
		case line == "" || line[0] == '#' || line == "COMMIT":
		case line[0] == '*':
			family := "ip"
			if tool == "ebtables" {
				family = "bridge"
			}
			r.Tables = append(r.Tables, FilterTable{Tool: tool, Family: family, Name: line[1:]})
			table, at = &r.Tables[len(r.Tables)-1], map[string]int{}
		case table == nil:
			return fmt.Errorf("%s: %q is in no table", tool, line)
		case line[0] == ':':
			f := strings.Fields(line[1:])
			if len(f) < 2 {
				return fmt.Errorf("%s: %q", tool, line)
			}
			at[f[0]] = len(table.Chains)
			c := builtin(tool, table.Name, f[0])
			c.Drop = f[1] == "DROP"
			table.Chains = append(table.Chains, c)
		default:
			name, rule, err := savedRule(line)
			i, known := at[name]
			if err != nil || !known {
				return fmt.Errorf("%s: %q: %w", tool, line, err)
			}
			table.Chains[i].Rules = append(table.Chains[i].Rules, rule)
		}
	}
	return nil
}

// builtin is a chain with the hook that its name stands for. Priorities are the
// kernel's (include/uapi/linux/netfilter_ipv4.h and netfilter_bridge.h).
func builtin(tool, table, name string) FilterChain {
	c := FilterChain{Name: name}
	hooks := map[string]string{
		"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output", "POSTROUTING": "postrouting",
		"BROUTING": "prerouting",
	}
	if c.Hook = hooks[name]; c.Hook == "" {
		return c
	}
	source := name == "POSTROUTING" || name == "INPUT"
	switch {
	case tool == "ebtables" && table == "nat" && source:
		c.Priority = 300
	case tool == "ebtables" && table != "filter":
		c.Priority = -300
	case tool == "ebtables":
		c.Priority = -200
	case table == "raw":
		c.Priority = -300
	case table == "mangle":
		c.Priority = -150
	case table == "nat":
		c.NAT, c.Priority = true, -100
		if source {
			c.Priority = 100
		}
	case table == "security":
		c.Priority = 50
	}
	return c
}

// words splits a line as iptables-save quotes it.
func words(line string) (list []string, err error) {
	var word strings.Builder
	open, quoted := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			open = true
		case c == '"':
			quoted, open = !quoted, true
		case c == ' ' && !quoted:
			if open {
				list = append(list, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed")
	}
	if open {
		list = append(list, word.String())
	}
	return list, nil
}

// ReadSavedRule reads one rule as iptables-save spells it: "-A CHAIN ...".
func ReadSavedRule(line string) (chain string, r Rule, err error) { return savedRule(line) }

func savedRule(line string) (chain string, r Rule, err error) {
	w, err := words(line)
	if err != nil {
		return "", r, err
	}
	if len(w) < 2 || w[0] != "-A" {
		return "", r, fmt.Errorf("not a rule")
	}
	chain, r.Text = w[1], line
	for i := 2; i < len(w); {
		not := w[i] == "!"
		if not {
			i++
		}
		end := i + 1
		for end < len(w) && w[end] != "!" && !option(w[end]) {
			end++
		}
		if i >= len(w) {
			return "", r, fmt.Errorf("it ends with a !")
		}
		switch w[i] {
		case "-j", "-g":
			r.target(w[i] == "-g", w[i+1:])
			return chain, r, nil
		case "--comment", "-c", "--mode":
		default:
			r.condition(w[i], not, w[i+1:end])
		}
		i = end
	}
	return chain, r, nil
}

func option(w string) bool {
	return len(w) > 1 && w[0] == '-' && (w[1] < '0' || w[1] > '9')
}

// saved are the conditions that are understood, by the options of iptables and of
// ebtables.
func saved() map[string]string {
	return map[string]string{
		"-s": "src", "-d": "dst", "-i": "in", "-o": "out", "-p": "proto", "--sport": "sport", "--dport": "dport",
		"--sports": "sport", "--dports": "dport", "--ports": "port", "--ctstate": "ctstate", "--state": "ctstate",
		"--ctdir": "ctdir", "--ctstatus": "ctstatus", "--icmp-type": "icmp", "--physdev-in": "physin", "--physdev-out": "physout",
		"--mac-source": "smac", "--src-type": "srctype", "--dst-type": "dsttype", "--src-range": "src", "--dst-range": "dst",
		"--mark": "mark", "--pkt-type": "pkttype", "--physdev-is-bridged": "bridged", "--physdev-is-in": "bridged",
		"--physdev-is-out": "bridged", "-f": "fragment", "--invert": "rpfailed",
		"--logical-in": "inbridge", "--logical-out": "outbridge", "--ip-src": "src", "--ip-source": "src", "--ip-dst": "dst",
		"--ip-destination": "dst", "--ip-proto": "proto", "--ip-protocol": "proto", "--ip-sport": "sport", "--ip-dport": "dport",
		"--arp-ip-src": "arpsrc", "--arp-ip-dst": "arpdst", "--arp-op": "arpop", "--arp-opcode": "arpop", "--vlan-id": "vlan",
		"--probability": "chance", "--arp-mac-src": "smac", "--arp-mac-dst": "dmac",
	}
}

// silent are modules that say nothing by themselves: their options do.
func silent() map[string]bool {
	list := "tcp udp icmp conntrack state set comment multiport physdev mac addrtype iprange mark pkttype rpfilter udplite sctp statistic"
	m := map[string]bool{}
	for _, name := range strings.Fields(list) {
		m[name] = true
	}
	return m
}

func (r *Rule) condition(option string, not bool, args []string) {
	m := Match{Key: saved()[option], Not: not}
	switch {
	case option == "-m":
		if len(args) == 1 && !silent()[args[0]] {
			r.Matches = append(r.Matches, Match{Values: args})
		}
		return
	case option == "--match-set" && len(args) == 2 && (args[1] == "src" || args[1] == "dst"):
		m.Key, m.Values = args[1], []string{"@" + args[0]}
	case option == "--syn":
		m.Key, m.Values = "flags", []string{"FIN,SYN,RST,ACK SYN"}
	case option == "--tcp-flags" && len(args) == 2:
		m.Key, m.Values = "flags", []string{args[0] + " " + args[1]}
	case (option == "-s" || option == "-d") && len(args) == 1 && isMAC(args[0]):
		m.Key, m.Values = map[string]string{"-s": "smac", "-d": "dmac"}[option], []string{lowerMAC(args[0])}
	case option == "-p" && len(args) == 1 && etherType(args[0]) != "":
		m.Key, m.Values = "ether", []string{etherType(args[0])}
	case m.Key == "bridged" || m.Key == "fragment" || m.Key == "rpfailed":
		m.Values = []string{"yes"}
	case m.Key == "" || len(args) != 1:
		m = Match{Not: not, Values: append([]string{option}, args...)}
	default:
		m.Values = values(m.Key, args[0])
	}
	r.Matches = append(r.Matches, m)
}

// values brings iptables' spellings into one: ports 80:90, interfaces eth+, words in
// lower case.
func values(key, text string) (list []string) {
	for _, v := range strings.Split(text, ",") {
		switch key {
		case "sport", "dport", "port":
			v = strings.Replace(v, ":", "-", 1)
		case "in", "out", "physin", "physout":
			if strings.HasSuffix(v, "+") {
				v = strings.TrimSuffix(v, "+") + "*"
			}
		case "src", "dst", "arpsrc", "arpdst":
		case "mark":
			v = strings.ToLower(v)
		default:
			v = strings.ToLower(v)
		}
		list = append(list, v)
	}
	return list
}

func isMAC(s string) bool {
	switch s {
	case "Unicast", "Multicast", "Broadcast", "BGA":
		return true
	}
	return strings.Count(s, ":") >= 5
}

// lowerMAC is an address in the kernel's spelling, without a mask that is all ones.
func lowerMAC(s string) string {
	if s == "Broadcast" {
		return "ff:ff:ff:ff:ff:ff"
	}
	return strings.TrimSuffix(strings.ToLower(s), "/ff:ff:ff:ff:ff:ff")
}

func etherType(s string) string {
	switch strings.ToLower(s) {
	case "ipv4", "0x0800", "0x800":
		return "ip"
	case "arp", "0x0806", "0x806":
		return "arp"
	case "802_1q", "0x8100":
		return "8021q"
	case "ipv6", "0x86dd":
		return "ip6"
	}
	return ""
}

// target is what stands behind -j.
func (r *Rule) target(leap bool, args []string) {
	if len(args) == 0 {
		r.Do = Unclear
		return
	}
	switch name := args[0]; name {
	case "ACCEPT":
		r.Do = Accept
	case "DROP", "REJECT", "TARPIT", "STEAL":
		r.Do = Drop
	case "RETURN":
		r.Do = Return
	case "DNAT", "SNAT":
		r.Do, r.To = Verdict(strings.ToLower(name)), after(args, "--to-destination", "--to-source")
	case "MASQUERADE":
		r.Do = Masquerade
	case "NOTRACK":
		r.Do = NoTrack
	case "CT":
		if r.Do = Pass; len(args) > 1 && args[1] == "--notrack" {
			r.Do = NoTrack
		}
	case "MARK":
		r.Do, r.To = Mark, after(args, "--set-xmark", "--set-mark")
	case "LOG", "NFLOG", "ULOG", "TCPMSS", "CONNMARK", "CHECKSUM", "CONTINUE", "TOS", "DSCP", "TTL", "CLASSIFY", "SET", "AUDIT", "TRACE", "SECMARK", "CONNSECMARK", "mark":
		r.Do = Pass
	case "REDIRECT", "NETMAP", "TPROXY", "QUEUE", "NFQUEUE", "arpreply", "dnat", "snat", "redirect":
		r.Do = Unclear
	default:
		r.Do, r.To = Jump, name
		if leap {
			r.Do = Goto
		}
	}
}

// after is the word behind one of the options.
func after(args []string, options ...string) string {
	for i, a := range args[:len(args)-1] {
		for _, o := range options {
			if a == o {
				return args[i+1]
			}
		}
	}
	return ""
}
