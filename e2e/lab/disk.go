package lab

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// The disks of a lab are one tmpfs, because the upper layer of an overlay must not lie below its lower layer, which is
// the machine's own root. Its mount source carries the lab's name, so it can be found without any records.

func (l *Lab) disks() string { return filepath.Join(l.Dir, "disk") }

func (l *Lab) diskSource() string { return "eucactl-lab:" + l.Name }

// Upper is the folder with what a host has changed of its file system, there also while the host is down. A file of
// the machine that the host removed shows as a character device 0:0. Of a host with its own kernel it is what its disk
// was made of.
func (l *Lab) Upper(host string) string { return filepath.Join(l.disks(), host, "upper") }

func (l *Lab) mountDisks() error {
	if l.findDisks() == l.disks() {
		return nil
	}
	if err := os.MkdirAll(l.disks(), 0o755); err != nil {
		return err
	}
	if err := unix.Mount(l.diskSource(), l.disks(), "tmpfs", 0, "mode=755,size=75%"); err != nil {
		return fmt.Errorf("mount disks at %s: %w", l.disks(), err)
	}
	return nil
}

func (l *Lab) unmountDisks() error {
	for {
		found := l.findDisks()
		if found == "" {
			return nil
		}
		if err := unix.Unmount(found, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", found, err)
		}
	}
}

// findDisks returns where this lab's disks are mounted, or "".
func (l *Lab) findDisks() string {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && fields[0] == l.diskSource() {
			return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(fields[1])
		}
	}
	return ""
}

// own are the folders a host shares nothing of with the machine it runs on. Whatever the machine keeps there, a host
// begins with an empty folder.
var own = []struct {
	path string
	mode os.FileMode
}{
	{"dev", 0o755}, {"dev/net", 0o755}, {"dev/pts", 0o755}, {"dev/shm", 0o755},
	{"run", 0o755}, {"tmp", 0o1777}, {"proc", 0o555}, {"sys", 0o555},
	{"root", 0o700}, {"root/.ssh", 0o700}, {"home", 0o755}, {"var/tmp", 0o1777},
	{"var/lib/eucalyptus", 0o755}, {"var/lib/eucactl", 0o755},
	{"var/cache/libvirt", 0o755}, {"etc/libvirt/qemu", 0o700}, {"etc/sudoers.d", 0o755}, {"etc/ssh/sshd_config.d", 0o755},
}

// devices are the nodes of a host's /dev. /dev/kvm is missing on purpose: nested, it often exists and does not work.
var devices = []struct {
	path         string
	mode         uint32
	major, minor uint32
}{
	{"dev/null", 0o666, 1, 3}, {"dev/zero", 0o666, 1, 5}, {"dev/full", 0o666, 1, 7}, {"dev/random", 0o666, 1, 8},
	{"dev/urandom", 0o666, 1, 9}, {"dev/tty", 0o666, 5, 0}, {"dev/net/tun", 0o666, 10, 200},
}

// makeDisk fills a new host's upper layer with what makes it a machine of its own. A disk that was made stays.
func (l *Lab) makeDisk(h Host) error {
	dir := filepath.Join(l.disks(), h.Name)
	made := filepath.Join(dir, "made")
	if _, err := os.Stat(made); err == nil {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	upper := l.Upper(h.Name)
	for _, d := range []string{upper, filepath.Join(dir, "work"), filepath.Join(dir, "root"), filepath.Join(upper, "etc/ssh"), filepath.Join(upper, "var")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := makeOwn(upper); err != nil {
		return err
	}
	if err := makeDevices(upper); err != nil {
		return err
	}
	if err := l.writeFiles(h, upper); err != nil {
		return err
	}
	if h.ownKernel() {
		if err := prepareKernel(upper); err != nil {
			return err
		}
	}
	if err := l.reuseProbes(h); err != nil {
		return err
	}
	return os.WriteFile(made, nil, 0o644)
}

func makeOwn(upper string) error {
	for _, d := range own {
		path := filepath.Join(upper, d.path)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		// os.Chmod wants its sticky bit apart.
		if err := unix.Chmod(path, uint32(d.mode)); err != nil {
			return &os.PathError{Op: "chmod", Path: path, Err: err}
		}
		if err := unix.Setxattr(path, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
			return &os.PathError{Op: "setxattr", Path: path, Err: err}
		}
	}
	return nil
}

func makeDevices(upper string) error {
	for _, d := range devices {
		path := filepath.Join(upper, d.path)
		if err := unix.Mknod(path, unix.S_IFCHR|d.mode, int(unix.Mkdev(d.major, d.minor))); err != nil {
			return &os.PathError{Op: "mknod", Path: path, Err: err}
		}
		if err := unix.Chmod(path, d.mode); err != nil {
			return err
		}
	}
	return errors.Join(
		os.Symlink("pts/ptmx", filepath.Join(upper, "dev/ptmx")),
		os.Symlink("/proc/self/fd", filepath.Join(upper, "dev/fd")),
		os.Symlink("/proc/self/fd/0", filepath.Join(upper, "dev/stdin")),
		os.Symlink("/proc/self/fd/1", filepath.Join(upper, "dev/stdout")),
		os.Symlink("/proc/self/fd/2", filepath.Join(upper, "dev/stderr")),
	)
}
