package bench

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// manyHosts are asked at once.
const manyHosts = 1000

// multitude is an SSH server of this process that is many hosts: each is an address of 127/8, whose programs are run by
// a real /bin/sh as nobody, with a home of its own. Every packet takes the latency both ways together.
type multitude struct {
	dir     string
	config  *ssh.ServerConfig
	latency atomic.Int64
	port    int

	conns, execs, others atomic.Int64
	open, most           atomic.Int64 // connections at the same time
}

// newMultitude opens so many hosts, and writes their inventory, the key to log in with and the keys they are known by.
func newMultitude(b *testing.B, hosts int) *multitude {
	b.Helper()
	m := &multitude{dir: folder(b)}
	if err := os.Chmod(m.dir, 0o755); err != nil {
		b.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		b.Fatal(err)
	}
	m.config = &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	m.config.AddHostKey(signer)
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		b.Fatal(err)
	}
	var inventory, known strings.Builder
	for i := range hosts {
		address := fmt.Sprintf("127.%d.%d.%d", 10+i/65025, i/255%255, i%255+1)
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", address, m.port))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { l.Close() })
		m.port = l.Addr().(*net.TCPAddr).Port
		home := filepath.Join(m.dir, "home", fmt.Sprint(i))
		if err := errors.Join(os.MkdirAll(home, 0o755), os.Chown(home, nobody, nobody)); err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(&inventory, "h%04d ansible_host=%s ansible_port=%d ansible_user=nobody\n", i, address, m.port)
		fmt.Fprintf(&known, "[%s]:%d %s", address, m.port, ssh.MarshalAuthorizedKey(signer.PublicKey()))
		go m.accept(l, home)
	}
	for name, text := range map[string]string{"inventory.ini": inventory.String(), "cloud/known_hosts": known.String(), "key": string(pem.EncodeToMemory(block))} {
		path := filepath.Join(m.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			b.Fatal(err)
		}
	}
	return m
}

const nobody = 65534

func (m *multitude) accept(l net.Listener, home string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		m.conns.Add(1)
		go m.serve(conn, home)
	}
}

func (m *multitude) serve(conn net.Conn, home string) {
	if n := m.open.Add(1); n > m.most.Load() {
		m.most.Store(n)
	}
	defer m.open.Add(-1)
	late := delayed(conn, time.Duration(m.latency.Load())/2)
	defer late.Close()
	server, channels, requests, err := ssh.NewServerConn(late, m.config)
	if err != nil {
		return
	}
	defer server.Close()
	go ssh.DiscardRequests(requests)
	for c := range channels {
		ch, reqs, err := c.Accept()
		if err != nil {
			return
		}
		go m.session(ch, reqs, home)
	}
}

func (m *multitude) session(ch ssh.Channel, reqs <-chan *ssh.Request, home string) {
	defer ch.Close()
	for r := range reqs {
		if r.Type != "exec" {
			m.others.Add(1)
			_ = r.Reply(false, nil)
			continue
		}
		m.execs.Add(1)
		var exec struct{ Command string }
		if ssh.Unmarshal(r.Payload, &exec) != nil {
			return
		}
		_ = r.Reply(true, nil)
		go func() {
			status := program(ch, exec.Command, home)
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
			ch.Close()
		}()
	}
}

// program runs a command as nobody.
func program(ch ssh.Channel, command, home string) uint32 {
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Env, cmd.Dir = []string{"HOME=" + home, "PATH=/usr/bin:/bin"}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	in, err := cmd.StdinPipe() // that the input is still open is no reason to wait
	if err != nil {
		return 1
	}
	go func() { _, _ = io.Copy(in, ch); in.Close() }()
	if err := cmd.Run(); err != nil {
		return 1
	}
	return 0
}

// late is a connection on which everything arrives later.
type late struct {
	net.Conn
	in, out chan packet
	rest    []byte
	closed  chan struct{}
	once    sync.Once
	delay   time.Duration
}

type packet struct {
	at   time.Time
	data []byte
	err  error
}

func delayed(conn net.Conn, delay time.Duration) net.Conn {
	if delay == 0 {
		return conn
	}
	l := &late{Conn: conn, in: make(chan packet, 1024), out: make(chan packet, 1024), closed: make(chan struct{}), delay: delay}
	go func() {
		for {
			buffer := make([]byte, 32<<10)
			n, err := conn.Read(buffer)
			select {
			case l.in <- packet{time.Now().Add(delay), buffer[:n], err}:
			case <-l.closed:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		for {
			select {
			case p := <-l.out:
				time.Sleep(time.Until(p.at))
				if _, err := conn.Write(p.data); err != nil {
					return
				}
			case <-l.closed:
				return
			}
		}
	}()
	return l
}

func (l *late) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		select {
		case next := <-l.in:
			time.Sleep(time.Until(next.at))
			if next.err != nil && len(next.data) == 0 {
				return 0, next.err
			}
			l.rest = next.data
		case <-l.closed:
			return 0, net.ErrClosed
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

func (l *late) Write(p []byte) (int, error) {
	select {
	case l.out <- packet{at: time.Now().Add(l.delay), data: bytes.Clone(p)}:
		return len(p), nil
	case <-l.closed:
		return 0, net.ErrClosed
	}
}

func (l *late) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Conn.Close()
}

// BenchmarkHosts asks 1,000 hosts with latencies of 1, 20 and 100 ms, 50 and 1,000 of them at a time: how long it takes,
// how much memory, and how many connections and channels there were.
func BenchmarkHosts(b *testing.B) {
	m := newMultitude(b, manyHosts)
	tool := filepath.Join(m.dir, "eucactl")
	if out, err := exec.Command("go", "build", "-o", tool, "../../cmd/eucactl").CombinedOutput(); err != nil {
		b.Fatalf("build eucactl: %v\n%s", err, out)
	}
	for range b.N {
		for _, forks := range []int{50, manyHosts} {
			for _, latency := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
				m.latency.Store(int64(latency))
				m.conns.Store(0)
				m.execs.Store(0)
				m.most.Store(0)
				var memory int64
				time := took(func() { memory = m.ask(b, tool, forks) })
				figures.add(row{
					name: fmt.Sprintf("%d hosts, %s away, %d at a time", manyHosts, latency, forks), ours: short(time),
					floor: fmt.Sprintf("%d connections, %d channels, %d others", m.conns.Load(), m.execs.Load(), m.others.Load()),
					ratio: fmt.Sprintf("%d MiB", memory>>10),
				})
			}
		}
	}
}

// ask runs the playbook, and returns the most memory that it had, in KiB.
func (m *multitude) ask(b *testing.B, tool string, forks int) int64 {
	b.Helper()
	cmd := exec.Command(tool, "playbook", "playbook/look.yml", "-i", filepath.Join(m.dir, "inventory.ini"), "-f", fmt.Sprint(forks),
		"--private-key", filepath.Join(m.dir, "key"), "--timeout", "60", "--one-line")
	cmd.Env = append(os.Environ(), "HOME="+m.dir, "EUCACTL_STATE="+filepath.Join(m.dir, "cloud", "state"), "SSH_AUTH_SOCK=")
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%v\n%s%.3000s", err, &words, out)
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
}
