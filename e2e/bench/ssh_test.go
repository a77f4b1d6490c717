package bench

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// answerLimit is how long a guest may take until its sshd answers. Under emulation a boot takes ten seconds.
const answerLimit = 2 * time.Minute

// login is how to log in as root with the key in a file. Who is there is not asked: benchmarks measure, they do not
// guard.
func login(b *testing.B, keyFile string) *ssh.ClientConfig {
	b.Helper()
	text, err := os.ReadFile(keyFile)
	if err != nil {
		b.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		b.Fatal(err)
	}
	return &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	}
}

// answer waits until a guest, asked from the outside client, runs a command over SSH.
func (s *site) answer(b *testing.B, address string) {
	b.Helper()
	config := login(b, s.key)
	var err error
	for limit := time.Now().Add(answerLimit); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		var conn net.Conn
		if conn, err = s.dialFrom("client", address+":22"); err != nil {
			continue
		}
		if err = run(conn, config, "true"); err == nil {
			return
		}
	}
	b.Fatalf("%s does not answer: %v", address, err)
}

// run is one command over a new connection, which it closes.
func run(conn net.Conn, config *ssh.ClientConfig, command string) error {
	c, channels, requests, err := ssh.NewClientConn(conn, conn.RemoteAddr().String(), config)
	if err != nil {
		conn.Close()
		return err
	}
	client := ssh.NewClient(c, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	_, err = session.Output(command)
	return err
}

// dialFrom connects from a host's network. The thread that went there is thrown away with its goroutine. The time out
// is short, because a packet to an address that is not there yet is lost and would be sent again only after a second.
func (s *site) dialFrom(host, address string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		var space *os.File
		if space, err = os.Open(filepath.Join("/run/netns", s.Net(host))); err != nil {
			return
		}
		defer space.Close()
		if err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
			return
		}
		conn, err = net.DialTimeout("tcp", address, 200*time.Millisecond)
	}()
	<-done
	return conn, err
}
