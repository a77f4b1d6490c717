package facts

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
)

// RoutesScript prints the kernel's main IPv4 table as the kernel does: that is enough
// to know which networks a host knows, also where there is no iproute2.
const RoutesScript = `
cat /proc/net/route || exit 2
`

// A Route of a host. Without a gateway its network is on the link.
type Route struct {
	Dev     string
	Dest    netip.Prefix
	Gateway netip.Addr
}

// ReadRoutes reads what RoutesScript printed. Routes that are not up, or refuse, are
// left out.
func ReadRoutes(text string) ([]Route, error) {
	head, rest, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(head, "Iface") {
		return nil, fmt.Errorf("routes: not the kernel's table: %q", head)
	}
	var list []Route
	for line := range strings.Lines(rest) {
		f := strings.Fields(line)
		if len(f) < 8 {
			return nil, fmt.Errorf("routes: %q is too short", line)
		}
		dest, e1 := hexAddr(f[1])
		gateway, e2 := hexAddr(f[2])
		mask, e3 := hexAddr(f[7])
		if e1 != nil || e2 != nil || e3 != nil {
			return nil, fmt.Errorf("routes: %q has no addresses", line)
		}
		if f[0] == "*" {
			continue
		}
		m := mask.As4()
		r := Route{Dev: f[0], Dest: netip.PrefixFrom(dest, bits.OnesCount32(binary.BigEndian.Uint32(m[:])))}
		if !gateway.IsUnspecified() {
			r.Gateway = gateway
		}
		list = append(list, r)
	}
	return list, nil
}

// hexAddr reads an address as the kernel prints it on the machines of today, the
// lowest byte first.
func hexAddr(s string) (netip.Addr, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 {
		return netip.Addr{}, fmt.Errorf("%q is not an address", s)
	}
	return netip.AddrFrom4([4]byte{b[3], b[2], b[1], b[0]}), nil
}
