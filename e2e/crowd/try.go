package crowd

import (
	"net"
	"time"

	"eucactl/e2e/wire"
)

// Shot is a packet that one of a crowd's machines sends to the router of its side.
type Shot struct {
	wire.Packet
	Side Side
	MAC  net.HardwareAddr // the sender's; none: that of the machine with the address
	Sure bool             // it is expected to arrive, and waited for
	// Answered: of udp. Where it arrives it is answered, so that the router knows a flow of the two. A source port that
	// is given makes all shots that are alike one flow.
	Answered bool
}

// Landing is a shot and how the packet looked where it came out; a zero packet if it did not.
type Landing struct {
	Shot
	Landed wire.Packet
}

// Arrived says whether the packet came out at any machine of the crowd.
func (l Landing) Arrived() bool { return l.Landed.To.IsValid() }

const (
	patience = 2 * time.Second        // for what is sure to arrive
	resend   = 200 * time.Millisecond // it may get lost as any packet may
	lookup   = 60 * time.Millisecond  // a router that asked for a MAC sends what waited for it
	calm     = 3 * time.Millisecond   // after everything that was sent before has passed the router
)

// Try sends all shots at once and says where each came out. It returns when those that are sure have arrived, and the
// router has answered a question that was sent after all others: what has not arrived then was dropped. Should one come
// even later, Late has it.
func (c *Crowd) Try(shots []Shot) []Landing {
	flights := c.launch(shots)
	begin := time.Now()
	for again := time.Now(); c.expected(flights) && time.Since(begin) < patience; time.Sleep(time.Millisecond) {
		if time.Since(again) > resend {
			again = time.Now()
			c.send(flights, true)
		}
	}
	for _, one := range c.cables {
		_, _ = one.find(one.router, 200*time.Millisecond) // a router that is down forwards nothing
	}
	time.Sleep(calm)
	for c.lookedUp() {
		time.Sleep(calm)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	landings := make([]Landing, len(flights))
	for i, f := range flights {
		f.over = true
		landings[i] = Landing{f.shot, f.landed}
	}
	return landings
}

func (c *Crowd) launch(shots []Shot) []*flight {
	flights := make([]*flight, len(shots))
	c.mu.Lock()
	if len(c.shots) > 1<<16 { // what is not here by now was lost
		clear(c.shots)
	}
	for i, s := range shots {
		c.number++
		s.Number = c.number
		if s.MAC == nil {
			s.MAC = c.machines[place{s.Side, s.From}]
		}
		if s.SrcPort == 0 {
			s.SrcPort = uint16(20000 + c.number%40000)
		}
		flights[i] = &flight{shot: s}
		c.shots[s.Number] = flights[i]
	}
	c.mu.Unlock()
	c.send(flights, false)
	return flights
}

// send puts the packets on the cables: all of them, or those that are sure to arrive and have not.
func (c *Crowd) send(flights []*flight, missing bool) {
	for _, f := range flights {
		if missing {
			c.mu.Lock()
			arrived := f.landed.To.IsValid()
			c.mu.Unlock()
			if arrived || !f.shot.Sure {
				continue
			}
		}
		on, mac := c.cables[f.shot.Side], f.shot.MAC
		if mac == nil {
			mac = on.MAC
		}
		_ = on.Send(wire.Ethernet(on.routerMAC, mac, wire.IPv4, f.shot.Bytes())) // what is not sent does not arrive
	}
}

// expected says whether something that is sure has not arrived yet.
func (c *Crowd) expected(flights []*flight) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range flights {
		if f.shot.Sure && !f.landed.To.IsValid() {
			return true
		}
	}
	return false
}

func (c *Crowd) lookedUp() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.answered) < lookup
}

// land notes an arrival at a machine.
func (c *Crowd) land(on *cable, p wire.Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, mine := c.shots[p.Number]
	if _, here := c.machines[place{on.side, p.To}]; !here || !mine || p.Proto != f.shot.Proto || p.Proto == wire.ICMP && p.Type != f.shot.Type || f.landed.To.IsValid() {
		return
	}
	f.landed = p
	if f.shot.Answered {
		back := wire.Packet{From: p.To, To: p.From, Proto: p.Proto, SrcPort: p.DstPort, DstPort: p.SrcPort, Number: p.Number}
		_ = on.Send(wire.Ethernet(on.routerMAC, c.machines[place{on.side, p.To}], wire.IPv4, back.Bytes()))
	}
	if f.over {
		c.late = append(c.late, Landing{f.shot, p})
	}
}

// Late are the shots that arrived after Try had given them up.
func (c *Crowd) Late() (late []Landing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	late, c.late = c.late, nil
	return late
}
