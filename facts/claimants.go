package facts

import (
	"fmt"
	"net/netip"
	"strings"
)

// whoHas is who DEV ADDRESS: the MAC of whoever answers for the address, asked as a
// host asks before it takes one. Two programs are called arping; busybox has a third.
const whoHas = `
who() {
	case $(arping --help 2>&1) in
	*Habets*) arping -0 -c 2 -w 2 -i "$1" "$2" 2>&1 ;;
	*) arping -D -c 2 -w 3 -I "$1" "$2" 2>&1 ;;
	esac | grep -o -E '([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}' | head -n 1
}
`

// Claimants is the script that asks on a segment who has these addresses, and prints
// "ADDRESS MAC" for each that somebody answers for.
func Claimants(dev string, addrs ...netip.Addr) string {
	var b strings.Builder
	b.WriteString(whoHas + `
command -v arping >/dev/null || { echo "there is no arping: apt-get install arping" >&2; exit 2; }
dev=` + quote(dev) + `
[ -e "/sys/class/net/$dev" ] || { echo "there is no interface $dev" >&2; exit 2; }
one() {
	mac=$(who "$dev" "$1")
	[ -z "$mac" ] || echo "$1 $mac"
}
`)
	for i, a := range addrs {
		fmt.Fprintf(&b, "one %s &\n", a)
		if i%pingsAtOnce == pingsAtOnce-1 {
			b.WriteString("wait\n")
		}
	}
	b.WriteString("wait\necho end\n")
	return b.String()
}

// ReadClaimants reads what the script of Claimants printed: address -> MAC.
func ReadClaimants(text string) (map[netip.Addr]string, error) {
	found := map[netip.Addr]string{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 1 && f[0] == "end" {
			return found, nil
		}
		if len(f) != 2 {
			return nil, fmt.Errorf("claimants: not an address and a MAC: %q", line)
		}
		a, err := netip.ParseAddr(f[0])
		if err != nil {
			return nil, fmt.Errorf("claimants: %w", err)
		}
		found[a] = f[1]
	}
	return nil, fmt.Errorf("claimants: cut off: %q", text)
}
