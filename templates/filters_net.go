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
		return ipQuery(n, query)
	default:
		return nil, fmt.Errorf("%s is no question", describe(query))
	}
}

func nthOf(n network, i int64) any {
	if n.hosts() == 0 {
		return n.String()
	}
	a, ok := n.at(i)
	if !ok {
		return false
	}
	return netip.PrefixFrom(a, n.prefix.Bits()).String()
}

var ipQueries = strings.Fields("address ip host host/prefix address/prefix network network_id network/prefix subnet net netmask hostmask wildcard prefix broadcast " +
	"first_usable last_usable range_usable size size_usable int type bool 4 6 ipv4 ipv6 version private public loopback lo multicast unicast link-local " +
	"network_netmask network_wildcard ip/prefix ip_netmask ip_wildcard next_usable previous_usable peer revdns cidr first last")

// ipQuery answers a question by its name; nothing is the answer where there is none.
func ipQuery(n network, query string) (any, error) {
	masked := n.prefix.Masked()
	only := func(ok bool, v any) (any, error) {
		if !ok {
			return nil, nil
		}
		return v, nil
	}
	switch query {
	case "address", "ip":
		return only(n.isAddress() || n.hosts() == 1, n.addr.String())
	case "host", "host/prefix", "address/prefix", "ip/prefix":
		return only(n.isAddress() || n.hosts() == 1 && query == "ip/prefix", n.prefix.String())
	case "net", "network/prefix":
		return only(n.hosts() > 0 && !n.isAddress(), masked.String())
	case "subnet", "cidr":
		return masked.String(), nil
	case "network", "network_id", "first":
		return masked.Addr().String(), nil
	case "netmask":
		return maskOf(n, false), nil
	case "hostmask", "wildcard":
		return maskOf(n, true), nil
	case "network_netmask", "network_wildcard":
		return masked.Addr().String() + " " + maskOf(n, query == "network_wildcard"), nil
	case "ip_netmask", "ip_wildcard":
		return only(n.isAddress(), n.addr.String()+" "+maskOf(n, query == "ip_wildcard"))
	case "prefix":
		return int64(n.prefix.Bits()), nil
	case "broadcast":
		return only(n.hosts() > 1, n.last().String())
	case "last":
		return n.last().String(), nil
	case "first_usable", "last_usable", "range_usable", "next_usable", "previous_usable", "peer":
		return usableQuery(n, query)
	case "size":
		return n.size(), nil
	case "size_usable":
		return n.sizeUsable(), nil
	case "int":
		return n.number(), nil
	case "type":
		return map[bool]string{true: "address", false: "network"}[n.isAddress()], nil
	case "bool":
		return true, nil
	case "version":
		return map[bool]int64{true: 4, false: 6}[n.addr.Is4()], nil
	case "revdns":
		return reverseName(n.addr), nil
	}
	return ipKind(n, query)
}

func (n network) sizeUsable() any {
	switch size, ok := n.size().(int64); {
	case n.hosts() == 0:
		return int64(0)
	case ok && size > 2:
		return size - 2
	}
	return n.size()
}

func (n network) number() any {
	v := addrNumber(n.addr)
	switch {
	case !n.bare:
		return fmt.Sprintf("%s/%d", v, n.prefix.Bits())
	case v.IsInt64():
		return v.Int64()
	}
	return v.String()
}

// ipKind keeps an address that is of a kind.
func ipKind(n network, query string) (any, error) {
	kinds := map[string]bool{"4": n.addr.Is4(), "ipv4": n.addr.Is4(), "6": n.addr.Is6(), "ipv6": n.addr.Is6(), "private": n.addr.IsPrivate(),
		"public": n.addr.IsGlobalUnicast() && !n.addr.IsPrivate(), "loopback": n.addr.IsLoopback(), "lo": n.addr.IsLoopback(),
		"multicast": n.addr.IsMulticast(), "unicast": !n.addr.IsMulticast(), "link-local": n.addr.IsLinkLocalUnicast()}
	yes, known := kinds[query]
	if !known {
		return nil, fmt.Errorf("unknown question %s%s", shown(query), jinja.Suggest(query, ipQueries))
	}
	if !yes {
		return nil, nil
	}
	return n.String(), nil
}

// usableQuery is for networks: the addresses in them that hosts can have.
func usableQuery(n network, query string) (any, error) {
	if n.bare {
		return nil, errors.New("it is no network but an address")
	}
	first, last := n.prefix.Masked().Addr(), n.last()
	if n.hosts() > 1 {
		first, last = first.Next(), last.Prev()
	}
	usable := func(a netip.Addr) (any, error) {
		if !a.IsValid() || a.Compare(first) < 0 || a.Compare(last) > 0 {
			return nil, nil
		}
		return a.String(), nil
	}
	switch query {
	case "first_usable":
		return first.String(), nil
	case "last_usable":
		return last.String(), nil
	case "range_usable":
		return first.String() + "-" + last.String(), nil
	case "next_usable":
		return usable(n.addr.Next())
	case "previous_usable":
		return usable(n.addr.Prev())
	}
	if n.hosts() != 1 && n.hosts() != 2 {
		return nil, errors.New("only networks of two or four addresses have peers")
	}
	if n.hosts() == 2 && (n.addr == n.prefix.Masked().Addr() || n.addr == n.last()) {
		return nil, errors.New("the address of the network, or the last one, has no peer")
	}
	raw := n.addr.AsSlice()
	raw[len(raw)-1] ^= byte(1<<n.hosts() - 1)
	a, _ := netip.AddrFromSlice(raw)
	return a.String(), nil
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
	if usable && in && n.hosts() > 1 {
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
