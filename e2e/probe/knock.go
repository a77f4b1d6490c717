package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// knocker sends a number of requests to each target, evenly spread.
type knocker struct {
	count int
	over  time.Duration // from the first to the last request
	from  netip.Addr
}

// An answer may take long on a busy machine; who waits for none cannot wait for ever.
const (
	late   = 20 * time.Second
	silent = 2 * time.Second
)

// knock prints for each target how many requests were answered, and by whom.
func knock(args []string) error {
	k := knocker{}
	f := flag.NewFlagSet("knock", flag.ContinueOnError)
	f.IntVar(&k.count, "count", 3, "requests to each target")
	f.DurationVar(&k.over, "over", 500*time.Millisecond, "spread over")
	from := f.String("from", "0.0.0.0", "source address")
	if err := f.Parse(args); err != nil {
		return err
	}
	var err error
	if k.from, err = netip.ParseAddr(*from); err != nil {
		return err
	}
	targets, err := parseTargets(f.Args())
	if err != nil {
		return err
	}
	results := make([]*tally, len(targets))
	for i, t := range targets {
		results[i] = &tally{seen: map[int]bool{}}
		if err := k.start(t, i, results[i]); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	k.await(targets, results)
	for i, t := range targets {
		n, by := results[i].words()
		fmt.Printf("%s: %d of %d answered%s\n", t, n, k.count, by)
	}
	return nil
}

// await returns when everything is answered that is expected to be, or too late.
func (k knocker) await(targets []target, results []*tally) {
	last := time.Now().Add(k.over)
	for time.Since(last) < late {
		left := 0
		for i, r := range results {
			if n, _ := r.words(); !targets[i].silent || time.Since(last) < silent {
				left += k.count - n
			}
		}
		if left == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (k knocker) start(t target, i int, r *tally) error {
	switch t.proto {
	case "tcp":
		go k.pace(func(n int) { go k.connect(t, n, r) })
		return nil
	case "udp":
		c, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(k.from, 0)), net.UDPAddrFromAddrPort(t.addr))
		if err != nil {
			return err
		}
		go hear(c, r)
		go k.pace(func(n int) { _, _ = fmt.Fprint(c, n) })
		return nil
	}
	return k.echo(t, i, r)
}

func (k knocker) pace(send func(n int)) {
	begin := time.Now()
	for n := 1; n <= k.count; n++ {
		time.Sleep(time.Until(begin.Add(k.over * time.Duration(n-1) / time.Duration(max(1, k.count-1)))))
		send(n)
	}
}

func (k knocker) connect(t target, n int, r *tally) {
	d := net.Dialer{Timeout: late, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(k.from, 0))}
	c, err := d.Dial("tcp4", t.addr.String())
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(late))
	if _, err := fmt.Fprintf(c, "%d\n", n); err != nil {
		return
	}
	for in := bufio.NewScanner(c); in.Scan(); {
		if r.answer(in.Text()) {
			return
		}
	}
}

func (k knocker) echo(t target, i int, r *tally) error {
	c, err := net.ListenPacket("ip4:icmp", k.from.String())
	if err != nil {
		return err
	}
	id := uint16(os.Getpid()<<4 + i)
	go func() {
		for buf := make([]byte, 2048); ; {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if n >= 8 && buf[0] == 0 && binary.BigEndian.Uint16(buf[4:]) == id && from.String() == t.addr.Addr().String() {
				r.answer(fmt.Sprintf("%d ", binary.BigEndian.Uint16(buf[6:])))
			}
		}
	}()
	to := &net.IPAddr{IP: t.addr.Addr().AsSlice()}
	go k.pace(func(n int) { _, _ = c.WriteTo(echoRequest(id, uint16(n)), to) })
	return nil
}

func echoRequest(id, n uint16) []byte {
	b := []byte{8, 0, 0, 0, byte(id >> 8), byte(id), byte(n >> 8), byte(n)}
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
	return b
}

// hear notes the answers on a datagram socket.
func hear(c *net.UDPConn, r *tally) {
	for buf := make([]byte, 2048); ; {
		n, err := c.Read(buf)
		if err != nil {
			time.Sleep(time.Millisecond) // refused for now
			continue
		}
		r.answer(string(buf[:n]))
	}
}

// tally is which numbers were answered, and by whom, in order of arrival.
type tally struct {
	mu   sync.Mutex
	seen map[int]bool
	by   []span
}

type span struct {
	name        string
	first, last int
}

// answer notes "NUMBER NAME"; it is false for what is no answer to a request.
func (r *tally) answer(text string) bool {
	number, name, ok := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[n] {
		return true
	}
	r.seen[n] = true
	if last := len(r.by) - 1; last >= 0 && r.by[last].name == name {
		r.by[last].last = max(n, r.by[last].last)
	} else if name != "" {
		r.by = append(r.by, span{name, n, n})
	}
	return true
}

// words are how many numbers were answered, and " by NAME, NAME".
func (r *tally) words() (int, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, s := range r.by {
		names = append(names, s.name)
	}
	if len(names) == 0 {
		return len(r.seen), ""
	}
	return len(r.seen), " by " + strings.Join(names, ", ")
}
