package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Listener is a Conn that also takes connections on its far side, where address
// (127.0.0.1:8773) is bound; they come from the addresses that they have there. The
// listener ends with the connection. Accept must be called without delay: a
// connection that nobody takes holds up all that is on this Conn.
type Listener interface {
	Listen(ctx context.Context, address string) (net.Listener, error)
}

// Listen implements Listener by SSH's remote forwarding.
func (c *sshConn) Listen(ctx context.Context, address string) (net.Listener, error) {
	defer c.guard(ctx, "asking to listen on "+address).stop()
	l, err := c.client.Listen("tcp", address)
	if err == nil {
		return &farListener{Listener: l, conn: c}, nil
	}
	if strings.Contains(err.Error(), "denied") {
		return nil, c.refused(address)
	}
	return nil, c.because(err)
}

// refused finds out why sshd does not listen: it is either taken or forbidden. Whoever
// has taken it hears a knock: the sshd of a connection that a dead controller left
// behind notices by it that nobody is there, and lets the address go.
func (c *sshConn) refused(address string) error {
	knock, err := c.client.Dial("tcp", address)
	if err == nil {
		_ = knock.Close()
		return fmt.Errorf("%s (%s): %s is taken there: by another eucactl serve, or by the connection of one that died, which ends by itself", c.target.name(), c.address, address)
	}
	return fmt.Errorf("%s (%s): its sshd refuses to listen on %s for us: allow it with AllowTcpForwarding yes (or remote) in its sshd_config", c.target.name(), c.address, address)
}

// farListener hands out connections that keep deadlines.
type farListener struct {
	net.Listener
	conn *sshConn
}

func (l *farListener) Accept() (net.Conn, error) {
	far, err := l.Listener.Accept()
	if err != nil {
		if errors.Is(err, io.EOF) { // the connection that carried it has ended
			return nil, fmt.Errorf("%w: %w", l.conn.because(net.ErrClosed), net.ErrClosed)
		}
		return nil, err
	}
	return timely(far), nil
}

// timelyConn is a connection over SSH, which knows no deadlines, behind pipes, which
// do: one for each direction, as either may end before the other.
type timelyConn struct {
	in, out net.Conn // the pipes' near ends
	far     net.Conn
}

// linger is how long a closed connection still takes what was written to it.
const linger = 5 * time.Second

func timely(far net.Conn) net.Conn {
	in, filled := net.Pipe()
	out, drained := net.Pipe()
	go func() {
		_, _ = io.Copy(filled, far)
		_ = filled.Close()
	}()
	go func() {
		_, _ = io.Copy(far, drained)
		_ = drained.Close()
		_ = far.Close()
	}()
	return &timelyConn{in, out, far}
}

func (c *timelyConn) Read(b []byte) (int, error)  { return c.in.Read(b) }
func (c *timelyConn) Write(b []byte) (int, error) { return c.out.Write(b) }

// Close does not wait for a peer that takes nothing, nor for ever.
func (c *timelyConn) Close() error {
	time.AfterFunc(linger, func() { _ = c.far.Close() })
	return errors.Join(c.in.Close(), c.out.Close())
}

func (c *timelyConn) LocalAddr() net.Addr  { return c.far.LocalAddr() }
func (c *timelyConn) RemoteAddr() net.Addr { return c.far.RemoteAddr() }

func (c *timelyConn) SetDeadline(t time.Time) error {
	return errors.Join(c.in.SetReadDeadline(t), c.out.SetWriteDeadline(t))
}
func (c *timelyConn) SetReadDeadline(t time.Time) error  { return c.in.SetReadDeadline(t) }
func (c *timelyConn) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }

// Listen implements Listener on this machine.
func (c *localConn) Listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: listen: %w", c.target.name(), err)
	}
	return l, nil
}
