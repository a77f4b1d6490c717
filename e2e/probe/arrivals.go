package main

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// sniffer reads the IPv4 packets of an interface below any filter of this host.
type sniffer struct{ fd int }

func sniff(dev string) (*sniffer, error) {
	link, err := net.InterfaceByName(dev)
	if err != nil {
		return nil, err
	}
	// Only who asks for all protocols sees what this host sends.
	proto := bits.ReverseBytes16(unix.ETH_P_ALL)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(proto))
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	return &sniffer{fd}, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: link.Index})
}

// packet is what is told of one: its transport part and whether this host sent it.
type packet struct {
	from, to netip.Addr
	proto    byte
	id       uint16
	out      bool
	body     []byte
}

func (s *sniffer) next(buf []byte) (p packet, ok bool) {
	n, from, err := unix.Recvfrom(s.fd, buf, 0)
	if err != nil || n < 20 {
		return p, false
	}
	link, _ := from.(*unix.SockaddrLinklayer)
	head := int(buf[0]&15) * 4
	total := int(binary.BigEndian.Uint16(buf[2:]))
	if link == nil || link.Protocol != bits.ReverseBytes16(unix.ETH_P_IP) || link.Pkttype == unix.PACKET_OTHERHOST || head+8 > n || total > n || total < head {
		return p, false
	}
	return packet{
		from: netip.AddrFrom4([4]byte(buf[12:16])), to: netip.AddrFrom4([4]byte(buf[16:20])), proto: buf[9],
		id: binary.BigEndian.Uint16(buf[4:]), out: link.Pkttype == unix.PACKET_OUTGOING, body: buf[head:total],
	}, true
}

// arrivals counts what comes in, each request once however often it is sent again.
type arrivals struct {
	mu        sync.Mutex
	seen      map[netip.Addr]map[string]map[uint64]bool // source -> protocol -> request
	redirects int
}

func watchArrivals(dev string) (*arrivals, error) {
	s, err := sniff(dev)
	if err != nil {
		return nil, err
	}
	a := &arrivals{seen: map[netip.Addr]map[string]map[uint64]bool{}}
	go func() {
		for buf := make([]byte, 65536); ; {
			if p, ok := s.next(buf); ok && !p.out {
				a.add(p)
			}
		}
	}()
	return a, nil
}

func (a *arrivals) add(p packet) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var proto string
	var key uint64
	switch {
	case p.proto == unix.IPPROTO_ICMP && p.body[0] == 5:
		a.redirects++
		return
	case p.proto == unix.IPPROTO_ICMP && p.body[0] == 8:
		proto, key = "icmp", uint64(binary.BigEndian.Uint32(p.body[4:]))
	case p.proto == unix.IPPROTO_TCP && len(p.body) >= 20 && p.body[13]&0x12 == 0x02: // SYN without ACK
		proto, key = "tcp", uint64(binary.BigEndian.Uint32(p.body))
	case p.proto == unix.IPPROTO_UDP:
		n, err := strconv.ParseUint(string(p.body[8:]), 10, 32)
		if err != nil { // an answer, or a lease
			return
		}
		proto, key = "udp", n<<32|uint64(binary.BigEndian.Uint32(p.body))
	default:
		return
	}
	if a.seen[p.from] == nil {
		a.seen[p.from] = map[string]map[uint64]bool{}
	}
	if a.seen[p.from][proto] == nil {
		a.seen[p.from][proto] = map[uint64]bool{}
	}
	a.seen[p.from][proto][key] = true
}

func (a *arrivals) lines() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var lines []string
	for from, protos := range a.seen {
		lines = append(lines, fmt.Sprintf("arrived from %s: tcp %d udp %d icmp %d\n", from, len(protos["tcp"]), len(protos["udp"]), len(protos["icmp"])))
	}
	slices.Sort(lines)
	return strings.Join(lines, "") + fmt.Sprintf("redirects: %d\n", a.redirects)
}
