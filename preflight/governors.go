package preflight

import (
	"fmt"
	"slices"

	"eucactl/facts"
)

// governorFindings: programs that change firewalls by themselves do not know of ours.
func governorFindings(h *Host) (list []Finding) {
	for _, p := range h.governs {
		evidence := fmt.Sprintf("ps: %d %.80s", p.PID, p.Command)
		switch p.Name {
		case "firewalld":
			list = append(list, h.found(Warning, "firewalld runs, and changes rules by itself", evidence, "systemctl disable --now firewalld"))
		case "dockerd":
			list = append(list, h.found(Warning, "Docker runs: it sets the policy of FORWARD to DROP and puts rules in front of others'", evidence,
				"run Docker elsewhere; each reconcile puts our hook back in front"))
		}
	}
	if slices.ContainsFunc(h.table("filter").Chains, func(c facts.FilterChain) bool { return c.Name == "ufw-before-forward" }) {
		list = append(list, h.found(Warning, "ufw governs its firewall, and puts its rules in front when it is reloaded", "iptables -S: chain ufw-before-forward", "ufw disable"))
	}
	return list
}
