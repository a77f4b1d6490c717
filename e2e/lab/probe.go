package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// libvirtd asks each QEMU what it can do before its first guest, which costs the better part of a second, and keeps
// the answer with the marks of the binary, itself and the kernel it holds for. So the answer is good for every node of
// every lab on this machine; a stale one libvirtd throws away by itself.

const probes = "var/cache/libvirt/qemu/capabilities"

func (l *Lab) keptProbes() string { return filepath.Join(filepath.Dir(l.Dir), ".probes") }

// reuseProbes gives a new node what an earlier one learned.
func (l *Lab) reuseProbes(h Host) error {
	if h.Role != Node {
		return nil
	}
	return copyProbes(l.keptProbes(), filepath.Join(l.Upper(h.Name), probes))
}

// keepProbes saves what the nodes learned before their disks go.
func (l *Lab) keepProbes() error {
	found, err := filepath.Glob(filepath.Join(l.Upper("*"), probes))
	if err != nil {
		return err
	}
	for _, dir := range found {
		if err := copyProbes(dir, l.keptProbes()); err != nil {
			return err
		}
	}
	return nil
}

// learnProbes asks on the machine's own kernel what an emulated one would take twenty seconds to answer, on a node that
// is there for a second, unless what is kept is newer than what it is about.
func (l *Lab) learnProbes() error {
	if fresh, err := l.probesFresh(); err != nil || fresh {
		return err
	}
	h := Host{Name: "probe", Role: Node, Private: private(100)}
	once := &Lab{Name: l.Name, Dir: l.Dir, hosts: []Host{h}}
	if err := once.bootAll(once.hosts); err != nil {
		return err
	}
	if words, err := once.Command(h.Name, "virsh", "capabilities").CombinedOutput(); err != nil {
		return fmt.Errorf("virsh capabilities: %w: %s", err, words)
	}
	if err := once.kill(h.Name); err != nil {
		return err
	}
	return errors.Join(copyProbes(filepath.Join(l.Upper(h.Name), probes), l.keptProbes()),
		os.RemoveAll(filepath.Join(l.disks(), h.Name)), os.RemoveAll(l.hostDir(h.Name)))
}

// probesFresh compares the kept answers with the programs they are about.
func (l *Lab) probesFresh() (bool, error) {
	var newest time.Time
	for _, name := range []string{"libvirtd", "qemu-system-x86_64"} {
		path, err := exec.LookPath(name)
		if err != nil {
			return false, err
		}
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			return false, &os.PathError{Op: "stat", Path: path, Err: err}
		}
		if changed := time.Unix(st.Ctim.Unix()); changed.After(newest) {
			newest = changed
		}
	}
	files, err := filepath.Glob(filepath.Join(l.keptProbes(), "*.xml"))
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(files, func(file string) bool {
		st, err := os.Stat(file)
		return err == nil && st.ModTime().After(newest)
	}), nil
}

func copyProbes(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.xml"))
	if err != nil || len(files) == 0 {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		target := filepath.Join(to, filepath.Base(file))
		if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, text) {
			continue
		}
		if err := replaceFile(target, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
