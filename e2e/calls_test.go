package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A call is a flow that goes on: both ends say numbers to each other all the time, without waiting for an answer.
type call struct {
	id       int
	proto    string
	from     string         // the namespace of who calls
	source   netip.Addr     // which address of his; none: any
	to       netip.AddrPort // whom he calls
	conn     net.Conn
	up, down tally        // to the server, and back
	answers  func([]byte) // the server's way to the caller, once he is known
	mu       sync.Mutex
}

func (c *call) String() string {
	return fmt.Sprintf("call %d, %s %s > %s", c.id, c.proto, c.from, c.to)
}

// tally counts numbers that were said and heard.
type tally struct {
	mu          sync.Mutex
	said, heard int
	highest     int
}

func (y *tally) say() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.said++
	return y.said
}

func (y *tally) hear(n int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.heard++
	y.highest = max(y.highest, n)
}

// counts are what was said, what was heard, and what was said before the last thing heard and was not heard.
func (y *tally) counts() (said, heard, missing int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.said, y.heard, y.highest - y.heard
}

// switchboard is the calls of a test, and the servers that take them.
type switchboard struct {
	w     *world
	calls []*call
	ctx   context.Context // ends all talk
	hung  context.Context // ends all calls
}

const callBeat = 40 * time.Millisecond

// serve takes calls at a port in a namespace: who calls says first which call it is.
func (b *switchboard) serve(space, proto string, port uint16) error {
	return b.w.lab.Inside(space, func() error {
		address := fmt.Sprintf(":%d", port)
		if proto == "udp" {
			c, err := net.ListenPacket("udp4", address)
			if err == nil {
				context.AfterFunc(b.hung, func() { _ = c.Close() })
				go b.datagrams(c)
			}
			return err
		}
		l, err := net.Listen("tcp4", address)
		if err == nil {
			context.AfterFunc(b.hung, func() { _ = l.Close() })
			go b.connections(l)
		}
		return err
	})
}

func (b *switchboard) datagrams(c net.PacketConn) {
	buf := make([]byte, 64)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			if b.hung.Err() != nil {
				return
			}
			continue // an icmp error is no reason to stop
		}
		b.take(string(buf[:n]), func(text []byte) { _, _ = c.WriteTo(text, from) })
	}
}

func (b *switchboard) connections(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		context.AfterFunc(b.hung, func() { _ = c.Close() })
		go func() {
			for in := bufio.NewScanner(c); in.Scan(); {
				b.take(in.Text(), func(text []byte) {
					_ = c.SetWriteDeadline(time.Now().Add(callBeat))
					_, _ = c.Write(append(text, '\n'))
				})
			}
		}()
	}
}

// take hears "CALL NUMBER".
func (b *switchboard) take(text string, answers func([]byte)) {
	id, number, _ := strings.Cut(text, " ")
	i, err1 := strconv.Atoi(id)
	n, err2 := strconv.Atoi(number)
	if err1 != nil || err2 != nil || i >= len(b.calls) {
		return
	}
	c := b.calls[i]
	c.up.hear(n)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answers == nil {
		c.answers = answers
		go b.talk(func() {
			answers(fmt.Appendf(nil, "%d %d", c.id, c.down.say()))
		})
	}
}

// talk says something at every beat.
func (b *switchboard) talk(say func()) {
	for tick := time.NewTicker(callBeat); ; {
		select {
		case <-b.ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			say()
		}
	}
}

// dial begins a call.
func (b *switchboard) dial(c *call) error {
	err := b.w.lab.Inside(c.from, func() (err error) {
		d := net.Dialer{Timeout: 10 * time.Second}
		if c.source.IsValid() && c.proto == "udp" {
			d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.source, 0))
		} else if c.source.IsValid() {
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.source, 0))
		}
		c.conn, err = d.Dial(c.proto+"4", c.to.String())
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", c, err)
	}
	context.AfterFunc(b.hung, func() { _ = c.conn.Close() })
	go c.listen()
	go b.talk(func() {
		text := fmt.Appendf(nil, "%d %d", c.id, c.up.say())
		if c.proto == "tcp" {
			text = append(text, '\n')
			_ = c.conn.SetWriteDeadline(time.Now().Add(callBeat)) // a flow that is cut fills its buffer
		}
		_, _ = c.conn.Write(text)
	})
	return nil
}

// listen hears what the server says.
func (c *call) listen() {
	if c.proto == "tcp" {
		for in := bufio.NewScanner(c.conn); in.Scan(); {
			c.answer(in.Text())
		}
		return
	}
	for buf := make([]byte, 64); ; {
		n, err := c.conn.Read(buf)
		if err == nil {
			c.answer(string(buf[:n]))
		} else if strings.Contains(err.Error(), "closed") {
			return
		}
	}
}

func (c *call) answer(text string) {
	_, number, _ := strings.Cut(text, " ")
	if n, err := strconv.Atoi(number); err == nil {
		c.down.hear(n)
	}
}

// retransmitted is how many segments the caller's kernel sent again.
func (c *call) retransmitted() (n int) {
	tcp, ok := c.conn.(*net.TCPConn)
	if !ok {
		return 0
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = int(info.Total_retrans)
		}
	})
	return n
}
