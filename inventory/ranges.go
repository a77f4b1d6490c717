package inventory

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"
)

// private says whether a network is one that nobody routes on the Internet.
func private(p netip.Prefix) bool {
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"} {
		known := netip.MustParsePrefix(s)
		if known.Bits() <= p.Bits() && known.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// longestVLANName is the name of the highest VLAN's interface, and whether
// Linux takes a name that long.
func longestVLANName(device string, top int) (string, bool) {
	name := fmt.Sprintf("%s.%d", device, top)
	return name, len(name) <= 15
}

// within is the part of sorted addresses that is inside the network.
func within(sorted []netip.Addr, p netip.Prefix) []netip.Addr {
	low, high := bounds(p)
	from := sort.Search(len(sorted), func(i int) bool { return toNumber(sorted[i]) >= low })
	to := sort.Search(len(sorted), func(i int) bool { return toNumber(sorted[i]) > high })
	return sorted[from:to]
}

// joined lists words for an error message.
func joined(words []string) string {
	if len(words) > 10 {
		words = append(append([]string(nil), words[:10]...), "...")
	}
	return strings.Join(words, ", ")
}
