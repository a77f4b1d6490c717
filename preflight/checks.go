package preflight

import (
	"slices"

	"eucactl/inventory"
)

// A hostCheck looks at one host's answers.
type hostCheck struct {
	name  string
	on    func(*Host) bool // whom it concerns
	needs []string         // the questions without whose answers it says nothing
	find  func(*Host) []Finding
}

func anyHost(*Host) bool       { return true }
func isNode(h *Host) bool      { return h.IsNode }
func isFrontend(h *Host) bool  { return h.Frontend }
func isEither(h *Host) bool    { return h.Frontend || h.IsNode }
func isManaged(h *Host) bool   { return isEither(h) && h.Network.Mode == inventory.Managed }
func hasGroups(h *Host) bool   { return h.Frontend && h.Network.Mode.Groups() }
func servesDHCP(h *Host) bool  { return h.Frontend && h.Network.DHCPDaemon != "" }
func usesBridge(h *Host) bool  { return h.IsNode && h.Network.Mode != inventory.Managed }
func groupsNode(h *Host) bool  { return h.IsNode && h.Network.Mode.Groups() }
func hasNetwork(h *Host) bool  { return h.Frontend && h.Network.PrivInterface != "" }
func managedNode(h *Host) bool { return h.IsNode && h.Network.Mode == inventory.Managed }

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
		{"dhcpd", servesDHCP, []string{"servers", "accounts"}, dhcpdFindings},
		{"other DHCP servers", isEither, []string{"servers", "links"}, foreignDHCPFindings},
		{"other firewalls", hasGroups, []string{"rules"}, frontendFirewallFindings},
		{"bridged frames", groupsNode, []string{"rules", "settings"}, nodeFirewallFindings},
		{"programs that govern firewalls", isEither, []string{"governors", "rules"}, governorFindings},
		{"iptables back ends", isEither, []string{"rules", "host"}, backendFindings},
		{"forwarding", hasGroups, []string{"settings"}, forwardFindings},
		{"reverse path filter", hasGroups, []string{"settings", "routes"}, reversePathFindings},
		{"room", isNode, []string{"capacity"}, roomFindings},
	}
}

// Judge runs all checks over what the hosts showed.
func Judge(hosts []*Host) (out Result) {
	var answered []*Host
	for _, h := range hosts {
		if h.Silent != nil {
			out.Findings = append(out.Findings, *h.Silent)
			continue
		}
		answered = append(answered, h)
		out.host(h)
	}
	out.Hosts = len(answered)
	for _, between := range []func([]*Host) []Finding{sameMachineFindings, sameAddressFindings, mtuFindings} {
		out.Checks++
		out.Findings = append(out.Findings, between(answered)...)
	}
	return out
}

// host adds what is to be said of one.
func (r *Result) host(h *Host) {
	for _, q := range h.Questions() {
		if why, is := h.unknown[q.Name]; is && q.Name != "hypervisor" { // which has a check of its own
			r.Findings = append(r.Findings, h.found(Warning, "cannot tell its "+q.Name, why, ""))
		}
	}
	for _, check := range hostChecks() {
		if !check.on(h) {
			continue
		}
		r.Checks++
		if !slices.ContainsFunc(check.needs, func(name string) bool { _, is := h.unknown[name]; return is }) {
			r.Findings = append(r.Findings, check.find(h)...)
		}
	}
}
