package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshConn is a Conn over SSH. Whatever goes wrong with the wire, with a context
// or with a watch ends in fail, which closes the TCP connection: then every
// blocked call returns, and reports the first cause.
type sshConn struct {
	target  Target // User is the one that logged in
	address string
	client  *ssh.Client
	under   []io.Closer // what carries the client, the TCP connection first
	idle    time.Duration

	mu    sync.Mutex
	cause error
	down  chan struct{} // closed when cause is set
	tasks sync.WaitGroup

	files uploads
}

func newSSHConn(t Target, address string, client *ssh.Client, under []io.Closer, idle, keepAlive time.Duration) *sshConn {
	c := &sshConn{target: t, address: address, client: client, under: under, idle: idle, down: make(chan struct{})}
	c.tasks.Go(func() { c.fail(c.lostError(client.Wait())) })
	c.tasks.Go(func() { c.keepAlive(keepAlive) })
	return c
}

func (c *sshConn) lostError(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = errors.New("the host closed it")
	}
	return &LostError{Host: c.target.name(), Address: c.address, Err: err}
}

// fail tears the connection down; the first cause counts.
func (c *sshConn) fail(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return
	}
	c.cause = cause
	close(c.down)
	for _, u := range c.under {
		_ = u.Close()
	}
}

// because returns the reason why the connection went down rather than err,
// which is often no more than "EOF".
func (c *sshConn) because(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	return fmt.Errorf("%s (%s): %w", c.target.name(), c.address, err)
}

func (c *sshConn) Close() error {
	c.fail(fmt.Errorf("%s (%s): %w", c.target.name(), c.address, net.ErrClosed))
	c.tasks.Wait()
	return nil
}

// keepAliveMisses is how many intervals may pass without an answer.
const keepAliveMisses = 3

// keepAlive asks the peer for a sign of life, one question at a time: answers
// come in order, so a second question would tell nothing more.
func (c *sshConn) keepAlive(every time.Duration) {
	for {
		select {
		case <-c.down:
			return
		case <-time.After(every):
		}
		answer := make(chan error, 1)
		c.tasks.Go(func() {
			_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
			answer <- err
		})
		select {
		case <-c.down:
			return
		case <-answer: // a refusal is a sign of life, a broken wire is seen elsewhere
		case <-time.After(keepAliveMisses * every):
			c.fail(c.lostError(fmt.Errorf("no answer for %s", keepAliveMisses*every)))
			return
		}
	}
}

// open opens a session channel and starts what kind and payload say on it,
// under the watch of ctx and of the inactivity timeout.
func (c *sshConn) open(ctx context.Context, kind string, payload []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	defer c.guard(ctx, "opening a "+kind+" channel").stop()
	ch, reqs, err := c.client.OpenChannel("session", nil)
	if err != nil {
		return nil, nil, c.because(fmt.Errorf("open a session channel: %w", err))
	}
	ok, err := ch.SendRequest(kind, true, payload)
	if err == nil && ok {
		return ch, reqs, nil
	}
	_ = ch.Close()
	c.tasks.Go(func() { ssh.DiscardRequests(reqs) })
	if err == nil {
		err = fmt.Errorf("the host refuses %s requests", kind)
	}
	return nil, nil, c.because(err)
}

// guard is a watch over a call that blocks: it tears the connection down when
// ctx ends or when nothing touches it for the inactivity timeout.
type guard struct {
	unctx func() bool
	timer *time.Timer
	idle  time.Duration
}

func (c *sshConn) guard(ctx context.Context, doing string) *guard {
	return &guard{
		unctx: context.AfterFunc(ctx, func() { c.fail(fmt.Errorf("%s: %w", c.target.name(), context.Cause(ctx))) }),
		timer: time.AfterFunc(c.idle, func() {
			c.fail(&InactiveError{Host: c.target.name(), After: c.idle, Doing: doing})
		}),
		idle: c.idle,
	}
}

func (g *guard) touch() { g.timer.Reset(g.idle) }

func (g *guard) stop() { g.unctx(); g.timer.Stop() }

func (c *sshConn) Run(ctx context.Context) (Session, error) {
	exec := struct{ Command string }{Command(c.target)}
	ch, reqs, err := c.open(ctx, "exec", ssh.Marshal(exec))
	if err != nil {
		return nil, err
	}
	s := newSession(c.target, &channel{Channel: ch, conn: c}, ch.Stderr(), c.idle)
	c.tasks.Go(func() { c.follow(s, reqs) })
	c.tasks.Go(func() { <-s.stderrDone })
	s.watch(ctx)
	return s, nil
}

// follow waits for the exit status, and for the end of the channel.
func (c *sshConn) follow(s *session, reqs <-chan *ssh.Request) {
	for r := range reqs {
		switch r.Type {
		case "exit-status":
			var m struct{ Status uint32 }
			if ssh.Unmarshal(r.Payload, &m) == nil {
				s.finish(ending{status: int(m.Status)})
			}
		case "exit-signal":
			var m struct {
				Signal string
				Core   bool
				Words  string
				Lang   string
			}
			if ssh.Unmarshal(r.Payload, &m) == nil {
				s.finish(ending{signal: m.Signal})
			}
		}
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
	if s.isEnded() {
		return
	}
	select { // a cut wire ends the channels first and says why a moment later
	case <-c.down:
	case <-time.After(time.Second):
	}
	s.finish(ending{lost: c.because(errors.New("the session ended without an exit status"))})
}

// channel is an SSH channel as a process.
type channel struct {
	ssh.Channel
	conn *sshConn
}

func (ch *channel) detach() { _ = ch.Channel.Close() }

func (ch *channel) teardown(cause error) { ch.conn.fail(cause) }
