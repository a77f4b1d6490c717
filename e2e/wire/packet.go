package wire

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
)

// Ethernet's: how long its header is, and what it carries.
const (
	HeaderLen = 14
	IPv4      = 0x0800
	ARP       = 0x0806
)

// The protocols that packets can be made of; any other number has nothing but a payload.
const (
	ICMP = 1
	TCP  = 6
	UDP  = 17
)

// Flags of a tcp segment.
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// Packet is an IPv4 packet. Number is carried where no router changes it, so that the packet is known wherever it comes
// out: in tcp it is the sequence number, everywhere else it stands in the payload.
type Packet struct {
	From, To   netip.Addr
	Proto      byte
	SrcPort    uint16
	DstPort    uint16
	Type, Code byte // of icmp
	Flags      byte // of tcp; none: SYN
	Number     uint32
	Payload    []byte // instead of the number
}

func (p Packet) String() string {
	switch p.Proto {
	case TCP, UDP:
		return fmt.Sprintf("%s %s:%d > %s:%d", map[byte]string{TCP: "tcp", UDP: "udp"}[p.Proto], p.From, p.SrcPort, p.To, p.DstPort)
	case ICMP:
		return fmt.Sprintf("icmp %d/%d %s > %s", p.Type, p.Code, p.From, p.To)
	}
	return fmt.Sprintf("protocol %d %s > %s", p.Proto, p.From, p.To)
}

// magic stands before the number in a payload.
const magic = 0xe0ca9a7e

// Bytes is the packet with its checksums.
func (p Packet) Bytes() []byte {
	body := p.body()
	head := make([]byte, 20, 20+len(body))
	head[0] = 0x45
	binary.BigEndian.PutUint16(head[2:], uint16(20+len(body)))
	binary.BigEndian.PutUint16(head[4:], uint16(p.Number))
	head[8], head[9] = 64, p.Proto
	from, to := p.From.As4(), p.To.As4()
	copy(head[12:], from[:])
	copy(head[16:], to[:])
	binary.BigEndian.PutUint16(head[10:], checksum(head))
	return append(head, body...)
}

func (p Packet) body() []byte {
	number := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, magic), p.Number)
	if p.Payload != nil {
		number = p.Payload
	}
	switch p.Proto {
	case ICMP:
		b := append([]byte{p.Type, p.Code, 0, 0, 0, 0, 0, 0}, number...)
		binary.BigEndian.PutUint32(b[4:], bits.RotateLeft32(p.Number, 16)) // the identifier, by which flows are told apart, comes first
		binary.BigEndian.PutUint16(b[2:], checksum(b))
		return b
	case TCP:
		b := make([]byte, 20)
		binary.BigEndian.PutUint16(b, p.SrcPort)
		binary.BigEndian.PutUint16(b[2:], p.DstPort)
		binary.BigEndian.PutUint32(b[4:], p.Number)
		b[12], b[13] = 5<<4, p.Flags
		if p.Flags == 0 {
			b[13] = SYN
		}
		binary.BigEndian.PutUint16(b[14:], 1<<14)
		binary.BigEndian.PutUint16(b[16:], p.pseudoChecksum(b))
		return b
	case UDP:
		b := append(make([]byte, 8), number...)
		binary.BigEndian.PutUint16(b, p.SrcPort)
		binary.BigEndian.PutUint16(b[2:], p.DstPort)
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
		sum := p.pseudoChecksum(b)
		if sum == 0 {
			sum = 0xffff
		}
		binary.BigEndian.PutUint16(b[6:], sum)
		return b
	}
	return append(make([]byte, portless), number...)
}

// portless is the length of what stands before the number where there are no ports: zeros, which is a header that gre
// understands and no other protocol minds.
const portless = 4

// pseudoChecksum is that of tcp and udp, which have the addresses in theirs.
func (p Packet) pseudoChecksum(body []byte) uint16 {
	from, to := p.From.As4(), p.To.As4()
	pseudo := append(append(append([]byte{}, from[:]...), to[:]...), 0, p.Proto)
	return checksum(append(binary.BigEndian.AppendUint16(pseudo, uint16(len(body))), body...))
}

func checksum(b []byte) uint16 {
	sum := uint32(0)
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// Body is the transport part of an IPv4 frame, with the header's identification.
func (f Frame) Body() (p Packet, id uint16, body []byte, ok bool) {
	if len(f.Bytes) < HeaderLen+20 || binary.BigEndian.Uint16(f.Bytes[12:]) != IPv4 {
		return p, 0, nil, false
	}
	ip := f.Bytes[HeaderLen:]
	head, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
	if head < 20 || total < head || total > len(ip) {
		return p, 0, nil, false
	}
	p.From, p.To, p.Proto = netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20])), ip[9]
	return p, binary.BigEndian.Uint16(ip[4:]), ip[head:total], true
}

// Packet reads a frame back into what was sent. Of a tcp segment the number is the sequence number, whoever sent it.
func (f Frame) Packet() (p Packet, ok bool) {
	p, _, b, ok := f.Body()
	if !ok {
		return p, false
	}
	payload := b
	switch p.Proto {
	case TCP:
		if len(b) < 20 {
			return p, false
		}
		p.SrcPort, p.DstPort, p.Flags = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), b[13]
		p.Number = binary.BigEndian.Uint32(b[4:])
		return p, true
	case UDP:
		if len(b) < 8 {
			return p, false
		}
		p.SrcPort, p.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		payload = b[8:]
	case ICMP:
		if len(b) < 8 {
			return p, false
		}
		p.Type, p.Code = b[0], b[1]
		payload = b[8:]
	default:
		payload = b[min(len(b), portless):]
	}
	if len(payload) < 8 || binary.BigEndian.Uint32(payload) != magic {
		return p, false
	}
	p.Number = binary.BigEndian.Uint32(payload[4:])
	return p, true
}

// Ethernet is a frame's header and what it carries.
func Ethernet(to, from net.HardwareAddr, kind uint16, body []byte) []byte {
	frame := append(append(make([]byte, 0, HeaderLen+len(body)), to...), from...)
	return append(binary.BigEndian.AppendUint16(frame, kind), body...)
}
