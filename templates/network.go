package templates

import (
	"math/big"
	"net/netip"
	"strconv"
	"strings"

	"go4.org/netipx"

	"eucactl/jinja"
)

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
		v.Add(v, new(big.Int).Lsh(big.NewInt(1), uint(n.hosts())))
	}
	if v.Sign() < 0 || v.BitLen() > n.addr.BitLen() {
		return netip.Addr{}, false
	}
	raw := v.FillBytes(make([]byte, n.addr.BitLen()/8))
	a, ok := netip.AddrFromSlice(raw)
	return a, ok && n.prefix.Contains(a)
}

func (n network) last() netip.Addr { return netipx.PrefixLastIP(n.prefix.Masked()) }

// hosts are how many bits tell the network's addresses apart.
func (n network) hosts() int { return n.addr.BitLen() - n.prefix.Bits() }

// isAddress tells whether it is one address: a bare one, or one within its network.
func (n network) isAddress() bool {
	return n.hosts() == 0 || n.prefix.Masked().Addr() != n.addr
}

func (n network) size() any {
	v := new(big.Int).Lsh(big.NewInt(1), uint(n.hosts()))
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
