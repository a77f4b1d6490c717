package host

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"eucactl/tasks"
)

// Ours is what programs have made of the machine, a line each, sorted: what a real
// host to which the same programs were sent has to show in the same words. Rules are
// spelled as they were asked for.
func (m *Machine) Ours() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for path := range m.files {
		m.oursFile(add, path)
	}
	for path := range m.managed {
		value, _ := m.sysctl(path)
		add("sysctl %s=%s", path, value)
	}
	m.oursNetwork(add)
	for _, f := range m.flows {
		add("flow %s %s:%d>%s:%d from %s:%d to %s", f.Proto, f.Src, f.Sport, f.Dst, f.Dport, f.From, f.Rsport, f.To)
	}
	for _, name := range []string{"filter", "nat"} {
		m.oursRules(add, name)
	}
	for name, d := range m.domains {
		if !slices.Contains(m.foreign.domains, name) {
			now := d.now()
			add("domain %s %s (%s) persistent=%v mac=%s bridge=%s next=%s starts=%d",
				name, d.state, d.reason, d.persistent, now.mac, now.bridge, d.next.uuid, m.logs[name].starts)
		}
	}
	slices.Sort(lines)
	return lines
}

// OursBelow are the folders whose content Ours lists.
var OursBelow = []string{hostDir, instancesDir, dirOf(runDir)}

func (m *Machine) oursFile(add func(string, ...any), path string) {
	below := slices.ContainsFunc(OursBelow, func(dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") })
	f := m.files[path]
	switch {
	case !below || Passing(path):
	case f.dir:
		add("folder %s %o %s", path, f.mode, f.owner)
	default:
		add("file %s %o %s %s", path, f.mode, f.owner, Essence(path, f.data, m.boot))
	}
}

func (m *Machine) oursNetwork(add func(string, ...any)) {
	for dev, l := range m.links {
		for _, a := range l.addresses {
			if !strings.HasPrefix(a, "198.18.") && dev != "lo" {
				add("address %s %s", dev, a)
			}
		}
	}
	for name, l := range m.links {
		if name == m.o.Bridge || l.alias != "" {
			add("link %s up=%v vlan=%d %s %s", name, l.up, l.vlan, l.master, l.alias)
		}
	}
	for name, text := range m.bridgeTables {
		add("antispoof %s %s", name, senders(text))
	}
	for name, s := range m.sets {
		if !slices.Contains(m.foreign.sets, name) {
			add("set %s %s", name, s.describe())
		}
	}
	for _, d := range m.daemons {
		if d.conf != foreignConf {
			add("dhcpd %s %s", d.conf, d.interfaces)
		}
	}
}

// oursRules are the chains of a table with their rules in order. Of built-in chains
// they are the policy, where it is not ACCEPT, and the hooks.
func (m *Machine) oursRules(add func(string, ...any), name string) {
	t := m.tables[name]
	for chain, rules := range t.chains {
		policy, builtin := t.policy[chain]
		if name == "filter" && slices.Contains(m.foreign.chains, chain) {
			continue
		}
		if policy != "ACCEPT" {
			add("chain %s %s %s", name, chain, or(policy, "-"))
		}
		n := 0
		for _, r := range rules {
			if !builtin || m.hooked(r) {
				n++
				add("rule %s %s %d %s", name, chain, n, r.text)
			}
		}
	}
}

// Passing tells of files that dhcpd keeps for itself: leases and its process id.
func Passing(path string) bool {
	switch path {
	case runDir + "/eucactl-dhcpd.leases", runDir + "/eucactl-dhcpd.leases~", runDir + "/eucactl-dhcpd.pid":
		return true
	}
	return false
}

// Essence is what two hosts must agree on of a file's content: ids of boots and of
// processes are not told, nor what a back end printed.
func Essence(path, data, boot string) string {
	words := strings.Fields(data)
	when := func(id string) string {
		if id == boot {
			return "this boot"
		}
		return "an earlier boot"
	}
	switch dir := dirOf(path); {
	case base(path) == "console.log":
		return ""
	case base(path) == "started" && len(words) == 3:
		return when(words[0]) + ", " + words[1] + " reboots, " + words[2]
	case path == hostDir+"/dhcpd" && len(words) > 3:
		return words[0] + " " + strings.Join(words[3:], " ")
	case strings.HasPrefix(path, hostDir+"/antispoof-"): // what nft printed is nft's own
		return words[0]
	case dir == hostDir+"/links" && len(words) == 2, dir == hostDir+"/chains" && strings.HasSuffix(path, ".sum") && len(words) >= 3:
		return when(words[0]) + ", " + words[1]
	case dir == hostDir+"/chains" && strings.HasSuffix(path, ".sum") && len(words) == 3:
		return when(words[0]) + ", " + words[1]
	case dir == hostDir+"/chains" || dir == hostDir+"/preload":
		return when(strings.TrimPrefix(strings.SplitN(data, "\n", 2)[0], "B")) + ", " + tasks.Sum(asked(data))
	case base(path) == "disk":
		return strings.Join(strings.Fields(overlay(data)), " ")
	}
	return tasks.Sum(data)
}

// asked are the lines of a memory of chains that say what was asked for.
func asked(data string) string {
	var b strings.Builder
	for line := range strings.Lines(data) {
		if strings.HasPrefix(line, "A") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// overlay is what a disk says of itself, the model's or a real one.
func overlay(data string) string {
	if !strings.HasPrefix(data, "QFI\xfb") || len(data) < 32 {
		return data
	}
	head := []byte(data)
	at, n := binary.BigEndian.Uint64(head[8:]), uint64(binary.BigEndian.Uint32(head[16:]))
	if at+n > uint64(len(head)) {
		return "damaged"
	}
	return diskText(string(head[at:at+n]), int(binary.BigEndian.Uint64(head[24:])>>20))
}
