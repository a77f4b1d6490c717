package crowd

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"eucactl/e2e/wire"
)

// offer is what a dhcp server says to a MAC.
type offer struct {
	xid  uint32 // the question's number
	mac  string
	kind byte
	ip   netip.Addr
}

// The kinds of what is said between dhcp servers and clients.
const (
	Discover = 1
	Offer    = 2
	Request  = 3
	Ack      = 5
	Nak      = 6
)

const (
	bootpLen    = 236
	dhcpMagic   = 0x63825363
	dhcpKind    = 53
	dhcpAddress = 50
	dhcpEnd     = 255
)

// AskLease says Discover or Request for a MAC to everybody on a side, and returns the kind of the answer and the address
// in it; none after the limit. want is the address that a request is for.
func (c *Crowd) AskLease(side Side, mac net.HardwareAddr, kind byte, want netip.Addr, limit time.Duration) (byte, netip.Addr, error) {
	on := c.cables[side]
	b := make([]byte, bootpLen, bootpLen+64)
	b[0], b[1], b[2] = 1, 1, 6
	xid := uint32(time.Now().UnixNano())
	binary.BigEndian.PutUint32(b[4:], xid)
	b[10] = 0x80 // answer to everybody: nobody has the address yet
	copy(b[28:], mac)
	b = binary.BigEndian.AppendUint32(b, dhcpMagic)
	b = append(b, dhcpKind, 1, kind)
	if want.IsValid() {
		ip := want.As4()
		b = append(append(b, dhcpAddress, 4), ip[:]...)
	}
	b = append(b, dhcpEnd)
	p := wire.Packet{
		From: netip.IPv4Unspecified(), To: netip.AddrFrom4([4]byte{255, 255, 255, 255}),
		Proto: wire.UDP, SrcPort: 68, DstPort: 67, Payload: b,
	}
	if err := on.Send(wire.Ethernet(broadcast, mac, wire.IPv4, p.Bytes())); err != nil {
		return 0, netip.Addr{}, err
	}
	for late := time.After(limit); ; {
		select {
		case o := <-c.offers:
			if o.xid == xid && o.mac == mac.String() {
				return o.kind, o.ip, nil
			}
		case <-late:
			return 0, netip.Addr{}, nil
		}
	}
}

func offerOf(f wire.Frame) (o offer, ok bool) {
	p, _, b, ok := f.Body()
	if !ok || p.Proto != wire.UDP || len(b) < 8+bootpLen+4 || binary.BigEndian.Uint16(b[2:]) != 68 {
		return o, false
	}
	b = b[8:]
	o.xid = binary.BigEndian.Uint32(b[4:])
	o.mac, o.ip = net.HardwareAddr(b[28:34]).String(), netip.AddrFrom4([4]byte(b[16:20]))
	for options := b[bootpLen+4:]; len(options) > 2 && options[0] != dhcpEnd; {
		if options[0] == 0 {
			options = options[1:]
			continue
		}
		if options[0] == dhcpKind {
			o.kind = options[2]
		}
		options = options[min(len(options), 2+int(options[1])):]
	}
	return o, o.kind != 0
}
