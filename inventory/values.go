package inventory

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strings"
	"unicode"
)

// The readers of single settings.

// checkAddress accepts where a host is reached: a name, an IPv4 or IPv6 address.
func checkAddress(s string) error {
	if a, err := netip.ParseAddr(s); err == nil {
		if a.IsUnspecified() || a.IsMulticast() {
			return fmt.Errorf("%s is no address of one host", a)
		}
		return nil
	}
	if strings.Contains(s, ":") {
		return fmt.Errorf("%s is not an address; the port goes into ansible_port", shown(s))
	}
	return checkHostName(s)
}

func checkUser(s string) error {
	if len(s) > 64 || !userNameExpr.MatchString(s) {
		return fmt.Errorf("%s is not a user name", shown(s))
	}
	return nil
}

func checkSystemUser(s string) error {
	if len(s) > 32 || !systemUserExpr.MatchString(s) {
		return fmt.Errorf("%s is not a user name; small letters, digits, _ and -", shown(s))
	}
	return nil
}

func checkPath(s string) error {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("%s is not the name of a file", shown(s))
	}
	return nil
}

func checkProgram(s string) error {
	if !programPathExpr.MatchString(s) {
		return fmt.Errorf("%s is not the whole path of a program, like /usr/sbin/dhcpd", shown(s))
	}
	return nil
}

func checkCluster(s string) error {
	if len(s) > 63 || !clusterNameExpr.MatchString(s) {
		return fmt.Errorf("%s is not a cluster name; letters, digits, _ and -, at most 63", shown(s))
	}
	return nil
}

func checkBridge(s string) error {
	if libvirtBridgeExpr.MatchString(s) {
		return fmt.Errorf("%s is libvirt's own bridge behind its own NAT; name a bridge that has the node's Ethernet in it, like br0", s)
	}
	return checkInterface(s)
}

func parseHypervisor(v any) (any, error) {
	if v == "xen" {
		return nil, fmt.Errorf("xen comes later; kvm or qemu work now")
	}
	return oneOf("kvm", "qemu")(v)
}

// subnetWord is vnet_subnet as written: with its length, or length -1 when
// vnet_netmask has to tell it.
type subnetWord struct {
	addr   netip.Addr
	length int
}

func parseSubnet(s string) (subnetWord, error) {
	if !strings.Contains(s, "/") {
		a, err := parseUsableIPv4(s)
		return subnetWord{a, -1}, err
	}
	base, mask, _ := strings.Cut(s, "/")
	a, err := parseUsableIPv4(base)
	if err != nil {
		return subnetWord{}, err
	}
	length, err := parseLength(mask)
	if err != nil {
		return subnetWord{}, fmt.Errorf("%s: %w", shown(s), err)
	}
	return subnetWord{a, length}, nil
}

// parseLength reads what follows the slash: 16 or 255.255.0.0.
func parseLength(s string) (int, error) {
	if strings.Contains(s, ".") {
		return parseNetmask(s)
	}
	p, err := netip.ParsePrefix("0.0.0.0/" + s)
	if err != nil {
		return 0, fmt.Errorf("%s is not a prefix length from 0 to 32", shown(s))
	}
	return p.Bits(), nil
}

// parseNetmask reads 255.255.0.0 as 16.
func parseNetmask(s string) (int, error) {
	a, err := parseIPv4(s)
	if err != nil {
		return 0, fmt.Errorf("%s is not a netmask, like 255.255.0.0", shown(s))
	}
	ones := bits.LeadingZeros32(^toNumber(a))
	if toNumber(a)<<ones != 0 {
		return 0, fmt.Errorf("%s is not a netmask: a one follows a zero; the nearest is %s", s, netmask(ones))
	}
	return ones, nil
}

// netmask is the dotted form of a prefix length.
func netmask(length int) netip.Addr {
	return fromNumber(uint32(uint64(0xffffffff) << (32 - length)))
}

func toNumber(a netip.Addr) uint32 {
	b := a.As4()
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func fromNumber(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

func parseDNS(v any) (any, error) {
	list, err := words(v)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("it names no server")
	}
	var servers []netip.Addr
	var bad itemErrors
	for i, s := range list {
		a, err := parseUsableIPv4(s)
		if err != nil {
			bad = append(bad, itemError{i, err})
		}
		servers = append(servers, a)
	}
	return servers, bad.orNil()
}

// parseAddrsPerNet reads how many addresses a security group's slice has.
func parseAddrsPerNet(v any) (any, error) {
	read, err := number(-1<<31, 1<<31)(v)
	if err != nil {
		return nil, err
	}
	n := read.(int)
	if n < 4 {
		return nil, fmt.Errorf("%d is too small; a slice needs its network, broadcast and router addresses and one guest, 4 in all", n)
	}
	if n&(n-1) != 0 {
		below := 1 << (bits.Len(uint(n)) - 1)
		return nil, fmt.Errorf("%d is not a power of two; the nearest are %d and %d", n, below, below*2)
	}
	if n > 1<<16 {
		return nil, fmt.Errorf("%d is more than 65536 addresses a group", n)
	}
	return n, nil
}
