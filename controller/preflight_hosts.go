package controller

import (
	"context"
	"errors"
	"slices"

	"eucactl/inventory"
	"eucactl/remote"
)

// A hostCheck looks at one host's answers. It is pure: what it says follows from
// them, the inventory and the records alone.
type hostCheck struct {
	name  string
	on    func(*look) bool // whom it concerns
	needs []string         // the questions without whose answers it says nothing
	find  func(*look) []Finding
}

func anyHost(*look) bool       { return true }
func isNode(l *look) bool      { return l.host.IsNode }
func isFrontend(l *look) bool  { return l.host.Frontend }
func isEither(l *look) bool    { return l.host.Frontend || l.host.IsNode }
func isManaged(l *look) bool   { return isEither(l) && l.network.Mode == inventory.Managed }
func hasGroups(l *look) bool   { return l.host.Frontend && l.network.Mode.Groups() }
func servesDHCP(l *look) bool  { return l.host.Frontend && l.network.DHCPDaemon != "" }
func usesBridge(l *look) bool  { return l.host.IsNode && l.network.Mode != inventory.Managed }
func groupsNode(l *look) bool  { return l.host.IsNode && l.network.Mode.Groups() }
func hasNetwork(l *look) bool  { return l.host.Frontend && l.network.PrivInterface != "" }
func managedNode(l *look) bool { return l.host.IsNode && l.network.Mode == inventory.Managed }

// hostChecks lists what is looked at, in the order in which it is told.
func hostChecks() []hostCheck {
	return []hostCheck{
		{"programs run as root", anyHost, []string{"accounts"}, rootFindings},
		{"tools", anyHost, []string{"tools"}, toolFindings},
		{"kernel modules", isEither, []string{"modules"}, moduleFindings},
		{"frontend's interfaces", hasNetwork, []string{"links"}, frontendLinkFindings},
		{"node's interface", managedNode, []string{"links"}, nodeLinkFindings},
		{"node's bridge", usesBridge, []string{"links"}, bridgeFindings},
		{"VLANs' bridges", managedNode, []string{"links"}, vlanBridgeFindings},
		{"guests' interfaces", isNode, []string{"links"}, vifFindings},
		{"guests' subnet", hasGroups, []string{"routes"}, subnetFindings},
		{"libvirt", isNode, []string{"host"}, hypervisorFindings},
		{"clock", anyHost, []string{"boot", "clock"}, clockFindings},
		{"dhcpd", servesDHCP, []string{"daemons", "accounts"}, dhcpdFindings},
		{"other DHCP servers", isEither, []string{"daemons"}, foreignDHCPFindings},
		{"other firewalls", hasGroups, []string{"firewall"}, frontendFirewallFindings},
		{"bridged frames", groupsNode, []string{"firewall", "settings"}, nodeFirewallFindings},
		{"programs that govern firewalls", isEither, []string{"daemons"}, governorFindings},
		{"iptables back ends", isEither, []string{"firewall"}, backendFindings},
		{"forwarding", hasGroups, []string{"settings"}, forwardFindings},
		{"reverse path filter", hasGroups, []string{"settings", "routes"}, reversePathFindings},
		{"room", isNode, []string{"capacity"}, roomFindings},
	}
}

// checkHosts looks at every host and tells what would keep the cloud from working.
func (c *Controller) checkHosts(ctx context.Context, hosts []*inventory.Host) (Preflighted, error) {
	looks := c.lookAt(ctx, c.Store.View(), hosts)
	if err := ctx.Err(); err != nil {
		return Preflighted{}, err
	}
	return judge(looks), nil
}

// judge runs all checks over what the hosts showed.
func judge(looks []*look) (out Preflighted) {
	var answered []*look
	for _, l := range looks {
		switch {
		case l.dead != "":
			out.Findings = append(out.Findings, l.found(SeverityNote, "is declared dead, and was not asked", l.dead, ""))
		case l.err != nil:
			out.Findings = append(out.Findings, l.silence())
		default:
			answered = append(answered, l)
			out.add(l)
		}
	}
	out.Hosts = len(answered)
	for _, between := range []func([]*look) []Finding{sameMachineFindings, sameAddressFindings, mtuFindings} {
		out.Checks++
		out.Findings = append(out.Findings, between(answered)...)
	}
	return out
}

func (p *Preflighted) add(l *look) {
	for _, section := range l.questions() {
		if why, is := l.unknown[section.Name]; is && section.Name != "hypervisor" { // which has a check of its own
			p.Findings = append(p.Findings, l.found(SeverityWarning, "cannot tell its "+section.Name, why, ""))
		}
	}
	for _, check := range hostChecks() {
		if !check.on(l) {
			continue
		}
		p.Checks++
		if !slices.ContainsFunc(check.needs, func(s string) bool { _, is := l.unknown[s]; return is }) {
			p.Findings = append(p.Findings, check.find(l)...)
		}
	}
}

// silence says why there was no answer, and what to do.
func (l *look) silence() Finding {
	var r HostReport
	r.Host = l.host.Name
	if !remote.Unreachable(l.err) {
		return l.found(SeverityError, "did not answer", l.err.Error(), "")
	}
	r.unreached(l.err)
	f := l.found(Unreachable, "does not answer", r.Words, r.Next)
	var unknown *remote.UnknownHostError
	if !errors.As(l.err, &unknown) {
		f.Fix = "ssh to it by hand"
	}
	return f
}
