package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// serveAgent is a real ssh-agent protocol server over a keyring.
func serveAgent(t *testing.T, keys ...key) string {
	t.Helper()
	ring := agent.NewKeyring()
	for _, k := range keys {
		check(t, ring.Add(agent.AddedKey{PrivateKey: k.raw}))
	}
	socket := filepath.Join(t.TempDir(), "agent")
	l := must(net.Listen("unix", socket))(t)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { _ = agent.ServeAgent(ring, c); _ = c.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); running.Wait() })
	return socket
}

func TestAuthentication(t *testing.T) {
	s := startSSHD(t, "")
	dir := t.TempDir()
	wrong, many := newKey(t, dir, "wrong"), []key{}
	for i := range 9 {
		many = append(many, newKey(t, dir, fmt.Sprint("k", i)))
	}
	locked := filepath.Join(dir, "locked")
	block := must(ssh.MarshalPrivateKeyWithPassphrase(s.user.raw, "", []byte("secret")))(t)
	check(t, os.WriteFile(locked, pemText(block), 0o600))
	full := serveAgent(t, append(many, s.user)...)

	for _, tc := range []struct {
		name  string
		keys  []string
		agent string
		want  string // "" is success
	}{
		{"key", []string{s.user.file}, "", ""},
		{"agent", nil, serveAgent(t, wrong, s.user), ""},
		{"key before a full agent", []string{s.user.file}, full, ""},
		{"public key picks the agent's", []string{s.user.file + ".pub"}, full, ""},
		{"locked key is the agent's", []string{locked}, full, ""},
		{"full agent alone", nil, full, "ansible_ssh_private_key_file"},
		{"wrong key", []string{wrong.file}, "", wrong.file + " (" + wrong.fingerprint() + ")"},
		{"locked key", []string{locked}, "", "needs a passphrase: ssh-add it"},
		{"missing key", []string{dir + "/none"}, "", dir + "/none (unreadable: no such file"},
		{"no key", nil, "", "no usable key"},
		{"no agent there", nil, dir + "/socket", "agent (unusable: no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDialer(t, s.host.line(s.addr))
			d.Agent = tc.agent
			target := s.target()
			target.KeyFiles = tc.keys
			c, err := d.Dial(soon(t), target)
			if tc.want == "" {
				check(t, err)
				check(t, c.Close())
				return
			}
			var e *UnreachableError
			if !errors.As(err, &e) || e.Stage != authenticating || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "PRIVATE") {
				t.Fatalf("the error shows key material: %v", err)
			}
		})
	}
}

func TestClosedPort(t *testing.T) {
	d := newDialer(t)
	start := time.Now()
	_, err := d.Dial(soon(t), Target{Name: "fe1", Address: "127.0.0.1", Port: freePort(t)})
	var e *UnreachableError
	if !errors.As(err, &e) || e.Stage != connecting || !strings.Contains(err.Error(), "is sshd running there") {
		t.Fatalf("got %v", err)
	}
	if took := time.Since(start); took > 6*time.Second {
		t.Fatalf("took %s", took)
	}
}

// An sshd that is being restarted refuses for a moment.
func TestRefusedAtFirst(t *testing.T) {
	s := startServer(t, nil)
	port := freePort(t)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	var relays sync.WaitGroup
	late := time.AfterFunc(300*time.Millisecond, func() {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return
		}
		defer l.Close()
		relays.Go(func() { relay(l, s.addr) })
		relays.Wait()
	})
	defer late.Stop()
	d := newDialer(t, s.host.line(addr))
	target := s.target()
	target.Port = port
	c := must(d.Dial(soon(t), target))(t)
	check(t, c.Close())
}

// relay carries one connection.
func relay(l net.Listener, to string) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	out, err := net.Dial("tcp", to)
	if err != nil {
		_ = c.Close()
		return
	}
	go func() { _, _ = io.Copy(out, c); _ = out.Close() }()
	_, _ = io.Copy(c, out)
	_ = c.Close()
}

