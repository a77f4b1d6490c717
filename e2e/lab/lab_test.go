package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// up makes a lab that is named for the test process, in a directory of its own, and takes it down with the test.
func up(t *testing.T, suffix string, o Options) *Lab {
	t.Helper()
	o.Name = "test" + strconv.Itoa(os.Getpid()) + "-" + suffix
	t.Cleanup(func() {
		if err := Down(o.Name, o.Dir); err != nil {
			t.Error(err)
		}
	})
	l, err := Up(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// run runs a shell script in a host and returns what it prints, without the last newline.
func run(t *testing.T, l *Lab, host, script string) string {
	t.Helper()
	out, err := l.Command(host, "/bin/sh", "-c", script).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		t.Fatalf("%s: %s: %v", host, script, err)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// dialSSH logs in from where the controller sits, with the lab's key and pinned host keys.
func dialSSH(l *Lab, user, address string, callback ssh.HostKeyCallback) (*ssh.Client, error) {
	text, err := os.ReadFile(l.Key())
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := l.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c, chans, reqs, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: callback,
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, chans, reqs), nil
}

func sshRun(l *Lab, user string, h Host, command string) (string, error) {
	pinned, err := knownhosts.New(l.KnownHosts())
	if err != nil {
		return "", err
	}
	c, err := dialSSH(l, user, h.Addr().String()+":22", pinned)
	if err != nil {
		return "", err
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	out, err := s.CombinedOutput(command)
	return strings.TrimSuffix(string(out), "\n"), err
}

func TestUpTwice(t *testing.T) {
	l := up(t, "twice", Options{Hosts: []string{"a", "b"}})
	before, _ := l.process("a")
	if err := l.Kill("b"); err != nil {
		t.Fatal(err)
	}
	again, err := Up(Options{Name: l.Name, Hosts: []string{"a", "b", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	if after, _ := again.process("a"); after != before {
		t.Errorf("a standing host was started again: process %d, then %d", before, after)
	}
	for _, name := range []string{"a", "b", "c"} {
		if got := run(t, again, name, "hostname"); got != name {
			t.Errorf("hostname of %s is %q", name, got)
		}
	}
}

func TestExec(t *testing.T) {
	l := up(t, "exec", Options{Hosts: []string{"a"}})
	cmd := l.Command("a", "sh", "-c", "cat; exit 7")
	cmd.Stdin = strings.NewReader("in and out")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if string(out) != "in and out" || !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("got %q, %v", out, err)
	}
	if got := run(t, l, ".", "ip -br -4 addr show priv"); !strings.Contains(got, ControllerAddress) {
		t.Errorf("the controller's place has %q", got)
	}
	if err := l.Command("nobody", "true").Run(); err == nil {
		t.Error("a command ran in a host that does not exist")
	}
}

func TestSSH(t *testing.T) {
	l := up(t, "ssh", Options{Hosts: []string{"a"}})
	h, err := l.Host("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ user, command, want string }{
		{"root", "hostname; id -un; echo $SHELL $HOME", "a\nroot\n/bin/sh /root"},
		{"ops", "id -un; sudo -n id -un", "ops\nroot"},
	} {
		if got, err := sshRun(l, c.user, h, c.command); err != nil || got != c.want {
			t.Errorf("%s@a: got %q, %v; want %q", c.user, got, err, c.want)
		}
	}
	if err := l.StopSSHD("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := sshRun(l, "root", h, "true"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("with sshd stopped: %v", err)
	}
	if err := l.StartSSHD("a"); err != nil {
		t.Fatal(err)
	}
	if _, err := sshRun(l, "root", h, "true"); err != nil {
		t.Error(err)
	}
}

func TestKillAndBoot(t *testing.T) {
	l := up(t, "kill", Options{Hosts: []string{"a"}})
	h, _ := l.Host("a")
	const lasting = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /etc/kept /var/lib/eucactl/kept /root/kept"
	const passing = "cat /proc/sys/kernel/random/boot_id"
	run(t, l, "a", `for d in /etc /run /tmp /var/lib/eucactl /root; do echo "$d" >$d/kept; done; rm /root/.ssh/authorized_keys
		echo 1 >/proc/sys/net/ipv4/ip_forward; ip addr add 10.9.9.9/24 dev eth0; iptables -A INPUT -j DROP; setsid sleep 1000 >/dev/null 2>&1 &`)
	kept, bootID := run(t, l, "a", lasting), run(t, l, "a", passing)
	pid, _ := l.process("a")
	if err := l.Kill("a"); err != nil {
		t.Fatal(err)
	}
	if l.Alive("a") || startTime(pid) != "" {
		t.Error("the host is alive after a power cut")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if conn, err := l.Dial(ctx, "tcp", h.Addr().String()+":22"); err == nil {
		conn.Close()
		t.Error("sshd answers after a power cut")
	}
	if _, err := os.Stat(filepath.Join(l.Upper("a"), "etc/kept")); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := l.Boot("a"); err != nil {
			t.Fatal(err)
		}
	}
	if got := run(t, l, "a", lasting); got != kept {
		t.Errorf("the disk changed from %q to %q", kept, got)
	}
	if got := run(t, l, "a", passing); got == bootID || len(got) != 36 {
		t.Errorf("boot id %q after %q", got, bootID)
	}
	if got, want := run(t, l, "a", `cat /proc/sys/net/ipv4/ip_forward; ls /run/kept /tmp/kept 2>/dev/null | wc -l
		ip addr | grep 10.9.9.9; iptables -S | grep DROP; pgrep -f "sleep 100[0]"; true`), "0\n0"; got != want {
		t.Errorf("left over from before the power cut: %q", got)
	}
	if got, err := sshRun(l, "root", h, "hostname"); err != nil || got != "a" {
		t.Errorf("after boot: %q, %v", got, err)
	}
}

func TestKernelDefaults(t *testing.T) {
	l := up(t, "sysctl", Options{Hosts: []string{"a"}})
	want := "0 1 1 1 0"
	if got := run(t, l, "a", `cd /proc/sys/net/ipv4; echo $(cat ip_forward conf/all/send_redirects conf/eth0/send_redirects \
		conf/default/send_redirects conf/eth0/route_localnet)`); got != want {
		t.Errorf("sysctls are %s, want the kernel's %s", got, want)
	}
	// What would reach beyond the host is out of its reach.
	if err := l.Command("a", "sh", "-c", "echo 1 >/proc/sys/kernel/panic").Run(); err == nil {
		t.Error("a host can set the machine's own sysctls")
	}
	// Shared folders of the machine are not shown.
	if got := run(t, l, "a", "ls -A /tmp /var/tmp /var/lib/eucalyptus /var/lib/eucactl /home /etc/libvirt/qemu | grep -v ^/"); strings.TrimSpace(got) != "ops" {
		t.Errorf("a new host is not empty: %q", got)
	}
}

func TestNoRouteOut(t *testing.T) {
	l := up(t, "out", Options{Hosts: []string{"a"}})
	for _, host := range []string{".", "a"} {
		if got := run(t, l, host, "ip route show default; ip -6 route show default; ip route get 1.1.1.1 2>&1 | grep -c via; true"); got != "0" {
			t.Errorf("%s has a way out: %s", host, got)
		}
	}
	// The machine's processes and interfaces are not to be seen.
	if got := run(t, l, "a", "kill -0 "+strconv.Itoa(os.Getpid())+" 2>&1 || echo none"); !strings.Contains(got, "none") {
		t.Errorf("a host sees the machine's processes: %s", got)
	}
	if got := run(t, l, "a", "ls /sys/class/net"); got != "eth0\nlo" {
		t.Errorf("interfaces of a host: %q", got)
	}
}

func TestSideBySide(t *testing.T) {
	one := up(t, "one", Options{Hosts: []string{"a", "b"}})
	two := up(t, "two", Options{Hosts: []string{"a", "b"}})
	run(t, one, "a", "hostname first")
	run(t, two, "a", "hostname second")
	for _, c := range []struct {
		l    *Lab
		want string
	}{{one, "first"}, {two, "second"}} {
		h, _ := c.l.Host("a")
		if got, err := sshRun(c.l, "root", h, "hostname"); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.l.Name, got, err)
		}
		run(t, c.l, "a", "ping -c 1 -W 5 10.40.0.102")
	}
	if err := one.Down(); err != nil {
		t.Fatal(err)
	}
	h, _ := two.Host("b")
	if got, err := sshRun(two, "root", h, "hostname"); err != nil || got != "b" {
		t.Errorf("after its neighbour went: %q, %v", got, err)
	}
}
