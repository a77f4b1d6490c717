package host

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"eucactl/tasks"
)

// daemon is a dhcpd with the configuration that it read when it started.
type daemon struct {
	path, user, interfaces string
	conf, text             string
	born                   int
}

func (p *process) dhcpdConf() string { return p.runDir + "/eucactl-dhcpd.conf" }

// dhcpdSane refuses arguments that must not be.
func dhcpdSane(p *process, path, user, interfaces string) int {
	switch {
	case !strings.Contains(path, "dhcp"):
		return p.words(2, "dhcpd: '"+path+"' is not a dhcpd (vnet_dhcpdaemon)")
	case p.dead("dhcpd"):
		return p.words(2, "dhcpd: there is no "+path+" on this host: apt-get install isc-dhcp-server")
	case user == "" || user[0] == '-':
		return p.words(2, "dhcpd: bad user '"+user+"' (vnet_dhcpuser)")
	case interfaces == "" || interfaces[0] == '-' || strings.Contains(interfaces, " -"):
		return p.words(2, "dhcpd: bad interfaces '"+interfaces+"'")
	}
	return 0
}

// dhcpdFind are the ids of the daemons that serve our file.
func dhcpdFind(p *process) (pids []int) {
	for _, pid := range slices.Sorted(maps.Keys(p.m.daemons)) {
		if p.m.daemons[pid].conf == p.dhcpdConf() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// marker is what is kept of the daemon that was started last.
func (d *daemon) marker(sum string, pid int) string {
	return fmt.Sprintf("%s %d %d %s %s %s", sum, pid, d.born, d.path, d.user, d.interfaces)
}

// dhcpdServes: exactly one daemon of ours, started with these.
func dhcpdServes(p *process, args []string) bool {
	pids := dhcpdFind(p)
	if len(pids) != 1 {
		return false
	}
	now := daemon{path: args[0], user: args[1], interfaces: args[2], born: p.m.daemons[pids[0]].born}
	return p.m.files.firstLine(p.hostDir+"/dhcpd") == now.marker(args[3], pids[0])
}

func checkDhcpd(p *process, args []string) int {
	if rc := dhcpdSane(p, args[0], args[1], args[2]); rc != 0 {
		return rc
	}
	text, ok := p.m.files.read(p.dhcpdConf())
	return oneIf(!ok || tasks.Sum(text) != args[3] || !dhcpdServes(p, args))
}

func applyDhcpd(p *process, args []string) int {
	if rc := dhcpdSane(p, args[0], args[1], args[2]); rc != 0 {
		return rc
	}
	if rc := max(p.mkdir(p.hostDir, 0o700), p.mkdir(p.runDir, 0o755)); rc != 0 {
		return rc
	}
	conf := p.dhcpdConf()
	content, ok := p.blob(args[3])
	if !ok {
		return 2
	}
	p.remove(conf + ".new")
	if rc := p.write(conf+".new", content, 0o644); rc != 0 {
		return rc
	}
	if why := confWrong(content); why != "" {
		p.words(1, "dhcpd: "+why+"\ndhcpd: the new configuration is wrong; the old one stays in force")
		p.remove(conf + ".new")
		return 1
	}
	// A file that was changed by hand is set right without a restart.
	if dhcpdServes(p, args) {
		return p.rename(conf+".new", conf)
	}
	return dhcpdSwap(p, args)
}

// dhcpdSwap ends our daemons and starts one with the new file, or the old again.
func dhcpdSwap(p *process, args []string) (rc int) {
	conf, was := p.dhcpdConf(), ""
	if len(dhcpdFind(p)) > 0 {
		was = p.m.files.firstLine(p.hostDir + "/dhcpd")
	}
	if old, ok := p.m.files.read(conf); was != "" && ok {
		if p.write(conf+".old", old, 0o644) != 0 {
			was = ""
		}
	} else {
		was = ""
	}
	dhcpdStop(p)
	if rc = p.rename(conf+".new", conf); rc != 0 {
		return rc
	}
	if rc = dhcpdStart(p, args); rc != 0 {
		dhcpdBack(p, was)
		return 1
	}
	p.remove(conf + ".old")
	return 0
}

func dhcpdStop(p *process) {
	for _, pid := range dhcpdFind(p) {
		p.do("kill dhcpd", func() { delete(p.m.daemons, pid) })
	}
}

// dhcpdStart starts a daemon with the file in place and leaves the marker.
func dhcpdStart(p *process, args []string) int {
	conf, leases := p.dhcpdConf(), p.runDir+"/eucactl-dhcpd.leases"
	if !p.m.files.exists(leases) {
		if rc := p.write(leases, "", 0o644); rc != 0 {
			return rc
		}
	}
	text, _ := p.m.files.read(conf)
	if why := p.m.cannotServe(text, args[2]); why != "" {
		return p.words(1, why)
	}
	p.m.pids++
	pid := p.m.pids
	d := &daemon{path: args[0], user: args[1], interfaces: args[2], conf: conf, text: text, born: pid}
	p.do("dhcpd", func() { p.m.daemons[pid] = d })
	return p.replace(p.hostDir+"/dhcpd", d.marker(args[3], pid)+"\n", 0o600)
}

// dhcpdBack: the new one did not start; what served before serves again.
func dhcpdBack(p *process, was string) {
	if was == "" {
		return
	}
	if p.rename(p.dhcpdConf()+".old", p.dhcpdConf()) != 0 {
		return
	}
	f := strings.SplitN(was, " ", 6) // sum, process, time, daemon, user, interfaces
	if len(f) == 6 && dhcpdStart(p, []string{f[3], f[4], f[5], f[0]}) == 0 {
		p.print("dhcpd: it did not start; the old configuration is in force again\n")
	}
}

// confWrong is what dhcpd -t says of the little that the model knows of its language.
func confWrong(text string) string {
	open := 0
	for line := range strings.Lines(text) {
		if line, _, _ = strings.Cut(line, "#"); true {
			open += strings.Count(line, "{") - strings.Count(line, "}")
		}
		if mac, ok := statement(line, "hardware ethernet "); ok && len(mac) != 17 {
			return "bad hardware address " + mac
		}
		if a, ok := statement(line, "fixed-address "); ok {
			if _, err := netip.ParseAddr(a); err != nil {
				return err.Error()
			}
		}
	}
	if open != 0 {
		return "braces do not match"
	}
	return ""
}

// statement is the value of a line "KEY VALUE;".
func statement(line, key string) (string, bool) {
	value, ok := strings.CutPrefix(strings.TrimSpace(line), key)
	return strings.TrimSuffix(value, ";"), ok
}

// cannotServe: dhcpd wants an address on each interface, in a subnet that it knows.
func (m *Machine) cannotServe(text, interfaces string) string {
	for dev := range strings.FieldsSeq(interfaces) {
		l := m.links[dev]
		if l == nil {
			return "No such interface: " + dev
		}
		if !slices.ContainsFunc(l.addresses, func(a string) bool { return declared(text, netip.MustParsePrefix(a)) }) {
			return "No subnet declaration for " + dev
		}
	}
	return ""
}

func declared(text string, on netip.Prefix) bool {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || f[0] != "subnet" {
			continue
		}
		base, err1 := netip.ParseAddr(f[1])
		mask, err2 := netip.ParseAddr(f[3])
		if err1 != nil || err2 != nil {
			continue
		}
		bits := 0
		for _, b := range mask.AsSlice() {
			for ; b&0x80 != 0; b <<= 1 {
				bits++
			}
		}
		if netip.PrefixFrom(base, bits).Contains(on.Addr()) {
			return true
		}
	}
	return false
}

func checkDhcpdGone(p *process, _ []string) int {
	return oneIf(len(dhcpdFind(p)) > 0 || p.m.files.exists(p.dhcpdConf()))
}

func applyDhcpdGone(p *process, _ []string) int {
	dhcpdStop(p)
	conf := p.dhcpdConf()
	p.remove(conf, conf+".new", conf+".old", p.runDir+"/eucactl-dhcpd.pid", p.hostDir+"/dhcpd")
	return 0
}

func diffDhcpd(p *process, _ []string) string {
	text, _ := p.m.files.read(p.dhcpdConf())
	return text
}

// Lease is the address that our dhcpd, if it runs, gives to a MAC.
func (m *Machine) Lease(mac string) (netip.Addr, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, pid := range slices.Sorted(maps.Keys(m.daemons)) {
		d := m.daemons[pid]
		if d.conf != runDir+"/eucactl-dhcpd.conf" {
			continue
		}
		_, host, ok := strings.Cut(d.text, "hardware ethernet "+mac+";")
		_, host, fixed := strings.Cut(host, "fixed-address ")
		word, _, _ := strings.Cut(host, ";")
		if a, err := netip.ParseAddr(word); ok && fixed && err == nil {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// diffDhcpdGone: all of it goes.
func diffDhcpdGone(p *process, args []string) string {
	var b strings.Builder
	for line := range strings.Lines(diffDhcpd(p, args)) {
		b.WriteString("-" + line)
	}
	return b.String()
}
