package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// beat is the time between two packets of a flow that goes on by itself.
const beat = 25 * time.Millisecond

// service is one port of this host. Requests are numbers, on tcp one a line; the answer to N is "N HOSTNAME". What a
// chatty service sends by itself is "+ HOSTNAME".
type service struct {
	proto, port string
	chatty      bool
	name        string

	mu       sync.Mutex
	received int
	highest  int
}

// serve answers until it is killed, and writes /run/probe anew five times a second:
//
//	received udp 7001: 412, missing 0             requests of the service's last flow, and gaps between them
//	arrived from 10.50.1.3: tcp 40 udp 40 icmp 40 connections, requests and echoes that came in on eth0 from a neighbour
//	redirects: 0                                  icmp redirects that came in
func serve(args []string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	var all []*service
	for _, arg := range args {
		proto, port, _ := strings.Cut(arg, ":")
		s := &service{proto: strings.TrimSuffix(proto, "+"), port: port, chatty: strings.HasSuffix(proto, "+"), name: name}
		if err := s.open(); err != nil {
			return err
		}
		all = append(all, s)
	}
	w, err := watchArrivals("eth0")
	if err != nil {
		return err
	}
	for {
		var text strings.Builder
		for _, s := range all {
			text.WriteString(s.line())
		}
		text.WriteString(w.lines())
		if err := os.WriteFile("/run/probe.new", []byte(text.String()), 0o644); err != nil {
			return err
		}
		if err := os.Rename("/run/probe.new", "/run/probe"); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (s *service) open() error {
	switch s.proto {
	case "tcp":
		l, err := net.Listen("tcp4", ":"+s.port)
		if err != nil {
			return err
		}
		go s.accept(l)
	case "udp":
		c, err := net.ListenPacket("udp4", ":"+s.port)
		if err != nil {
			return err
		}
		go s.answer(c)
	default:
		return fmt.Errorf("serve %s: tcp or udp", s.proto)
	}
	return nil
}

func (s *service) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go s.converse(c)
	}
}

func (s *service) converse(c net.Conn) {
	defer c.Close()
	if s.chatty {
		go func() {
			for {
				if _, err := fmt.Fprintf(c, "+ %s\n", s.name); err != nil {
					return
				}
				time.Sleep(beat)
			}
		}()
	}
	for in := bufio.NewScanner(c); in.Scan(); {
		s.count(in.Text())
		if _, err := fmt.Fprintf(c, "%s %s\n", in.Text(), s.name); err != nil {
			return
		}
	}
}

func (s *service) answer(c net.PacketConn) {
	var mu sync.Mutex
	var peer net.Addr
	if s.chatty {
		go func() {
			for ; ; time.Sleep(beat) {
				mu.Lock()
				to := peer
				mu.Unlock()
				if to != nil {
					_, _ = c.WriteTo([]byte("+ "+s.name), to)
				}
			}
		}()
	}
	buf := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			continue // an ICMP error is no reason to stop
		}
		mu.Lock()
		peer = from
		mu.Unlock()
		s.count(string(buf[:n]))
		_, _ = c.WriteTo(append(buf[:n:n], " "+s.name...), from)
	}
}

// count notes a request. The number 1 begins anew; numbers are not repeated by talk and knock.
func (s *service) count(request string) {
	n, err := strconv.Atoi(request)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n == 1 {
		s.received, s.highest = 0, 0
	}
	s.received++
	s.highest = max(s.highest, n)
}

func (s *service) line() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("received %s %s: %d, missing %d\n", s.proto, s.port, s.received, s.highest-s.received)
}
