package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// segment is one tcp segment as it is the same on both sides of a router that translates addresses.
type segment struct {
	toServer bool
	id       uint16 // of the IP header: one sent again has another
	seq, ack uint32
	length   int
	flags    byte
}

// forwarded prints how many segments of a tcp port entered the router from each side, and how many of these left it on
// the other.
func forwarded(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: probe forwarded DURATION IN OUT PORT")
	}
	length, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(args[3], 10, 16)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	entered, left := map[segment]int{}, map[segment]int{}
	for _, dev := range args[1:3] {
		s, err := sniff(dev)
		if err != nil {
			return err
		}
		go func() {
			for buf := make([]byte, 65536); ; {
				p, ok := s.next(buf)
				g, mine := segmentOf(p, uint16(port))
				if !ok || !mine {
					continue
				}
				mu.Lock()
				if p.out {
					left[g]++
				} else {
					entered[g]++
				}
				mu.Unlock()
			}
		}()
	}
	time.Sleep(length)
	mu.Lock()
	defer mu.Unlock()
	for _, toServer := range []bool{true, false} {
		in, out := 0, 0
		for g, n := range entered {
			if g.toServer == toServer {
				in += n
				out += min(n, left[g])
				if n > left[g] {
					fmt.Fprintf(os.Stderr, "lost: %+v\n", g)
				}
			}
		}
		fmt.Printf("%s: entered %d, left %d, lost %d\n", map[bool]string{true: "to the server", false: "from the server"}[toServer], in, out, in-out)
	}
	return nil
}

func segmentOf(p packet, port uint16) (segment, bool) {
	// Resets answer what comes in after the end, when the router has forgotten the flow: nobody misses them.
	if p.proto != unix.IPPROTO_TCP || len(p.body) < 20 || p.body[13]&4 != 0 {
		return segment{}, false
	}
	from, to := binary.BigEndian.Uint16(p.body), binary.BigEndian.Uint16(p.body[2:])
	return segment{
		toServer: to == port, id: p.id, seq: binary.BigEndian.Uint32(p.body[4:]), ack: binary.BigEndian.Uint32(p.body[8:]), length: len(p.body), flags: p.body[13],
	}, from == port || to == port
}
