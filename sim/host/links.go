package host

import (
	"net/netip"
	"slices"
	"strings"
)

// link is an interface. Its addresses are in the kernel's order.
type link struct {
	bridge, up bool
	addresses  []string
	alias      string // whose mark it bears
	master     string // the bridge that it is a port of
	vlan       int    // tagged on dev; 0: no VLAN
	dev        string
}

// sysctlPath is a setting's path below /proc/sys, as sysctl(8) reads its name.
func sysctlPath(name string) string {
	if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '/' {
		return name
	}
	return strings.NewReplacer(".", "/", "/", ".").Replace(name)
}

// sysctl is a setting's value now; the kernel has those that the model knows.
func (m *Machine) sysctl(path string) (string, bool) {
	if v, ok := m.sysctls[path]; ok {
		return v, true
	}
	return m.sysctlBorn(path)
}

// sysctlBorn is a setting's value after a boot.
func (m *Machine) sysctlBorn(path string) (string, bool) {
	if path == "net/ipv4/ip_forward" {
		return "0", true
	}
	dev, ok := strings.CutPrefix(path, "net/ipv4/conf/")
	dev, name, deep := strings.Cut(dev, "/")
	if !ok || !deep || dev != "all" && dev != "default" && m.links[dev] == nil {
		return "", false
	}
	switch name {
	case "send_redirects", "accept_redirects":
		return "1", true
	case "promote_secondaries", "rp_filter", "route_localnet", "proxy_arp", "arp_filter":
		return "0", true
	}
	return "", false
}

func (m *Machine) sysctlSet(path, value string) {
	if born, _ := m.sysctlBorn(path); born == value {
		delete(m.sysctls, path)
		return
	}
	m.sysctls[path] = value
}

func checkSysctl(p *process, args []string) int {
	path := sysctlPath(args[0])
	is, ok := p.m.sysctl(path)
	if !ok {
		return p.words(2, args[0]+": this kernel has no such setting (/proc/sys/"+path+")")
	}
	p.m.managed[path] = true
	return oneIf(is != strings.Join(strings.Fields(args[1]), " "))
}

func applySysctl(p *process, args []string) int {
	p.do("sysctl "+args[0]+"="+args[1], func() { p.m.sysctlSet(sysctlPath(args[0]), strings.Join(strings.Fields(args[1]), " ")) })
	return 0
}

// bridgeLook finds the operator's bridge, or says what to do.
func bridgeLook(p *process, name string) (*link, int) {
	l := p.m.links[name]
	switch {
	case l == nil:
		return nil, p.words(2, "bridge "+name+" does not exist on this host: make it in the host's own network configuration")
	case !l.bridge:
		return nil, p.words(2, name+" exists but is not a bridge: name a bridge in vnet_bridge")
	}
	return l, 0
}

func checkBridge(p *process, args []string) int {
	l, rc := bridgeLook(p, args[0])
	if rc != 0 {
		return rc
	}
	return oneIf(!l.up)
}

func applyBridge(p *process, args []string) int {
	l, rc := bridgeLook(p, args[0])
	if rc != 0 {
		return rc
	}
	if p.dead("ip") {
		return p.words(1, "ip: it does not work")
	}
	p.do("ip link set dev "+args[0]+" up", func() { l.up = true })
	return 0
}

// addressLook is the device of a task, nil if there is none.
func addressLook(p *process, kind, dev, list string) (*link, int) {
	for one := range strings.FieldsSeq(list) {
		if pre, err := netip.ParsePrefix(one); err != nil || !pre.Addr().Is4() {
			return nil, p.words(2, kind+": '"+one+"' is not ADDRESS/LENGTH")
		}
	}
	if p.dead("ip") {
		return nil, p.words(2, "ip: it does not work")
	}
	return p.m.links[dev], 0
}

func checkAddress(p *process, args []string) int {
	l, rc := addressLook(p, "address", args[0], args[1])
	if l == nil {
		return max(rc, 1)
	}
	for one := range strings.FieldsSeq(args[1]) {
		if !slices.Contains(l.addresses, one) {
			return 1
		}
	}
	return 0
}

func applyAddress(p *process, args []string) int {
	l, rc := addressLook(p, "address", args[0], args[1])
	if rc != 0 {
		return rc
	}
	if l == nil {
		return p.words(2, `Device "`+args[0]+`" does not exist.`)
	}
	for one := range strings.FieldsSeq(args[1]) {
		if !slices.Contains(l.addresses, one) {
			p.do("ip addr add "+one+" dev "+args[0], func() { l.addresses = append(l.addresses, one) })
		}
	}
	return 0
}

func checkAddressGone(p *process, args []string) int {
	l, rc := addressLook(p, "address_gone", args[0], args[1])
	if l == nil {
		return rc
	}
	for one := range strings.FieldsSeq(args[1]) {
		if slices.Contains(l.addresses, one) {
			return 1
		}
	}
	return 0
}

func applyAddressGone(p *process, args []string) int {
	l, rc := addressLook(p, "address_gone", args[0], args[1])
	if l == nil {
		return max(rc, 1)
	}
	knob := "net/ipv4/conf/" + args[0] + "/promote_secondaries"
	was, _ := p.m.sysctl(knob)
	held := l.hasSecondary() && was != "1"
	if held {
		p.do("promote_secondaries=1", func() { p.m.sysctlSet(knob, "1") })
	}
	for one := range strings.FieldsSeq(args[1]) {
		if slices.Contains(l.addresses, one) {
			p.do("ip addr del "+one+" dev "+args[0], func() { p.m.deleteAddress(args[0], one) })
		}
	}
	if held {
		p.do("promote_secondaries="+was, func() { p.m.sysctlSet(knob, was) })
	}
	return 0
}

// second tells whether the address at i is secondary: behind another of its network.
func (l *link) second(i int) bool {
	net := netip.MustParsePrefix(l.addresses[i]).Masked()
	for _, before := range l.addresses[:i] {
		if netip.MustParsePrefix(before).Masked() == net {
			return true
		}
	}
	return false
}

func (l *link) hasSecondary() bool {
	for i := range l.addresses {
		if l.second(i) {
			return true
		}
	}
	return false
}

// deleteAddress is the kernel's: a first address takes the others of its network
// with it, unless they are to be promoted.
func (m *Machine) deleteAddress(dev, one string) {
	l := m.links[dev]
	i := slices.Index(l.addresses, one)
	if i < 0 {
		return
	}
	net := netip.MustParsePrefix(one).Masked()
	promote, _ := m.sysctl("net/ipv4/conf/" + dev + "/promote_secondaries")
	first := !l.second(i)
	l.addresses = slices.DeleteFunc(slices.Clone(l.addresses), func(a string) bool {
		return a == one || first && promote != "1" && netip.MustParsePrefix(a).Masked() == net
	})
}
