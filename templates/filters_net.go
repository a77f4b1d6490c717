package templates

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"

	"eucactl/jinja"
)

// netFilters speak of addresses and networks as ansible.utils' do.
func netFilters() map[string]jinja.Filter {
	ask := func(version int) jinja.Filter {
		return jinja.F("query version", func(c *jinja.Call) (any, error) { return ipFilter(c, version) })
	}
	return map[string]jinja.Filter{
		"cidr_merge":          do(cidrMerge),
		"ipaddr":              ask(0),
		"ipsubnet":            jinja.F("query index", ipSubnet),
		"ipv4":                ask(4),
		"ipv6":                ask(6),
		"ipwrap":              do(ipWrap),
		"next_nth_usable":     jinja.F("offset", func(c *jinja.Call) (any, error) { return nthUsable(c, 1) }),
		"nthhost":             jinja.F("query", nthHost),
		"previous_nth_usable": jinja.F("offset", func(c *jinja.Call) (any, error) { return nthUsable(c, -1) }),
		"network_in_usable":   jinja.F("test", func(c *jinja.Call) (any, error) { return inNetwork(c, true) }),
		"network_in_network":  jinja.F("test", func(c *jinja.Call) (any, error) { return inNetwork(c, false) }),
		"reduce_on_network":   jinja.F("network", reduceOnNetwork),
	}
}

// network is an address, with its network if it was written with one.
type network struct {
	addr   netip.Addr
	prefix netip.Prefix // of the host bits' length for a bare address
	bare   bool
}

// parseNetwork reads ADDRESS, ADDRESS/BITS, ADDRESS/NETMASK or a number.
func parseNetwork(v any) (network, bool) {
	var text string
	switch v := jinja.Norm(v).(type) {
	case string:
		text = strings.TrimSpace(v)
	case int64:
		if v < 0 || v > 0xffffffff {
			return network{}, false
		}
		a := netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		return network{a, netip.PrefixFrom(a, 32), true}, true
	}
	host, bits, has := strings.Cut(text, "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		return network{}, false
	}
	if !has {
		return network{a, netip.PrefixFrom(a, a.BitLen()), true}, true
	}
	n, err := strconv.Atoi(bits)
	if err != nil {
		m, ok := maskBits(bits)
		if !ok {
			return network{}, false
		}
		n = m
	}
	p := netip.PrefixFrom(a, n)
	return network{a, p, false}, p.IsValid()
}

func maskBits(text string) (int, bool) {
	m, err := netip.ParseAddr(text)
	if err != nil || !m.Is4() {
		return 0, false
	}
	b := m.As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	n := 0
	for ; v&(1<<31) != 0; v <<= 1 {
		n++
	}
	return n, v == 0
}

