package lab

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

//go:embed boot.sh
var bootScript string

// bootLimit is how long a host may take until its daemons answer. It takes a tenth of a second on an idle
// machine; kernelLimit is that of one with a kernel of its own, which takes three seconds.
const (
	bootLimit   = 60 * time.Second
	kernelLimit = 120 * time.Second
)

func (l *Lab) hostDir(host string) string { return filepath.Join(l.Dir, "host", host) }

// bootAll starts dead hosts, side by side, and waits until each one's sshd listens.
func (l *Lab) bootAll(hosts []Host) error {
	if len(hosts) == 0 {
		return nil
	}
	for _, h := range hosts {
		// What a crash left of it goes first.
		if err := l.kill(h.Name); err != nil {
			return err
		}
	}
	if err := l.plug(hosts); err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(4)
	for _, h := range hosts {
		g.Go(func() error {
			if err := l.boot(h); err != nil {
				return fmt.Errorf("boot %s: %w", h.Name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := l.awaitLinks(hosts); err != nil {
		return err
	}
	return l.writeKnownHosts()
}

func (l *Lab) boot(h Host) error {
	if err := l.makeDisk(h); err != nil {
		return err
	}
	if err := l.authorize(h); err != nil {
		return err
	}
	if h.ownKernel() {
		return l.bootKernel(h)
	}
	if err := l.writeRun(h); err != nil {
		return err
	}
	if err := l.launch(h); err != nil {
		return err
	}
	return l.await(h)
}

// writeRun writes what boot.sh reads.
func (l *Lab) writeRun(h Host) error {
	dir := l.hostDir(h.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, "pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for name, text := range map[string]string{
		"boot.sh": bootScript,
		"boot_id": newBootID() + "\n",
		"network": l.configuration(h),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func newBootID() string {
	var b [16]byte
	// Read never fails, it says.
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// nobodysChild begins a command that goes on without this process: setsid forks, and the machine's own process 1 takes
// it in. What else whoever made the lab has open, a lock perhaps, is not for hosts to hold.
func nobodysChild(args ...string) *exec.Cmd {
	const closed = `exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec setsid --fork "$@"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", closed, "sh"}, args...)...)
	cmd.Dir = "/"
	return cmd
}

// launch starts process 1 of the host.
func (l *Lab) launch(h Host) error {
	dir := l.hostDir(h.Name)
	log, err := os.Create(filepath.Join(dir, "boot.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"nsenter", "--net=" + filepath.Join(netnsDir, l.Net(h.Name))}
	if h.Systemd {
		args = append(args, l.groupCommand(h, joinGroup)...)
		args = append(args, "unshare", "--cgroup")
	}
	args = append(args, "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
		"/bin/sh", filepath.Join(dir, "boot.sh"))
	cmd := nobodysChild(args...)
	cmd.Env = []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LAB_HOST=" + h.Name, "LAB_DISK=" + filepath.Join(l.disks(), h.Name),
		"LAB_RUN=" + dir,
	}
	if h.Role == Node {
		cmd.Env = append(cmd.Env, "LAB_LIBVIRT=1")
	}
	if h.Role == DHCP {
		cmd.Env = append(cmd.Env, "LAB_DHCP=1")
	}
	if h.Systemd {
		cmd.Env = append(cmd.Env, "LAB_SYSTEMD=1")
	}
	cmd.Stdout, cmd.Stderr = log, log
	return cmd.Run()
}

// await returns when the host's daemons answer, or says what the boot script said.
func (l *Lab) await(h Host) error {
	return l.poll(h, func(pid int) bool {
		return listens(pid, 22) && (h.Role != Node || libvirtReady(pid)) && (!h.Systemd || systemdReady(pid)) &&
			(h.Role != DHCP || dhcpdReady(pid))
	})
}

// poll asks until ready says yes.
func (l *Lab) poll(h Host, ready func(pid int) bool) error {
	for limit := time.Now().Add(bootLimit); ; time.Sleep(5 * time.Millisecond) {
		pid, alive := l.process(h.Name)
		if alive && ready(pid) {
			return nil
		}
		if time.Now().After(limit) || (pid != 0 && !alive) {
			words, _ := os.ReadFile(filepath.Join(l.hostDir(h.Name), "boot.log"))
			return fmt.Errorf("%s: its daemons do not answer: %s", h.Name, strings.TrimSpace(string(words)))
		}
	}
}

// libvirtReady looks for the daemon's socket in the host's own file system.
func libvirtReady(pid int) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(pid) + "/root/run/libvirt/libvirt-sock")
	return err == nil
}

// dhcpdReady looks for the file that dhcpd writes when it serves.
func dhcpdReady(pid int) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(pid) + "/root/run/dhcpd.pid")
	return err == nil
}

// listens reads the kernel's own table of a process' network namespace: asking costs the host no connection.
func listens(pid, port int) bool {
	table, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/net/tcp")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
			return true
		}
	}
	return false
}
