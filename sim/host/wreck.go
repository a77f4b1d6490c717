package host

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// damage is one thing that can be done to what is ours, and its name.
type damage struct {
	what string
	do   func()
}

// Wreck damages one random thing of ours or a setting, as a person or a program of
// others may, and says what; "" if nothing of ours is there. A check sees each. None
// takes a machine's folder, owner or disk, or the fence.
func (m *Machine) Wreck(r *rand.Rand) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []damage
	all = append(all, m.wreckRules()...)
	all = append(all, m.wreckSets()...)
	all = append(all, m.wreckNetwork()...)
	all = append(all, m.wreckFiles()...)
	all = append(all, m.wreckDomains()...)
	if len(all) == 0 {
		return ""
	}
	d := all[r.IntN(len(all))]
	d.do()
	m.done = ""
	return d.what
}

func (m *Machine) wreckRules() (list []damage) {
	for _, name := range []string{"filter", "nat"} {
		t := m.tables[name]
		for _, chain := range slices.Sorted(maps.Keys(t.chains)) {
			if rules := t.chains[chain]; len(rules) > 0 && marked(rules[0].text, "") {
				list = append(list, t.wreckChain(name, chain)...)
			}
		}
		for _, from := range slices.Sorted(maps.Keys(t.policy)) {
			if i := slices.IndexFunc(t.chains[from], m.hooked); i >= 0 {
				list = append(list, t.wreckHook(name, from, i)...)
			}
		}
	}
	return list
}

func (t *table) wreckChain(name, chain string) []damage {
	where := " -t " + name + " " + chain
	list := []damage{
		{"flush" + where, func() { t.chains[chain] = nil }},
		{"delete" + where + " and all that leads there", func() { t.cut(chain) }},
		{"add a rule to" + where, func() { t.must("-A " + chain + " -s 198.18.77.77/32 -j ACCEPT") }},
	}
	if n := len(t.chains[chain]); n > 1 {
		list = append(list, damage{"delete the last rule of" + where, func() { t.chains[chain] = slices.Clone(t.chains[chain][:n-1]) }})
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

func (t *table) wreckHook(name, from string, i int) []damage {
	where := " -t " + name + " " + from
	hook := t.chains[from][i]
	unhook := func() { t.chains[from] = slices.Delete(slices.Clone(t.chains[from]), i, i+1) }
	list := []damage{
		{"unhook" + where, unhook},
		{"hook twice" + where, func() { t.chains[from] = append(t.chains[from], hook) }},
	}
	if len(t.chains[from]) > 1 {
		list = append(list, damage{"hook last" + where, func() { unhook(); t.chains[from] = append(t.chains[from], hook) }})
	}
	return list
}

func (t *table) must(line string) {
	if err := t.add(line); err != nil {
		panic("the model's own rule: " + err.Error())
	}
}

func (m *Machine) wreckSets() (list []damage) {
	for _, name := range slices.Sorted(maps.Keys(m.sets)) {
		s := m.sets[name]
		if !strings.HasPrefix(name, "EUCA-") {
			continue
		}
		list = append(list, damage{"ipset add " + name + " 198.18.77.78", func() { s.members["198.18.77.78"] = true }})
		if len(s.members) > 0 {
			list = append(list, damage{"ipset flush " + name, func() { s.members = map[string]bool{} }})
		}
		if m.references(name) == 0 {
			list = append(list, damage{"ipset destroy " + name, func() { delete(m.sets, name) }})
		}
	}
	return list
}

func (m *Machine) wreckNetwork() (list []damage) {
	for i, dev := range m.o.Interfaces {
		for _, a := range m.links[dev].addresses {
			if a != operatorAddress(i) {
				list = append(list, damage{"ip addr del " + a + " dev " + dev, func() { m.deleteAddress(dev, a) }})
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(m.managed)) {
		if value, _ := m.sysctl(path); value == "0" || value == "1" {
			other := map[string]string{"0": "1", "1": "0"}[value]
			list = append(list, damage{"sysctl " + path + "=" + other, func() { m.sysctlSet(path, other) }})
		}
	}
	for _, pid := range slices.Sorted(maps.Keys(m.daemons)) {
		if m.daemons[pid].conf != foreignConf {
			list = append(list, damage{"kill dhcpd", func() { delete(m.daemons, pid) }})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.links)) {
		if l := m.links[name]; l.alias != "" {
			list = append(list,
				damage{"ip link set " + name + " down", func() { l.up = false }},
				damage{"ip link del " + name, func() { m.deleteLink(name) }})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.bridgeTables)) {
		list = append(list,
			damage{"nft delete table bridge " + name, func() { delete(m.bridgeTables, name) }},
			damage{"change table bridge " + name, func() { m.bridgeTables[name] += "#\n" }})
	}
	if l := m.links[m.o.Bridge]; l != nil && len(m.files.twoBelow(instancesDir)) > 0 {
		list = append(list, damage{"ip link set " + m.o.Bridge + " down", func() { l.up = false }})
	}
	return list
}

func (m *Machine) wreckFiles() (list []damage) {
	gone := func(path string) {
		if m.files.isFile(path) {
			list = append(list, damage{"rm " + path, func() { m.files.remove(path) }})
		}
	}
	conf := runDir + "/eucactl-dhcpd.conf"
	if text, ok := m.files.read(conf); ok {
		list = append(list, damage{"edit " + conf, func() { m.files.put(conf, text+"# edited\n", 0o644) }})
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

func (m *Machine) wreckDomains() (list []damage) {
	for _, name := range slices.Sorted(maps.Keys(m.domains)) {
		d := m.domains[name]
		if slices.Contains(m.foreign.domains, name) {
			continue
		}
		if d.active() {
			list = append(list,
				damage{"virsh destroy " + name, func() { m.ends(name, "destroyed") }},
				damage{"crash " + name, func() { m.ends(name, "crashed") }},
				damage{"virsh undefine " + name, func() { m.undefine(name) }})
		}
		if !d.active() && d.reason != "unknown" {
			list = append(list, damage{"restart libvirtd, which forgets why " + name + " is off", func() { d.reason = "unknown" }})
		}
	}
	return list
}
