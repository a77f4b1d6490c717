package lab

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A host with its own kernel has no namespaces that a program could enter from outside. Its door is an sshd that
// listens on a link of its own to the host's namespace on the machine, where nobody else is: what a test does to the
// host's addresses, firewall and sshd does not shut it. One connection carries all commands.

//go:embed uml/door.sh
var doorScript string

const (
	doorLink    = "door"
	doorAddress = "169.254.0.2"
)

const doorConfig = `HostKey /etc/ssh/ssh_host_ed25519_key
PidFile none
LogLevel QUIET
AuthorizedKeysFile /run/lab/key
PermitRootLogin yes
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxSessions 1000
`

// doorSocket is where the connection is shared, in the host's folder of the lab. A socket's name must be short, so it is
// looked for from there.
const doorSocket = "door"

// doorCommand is ssh from where the host's kernel runs.
func (l *Lab) doorCommand(host string, args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{
		"--net=" + filepath.Join(netnsDir, l.Net(host)), "--", "ssh", "-F", "none", "-i", l.Key(), "-S", doorSocket,
		"-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null",
	}, args...)...)
	cmd.Env = hostEnv
	cmd.Dir = l.hostDir(host)
	return cmd
}

// openDoor connects. The connection ends with the host, because it belongs to the host's namespace.
func (l *Lab) openDoor(h Host) error {
	if err := os.Remove(filepath.Join(l.hostDir(h.Name), doorSocket)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	log, err := os.Create(filepath.Join(l.hostDir(h.Name), "door.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := l.doorCommand(h.Name, "-M", "-N", "-f", "root@"+doorAddress)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		words, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%s: log in by its door: %w: %s", h.Name, err, strings.TrimSpace(string(words)))
	}
	return nil
}

// throughDoor runs a program on a host with its own kernel. The shell that sshd starts there stays until the end, so
// that a program which a signal ended has the exit code 128+n: ssh alone would say 255.
func (l *Lab) throughDoor(host string, args []string) *exec.Cmd {
	var script strings.Builder
	script.WriteString("cd / && export")
	for _, variable := range hostEnv {
		script.WriteString(" " + quote(variable))
	}
	script.WriteString(" &&")
	for _, arg := range args {
		script.WriteString(" " + quote(arg))
	}
	script.WriteString("; exit $?")
	return l.doorCommand(host, "-T", "root@"+doorAddress, script.String())
}

// quote makes one word of sh.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
