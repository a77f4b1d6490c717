package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// onSSHD is a connection to an sshd with more lines of configuration.
func onSSHD(t *testing.T, more string) (*sshd, func() Conn) {
	t.Helper()
	s := startSSHD(t, more)
	d := newDialer(t, s.host.line(s.addr))
	return s, func() Conn {
		c := must(d.Dial(soon(t), s.target()))(t)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

func listen(t *testing.T, c Conn, address string) (net.Listener, error) {
	t.Helper()
	far, ok := c.(Listener)
	if !ok {
		t.Fatalf("%T does not listen", c)
	}
	return far.Listen(soon(t), address)
}

// meet connects to a listener from the far side, and returns both ends.
func meet(t *testing.T, l net.Listener, address string) (theirs, ours net.Conn) {
	t.Helper()
	theirs = must(net.Dial("tcp", address))(t)
	ours = must(l.Accept())(t)
	t.Cleanup(func() { _, _ = theirs.Close(), ours.Close() })
	return theirs, ours
}

// A listener on the far side hands out connections that say where they come from, keep
// deadlines and can end in one direction; it is gone with its connection.
func TestListen(t *testing.T) {
	_, dial := onSSHD(t, "")
	for name, dial := range map[string]func() Conn{
		"sshd":  dial,
		"local": func() Conn { return must(newDialer(t, "").Dial(soon(t), Target{Name: "here", Local: true}))(t) },
	} {
		t.Run(name, func(t *testing.T) {
			c := dial()
			address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
			l := must(listen(t, c, address))(t)
			theirs, ours := meet(t, l, address)
			if ours.RemoteAddr().String() != theirs.LocalAddr().String() {
				t.Errorf("it comes from %s, and seems to from %s", theirs.LocalAddr(), ours.RemoteAddr())
			}
			deadlines(t, theirs, ours)
			theirs, ours = meet(t, l, address)
			oneWay(t, theirs, ours)
			theirs, ours = meet(t, l, address)
			much := strings.Repeat("much", 1<<18)
			go func() {
				_, _ = io.WriteString(ours, much)
				_ = ours.Close()
			}()
			if got := string(must(io.ReadAll(theirs))(t)); got != much {
				t.Errorf("%d bytes of %d arrived before the end", len(got), len(much))
			}
			check(t, l.Close())
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v", err)
			}
			if c, err := net.Dial("tcp", address); err == nil {
				_ = c.Close()
				t.Error("the far side still listens")
			}
		})
	}
}

func deadlines(t *testing.T, theirs, ours net.Conn) {
	t.Helper()
	check(t, ours.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	if _, err := ours.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	check(t, ours.SetDeadline(time.Time{}))
	must(io.WriteString(theirs, "x"))(t)
	must(io.ReadFull(ours, make([]byte, 1)))(t)
	// A peer that takes nothing.
	check(t, ours.SetWriteDeadline(time.Now().Add(200*time.Millisecond)))
	for block := make([]byte, 1<<20); ; {
		if _, err := ours.Write(block); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	check(t, ours.Close())
}

// oneWay: who has nothing more to say still hears the answer.
func oneWay(t *testing.T, theirs, ours net.Conn) {
	t.Helper()
	must(io.WriteString(theirs, "ask"))(t)
	check(t, theirs.(*net.TCPConn).CloseWrite())
	if got := string(must(io.ReadAll(ours))(t)); got != "ask" {
		t.Errorf("%q", got)
	}
	must(io.WriteString(ours, "answer"))(t)
	check(t, ours.Close())
	if got := string(must(io.ReadAll(theirs))(t)); got != "answer" {
		t.Errorf("%q", got)
	}
}

// The end of the connection is the listener's, and its address is free again.
func TestListenerEndsWithItsConnection(t *testing.T) {
	_, dial := onSSHD(t, "")
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	first := dial()
	l := must(listen(t, first, address))(t)
	second := dial()
	if _, err := listen(t, second, address); err == nil || !strings.Contains(err.Error(), address+" is taken there") {
		t.Errorf("%v", err)
	}
	check(t, must(l.Accept())(t).Close()) // the second one's knock
	check(t, first.Close())
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
	for range 100 {
		if again, err := listen(t, second, address); err == nil {
			check(t, again.Close())
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the address stays taken")
}

func TestListenRefused(t *testing.T) {
	_, dial := onSSHD(t, "AllowTcpForwarding no")
	if _, err := listen(t, dial(), "127.0.0.1:8773"); err == nil || !strings.Contains(err.Error(), "AllowTcpForwarding yes") {
		t.Errorf("%v", err)
	}
	taken := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer taken.Close()
	here := must(newDialer(t, "").Dial(soon(t), Target{Name: "here", Local: true}))(t)
	if _, err := listen(t, here, taken.Addr().String()); err == nil {
		t.Error("a taken address is given")
	}
}
