package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A host with its own kernel keeps what it changes on a disk of its own, an ext4 image.

const (
	// imageSize is that of a sparse file.
	imageSize = "16G"
	// imageOptions make what a program wrote survive a power cut, as on the hosts that share the machine's kernel.
	imageOptions = "sync"
)

// image lies beside the host's folder. No host's name has a dot.
func (l *Lab) image(host string) string { return filepath.Join(l.disks(), host+".ext4") }

// makeImage makes the disk of what makeDisk has put into the host's folder, once.
func (l *Lab) makeImage(h Host) error {
	image := l.image(h.Name)
	if _, err := os.Stat(image); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	cmd := exec.Command("mke2fs", "-q", "-t", "ext4", "-F", "-b", "4096", "-m", "0", "-N", "65536", "-J", "size=16",
		"-E", "assume_storage_prezeroed=1,root_owner=0:0", "-O", "^resize_inode",
		"-d", filepath.Join(l.disks(), h.Name), image+".new", imageSize)
	if words, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mke2fs: %w: %s", err, bytes.TrimSpace(words))
	}
	return os.Rename(image+".new", image)
}
