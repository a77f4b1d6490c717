package crowd

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"

	"eucactl/e2e/wire"
)

// The two things that are said in ARP.
const (
	arpRequest = 1
	arpReply   = 2
)

// arp is what one says to another: of an address, and where it is.
type arp struct {
	op       uint16
	fromMAC  net.HardwareAddr
	from, to netip.Addr
}

var (
	arpHead   = []byte{0, 1, 8, 0, 6, 4} // Ethernet and IPv4, and how long their addresses are
	broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

func arpOf(f wire.Frame) (a arp, ok bool) {
	b := f.Bytes
	if len(b) < wire.HeaderLen+28 || binary.BigEndian.Uint16(b[12:]) != wire.ARP || !bytes.Equal(b[wire.HeaderLen:wire.HeaderLen+6], arpHead) {
		return a, false
	}
	b = b[wire.HeaderLen:]
	return arp{
		binary.BigEndian.Uint16(b[6:]), bytes.Clone(b[8:14]), netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28])),
	}, true
}

// frame says it to a MAC; a question goes to everybody.
func (a arp) frame(to net.HardwareAddr) []byte {
	b := binary.BigEndian.AppendUint16(bytes.Clone(arpHead), a.op)
	from, about := a.from.As4(), a.to.As4()
	b = append(append(b, a.fromMAC...), from[:]...)
	b = append(append(b, to...), about[:]...)
	return wire.Ethernet(to, a.fromMAC, wire.ARP, b)
}
