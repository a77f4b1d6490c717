package reach

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/facts"
)

// ourConfig is the file by which a dhcpd is known to be ours (tasks/dhcpd.sh).
const ourConfig = "/eucactl-dhcpd.conf"

func leaseWords(w *walk) string {
	if !w.serves() {
		return ""
	}
	return fmt.Sprintf("%s: dhcpd runs, listens on %s and has %s for %s", w.front.Name, w.gateway.Dev, w.port.IP, w.port.MAC)
}

// serves tells whether the guest's lease comes from the frontend.
func (w *walk) serves() bool { return w.Path.front != nil && len(w.Path.front.DHCP.Subnets) > 0 }

// lease: without a dhcpd the guest has no address, or loses it soon.
func (w *walk) lease() *cloud.Finding {
	next := []string{"eucactl reconcile " + w.front.Name}
	i := slices.IndexFunc(w.front.Servers, ours)
	if i < 0 {
		f := &cloud.Finding{Words: "no dhcpd of eucactl's runs: guests get no lease, and lose what they have", Next: next}
		for _, s := range w.front.Servers {
			f.Evidence = append(f.Evidence, fmt.Sprintf("process %d is another's: %s", s.PID, strings.Join(s.Words, " ")))
		}
		if f.Evidence == nil {
			f.Evidence = []string{"ps axww: no process serves " + ourConfig[1:]}
		}
		return f
	}
	s := w.front.Servers[i]
	if s.Stopped {
		return &cloud.Finding{
			Words: fmt.Sprintf("dhcpd is stopped by a signal: process %d serves nobody", s.PID), Evidence: []string{fmt.Sprintf("ps: process %d is in state T", s.PID)},
			Next: []string{fmt.Sprintf("on %s: kill -CONT %d", w.front.Name, s.PID)},
		}
	}
	for _, dev := range w.Path.front.DHCP.Interfaces {
		if w.gateway.Dev != "" && dev != w.gateway.Dev {
			continue
		}
		if len(s.Interfaces) > 0 && !slices.Contains(s.Interfaces, dev) {
			return &cloud.Finding{
				Words:    fmt.Sprintf("dhcpd listens on %s, not on %s where the guest is", strings.Join(s.Interfaces, ", "), dev),
				Evidence: []string{fmt.Sprintf("process %d: %s", s.PID, strings.Join(s.Words, " "))}, Next: next,
			}
		}
	}
	return w.leaseIsThere(next)
}

func ours(s facts.DHCPServer) bool { return strings.HasSuffix(s.Config, ourConfig) }

// leaseConfig is our dhcpd's configuration out of the answer about leases.
func leaseConfig(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "c "); ok {
			b.WriteString(rest)
		}
	}
	return b.String()
}

var (
	remark = regexp.MustCompile(`(?m)#.*$`)
	block  = regexp.MustCompile(`(?s)\b((?:host|subnet)\s[^{}]*?)\s*\{([^{}]*)\}`)
	blanks = regexp.MustCompile(`\s+`)
)

// blocks are the innermost blocks of a configuration by what stands before them.
func blocks(config string) map[string]string {
	m := map[string]string{}
	for _, b := range block.FindAllStringSubmatch(remark.ReplaceAllString(config, ""), -1) {
		m[blanks.ReplaceAllString(b[1], " ")] = strings.TrimSpace(blanks.ReplaceAllString(b[2], " "))
	}
	return m
}

// leaseIsPlanned compares what dhcpd tells the guest with what it should: the
// guest's own block, and its network's.
func (w *walk) leaseIsPlanned(next []string) *cloud.Finding {
	for name, should := range blocks(w.leases) {
		guest := name == "host node-"+w.port.IP.String()
		if !guest && !(w.gateway.CIDR.IsValid() && strings.HasPrefix(name, "subnet "+w.gateway.CIDR.Masked().Addr().String()+" ")) {
			continue
		}
		is, there := w.front.Config[name]
		if there && is == should {
			continue
		}
		f := &cloud.Finding{
			Words:    fmt.Sprintf("dhcpd's configuration tells the guest something else than planned: %s { %s }", name, is),
			Evidence: []string{"eucactl-dhcpd.conf: " + name + " { " + is + " }", "planned: " + name + " { " + should + " }"}, Next: next,
		}
		if !there {
			f.Words = fmt.Sprintf("dhcpd's configuration has no %s", name)
		}
		return f
	}
	return nil
}

func (w *walk) leaseIsThere(next []string) *cloud.Finding {
	for _, l := range w.front.Leases {
		switch {
		case !l.Fixed || l.MAC != strings.ToLower(w.port.MAC) && l.Address != w.port.IP:
		case l.MAC == strings.ToLower(w.port.MAC) && l.Address == w.port.IP:
			return w.leaseIsPlanned(next)
		default:
			return &cloud.Finding{
				Words:    fmt.Sprintf("dhcpd's configuration gives %s to %s; it should give %s to %s", l.Address, l.MAC, w.port.IP, w.port.MAC),
				Evidence: []string{fmt.Sprintf("eucactl-dhcpd.conf: host %s { hardware ethernet %s; fixed-address %s; }", l.Host, l.MAC, l.Address)}, Next: next,
			}
		}
	}
	return &cloud.Finding{
		Words:    fmt.Sprintf("dhcpd's configuration has no lease for %s: the guest gets no address", w.port.MAC),
		Evidence: []string{"eucactl-dhcpd.conf: no host with hardware ethernet " + w.port.MAC}, Next: next,
	}
}

func rogueWords(w *walk) string {
	if !w.serves() || w.gateway.Dev == "" {
		return ""
	}
	return "no other server gives leases on its segment, as far as " + w.front.Name + " and " + w.node.Name + " know"
}

// rogueLease: two servers on a segment give one guest two addresses by turns.
func (w *walk) rogueLease() *cloud.Finding {
	for _, at := range []struct {
		h   *Host
		dev string
	}{{w.front, w.gateway.Dev}, {w.node, w.machine.Bridge}} {
		for _, s := range at.h.Servers {
			if ours(s) || !s.Leases || !slices.Contains(s.Interfaces, at.dev) {
				continue
			}
			return &cloud.Finding{
				Words:    fmt.Sprintf("another server, %s on %s, gives leases on the guest's segment: process %d", s.Name, at.h.Name, s.PID),
				Evidence: []string{fmt.Sprintf("%s, process %d: %s", at.h.Name, s.PID, strings.Join(s.Words, " "))},
				Next:     []string{fmt.Sprintf("on %s: stop it, or keep it from %s", at.h.Name, at.dev)},
			}
		}
	}
	return nil
}
