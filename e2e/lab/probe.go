package lab

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
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