// blackHole accepts connections and hands them to each.
func blackHole(t *testing.T, each func(net.Conn)) int {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	var mu sync.Mutex
	var open []net.Conn
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			each(c)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
	})
	return l.Addr().(*net.TCPAddr).Port
}

func TestBlackHole(t *testing.T) {
	d := newDialer(t)
	d.ConnectTimeout = time.Second
	port := blackHole(t, func(net.Conn) {})
	start := time.Now()
	_, err := d.Dial(soon(t), Target{Name: "fe1", Address: "127.0.0.1", Port: port})
	var e *UnreachableError
	if !errors.As(err, &e) || e.Stage != handshaking || !strings.Contains(err.Error(), "no answer within 1s") {
		t.Fatalf("got %v", err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("the host's silence looks like the caller's deadline")
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Fatalf("took %s", took)
	}
}

func TestCancelledDial(t *testing.T) {
	d := newDialer(t)
	port := blackHole(t, func(net.Conn) {})
	ctx, cancel := context.WithCancel(soon(t))
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := d.Dial(ctx, Target{Name: "fe1", Address: "127.0.0.1", Port: port})
	if !errors.Is(err, context.Canceled) || Unreachable(err) {
		t.Fatalf("got %v", err)
	}
}

func TestDroppedAndStrangeServers(t *testing.T) {
	for _, tc := range []struct{ name, says, want string }{
		{"drops", "", "MaxStartups"},
		{"not ssh", "HTTP/1.1 400 Bad Request\r\n\r\n", "handshake"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var tries atomic.Int64
			port := blackHole(t, func(c net.Conn) {
				tries.Add(1)
				_, _ = io.WriteString(c, tc.says)
				_ = c.Close()
			})
			_, err := newDialer(t).Dial(soon(t), Target{Name: "fe1", Address: "127.0.0.1", Port: port})
			var e *UnreachableError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v", err)
			}
			if tc.says == "" && tries.Load() != 4 {
				t.Fatalf("%d tries", tries.Load())
			}
		})
	}
}

// A host that has seen our key and hangs up is not asked again: it may count.
func TestDroppedInAuthentication(t *testing.T) {
	s := startServer(t, nil)
	s.login = s.drop
	d := newDialer(t, s.host.line(s.addr))
	err := dialed(t, d, s.target())
	var e *UnreachableError
	if !errors.As(err, &e) || e.Stage != authenticating || s.conns.Load() != 1 {
		t.Fatalf("%d connections, %v", s.conns.Load(), err)
	}
}

func TestConnectionLostMidStream(t *testing.T) {
	s := startServer(t, nil)
	s.exec = func(_ string, ch ssh.Channel) {
		_, _ = io.WriteString(ch, "one\ntw")
		s.drop()
	}
	c := must(newDialer(t, s.host.line(s.addr)).Dial(soon(t), s.target()))(t)
	defer c.Close()
	sess := must(c.Run(soon(t)))(t)
	defer sess.Close()
	got, err := io.ReadAll(sess)
	var lost *LostError
	if string(got) != "one\ntw" || !errors.As(err, &lost) || !Unreachable(err) {
		t.Fatalf("read %q, %v", got, err)
	}
	if err := sess.Wait(); !errors.As(err, &lost) {
		t.Fatalf("Wait: %v", err)
	}
	if _, err := c.Run(soon(t)); !errors.As(err, &lost) {
		t.Fatalf("Run: %v", err)
	}
}

