package remote

import (
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// server is an SSH server in this process, for the behaviour no sshd shows.
type server struct {
	addr    string
	port    int
	host    key
	user    key
	exec    func(command string, ch ssh.Channel) // nil: runs it
	mute    bool                                 // does not answer global requests
	noSFTP  bool
	login   func() // runs when a key is offered
	execs   atomic.Int64
	sftps   atomic.Int64
	others  atomic.Int64
	conns   atomic.Int64
	open    sync.Map // net.Conn
	running sync.WaitGroup
	signers []ssh.Signer
}

func startServer(t *testing.T, change func(*server)) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{host: newKey(t, dir, "host_key"), user: newKey(t, dir, "user_key")}
	s.signers = []ssh.Signer{s.host.signer}
	if change != nil {
		change(s)
	}
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	s.addr, s.port = l.Addr().String(), l.Addr().(*net.TCPAddr).Port
	s.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.open.Store(c, true)
			s.running.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.drop()
		s.running.Wait()
	})
	return s
}

// drop cuts every connection.
func (s *server) drop() {
	s.open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
}

func (s *server) target() Target {
	return Target{Name: "fe1", Address: "127.0.0.1", Port: s.port, User: "root", KeyFiles: []string{s.user.file}}
}

func (s *server) serve(c net.Conn) {
	s.conns.Add(1)
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if s.login != nil {
			s.login()
		}
		if string(k.Marshal()) != string(s.user.public().Marshal()) {
			return nil, io.EOF
		}
		return nil, nil
	}}
	for _, k := range s.signers {
		config.AddHostKey(k)
	}
	conn, chans, reqs, err := ssh.NewServerConn(c, config)
	if err != nil {
		_ = c.Close()
		return
	}
	s.running.Go(func() {
		for r := range reqs {
			if r.WantReply && !s.mute {
				_ = r.Reply(false, nil)
			}
		}
	})
	for nc := range chans {
		s.running.Go(func() { s.channel(nc) })
	}
	_ = conn.Wait()
}

func (s *server) channel(nc ssh.NewChannel) {
	if nc.ChannelType() == "direct-tcpip" {
		s.forward(nc)
		return
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	for r := range reqs {
		var m struct{ Word string }
		_ = ssh.Unmarshal(r.Payload, &m)
		switch {
		case r.Type == "exec":
			s.execs.Add(1)
			_ = r.Reply(true, nil)
			run := s.exec
			if run == nil {
				run = runShell
			}
			s.running.Go(func() { run(m.Word, ch) })
		case r.Type == "subsystem" && m.Word == "sftp" && !s.noSFTP:
			s.sftps.Add(1)
			_ = r.Reply(true, nil)
			s.running.Go(func() {
				if srv, err := sftp.NewServer(ch); err == nil {
					_ = srv.Serve()
				}
			})
		default:
			s.others.Add(1)
			_ = r.Reply(false, nil)
		}
	}
}

// forward makes the server a jump host.
func (s *server) forward(nc ssh.NewChannel) {
	var m struct {
		Host     string
		Port     uint32
		FromHost string
		FromPort uint32
	}
	_ = ssh.Unmarshal(nc.ExtraData(), &m)
	to, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.ParseIP(m.Host), Port: int(m.Port)})
	if err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		_ = to.Close()
		return
	}
	s.running.Go(func() { ssh.DiscardRequests(reqs) })
	s.running.Go(func() { _, _ = io.Copy(ch, to); _ = ch.Close() })
	_, _ = io.Copy(to, ch)
	_ = to.Close()
}

func exit(ch ssh.Channel, status uint32) {
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
	_ = ch.Close()
}

// runShell does as sshd does: the exit status goes out when the shell ends,
// the channel closes when nobody holds its output any more.
func runShell(command string, ch ssh.Channel) {
	cmd := exec.Command("/bin/sh", "-c", command)
	in, _ := cmd.StdinPipe()
	out, outEnd, _ := os.Pipe()
	errs, errsEnd, _ := os.Pipe()
	cmd.Stdout, cmd.Stderr = outEnd, errsEnd
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	_, _ = outEnd.Close(), errsEnd.Close()
	var input, output sync.WaitGroup
	input.Go(func() { _, _ = io.Copy(in, ch); _ = in.Close() })
	output.Go(func() { _, _ = io.Copy(ch, out) })
	output.Go(func() { _, _ = io.Copy(ch.Stderr(), errs) })
	_ = cmd.Wait()
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(cmd.ProcessState.ExitCode())}))
	output.Wait()
	_ = ch.Close()
	_, _ = out.Close(), errs.Close()
	input.Wait()
}
