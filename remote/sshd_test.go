package remote

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sshd is OpenSSH's, running as this test's child on 127.0.0.1.
type sshd struct {
	addr   string
	port   int
	host   key // its host key
	user   key // a key that root may log in with
	log    string
	config string
}

func (s *sshd) target() Target {
	return Target{Name: "fe1", Address: "127.0.0.1", Port: s.port, User: "root", KeyFiles: []string{s.user.file}}
}

// startSSHD runs sshd with more lines of configuration, under a wrapper command
// if one is given.
func startSSHD(t *testing.T, more string, wrapper ...string) *sshd {
	t.Helper()
	dir := t.TempDir()
	check(t, os.Chmod(filepath.Dir(dir), 0o755)) // sshd reads the keys as the user
	s := &sshd{port: freePort(t), log: filepath.Join(dir, "log")}
	s.addr = fmt.Sprintf("127.0.0.1:%d", s.port)
	s.host, s.user = newKey(t, dir, "host_key"), newKey(t, dir, "user_key")
	keys := filepath.Join(dir, "authorized_keys")
	check(t, os.WriteFile(keys, s.user.authorized(), 0o644))
	check(t, os.MkdirAll("/run/sshd", 0o755))
	s.config = filepath.Join(dir, "sshd_config")
	check(t, os.WriteFile(s.config, []byte(fmt.Sprintf(`%s
ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
LogLevel VERBOSE
Subsystem sftp internal-sftp
`, more, s.addr, s.host.file, keys)), 0o644))
	argv := append(wrapper, "/usr/sbin/sshd", "-D", "-f", s.config, "-E", s.log)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	check(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	s.await(t)
	return s
}

func (s *sshd) await(t *testing.T) {
	t.Helper()
	for range 1000 {
		if strings.Contains(s.logged(), "Server listening") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("sshd does not listen: %s", s.logged())
}

func (s *sshd) logged() string {
	b, _ := os.ReadFile(s.log)
	return string(b)
}

func freePort(t *testing.T) int {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
