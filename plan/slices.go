package plan

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"eucactl/cloud"
)

// The address layout of the MANAGED modes (guide 1.5.2, and the layout from VLAN 2
// that its implementation had): slice(v) = SUBNET + (v-2)*ADDRSPERNET, its router
// is base+1, its hosts base+2 up to the last but one.
const (
	layoutVLAN = 2
	FirstVLAN  = 10
	lastVLAN   = 4094 // 4095 is reserved (IEEE 802.1Q)
)

// Slice is the part of the subnet that belongs to the network with this index.
func Slice(s cloud.Settings, index int) (netip.Prefix, bool) {
	offset := (index - layoutVLAN) * s.AddrsPerNet
	size := 1 << (32 - s.Subnet.Bits())
	if index < layoutVLAN || offset+s.AddrsPerNet > size {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(nth(s.Subnet.Addr(), offset), 32-log2(s.AddrsPerNet)), true
}

// Slices counts the networks that the subnet has room for, and the instances that
// each can hold.
func Slices(s cloud.Settings) (networks, instances int) {
	last := (1<<(32-s.Subnet.Bits()))/s.AddrsPerNet + layoutVLAN - 1
	return min(last, lastVLAN) - FirstVLAN + 1, s.AddrsPerNet - 3
}

// Gateway is the router's address in a slice.
func Gateway(slice netip.Prefix) netip.Addr { return nth(slice.Addr(), 1) }

// Broadcast is the last address of a slice.
func Broadcast(slice netip.Prefix) netip.Addr { return nth(slice.Addr(), 1<<(32-slice.Bits())-1) }

// Netmask spells a prefix length as an address.
func Netmask(p netip.Prefix) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], ^uint32(0)<<(32-p.Bits()))
	return netip.AddrFrom4(b)
}

// nextHost is the address after last (wrapping within the slice) that free accepts.
func nextHost(slice netip.Prefix, last netip.Addr, free func(netip.Addr) bool) (netip.Addr, bool) {
	n := 1<<(32-slice.Bits()) - 3
	start := 0
	if last.IsValid() && slice.Contains(last) {
		start = int(number(last)-number(slice.Addr())) - 1
	}
	for i := range n {
		ip := nth(slice.Addr(), 2+(start+i)%n)
		if free(ip) {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// MAC is that of an instance's only card: d0:0d: and the four bytes of its id.
func MAC(id cloud.InstanceID) string {
	h := string(id[len(id)-8:])
	return fmt.Sprintf("d0:0d:%s:%s:%s:%s", h[0:2], h[2:4], h[4:6], h[6:8])
}

func number(a netip.Addr) uint32 { b := a.As4(); return binary.BigEndian.Uint32(b[:]) }

func nth(a netip.Addr, n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], number(a)+uint32(n))
	return netip.AddrFrom4(b)
}

func log2(n int) (bits int) {
	for n > 1 {
		n >>= 1
		bits++
	}
	return bits
}
