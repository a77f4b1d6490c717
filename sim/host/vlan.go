package host

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// vlanArgs are those of tasks/vlan.sh.
type vlanArgs struct{ link, dev, id, network, bridge, state string }

func readVlanArgs(args []string) vlanArgs {
	return vlanArgs{args[0], args[1], args[2], args[3], args[4], args[5]}
}

func (a vlanArgs) sane(p *process) int {
	switch {
	case a.link != a.dev+"."+a.id || atoi(a.id) < 0:
		return p.words(2, "vlan: "+a.link+" is not the name of VLAN "+a.id+" on "+a.dev)
	case p.dead("ip"):
		return p.words(2, "vlan: this host has neither ip nor vconfig, brctl and ifconfig: apt-get install iproute2")
	}
	return 0
}

// vlanMade is the file that says, before a link is made, that it will be ours.
func vlanMade(p *process, link string) string { return p.hostDir + "/links/" + link }

// vlanWhose: 0 ours, 1 absent, 3 being made when we were killed, 4 somebody else's.
func vlanWhose(p *process, link, network string) int {
	l := p.m.links[link]
	switch {
	case l == nil:
		return 1
	case l.alias == "eucactl "+p.cloud+" "+network:
		return 0
	case l.alias == "" && p.m.files.firstLine(vlanMade(p, link)) == p.m.boot+" "+network:
		return 3
	}
	return 4
}

func vlanSettled(p *process, link, network string) int {
	switch vlanWhose(p, link, network) {
	case 4:
		return p.words(2, fmt.Sprintf("%s exists on this host and is not ours (alias '%s'); if nobody needs it: ip link del %s", link, p.m.links[link].alias, link))
	case 0:
		return oneIf(!p.m.links[link].up)
	}
	return 1
}

func vlanTagged(p *process, a vlanArgs) int {
	switch l := p.m.links[a.link]; {
	case l.vlan == 0:
		return p.words(2, a.link+" exists but is no VLAN")
	case strconv.Itoa(l.vlan) != a.id:
		return p.words(2, a.link+" exists with another VLAN than "+a.id)
	case l.dev != a.dev:
		return p.words(2, a.link+" exists on another device than "+a.dev)
	}
	return 0
}

func vlanGone(p *process, link, network string) bool {
	is := vlanWhose(p, link, network)
	return is == 1 || is == 4
}

func checkVlan(p *process, args []string) int {
	a := readVlanArgs(args)
	if rc := a.sane(p); rc != 0 {
		return rc
	}
	if a.state == "absent" {
		return oneIf(!vlanGone(p, a.link, a.network) || a.bridge != "" && !vlanGone(p, a.bridge, a.network))
	}
	if p.m.links[a.dev] == nil {
		return p.words(2, "vlan: there is no interface "+a.dev+" on this host (vnet_privinterface)")
	}
	if rc := vlanSettled(p, a.link, a.network); rc != 0 {
		return rc
	}
	if rc := vlanTagged(p, a); rc != 0 || a.bridge == "" {
		return rc
	}
	if rc := vlanSettled(p, a.bridge, a.network); rc != 0 {
		return rc
	}
	if !p.m.links[a.bridge].bridge {
		return p.words(2, a.bridge+" exists but is not a bridge")
	}
	return oneIf(p.m.links[a.link].master != a.bridge)
}

func applyVlan(p *process, args []string) int {
	a := readVlanArgs(args)
	if rc := a.sane(p); rc != 0 {
		return rc
	}
	if a.state == "absent" {
		return vlanRemove(p, a)
	}
	if rc := p.mkdir(p.hostDir+"/links", 0o700); rc != 0 {
		return rc
	}
	if rc := vlanMake(p, a.link, a.network, &link{vlan: atoi(a.id), dev: a.dev}); rc != 0 {
		return rc
	}
	if rc := vlanTagged(p, a); rc != 0 || a.bridge == "" {
		return rc
	}
	if rc := vlanMake(p, a.bridge, a.network, &link{bridge: true}); rc != 0 {
		return rc
	}
	if l := p.m.links[a.link]; l.master != a.bridge {
		p.do("ip link set dev "+a.link+" master "+a.bridge, func() { l.master = a.bridge })
	}
	return 0
}

// vlanMake makes a link if it is absent, marks it and sets it up.
func vlanMake(p *process, name, network string, born *link) int {
	switch rc := vlanSettled(p, name, network); rc {
	case 0:
		return 0
	case 2:
		return 1
	}
	if vlanWhose(p, name, network) == 1 {
		if rc := p.write(vlanMade(p, name), p.m.boot+" "+network+"\n", 0o600); rc != 0 {
			return rc
		}
		p.do("ip link add "+name, func() { p.m.links[name] = born })
	}
	l := p.m.links[name]
	p.do("alias of "+name, func() { l.alias = "eucactl " + p.cloud + " " + network })
	p.do("ip link set dev "+name+" up", func() { l.up = true })
	return 0
}

func vlanRemove(p *process, a vlanArgs) int {
	if a.bridge != "" {
		if !vlanGone(p, a.bridge, a.network) {
			if port := p.m.portOf(a.bridge, a.link); port != "" {
				return p.words(1, a.bridge+" still has the port "+port+", so it stays")
			}
			p.do("ip link del dev "+a.bridge, func() { p.m.deleteLink(a.bridge) })
		}
		p.remove(vlanMade(p, a.bridge))
	}
	if !vlanGone(p, a.link, a.network) {
		p.do("ip link del dev "+a.link, func() { p.m.deleteLink(a.link) })
	}
	p.remove(vlanMade(p, a.link))
	return 0
}

// portOf is a port of a bridge besides one, "" if it has no other.
func (m *Machine) portOf(bridge, besides string) string {
	for _, name := range slices.Sorted(maps.Keys(m.links)) {
		if m.links[name].master == bridge && name != besides {
			return name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.domains)) {
		if d := m.domains[name]; d.active() && d.live.bridge == bridge {
			return d.live.dev
		}
	}
	return ""
}

func (m *Machine) deleteLink(name string) {
	delete(m.links, name)
	for _, l := range m.links {
		if l.master == name {
			l.master = ""
		}
	}
	for path := range m.sysctls {
		if strings.HasPrefix(path, "net/ipv4/conf/"+name+"/") {
			delete(m.sysctls, path)
		}
	}
}

// oursLinks are the interfaces that bear the cloud's mark.
func (m *Machine) oursLinks(cloud string) (names []string) {
	for name, l := range m.links {
		if strings.HasPrefix(l.alias, "eucactl "+cloud+" ") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Segments are the interfaces that a cloud has made here, and the network of each.
func (m *Machine) Segments(cloud string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]string{}
	for _, name := range m.oursLinks(cloud) {
		all[name] = strings.TrimPrefix(m.links[name].alias, "eucactl "+cloud+" ")
	}
	return all
}
