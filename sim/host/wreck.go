package host

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Damage is one thing that can be done to what is ours, and the script that does it
// to a real host; none if that has no such thing.
type Damage struct {
	What, Script string
	do           func()
}

// Wreck damages one random thing of ours or a setting, as a person or a program of
// others may, and says what; nothing if nothing of ours is there. A check sees each.
// None takes a machine's folder, owner or disk, or the fence. With real, a real host
// can be damaged in the same way.
func (m *Machine) Wreck(r *rand.Rand, real bool) Damage {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Damage
	all = append(all, m.wreckRules()...)
	all = append(all, m.wreckSets()...)
	all = append(all, m.wreckNetwork()...)
	all = append(all, m.wreckFiles()...)
	all = append(all, m.wreckDomains()...)
	if real {
		all = slices.DeleteFunc(all, func(d Damage) bool { return d.Script == "" })
	}
	if len(all) == 0 {
		return Damage{}
	}
	d := all[r.IntN(len(all))]
	d.do()
	m.done = ""
	return d
}

// spoken is a damage that is named as it is done.
func spoken(script string, do func()) Damage { return Damage{script, script, do} }

func (m *Machine) wreckRules() (list []Damage) {
	for _, name := range []string{"filter", "nat"} {
		t := m.tables[name]
		for _, chain := range slices.Sorted(maps.Keys(t.chains)) {
			if rules := t.chains[chain]; len(rules) > 0 && marked(rules[0].text, "") {
				list = append(list, t.wreckChain("iptables -w -t "+name, chain)...)
			}
		}
		for _, from := range slices.Sorted(maps.Keys(t.policy)) {
			if i := slices.IndexFunc(t.chains[from], m.hooked); i >= 0 {
				list = append(list, t.wreckHook("iptables -w -t "+name, from, i)...)
			}
		}
	}
	return list
}

func (t *table) wreckChain(iptables, chain string) []Damage {
	list := []Damage{
		spoken(iptables+" -F "+chain, func() { t.chains[chain] = nil }),
		{"delete " + chain + " and all that leads there", iptables + ` -S | sed -n '/ -j ` + chain + `$/ s/^-A/-D/p' | while read -r rule; do
	eval "` + iptables + ` $rule"
done
` + iptables + " -F " + chain + " && " + iptables + " -X " + chain, func() { t.cut(chain) }},
		spoken(iptables+" -A "+chain+" -s 198.18.77.77/32 -j ACCEPT", func() { t.must("-A " + chain + " -s 198.18.77.77/32 -j ACCEPT") }),
	}
	if n := len(t.chains[chain]); n > 1 {
		list = append(list, spoken(fmt.Sprint(iptables, " -D ", chain, " ", n), func() { t.chains[chain] = slices.Clone(t.chains[chain][:n-1]) }))
	}
	return list
}

// cut deletes a chain and the rules that lead there.
func (t *table) cut(chain string) {
	for other, rules := range t.chains {
		t.chains[other] = slices.DeleteFunc(slices.Clone(rules), func(r *rule) bool { return r.target == chain })
	}
	delete(t.chains, chain)
}

// wreckHook: that a hook is not the first is damage only where others have rules, which
// no real host of the mirror has.
func (t *table) wreckHook(iptables, from string, i int) []Damage {
	hook := t.chains[from][i]
	spec := strings.TrimPrefix(hook.text, "-A")
	unhook := func() { t.chains[from] = slices.Delete(slices.Clone(t.chains[from]), i, i+1) }
	list := []Damage{
		spoken(iptables+" -D"+spec, unhook),
		spoken(iptables+" -A"+spec, func() { t.chains[from] = append(t.chains[from], hook) }),
	}
	if len(t.chains[from]) > 1 {
		list = append(list, Damage{"hook last" + spec, "", func() { unhook(); t.chains[from] = append(t.chains[from], hook) }})
	}
	return list
}

func (t *table) must(line string) {
	if err := t.add(line); err != nil {
		panic("the model's own rule: " + err.Error())
	}
}

func (m *Machine) wreckSets() (list []Damage) {
	for _, name := range slices.Sorted(maps.Keys(m.sets)) {
		s := m.sets[name]
		if !strings.HasPrefix(name, "EUCA-") {
			continue
		}
		list = append(list, spoken("ipset -exist add "+name+" 198.18.77.78", func() { s.members["198.18.77.78"] = true }))
		if len(s.members) > 0 {
			list = append(list, spoken("ipset flush "+name, func() { s.members = map[string]bool{} }))
		}
		if m.references(name) == 0 {
			list = append(list, spoken("ipset destroy "+name, func() { delete(m.sets, name) }))
		}
	}
	return list
}

