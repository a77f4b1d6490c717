package host

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// foreign is what others have on the machine from its birth. It lies among what
// is ours, where programs could harm it; this is only how to tell the two apart.
type foreign struct {
	chains, sets, domains, files []string
	nft                          string // a table of nft's own, which iptables does not see
}

const (
	foreignConf = "/etc/dhcp/dhcpd.conf"
	// strayName is like one of ours, of another cloud.
	strayName  = "i-ffffffff"
	strayCloud = "0badc10d"
)

// settle makes what others have on disk, and what they make at each boot.
func (m *Machine) settle() {
	m.foreign = foreign{
		chains: []string{"DOCKER", "site-log", "alice-web", "bob-default"}, sets: []string{"blocklist"},
		nft: "table inet site { chain input { type filter hook input priority -5; tcp dport 9999 drop; } }",
	}
	m.file("/etc/operator.conf", "nothing of eucactl's\n")
	m.file(foreignConf, "subnet 192.168.99.0 netmask 255.255.255.0 {\n}\n")
	if m.o.Obeys != "" {
		m.files.mkdirAll(hostDir, 0o700)
		m.files.put(hostDir+"/fence", m.o.Obeys+"\n", 0o600)
	}
	if m.o.Node && !m.o.Alone {
		m.file("/var/lib/libvirt/images/pet.qcow2", diskText("/srv/base.qcow2", 1024))
		m.file("/var/lib/libvirt/images/stray.qcow2", diskText("/srv/base.qcow2", 1024))
		m.guest("pet", `<domain type="kvm"><name>pet</name><uuid>1</uuid><source file="/var/lib/libvirt/images/pet.qcow2"/></domain>`)
		m.guest(strayName, `<domain type="kvm"><name>`+strayName+`</name><uuid>2</uuid><metadata><eucactl:instance xmlns:eucactl="urn:eucactl" cloud="`+
			strayCloud+`" name="`+strayName+`"/></metadata><source file="/var/lib/libvirt/images/stray.qcow2"/></domain>`)
	}
	m.restore()
}

func (m *Machine) file(path, text string) {
	m.files.mkdirAll(dirOf(path), 0o755)
	m.files.put(path, text, 0o644)
	m.foreign.files = append(m.foreign.files, path)
}

func (m *Machine) guest(name, xml string) {
	next, err := readDefinition(xml)
	if err != nil {
		panic("the model's own domain: " + err.Error())
	}
	m.define(next)
	m.foreign.domains = append(m.foreign.domains, name)
}

// restore is what a boot brings back of others.
func (m *Machine) restore() {
	m.files.mkdirAll("/run/lock", 0o755)
	m.links["lo"] = &link{up: true, addresses: []string{"127.0.0.1/8"}}
	for i, dev := range m.o.Interfaces {
		m.links[dev] = &link{up: true, addresses: []string{operatorAddress(i)}}
	}
	if m.o.Node && m.o.Bridge != "" {
		m.links[m.o.Bridge] = &link{bridge: true, up: true, addresses: []string{operatorAddress(99)}}
	}
	m.sets["blocklist"] = &set{kind: "hash:net", members: map[string]bool{"192.0.2.128/25": true}}
	for name := range builtins {
		m.tables[name] = newTable(name)
	}
	m.rules("filter", m.foreign.chains...)
	m.daemons[7] = &daemon{path: "/usr/sbin/dhcpd", user: "dhcpd", interfaces: "lo", conf: foreignConf, born: 7}
	if m.o.Preload != "" {
		m.files.mkdirAll(runDir, 0o755)
		m.files.put(runDir+"/iptables-preload", m.o.Preload, 0o600)
	}
	m.services["cron"] = &service{running: true}
	for _, name := range m.foreign.domains {
		m.start(name)
		m.logs[name] = runLog{m.logs[name].last, 1}
	}
}

// rules are Docker's and the operator's: jumps before and after ours, and a chain
// that is named like a group's.
func (m *Machine) rules(table string, chains ...string) {
	t := m.tables[table]
	for _, chain := range chains {
		t.chains[chain] = nil
	}
	for _, line := range []string{
		"-A FORWARD -m set --match-set blocklist src -j DROP",
		"-A FORWARD -j DOCKER",
		"-A FORWARD -j site-log",
		"-A DOCKER -d 172.17.0.2/32 -p tcp --dport 80 -j ACCEPT",
		"-A site-log -j RETURN",
		"-A alice-web -j RETURN",
		"-A bob-default -j RETURN",
	} {
		if err := t.add(line); err != nil {
			panic("the model's own rule: " + err.Error())
		}
	}
}

func operatorAddress(i int) string { return fmt.Sprintf("198.18.%d.10/24", i) }

var operators = netip.MustParsePrefix("198.18.0.0/16")

// Foreign is a canonical text of what is not ours. No program may change it.
func (m *Machine) Foreign() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.foreignText()
}

func (m *Machine) foreignText() string {
	var b strings.Builder
	b.WriteString("nft " + m.foreign.nft + "\n")
	for _, path := range m.foreign.files {
		fmt.Fprintf(&b, "file %s %s\n", path, m.files.describe(path))
	}
	for i, dev := range m.o.Interfaces {
		m.operatorLink(&b, dev, i)
	}
	if m.o.Node && m.o.Bridge != "" {
		m.operatorLink(&b, m.o.Bridge, 99)
	}
	for _, name := range slices.Sorted(maps.Keys(m.tables)) {
		m.foreignRules(&b, name)
	}
	for _, name := range m.foreign.sets {
		fmt.Fprintf(&b, "set %s %s\n", name, m.sets[name].describe())
	}
	for _, pid := range slices.Sorted(maps.Keys(m.daemons)) {
		if d := m.daemons[pid]; d.conf == foreignConf {
			fmt.Fprintf(&b, "dhcpd %s %s %s\n", d.path, d.conf, d.interfaces)
		}
	}
	for _, name := range m.foreign.domains {
		fmt.Fprintf(&b, "domain %s %s\n", name, m.domains[name].describe())
	}
	return b.String()
}

func (m *Machine) operatorLink(b *strings.Builder, dev string, i int) {
	l := m.links[dev]
	fmt.Fprintf(b, "link %s %v %s %v\n", dev, l != nil, operatorAddress(i), l != nil && slices.Contains(l.addresses, operatorAddress(i)))
}

// foreignRules: built-in chains without our hooks, and the chains of others.
func (m *Machine) foreignRules(b *strings.Builder, name string) {
	t := m.tables[name]
	for _, chain := range slices.Sorted(maps.Keys(t.chains)) {
		policy, builtin := t.policy[chain]
		if !builtin && (name != "filter" || !slices.Contains(m.foreign.chains, chain)) {
			continue
		}
		fmt.Fprintf(b, "chain %s %s %s\n", name, chain, policy)
		for _, r := range t.chains[chain] {
			if !builtin || !m.hooked(r) {
				b.WriteString("rule " + name + " " + r.text + "\n")
			}
		}
	}
}

// hooked tells whether a rule is a plain jump to a chain that others did not make.
func (m *Machine) hooked(r *rule) bool {
	return r.text == "-A "+r.chain+" -j "+r.target && !slices.Contains(verdicts, r.target) && !slices.Contains(m.foreign.chains, r.target)
}