// A host whose kernel answers and whose sshd does not is found by keepalive.
func TestKeepAlive(t *testing.T) {
	s := startServer(t, func(s *server) {
		s.mute = true
		s.exec = func(string, ssh.Channel) {}
	})
	d := newDialer(t, s.host.line(s.addr))
	d.KeepAlive = 500 * time.Millisecond
	c := must(d.Dial(soon(t), s.target()))(t)
	defer c.Close()
	sess := must(c.Run(soon(t)))(t)
	defer sess.Close()
	start := time.Now()
	_, err := sess.Read(make([]byte, 1))
	var lost *LostError
	if !errors.As(err, &lost) || !strings.Contains(err.Error(), "no answer for 1.5s") {
		t.Fatalf("Read: %v", err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Fatalf("took %s", took)
	}
}

func TestKeepAliveLeavesTheLivingAlone(t *testing.T) {
	s := startSSHD(t, "")
	d := newDialer(t, s.host.line(s.addr))
	d.KeepAlive = 300 * time.Millisecond
	c := must(d.Dial(soon(t), s.target()))(t)
	defer c.Close()
	sess := run(t, c, "sleep 1.5; echo alive; exit\n")
	if got := string(must(io.ReadAll(sess))(t)); got != "alive\n" {
		t.Fatalf("read %q", got)
	}
}

// One connection and one exec channel a run, counted where it counts.
func TestOneExecChannelPerRun(t *testing.T) {
	s := startServer(t, nil)
	c := must(newDialer(t, s.host.line(s.addr)).Dial(soon(t), s.target()))(t)
	defer c.Close()
	sess := run(t, c, "echo one\n")
	r := bufio.NewReader(sess)
	must(r.ReadString('\n'))(t)
	dir := t.TempDir()
	for i := range 3 {
		check(t, c.Put(soon(t), File{Path: filepath.Join(dir, fmt.Sprint(i)), Content: strings.NewReader("x"), Size: 1}))
	}
	must(io.WriteString(sess, "echo two; exit\n"))(t)
	must(r.ReadString('\n'))(t)
	check(t, sess.Wait())
	if e, f, o, n := s.execs.Load(), s.sftps.Load(), s.others.Load(), s.conns.Load(); e != 1 || f != 1 || o != 0 || n != 1 {
		t.Fatalf("%d exec, %d sftp, %d other requests on %d connections", e, f, o, n)
	}
}

// Ten addresses of one server stand for ten hosts.
func TestConcurrentDials(t *testing.T) {
	for _, tc := range []struct{ hosts, limit, least, most int }{{10, 4, 2, 4}, {1, 4, 1, 1}, {10, 0, 5, 10}} {
		t.Run(fmt.Sprint(tc.hosts, " hosts"), func(t *testing.T) {
			s := startServer(t, nil)
			d := newDialer(t, s.host.line("same"))
			d.MaxStarts = tc.limit
			var now, most atomic.Int64
			port := relayAll(t, s.addr, func() func() {
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				return func() { now.Add(-1) }
			})
			errs := make(chan error, 100)
			for i := range 100 {
				tg := s.target()
				tg.Address, tg.Port, tg.HostKeyAlias = fmt.Sprintf("127.0.0.%d", i%tc.hosts+1), port, "same"
				go func() {
					c, err := d.Dial(soon(t), tg)
					if err == nil {
						err = c.Close()
					}
					errs <- err
				}()
			}
			for range 100 {
				check(t, <-errs)
			}
			if n := s.conns.Load(); n != 100 {
				t.Fatalf("%d connections", n)
			}
			if m := int(most.Load()); m > tc.most || m < tc.least {
				t.Fatalf("%d connections were started at once, want %d to %d", m, tc.least, tc.most)
			}
		})
	}
}

// relayAll carries connections on every local address to one server, slowly
// enough at first to see how many are being started. gate is entered with the
// connection and left just before the server may say its first word.
func relayAll(t *testing.T, to string, gate func() func()) int {
	t.Helper()
	l := must(net.Listen("tcp", "0.0.0.0:0"))(t)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { relaySlowly(c, to, gate()) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); running.Wait() })
	return l.Addr().(*net.TCPAddr).Port
}

func relaySlowly(c net.Conn, to string, started func()) {
	defer c.Close()
	time.Sleep(20 * time.Millisecond)
	out, err := net.Dial("tcp", to)
	started() // before the server has said a word: the client is still starting
	if err != nil {
		return
	}
	defer out.Close()
	go func() { _, _ = io.Copy(out, c); _ = out.(*net.TCPConn).CloseWrite() }()
	_, _ = io.Copy(c, out)
}
