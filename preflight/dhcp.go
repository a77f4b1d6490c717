package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"eucactl/facts"
	"eucactl/inventory"
)

// dhcpdFindings: our dhcpd runs, once, on the interfaces of the active networks, as
// the user that the inventory names.
func dhcpdFindings(h *Host) (list []Finding) {
	if user := h.Network.DHCPUser; user != "" && !slices.Contains(h.account.Users, user) {
		list = append(list, h.found(Error, "there is no user "+user+" (vnet_dhcpuser)", "id "+user+": no such user", "correct vnet_dhcpuser, or make the user"))
	}
	f := h.Plan.Frontend
	if f == nil || !f.Active || len(f.DHCP.Subnets) == 0 {
		return list
	}
	var ours []facts.DHCPServer
	for _, s := range h.servers {
		if isOurs(s) {
			ours = append(ours, s)
		}
	}
	fix := "eucactl reconcile " + h.Name
	switch len(ours) {
	case 0:
		return append(list, h.found(Error, "our dhcpd does not run, so guests get no addresses", "ps: no process with eucactl-dhcpd.conf", fix+"; if it does not stay, its words are in the host's log"))
	case 1:
	default:
		return append(list, h.found(Error, fmt.Sprintf("our dhcpd runs %d times", len(ours)), "ps: "+pids(ours), fix))
	}
	for _, want := range f.DHCP.Interfaces {
		if !slices.Contains(ours[0].Interfaces, want) {
			list = append(list, h.found(Error, "our dhcpd does not listen on "+want, "ps: "+strings.Join(ours[0].Words, " "), fix))
		}
	}
	return list
}

// isOurs: it serves our file (tasks/dhcpd.sh).
func isOurs(s facts.DHCPServer) bool { return strings.HasSuffix(s.Config, "/eucactl-dhcpd.conf") }

func pids(list []facts.DHCPServer) string {
	var words []string
	for _, s := range list {
		words = append(words, fmt.Sprint(s.PID))
	}
	return strings.Join(words, ", ")
}

// foreignDHCPFindings: where the cloud gives addresses nobody else may; where it does
// not (SYSTEM), somebody must.
func foreignDHCPFindings(h *Host) (list []Finding) {
	if h.Network.Mode == inventory.System {
		return nil
	}
	for _, s := range h.servers {
		if isOurs(s) || !s.Leases {
			continue
		}
		what := "another DHCP server runs, " + s.Name
		evidence := fmt.Sprintf("ps: %d %.160s", s.PID, strings.Join(s.Words, " "))
		const fix = "stop it, or let it serve other interfaces only"
		switch {
		case len(s.Interfaces) == 0:
			list = append(list, h.found(Warning, what+"; it may answer guests on "+h.segment(), evidence, fix))
		case slices.Contains(s.Interfaces, h.segment()):
			list = append(list, h.found(Error, what+", and answers guests on "+h.segment(), evidence, cmp.Or(stopOf(s), fix)))
		default:
			list = append(list, h.found(Note, what+", on "+strings.Join(s.Interfaces, ", ")+" only", evidence, ""))
		}
	}
	return list
}

// stopOf is how Debian's own service of that daemon is stopped.
func stopOf(s facts.DHCPServer) string {
	if s.Config == "/etc/dhcp/dhcpd.conf" {
		return "systemctl disable --now isc-dhcp-server"
	}
	return ""
}
