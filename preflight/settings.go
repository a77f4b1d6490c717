package preflight

import (
	"fmt"
	"strconv"
)

// setting is a kernel setting's value; 0 if this kernel does not have it.
func (h *Host) setting(name string) int {
	n, err := strconv.Atoi(h.settings[name])
	if err != nil {
		return 0
	}
	return n
}

// forwardFindings: a frontend that has networks must forward.
func forwardFindings(h *Host) []Finding {
	if f := h.Plan.Frontend; f == nil || !f.Active || h.setting("ipv4/ip_forward") == 1 {
		return nil
	}
	return []Finding{h.found(Error, "it does not forward packets, so guests reach nobody", "sysctl net.ipv4.ip_forward: "+h.settings["ipv4/ip_forward"],
		"eucactl reconcile "+h.Name+"; if it is switched off again, look into /etc/sysctl.d")}
}

// reversePathFindings: where answers leave by another interface than the one towards
// the public addresses, a strict filter on that one drops what comes in.
func reversePathFindings(h *Host) []Finding {
	pub := h.Network.PubInterface
	strict := max(h.setting("ipv4/conf/all/rp_filter"), h.setting("ipv4/conf/"+pub+"/rp_filter"))
	if strict != 1 {
		return nil
	}
	for _, r := range h.routes {
		if r.Dest.Bits() != 0 {
			continue
		}
		if r.Dev == pub {
			return nil
		}
		return []Finding{h.found(Warning, fmt.Sprintf("what comes from far away to public addresses on %s is dropped, for answers would leave by %s", pub, r.Dev),
			fmt.Sprintf("sysctl net.ipv4.conf.%s.rp_filter: 1 (strict); ip route: default dev %s", pub, r.Dev),
			fmt.Sprintf("sysctl -w net.ipv4.conf.%s.rp_filter=2, or a default route by %s", pub, pub))}
	}
	return nil
}