// killDhcpd ends the daemon that serves our configuration.
const killDhcpd = `for pid in $(pgrep -x dhcpd); do
	! grep -q eucactl-dhcpd.conf "/proc/$pid/cmdline" || kill -9 "$pid"
	while [ -d "/proc/$pid" ] && grep -q eucactl-dhcpd.conf "/proc/$pid/cmdline"; do sleep 0.05; done
done`

func (m *Machine) wreckNetwork() (list []Damage) {
	for i, dev := range m.o.Interfaces {
		for _, a := range m.links[dev].addresses {
			if a != operatorAddress(i) {
				list = append(list, spoken("ip addr del "+a+" dev "+dev, func() { m.deleteAddress(dev, a) }))
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(m.managed)) {
		if value, _ := m.sysctl(path); value == "0" || value == "1" {
			other := map[string]string{"0": "1", "1": "0"}[value]
			list = append(list, spoken("echo "+other+" >/proc/sys/"+path, func() { m.sysctlSet(path, other) }))
		}
	}
	for _, pid := range slices.Sorted(maps.Keys(m.daemons)) {
		if m.daemons[pid].conf != foreignConf {
			list = append(list, Damage{"kill dhcpd", killDhcpd, func() { delete(m.daemons, pid) }})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.links)) {
		if l := m.links[name]; l.alias != "" {
			list = append(list,
				spoken("ip link set "+name+" down", func() { l.up = false }),
				spoken("ip link del "+name, func() { m.deleteLink(name) }))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.bridgeTables)) {
		list = append(list,
			spoken("nft delete table bridge "+name, func() { delete(m.bridgeTables, name) }),
			spoken("nft add chain bridge "+name+" odd", func() { m.bridgeTables[name] += "#\n" }))
	}
	if l := m.links[m.o.Bridge]; l != nil && len(m.files.twoBelow(instancesDir)) > 0 {
		list = append(list, spoken("ip link set "+m.o.Bridge+" down", func() { l.up = false }))
	}
	return list
}

func (m *Machine) wreckFiles() (list []Damage) {
	gone := func(path string) {
		if m.files.isFile(path) {
			list = append(list, spoken("rm "+path, func() { m.files.remove(path) }))
		}
	}
	conf := runDir + "/eucactl-dhcpd.conf"
	if text, ok := m.files.read(conf); ok {
		list = append(list, spoken("echo '# edited' >>"+conf, func() { m.files.put(conf, text+"# edited\n", 0o644) }))
	}
	for _, path := range []string{conf, hostDir + "/dhcpd", hostDir + "/chains/filter", hostDir + "/chains/nat"} {
		gone(path)
	}
	for _, path := range m.files.children(hostDir + "/images") {
		gone(path)
	}
	for _, dir := range m.files.twoBelow(instancesDir) {
		for _, name := range []string{"seed.img", "seed.img.sum", "domain.sum", "domain.xml"} {
			gone(dir + "/" + name)
		}
	}
	return list
}

func (m *Machine) wreckDomains() (list []Damage) {
	for _, name := range slices.Sorted(maps.Keys(m.domains)) {
		d := m.domains[name]
		if slices.Contains(m.foreign.domains, name) {
			continue
		}
		if d.active() {
			list = append(list,
				spoken("virsh -q destroy "+name, func() { m.ends(name, "destroyed") }),
				Damage{"crash " + name, CrashScript(name), func() { m.ends(name, "crashed") }},
				spoken("virsh -q undefine "+name, func() { m.undefine(name) }))
		}
		if !d.active() && d.reason != "unknown" {
			list = append(list, Damage{"restart libvirtd, which forgets why " + name + " is off", "", func() { d.reason = "unknown" }})
		}
	}
	return list
}

// offScript waits until libvirt knows that a machine ended; a transient one is gone then.
const offScript = "\nwhile virsh -q domstate %s 2>/dev/null | grep -qv 'shut off'; do sleep 0.05; done"

// CrashScript ends a real machine as Crash does, and PowerOffScript as PowerOff.
func CrashScript(name string) string {
	return "kill -9 $(cat /run/libvirt/qemu/" + name + ".pid)" + fmt.Sprintf(offScript, name)
}

func PowerOffScript(name string) string {
	return "virsh -q qemu-monitor-command " + name + " --hmp quit >/dev/null" + fmt.Sprintf(offScript, name)
}
