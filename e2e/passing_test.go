package e2e

import (
	"encoding/binary"
	"hash/fnv"
	"sync"

	"eucactl/e2e/wire"
)

// passing is the packets of calls that enter a router, and those that leave it: by their ports, which no translation
// changes here, and by what is in them.
type passing struct {
	mu            sync.Mutex
	entered, left map[passed]int
}

type passed struct {
	proto    byte
	from, to uint16 // ports
	id       uint16 // of the IP header: what is sent again has another
	content  uint32
}

// watch listens at devices of a router: first for what leaves and then for what enters, so that nothing which is seen to
// enter has left unseen.
func (b *switchboard) watch(host string, devs ...string) (*passing, error) {
	p := &passing{entered: map[passed]int{}, left: map[passed]int{}}
	for _, leaving := range []bool{true, false} {
		for _, dev := range devs {
			err := b.w.lab.Inside(host, func() error {
				one, err := wire.Open(dev)
				if err == nil {
					go p.read(one, leaving)
				}
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

func (p *passing) read(from *wire.Wire, leaving bool) {
	for buf := make([]byte, 1<<16); ; {
		f, err := from.Next(buf)
		if err != nil {
			return
		}
		head, id, body, ok := f.Body()
		if !ok || f.Foreign || f.Out != leaving || head.Proto != wire.TCP && head.Proto != wire.UDP || len(body) < 8 {
			continue
		}
		if head.Proto == wire.TCP && (len(body) < 20 || body[13]&wire.RST != 0) {
			continue // it answers what comes in after the end: nobody misses it
		}
		// The checksum covers addresses, which are translated; the last of tcp's header and all of the payload are as they were.
		sum := fnv.New32a()
		if head.Proto == wire.TCP {
			_, _ = sum.Write(body[4:16])
			_, _ = sum.Write(body[20:])
		} else {
			_, _ = sum.Write(body[8:])
		}
		one := passed{head.Proto, binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:]), id, sum.Sum32()}
		p.mu.Lock()
		if f.Out {
			p.left[one]++
		} else {
			p.entered[one]++
		}
		p.mu.Unlock()
	}
}

// lost are the packets of each caller's and server's ports that entered and did not leave.
func (p *passing) lost() map[passed]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	lost := map[passed]int{}
	for one, n := range p.entered {
		if gone := n - p.left[one]; gone > 0 {
			lost[passed{proto: one.proto, from: one.from, to: one.to}] += gone
		}
	}
	return lost
}
