package host

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"eucactl/facts"
)

// answer is what a script prints and ends with.
type answer struct {
	text  string // without the newlines at its end
	words string // its stderr
	rc    int
}

// answer recognises a script by its text: the model answers what it knows of.
func (p *process) answer(name, script string) answer {
	if a, ok := p.m.scripts[script]; ok {
		return a
	}
	switch script {
	case facts.HostScript:
		return said(p.hostFacts())
	case facts.BootScript:
		now := p.m.now()
		return said(fmt.Sprintf("%s %.2f %d", p.m.boot, max(now.Sub(p.m.booted).Seconds(), 0), now.Unix()))
	case facts.CapacityScript:
		free := p.m.o.Disk << 20
		if p.faults.Full {
			free = 0
		}
		return said(fmt.Sprintf("%d %d %d %d", p.m.o.Cores, p.m.o.Memory<<10, p.m.o.Disk<<20, free))
	case facts.OthersScript:
		return p.firewallSection()
	case facts.DomainsScript:
		return p.domainsSection()
	case facts.InstancesScript:
		return said(p.m.instancesSection())
	case facts.OursScript:
		return said(strings.Join(p.m.oursLinks(p.cloud), "\n"))
	case facts.NeighboursScript:
		return said("") // guests of a cloud in the MANAGED modes are found by their records
	case facts.LeasesScript:
		return said(p.leasesSection())
	}
	if dir := between(script, "log='", "/console.log'"); dir != "" && script == facts.Console(dir) {
		return p.m.console(dir)
	}
	p.stop("the model of a host has no answer to section " + name)
	return answer{}
}

func said(text string) answer { return answer{text: strings.TrimRight(text, "\n")} }

func (m *Machine) hostFacts() string {
	if m.o.Facts != "" {
		return m.o.Facts
	}
	kvm, emulator, tools := "no", "", ""
	if m.o.Node {
		kvm, emulator, tools = "yes", "/usr/bin/qemu-system-x86_64", " virsh libvirtd qemu-img"
	}
	return "arch=x86_64\nkernel=6.1.0-" + strconv.Itoa(m.kernel) + "-amd64\nos=debian\nos_version=12\niptables=nft\nkvm=" + kvm +
		"\nemulator=" + emulator + "\ntools=ip bridge iptables iptables-save iptables-restore ip6tables ipset conntrack dhcpd" + tools +
		" flock sha256sum timeout base64 sysctl systemctl"
}

// hostFacts are those of the machine today.
func (p *process) hostFacts() string {
	text := p.m.hostFacts()
	if p.dead("iptables") {
		text = backEnd.ReplaceAllString(text, "iptables=none")
	}
	if p.dead(Missing) {
		text = strings.Replace(text, " "+Missing+" ", " ", 1)
	}
	return text
}

// Missing is the tool that is not there at all when it does not work; others are
// there, and fail.
const Missing = "iptables-restore"

var backEnd = regexp.MustCompile(`(?m)^iptables=.*$`)

// firewallSection names the chains of filter that are not ours.
func (p *process) firewallSection() answer {
	if p.dead("iptables-save") {
		return answer{words: "iptables-save: permission denied\n", rc: 2}
	}
	t, ours := p.m.tables["filter"], map[string]bool{}
	for name, rules := range t.chains {
		if len(rules) > 0 && marked(rules[0].text, p.cloud) {
			ours[name] = true
			for _, r := range rules {
				ours[r.target] = ours[r.target] || r.jumps
			}
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.chains)) {
		if _, builtin := t.policy[name]; !builtin && !ours[name] && !strings.HasPrefix(name, "EUCA-") {
			b.WriteString("chain " + name + "\n")
		}
	}
	return said(b.String() + p.m.stale.other())
}

func (p *process) domainsSection() answer {
	if p.noVirsh() {
		return answer{words: "error: failed to connect to the hypervisor\n", rc: 2}
	}
	var b strings.Builder
	b.WriteString("boot " + p.m.boot + "\n")
	folders := p.m.files.twoBelow(instancesDir)
	for _, name := range slices.Sorted(maps.Keys(p.m.domains)) {
		b.WriteString("domain " + name + "\n")
		if instanceName.MatchString(name) {
			p.m.domainFacts(&b, name, folders)
		}
	}
	return said(b.String())
}

func (m *Machine) domainFacts(b *strings.Builder, name string, folders []string) {
	d := m.domains[name]
	fmt.Fprintf(b, "state %s (%s)\n", d.state, d.reason)
	now := d.now()
	if now.cloud == "" || now.of != name {
		return
	}
	b.WriteString("cloud " + now.cloud + "\n")
	for _, dir := range folders {
		if base(dir) != name {
			continue
		}
		for _, of := range [][2]string{{"started", "/started"}, {"defined", "/domain.sum"}} {
			if text, ok := m.files.read(dir + of[1]); ok && strings.Contains(text, "\n") {
				b.WriteString(of[0] + " " + m.files.firstLine(dir+of[1]) + "\n")
			}
		}
		break
	}
	if d.state == "shut off" && d.reason == "unknown" && m.logs[name].last != "" {
		b.WriteString("last " + m.logs[name].last + "\n")
	}
}

func (m *Machine) instancesSection() string {
	var b strings.Builder
	for _, dir := range m.files.twoBelow(instancesDir) {
		b.WriteString(dir + "\t" + m.files.firstLine(dir+"/owner") + "\n")
	}
	return b.String()
}

func (p *process) leasesSection() string {
	var b strings.Builder
	for _, of := range [][2]string{{"c", "conf"}, {"l", "leases"}} {
		text, _ := p.m.files.read(p.runDir + "/eucactl-dhcpd." + of[1])
		for line := range strings.Lines(text) {
			b.WriteString(of[0] + " " + line)
		}
	}
	return b.String()
}

func (m *Machine) console(dir string) answer {
	text, ok := m.files.read(dir + "/console.log")
	if !ok {
		return answer{words: dir + "/console.log does not exist\n", rc: 2}
	}
	text = text[max(0, len(text)-facts.ConsoleSize):]
	coded := base64.StdEncoding.EncodeToString([]byte(text))
	var lines []string
	for ; len(coded) > 76; coded = coded[76:] {
		lines = append(lines, coded[:76])
	}
	return said(strings.Join(append(lines, coded), "\n"))
}
