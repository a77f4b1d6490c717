package controller

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
func dhcpdFindings(l *look) (list []Finding) {
	if user := l.network.DHCPUser; user != "" && !slices.Contains(l.account.Users, user) {
		list = append(list, l.found(SeverityError, "there is no user "+user+" (vnet_dhcpuser)", "id "+user+": no such user", "correct vnet_dhcpuser, or make the user"))
	}
	f := l.plan.Frontend
	if f == nil || !f.Active || len(f.DHCP.Subnets) == 0 {
		return list
	}
	var ours []facts.Daemon
	for _, d := range l.daemons {
		if d.Ours {
			ours = append(ours, d)
		}
	}
	fix := "eucactl reconcile " + l.host.Name
	switch len(ours) {
	case 0:
		return append(list, l.found(SeverityError, "our dhcpd does not run, so guests get no addresses", "ps: no process with eucactl-dhcpd.conf", fix+"; if it does not stay, its words are in the host's log"))
	case 1:
	default:
		return append(list, l.found(SeverityError, fmt.Sprintf("our dhcpd runs %d times", len(ours)), "ps: "+pids(ours), fix))
	}
	for _, want := range f.DHCP.Interfaces {
		if !slices.Contains(ours[0].Command, want) {
			list = append(list, l.found(SeverityError, "our dhcpd does not listen on "+want, "ps: "+strings.Join(ours[0].Command, " "), fix))
		}
	}
	return list
}

func pids(list []facts.Daemon) string {
	var words []string
	for _, d := range list {
		words = append(words, fmt.Sprint(d.PID))
	}
	return strings.Join(words, ", ")
}

// foreignDHCPFindings: where the cloud gives addresses nobody else may; where it does
// not (SYSTEM), somebody must, but rarely a node.
func foreignDHCPFindings(l *look) (list []Finding) {
	if l.network.Mode == inventory.System {
		return nil
	}
	for _, d := range l.daemons {
		if d.Ours || d.Name == "firewalld" || d.Name == "dockerd" {
			continue
		}
		what := fmt.Sprintf("another DHCP server runs, %s", d.Name)
		evidence := fmt.Sprintf("ps: %d %.160s", d.PID, strings.Join(d.Command, " "))
		const fix = "stop it, or let it serve other interfaces only"
		switch on := l.servedBy(d); {
		case d.Name == "dnsmasq" && strings.Contains(strings.Join(d.Command, " "), "/libvirt/"):
			list = append(list, l.found(SeverityNote, "libvirt's own network has a DHCP server, which is no harm", evidence, ""))
		case on == nil:
			list = append(list, l.found(SeverityWarning, what+"; it may answer guests on "+l.segment(), evidence, fix))
		case slices.Contains(on, l.segment()):
			list = append(list, l.found(SeverityError, what+", and answers guests on "+l.segment(), evidence, cmp.Or(stopOf(d), fix)))
		default:
			list = append(list, l.found(SeverityNote, what+", on "+strings.Join(on, ", ")+" only", evidence, ""))
		}
	}
	return list
}

// servedBy are the interfaces of this host that a daemon's command line names; nil if
// it names none, and so may serve all.
func (l *look) servedBy(d facts.Daemon) (names []string) {
	for _, word := range d.Command[1:] {
		word = strings.TrimPrefix(word, "--interface=")
		if _, is := l.link(word); is {
			names = append(names, word)
		}
	}
	return names
}

// stopOf is how Debian's own service of that daemon is stopped.
func stopOf(d facts.Daemon) string {
	if slices.Contains(d.Command, "/etc/dhcp/dhcpd.conf") {
		return "systemctl disable --now isc-dhcp-server"
	}
	return ""
}

// governorFindings: programs that change firewalls by themselves do not know of ours.
func governorFindings(l *look) (list []Finding) {
	for _, d := range l.daemons {
		evidence := fmt.Sprintf("ps: %d %.80s", d.PID, strings.Join(d.Command, " "))
		switch d.Name {
		case "firewalld":
			list = append(list, l.found(SeverityWarning, "firewalld runs, and changes rules by itself", evidence, "systemctl disable --now firewalld"))
		case "dockerd":
			list = append(list, l.found(SeverityWarning, "Docker runs: it sets the policy of FORWARD to DROP and puts rules in front of others'", evidence,
				"run Docker elsewhere; each reconcile puts our hook back in front"))
		}
	}
	return list
}
