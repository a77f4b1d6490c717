// Package crowd puts machines into a lab that are nothing but an address and a MAC, to see what a router makes of single
// packets.
package crowd

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"sync"
	"time"

	"eucactl/e2e/lab"
	"eucactl/e2e/wire"
)

// Side is one of a lab's two switches.
type Side string

// The switches by the names of their bridges.
const (
	Private Side = "priv"
	Public  Side = "pub"
)

// Crowd is any number of machines behind one cable in each of a lab's switches. They have addresses and MACs, answer
// who asks for these, and say and hear single packets: nothing else comes from them, so what a router makes of a packet
// is seen alone. To a router they are what guests and outsiders are.
type Crowd struct {
	cables map[Side]*cable

	mu       sync.Mutex
	machines map[place]net.HardwareAddr
	shots    map[uint32]*flight
	number   uint32
	answered time.Time // when somebody was last told a MAC
	late     []Landing
	offers   chan offer
}

type place struct {
	side Side
	ip   netip.Addr
}

// cable is one of the crowd's, with the router that its machines send everything to.
type cable struct {
	*wire.Wire
	side      Side
	router    netip.Addr
	routerMAC net.HardwareAddr
	heard     chan arp // answers to questions of ours
}

// flight is a shot on its way.
type flight struct {
	shot   Shot
	landed wire.Packet
	over   bool // Try does not wait any more
}

// space is the network namespace of the crowd, next to those of the lab's hosts.
const space = "crowd"

// Join plugs a crowd into a lab's switches. The router of each side is a host's address there.
func Join(l *lab.Lab, routers map[Side]netip.Addr) (*Crowd, error) {
	c := &Crowd{
		cables: map[Side]*cable{}, machines: map[place]net.HardwareAddr{}, shots: map[uint32]*flight{}, number: 1 << 24,
		offers: make(chan offer, 64),
	}
	// It has no address of its own, and must not find one.
	if err := command("ip", "netns", "add", l.Net(space)); err != nil {
		return nil, err
	}
	for side, router := range routers {
		dev, port := "crowd-"+string(side), "crowd."+string(side)
		for _, args := range [][]string{
			{"-n", l.Net("."), "link", "add", port, "type", "veth", "peer", "name", dev, "netns", l.Net(space)},
			{"-n", l.Net("."), "link", "set", port, "master", string(side), "up"},
			{"-n", l.Net(space), "link", "set", dev, "addrgenmode", "none", "up"},
		} {
			if err := command("ip", args...); err != nil {
				return nil, err
			}
		}
		one := &cable{side: side, router: router, heard: make(chan arp, 16)}
		err := l.Inside(space, func() (err error) { one.Wire, err = wire.Open(dev); return err })
		if err != nil {
			return nil, err
		}
		c.cables[side] = one
		go c.hear(one)
		if one.routerMAC, err = one.find(router, 20*time.Second); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func command(name string, args ...string) error {
	if words, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, words)
	}
	return nil
}

// Close unplugs it. The lab's end does that too.
func (c *Crowd) Close() error {
	var errs []error
	for _, one := range c.cables {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// Add lets a machine join; it has one MAC for all its addresses, if it has several.
func (c *Crowd) Add(side Side, ip netip.Addr, mac net.HardwareAddr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machines[place{side, ip}] = mac
}

// MAC is that of a machine.
func (c *Crowd) MAC(side Side, ip netip.Addr) net.HardwareAddr {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machines[place{side, ip}]
}

// find asks for the MAC of an address without saying who asks, so nobody learns anything by it.
func (c *cable) find(ip netip.Addr, limit time.Duration) (net.HardwareAddr, error) {
	question := arp{arpRequest, c.MAC, netip.IPv4Unspecified(), ip}.frame(broadcast)
	for begin := time.Now(); ; {
		if err := c.Send(question); err != nil {
			return nil, err
		}
		again := time.After(min(limit, 200*time.Millisecond))
		for waiting := true; waiting; {
			select {
			case a := <-c.heard:
				if a.from == ip {
					return a.fromMAC, nil
				}
			case <-again:
				waiting = false
			}
		}
		if time.Since(begin) > limit {
			return nil, fmt.Errorf("nobody answers for %s", ip)
		}
	}
}

// hear answers questions for the machines' MACs, and notes which packets arrive.
func (c *Crowd) hear(on *cable) {
	for buf := make([]byte, 1<<16); ; {
		f, err := on.Next(buf)
		if err != nil {
			return
		}
		if f.Out {
			continue
		}
		if a, ok := arpOf(f); ok {
			c.tell(on, a)
		} else if p, ok := f.Packet(); ok {
			c.land(on, p)
		} else if o, ok := offerOf(f); ok {
			select {
			case c.offers <- o:
			default: // nobody reads them
			}
		}
	}
}

func (c *Crowd) tell(on *cable, a arp) {
	if a.op == arpReply {
		select {
		case on.heard <- a:
		default:
		}
		return
	}
	c.mu.Lock()
	mac, ok := c.machines[place{on.side, a.to}]
	c.answered = time.Now()
	c.mu.Unlock()
	if ok {
		_ = on.Send(arp{arpReply, mac, a.to, a.from}.frame(a.fromMAC)) // who asked asks again
	}
}
