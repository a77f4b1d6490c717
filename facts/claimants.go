package facts

import (
	"fmt"
	"net/netip"
	"strings"
)

// Claimants is the script that asks on a segment who has these addresses, as a host
// does before it takes one, and prints "ADDRESS MAC" for each that somebody answers
// for. Two programs are called arping; busybox has a third.
func Claimants(dev string, addrs ...netip.Addr) string {
	var b strings.Builder
	b.WriteString(`
command -v arping >/dev/null || { echo "there is no arping: apt-get install arping" >&2; exit 2; }
dev=` + quote(dev) + `
[ -e "/sys/class/net/$dev" ] || { echo "there is no interface $dev" >&2; exit 2; }
case $(arping --help 2>&1) in
*Habets*) who() { arping -0 -c 2 -w 2 -i "$dev" "$1" 2>&1; } ;;
*) who() { arping -D -c 2 -w 3 -I "$dev" "$1" 2>&1; } ;;
esac
one() {
	mac=$(who "$1" | grep -o -E '([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}' | head -n 1)
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
