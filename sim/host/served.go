package host

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

var (
	fixedAddress = regexp.MustCompile(`fixed-address ([0-9.]+);`)
	translation  = regexp.MustCompile(` -d ([0-9.]+)(?:/32)? .*-j DNAT --to-destination ([0-9.]+)$`)
)

// Gateways are the addresses that the host's links have beside the operator's, with
// more than themselves behind them.
func (m *Machine) Gateways() (list []netip.Prefix) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, dev := range slices.Sorted(maps.Keys(m.links)) {
		for _, a := range m.links[dev].addresses {
			if p, err := netip.ParsePrefix(a); err == nil && dev != "lo" && !operators.Contains(p.Addr()) && !p.IsSingleIP() {
				list = append(list, p)
			}
		}
	}
	return list
}

// Serves are the private and the public addresses that the host works for: those that
// it leases, has in sets of ours, or translates.
func (m *Machine) Serves() (private, public []netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	in, out := map[netip.Addr]bool{}, map[netip.Addr]bool{}
	note := func(all map[netip.Addr]bool, text string) {
		if a, err := netip.ParseAddr(text); err == nil {
			all[a] = true
		}
	}
	for _, d := range m.daemons {
		if d.conf != runDir+"/eucactl-dhcpd.conf" {
			continue
		}
		for _, found := range fixedAddress.FindAllStringSubmatch(d.text, -1) {
			note(in, found[1])
		}
	}
	for name, s := range m.sets {
		for member := range s.members {
			if strings.HasPrefix(name, "EUCA-") {
				note(in, member)
			}
		}
	}
	for chain, rules := range m.tables["nat"].chains {
		if !strings.HasPrefix(chain, "EUCA-") {
			continue
		}
		for _, r := range rules {
			if found := translation.FindStringSubmatch(r.text); found != nil {
				note(out, found[1])
				note(in, found[2])
			}
		}
	}
	return slices.SortedFunc(maps.Keys(in), netip.Addr.Compare), slices.SortedFunc(maps.Keys(out), netip.Addr.Compare)
}
