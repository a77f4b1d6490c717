package lab

import (
	"fmt"
	"strings"
)

// tap names the machine's side of a host kernel's link.
func tap(i int) string { return fmt.Sprintf("tap%d", i) }

// plugKernel joins each cable of a host's namespace with a tap, which the host's kernel opens while its link is up,
// and makes the machine's side of the door. Nothing in that namespace has an address on a cable or hears what passes.
func (h Host) plugKernel() string {
	var b strings.Builder
	for i := range h.cables() {
		fmt.Fprintf(&b, "tuntap add %s mode tap vnet_hdr\n", tap(i))
		fmt.Fprintf(&b, "link add joint%d type bridge stp_state 0 forward_delay 0 mcast_snooping 0 nf_call_iptables 0 nf_call_ip6tables 0 nf_call_arptables 0\n", i)
		for _, port := range []string{fmt.Sprintf("eth%d", i), tap(i)} {
			fmt.Fprintf(&b, "link set %s addrgenmode none master joint%d up\n", port, i)
		}
		fmt.Fprintf(&b, "link set joint%d addrgenmode none up\n", i)
	}
	fmt.Fprintf(&b, "tuntap add %[1]s mode tap vnet_hdr\nlink set %[1]s up\naddr add 169.254.0.1/30 dev %[1]s\n", doorLink)
	return b.String()
}
