package metadata

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds of what a guest may take. It is one of many, and may mean no good.
const (
	mostHeader      = 8 << 10
	headerTime      = 5 * time.Second
	requestTime     = 10 * time.Second
	answerTime      = 15 * time.Second
	idleTime        = 15 * time.Second
	mostFromOne     = 16
	mostConnections = 512
)

// Serve answers the guests that come through a frontend, until the listener closes.
func (s *Service) Serve(frontend string, l net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(frontend), MaxHeaderBytes: mostHeader, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
	}
	err := server.Serve(&bounded{Listener: l, from: map[string]int{}})
	return errors.Join(err, server.Close())
}

// bounded is a listener that hangs up on who has too many connections. It never lets
// one wait: that would hold up all that comes through the same SSH connection.
type bounded struct {
	net.Listener
	mu   sync.Mutex
	all  int
	from map[string]int
}

func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err == nil && b.enter(from) {
			return &counted{Conn: c, leave: func() { b.leave(from) }}, nil
		}
		_ = c.Close()
	}
}

func (b *bounded) enter(from string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all >= mostConnections || b.from[from] >= mostFromOne {
		return false
	}
	b.all++
	b.from[from]++
	return true
}

func (b *bounded) leave(from string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all--
	if b.from[from]--; b.from[from] == 0 {
		delete(b.from, from)
	}
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	once  sync.Once
	leave func()
}

func (c *counted) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}
