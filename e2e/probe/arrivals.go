package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"eucactl/e2e/wire"
)

// sniffer reads the IPv4 packets of an interface below any filter of this host.
type sniffer struct{ *wire.Wire }

func sniff(dev string) (sniffer, error) {
	w, err := wire.Open(dev)
	return sniffer{w}, err
}

// packet is what is told of one: its transport part and whether this host sent it.
type packet struct {
	from, to netip.Addr
	proto    byte
	id       uint16
	out      bool
	body     []byte
}

func (s sniffer) next(buf []byte) (p packet, ok bool) {
	f, err := s.Next(buf)
	if err != nil || f.Foreign {
		return p, false
	}
	head, id, body, ok := f.Body()
	return packet{from: head.From, to: head.To, proto: head.Proto, id: id, out: f.Out, body: body}, ok && len(body) >= 8
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
