package lab

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Kernel says on whose kernel a host runs.
type Kernel string

// The kernels of lab hosts.
const (
	// SharedKernel is the machine's: such a host boots in a tenth of a second and has what this kernel happens to have.
	SharedKernel Kernel = "shared"
	// OwnKernel is one for the host alone, user-mode Linux: VLANs, device mapper, iSCSI and any other module. Starting
	// a program costs a hundred times what it costs outside.
	OwnKernel Kernel = "own"
)

const umlModules = "/usr/lib/uml/modules"

//go:embed uml/launch.sh
var launchScript string

//go:embed uml/init.sh
var initScript string

// ownKernel says whether the host has a kernel of its own.
func (h Host) ownKernel() bool { return h.Kernel == OwnKernel }

// shared refuses what can only be done from outside, with a host of the machine's own kernel.
func (l *Lab) shared(host string) error {
	if h, err := l.Host(host); err == nil && h.ownKernel() {
		return fmt.Errorf("lab %s: host %s has a kernel of its own; run a program on it instead", l.Name, host)
	}
	return nil
}

// memory is what the host's kernel has. Only what it touches is taken from the machine.
func (h Host) memory() string {
	if h.Role == Node {
		return "1024M"
	}
	return "384M"
}

// umlVersion asks the kernel for its release, which names the folder of its modules.
func umlVersion() (string, error) {
	out, err := exec.Command("linux.uml", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("linux.uml --version: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// prepareKernel puts on a host's disk what its kernel asks for.
func prepareKernel(upper string) error {
	if err := linkModules(upper); err != nil {
		return err
	}
	return chooseLegacy(upper)
}

// linkModules shows the kernel's modules to modprobe, in the folder where it looks for them.
func linkModules(upper string) error {
	version, err := umlVersion()
	if err != nil {
		return err
	}
	// Debian's /lib is a link.
	lib, err := filepath.EvalSymlinks("/lib")
	if err != nil {
		return err
	}
	dir := filepath.Join(upper, lib, "modules")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(umlModules, version), filepath.Join(dir, version))
}

// bootKernel starts a host that has its disk and returns when its daemons answer.
func (l *Lab) bootKernel(h Host) error {
	if err := l.makeImage(h); err != nil {
		return err
	}
	if err := l.writeKernelRun(h); err != nil {
		return err
	}
	if err := l.launchKernel(h); err != nil {
		return err
	}
	return l.awaitKernel(h)
}

// writeKernelRun writes what launch.sh, init.sh and door.sh read.
func (l *Lab) writeKernelRun(h Host) error {
	dir := l.hostDir(h.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, "pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	key, err := os.ReadFile(l.Key() + ".pub")
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"launch.sh", launchScript, 0o644},
		{"init.sh", initScript, 0o755},
		{"door.sh", doorScript, 0o644},
		{"sshd_config", doorConfig, 0o644},
		{"key", string(key), 0o644},
		{"network", l.renames(h) + l.configuration(h), 0o644},
	} {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.text), f.mode); err != nil {
			return err
		}
	}
	return nil
}

// renames calls the kernel's links what they are called on every other host.
func (l *Lab) renames(h Host) string {
	var b strings.Builder
	for i := range h.cables() {
		fmt.Fprintf(&b, "link set vec%d name eth%d\n", i, i)
	}
	return b.String()
}

// commandLine is the kernel's. What it does not know itself becomes process 1's environment.
func (l *Lab) commandLine(h Host, kernel string) []string {
	dir := l.hostDir(h.Name)
	line := []string{
		kernel, "umid=" + h.Name, "uml_dir=" + filepath.Join(l.disks(), h.Name, "root"), "mem=" + h.memory(),
		"root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "init=" + filepath.Join(dir, "init.sh"),
		"ubd0=" + l.image(h.Name), "con=null", "con0=null,fd:1", "ssl=null", "quiet",
		// They measure at every boot, for longer than the rest of it takes, how to do fast what no host here does.
		"initcall_blacklist=raid6_select_algo,calibrate_xor_blocks", "pty.legacy_count=0",
	}
	for i := range h.cables() {
		line = append(line, link(i, tap(i), l.mac(h, i)))
	}
	line = append(line, link(9, doorLink, "02:1a:b0:00:00:02"),
		"LAB_HOST="+h.Name, "LAB_RUN="+dir, "LAB_MOUNT="+imageOptions)
	if h.Role == Node {
		line = append(line, "LAB_LIBVIRT=1")
	}
	return line
}

// link is one of the kernel's, vecN. Without GRO it drops what the machine has put together to large frames.
func link(n int, tap, mac string) string {
	return fmt.Sprintf("vec%d:transport=tap,ifname=%s,depth=64,gro=1,mac=%s", n, tap, mac)
}

// launchKernel starts a host's kernel, as launch does a host.
func (l *Lab) launchKernel(h Host) error {
	if strings.ContainsAny(l.Dir, " \t\",:") {
		return fmt.Errorf("a kernel's command line cannot name the lab's directory %q", l.Dir)
	}
	kernel, err := l.keepKernel()
	if err != nil {
		return err
	}
	dir := l.hostDir(h.Name)
	log, err := os.Create(filepath.Join(dir, "boot.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"nsenter", "--net=" + filepath.Join(netnsDir, l.Net(h.Name)),
		"unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", filepath.Join(dir, "launch.sh")}
	cmd := nobodysChild(append(args, l.commandLine(h, kernel)...)...)
	cmd.Env = []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LAB_DISK=" + filepath.Join(l.disks(), h.Name), "LAB_RUN=" + dir,
	}
	cmd.Stdout, cmd.Stderr = log, log
	return cmd.Run()
}

// awaitKernel returns when init.sh says that the host is up.
func (l *Lab) awaitKernel(h Host) error {
	path := filepath.Join(l.hostDir(h.Name), "boot.log")
	for limit := time.Now().Add(kernelLimit); ; time.Sleep(10 * time.Millisecond) {
		words, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.Contains(string(words), "lab: "+h.Name+" is up") {
			return l.openDoor(h)
		}
		if pid, alive := l.process(h.Name); time.Now().After(limit) || (pid != 0 && !alive) {
			return fmt.Errorf("%s: it does not come up; process %s said: %s", h.Name, strconv.Itoa(pid), strings.TrimSpace(string(words)))
		}
	}
}
