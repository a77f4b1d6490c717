package facts

import (
	"fmt"
	"net/netip"
	"strings"
)

// NeighboursScript prints the kernel's ARP table: who of the segment spoke to this
// host last, as "ADDRESS MAC" a line. It runs no command.
const NeighboursScript = `
[ -r /proc/net/arp ] || exit 2
while read -r address _ flags mac _; do
	case $address/$flags in IP/* | */0x0) continue ;; esac # the heading, and who never answered
	echo "$address $mac"
done </proc/net/arp
`

// ReadNeighbours reads what NeighboursScript printed: addresses by MAC, in small
// letters. Of several addresses of one card the last counts.
func ReadNeighbours(text string) (map[string]netip.Addr, error) {
	found := map[string]netip.Addr{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 2 {
			return nil, fmt.Errorf("neighbours: not ADDRESS MAC: %q", line)
		}
		ip, err := netip.ParseAddr(f[0])
		if err != nil {
			return nil, fmt.Errorf("neighbours: %w", err)
		}
		found[strings.ToLower(f[1])] = ip
	}
	return found, nil
}