// number is an address as a number.
func addrNumber(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

// at is the address n after the first of a network, or before its end if n is below zero.
func (n network) at(i int64) (netip.Addr, bool) {
	first := addrNumber(n.prefix.Masked().Addr())
	v := new(big.Int).Add(first, big.NewInt(i))
	if i < 0 {
		v.Add(v, new(big.Int).Lsh(big.NewInt(1), uint(n.addr.BitLen()-n.prefix.Bits())))
	}
	if v.Sign() < 0 || v.BitLen() > n.addr.BitLen() {
		return netip.Addr{}, false
	}
	raw := v.FillBytes(make([]byte, n.addr.BitLen()/8))
	a, ok := netip.AddrFromSlice(raw)
	return a, ok && n.prefix.Contains(a)
}

func (n network) last() netip.Addr { return netipx.PrefixLastIP(n.prefix.Masked()) }

// isAddress tells whether it is one address: a bare one, or one within its network.
func (n network) isAddress() bool {
	return n.bare || n.prefix.Masked().Addr() != n.addr || n.prefix.Bits() >= n.addr.BitLen()-1
}

func (n network) size() any {
	v := new(big.Int).Lsh(big.NewInt(1), uint(n.addr.BitLen()-n.prefix.Bits()))
	if v.IsInt64() {
		return v.Int64()
	}
	return v.String()
}

func (n network) String() string {
	if n.bare {
		return n.addr.String()
	}
	return n.prefix.String()
}

// ipFilter answers one question of an address or of each address of a list; what
// is no answer is false, and left out of a list.
func ipFilter(c *jinja.Call, version int) (any, error) {
	if c.Arg(1, nil) != nil {
		version = c.Int(1, 0)
	}
	list, isList := c.In.([]any)
	if !isList {
		return ipAnswer(c, c.In, version)
	}
	out := []any{}
	for _, item := range list {
		v, err := ipAnswer(c, jinja.Norm(item), version)
		if err != nil {
			return nil, err
		}
		if v != any(false) && v != nil {
			out = append(out, v)
		}
	}
	return out, nil
}

func ipAnswer(c *jinja.Call, v any, version int) (any, error) {
	if err, broken := v.(error); broken {
		return nil, err
	}
	n, ok := parseNetwork(v)
	if !ok || version == 4 && !n.addr.Is4() || version == 6 && !n.addr.Is6() {
		return false, nil
	}
	switch query := c.Arg(0, "").(type) {
	case int64:
		return nthOf(n, query), nil
	case string:
		if query == "" {
			return jinja.Str(v), nil
		}
		if i, err := strconv.ParseInt(query, 10, 64); err == nil {
			return nthOf(n, i), nil
		}
		if other, ok := parseNetwork(query); ok {
			if other.prefix.Masked().Contains(n.addr) {
				return jinja.Str(v), nil
			}
			return false, nil
		}
		answer, known := ipQuery(n, query)
		if !known {
			return nil, fmt.Errorf("unknown question %s%s", shown(query), jinja.Suggest(query, ipQueries))
		}
		return answer, nil
	default:
		return nil, fmt.Errorf("%s is no question", describe(query))
	}
}

func nthOf(n network, i int64) any {
	a, ok := n.at(i)
	if !ok || n.bare {
		return false
	}
	return netip.PrefixFrom(a, n.prefix.Bits()).String()
}

var ipQueries = strings.Fields("address ip host host/prefix address/prefix network network_id network/prefix subnet net netmask hostmask wildcard prefix broadcast " +
	"first_usable last_usable range_usable size size_usable int type bool 4 6 ipv4 ipv6 version private public loopback lo multicast unicast link-local " +
	"network_netmask network_wildcard ip/prefix ip_netmask ip_wildcard next_usable previous_usable peer revdns cidr first last")

// ipQuery answers a question by its name.
func ipQuery(n network, query string) (any, bool) {
	masked := n.prefix.Masked()
	when := func(ok bool, v any) (any, bool) {
		if !ok {
			return false, true
		}
		return v, true
	}
	usable := n.addr.BitLen()-n.prefix.Bits() >= 2
	switch query {
	case "address", "ip":
		return when(n.isAddress(), n.addr.String())
	case "host", "host/prefix", "address/prefix", "ip/prefix":
		return when(n.isAddress(), n.prefix.String())
	case "net", "subnet":
		return when(!n.isAddress() || query == "subnet", masked.String())
	case "network/prefix", "cidr":
		return masked.String(), true
	case "network", "network_id", "first":
		return masked.Addr().String(), true
	case "netmask":
		return maskOf(n, false), true
	case "hostmask", "wildcard":
		return maskOf(n, true), true
	case "network_netmask", "ip_netmask", "network_wildcard", "ip_wildcard":
		a := n.addr
		if strings.HasPrefix(query, "network") {
			a = masked.Addr()
		}
		return a.String() + " " + maskOf(n, strings.HasSuffix(query, "wildcard")), true
	case "prefix":
		return int64(n.prefix.Bits()), true
	case "broadcast":
		return when(usable && n.addr.Is4(), n.last().String())
	case "last":
		return n.last().String(), true
	case "first_usable", "last_usable", "range_usable", "next_usable", "previous_usable", "peer":
		return usableQuery(n, query, usable)
	case "size":
		return n.size(), true
	case "size_usable":
		size, ok := n.size().(int64)
		if ok && usable {
			return size - 2, true
		}
		return n.size(), true
	case "int":
		v := addrNumber(n.addr)
		text := v.String()
		if !n.bare {
			return fmt.Sprintf("%s/%d", text, n.prefix.Bits()), true
		}
		if v.IsInt64() {
			return v.Int64(), true
		}
		return text, true
	case "type":
		return map[bool]string{true: "address", false: "network"}[n.isAddress()], true
	case "bool":
		return true, true
	case "version":
		return map[bool]int64{true: 4, false: 6}[n.addr.Is4()], true
	case "revdns":
		return reverseName(n.addr), true
	}
	return ipKind(n, query)
}

// ipKind keeps an address that is of a kind.
func ipKind(n network, query string) (any, bool) {
	kinds := map[string]bool{"4": n.addr.Is4(), "ipv4": n.addr.Is4(), "6": n.addr.Is6(), "ipv6": n.addr.Is6(), "private": n.addr.IsPrivate(),
		"public": n.addr.IsGlobalUnicast() && !n.addr.IsPrivate(), "loopback": n.addr.IsLoopback(), "lo": n.addr.IsLoopback(),
		"multicast": n.addr.IsMulticast(), "unicast": !n.addr.IsMulticast(), "link-local": n.addr.IsLinkLocalUnicast()}
	yes, known := kinds[query]
	if !known {
		return nil, false
	}
	if !yes {
		return false, true
	}
	return n.String(), true
}

func maskOf(n network, inverted bool) string {
	raw := make([]byte, n.addr.BitLen()/8)
	for i := range n.addr.BitLen() {
		if (i < n.prefix.Bits()) != inverted {
			raw[i/8] |= 0x80 >> (i % 8)
		}
	}
	a, _ := netip.AddrFromSlice(raw)
	return a.String()
}

func usableQuery(n network, query string, usable bool) (any, bool) {
	first, _ := n.at(1)
	last := n.last().Prev()
	if !usable {
		first, last = n.prefix.Masked().Addr(), n.last()
	}
	if n.addr.Is6() && usable {
		last = n.last()
	}
	switch query {
	case "first_usable":
		return first.String(), true
	case "last_usable":
		return last.String(), true
	case "range_usable":
		return first.String() + "-" + last.String(), true
	case "next_usable":
		if a := n.addr.Next(); a.Compare(last) <= 0 && a.Compare(first) >= 0 {
			return a.String(), true
		}
	case "previous_usable":
		if a := n.addr.Prev(); a.IsValid() && a.Compare(first) >= 0 && a.Compare(last) <= 0 {
			return a.String(), true
		}
	case "peer":
		if bits := n.addr.BitLen() - n.prefix.Bits(); bits == 1 || bits == 2 {
			if a := n.addr.Next(); n.prefix.Contains(a) && a != n.last() || bits == 1 && n.prefix.Contains(a) {
				return a.String(), true
			}
			return n.addr.Prev().String(), true
		}
	}
	return false, true
}

func reverseName(a netip.Addr) string {
	var parts []string
	if a.Is4() {
		for _, b := range a.As4() {
			parts = append([]string{strconv.Itoa(int(b))}, parts...)
		}
		return strings.Join(parts, ".") + ".in-addr.arpa."
	}
	for _, b := range a.As16() {
		parts = append([]string{strconv.FormatInt(int64(b&15), 16), strconv.FormatInt(int64(b>>4), 16)}, parts...)
	}
	return strings.Join(parts, ".") + ".ip6.arpa."
}

func mustNetwork(v any) (network, error) {
	n, ok := parseNetwork(v)
	if !ok {
		return network{}, fmt.Errorf("%s is no address or network", describe(v))
	}
	return n, nil
}

func nthHost(c *jinja.Call) (any, error) {
	n, ok := parseNetwork(c.In)
	if !ok {
		return false, nil
	}
	a, ok := n.at(int64(c.Int(0, 0)))
	if !ok {
		return false, nil
	}
	return a.String(), nil
}

// nthUsable is the address some places further.
func nthUsable(c *jinja.Call, sign int64) (any, error) {
	n, ok := parseNetwork(c.In)
	if !ok || n.bare {
		return false, nil
	}
	from := new(big.Int).Sub(addrNumber(n.addr), addrNumber(n.prefix.Masked().Addr()))
	if !from.IsInt64() {
		return nil, errors.New("an address too far into its network")
	}
	a, ok := n.at(max(from.Int64()+sign*int64(c.Int(0, 1)), 0))
	if !ok || a == n.prefix.Masked().Addr() || a == n.last() {
		return false, nil
	}
	return a.String(), nil
}

func ipWrap(c *jinja.Call) (any, error) {
	s := c.InText()
	host, bits, has := strings.Cut(s, "/")
	a, err := netip.ParseAddr(host)
	if err != nil || !a.Is6() {
		return s, nil
	}
	if has {
		return "[" + host + "]/" + bits, nil
	}
	return "[" + host + "]", nil
}

func inNetwork(c *jinja.Call, usable bool) (any, error) {
	n, err := mustNetwork(c.In)
	if err != nil {
		return nil, err
	}
	other, err := mustNetwork(c.Arg(0, nil))
	if err != nil {
		return nil, err
	}
	in := n.prefix.Masked().Contains(other.addr) && other.prefix.Bits() >= n.prefix.Bits()
	if usable && in && n.addr.BitLen()-n.prefix.Bits() >= 2 {
		in = other.addr != n.prefix.Masked().Addr() && other.addr != n.last()
	}
	return in, nil
}

func reduceOnNetwork(c *jinja.Call) (any, error) {
	n, err := mustNetwork(c.Arg(0, nil))
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, item := range c.InList() {
		if a, ok := parseNetwork(item); ok && n.prefix.Masked().Contains(a.addr) {
			out = append(out, item)
		}
	}
	return out, nil
}

// ipSubnet counts, or names, the networks of a size in another; without a size it
// is the network itself, and a network as its size asks which of them it is in.
func ipSubnet(c *jinja.Call) (any, error) {
	n, ok := parseNetwork(c.In)
	if !ok {
		return false, nil
	}
	query := c.Text(0, "")
	if query == "" {
		return n.prefix.Masked().String(), nil
	}
	bits, err := strconv.Atoi(query)
	if err != nil || bits < 0 || bits > n.addr.BitLen() {
		return false, nil
	}
	if n.bare {
		if c.Arg(1, nil) == nil {
			return netip.PrefixFrom(n.addr, bits).Masked().String(), nil
		}
		bits, n.prefix = int(c.Int(1, 0)), netip.PrefixFrom(n.addr, bits)
		if bits < 0 || bits > n.addr.BitLen() {
			return false, nil
		}
		return netip.PrefixFrom(n.addr, bits).Masked().String(), nil
	}
	more := bits - n.prefix.Bits()
	if c.Arg(1, nil) == nil {
		if more < 0 || more > 62 {
			return false, nil
		}
		return strconv.FormatInt(1<<more, 10), nil
	}
	if more < 0 {
		return netip.PrefixFrom(n.addr, bits).Masked().String(), nil
	}
	if more > 62 {
		return nil, errors.New("more networks than can be counted")
	}
	i := int64(c.Int(1, 0))
	if i < 0 {
		i += 1 << more
	}
	if i < 0 || i >= 1<<more {
		return false, nil
	}
	v := new(big.Int).Lsh(big.NewInt(i), uint(n.addr.BitLen()-bits))
	v.Add(v, addrNumber(n.prefix.Masked().Addr()))
	a, _ := netip.AddrFromSlice(v.FillBytes(make([]byte, n.addr.BitLen()/8)))
	return netip.PrefixFrom(a, bits).String(), nil
}

func cidrMerge(c *jinja.Call) (any, error) {
	var b netipx.IPSetBuilder
	for _, item := range c.InList() {
		n, err := mustNetwork(item)
		if err != nil {
			return nil, err
		}
		b.AddPrefix(n.prefix.Masked())
	}
	set, err := b.IPSet()
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, p := range set.Prefixes() {
		out = append(out, p.String())
	}
	return out, nil
}
