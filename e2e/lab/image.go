package lab

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed guest
var guestFiles embed.FS

// Image is a guest in EC2's three parts, as files.
type Image struct {
	Kernel  string // Debian's cloud kernel
	Ramdisk string // busybox and the kernel's virtio modules
	Machine string // raw ext4: busybox, dropbear and an init that reads a NoCloud seed
}

// Image names the files of the lab's guest. Do not write to them, they are shared with other labs.
func (l *Lab) Image() Image {
	dir := filepath.Join(l.Dir, "images")
	return Image{filepath.Join(dir, "kernel"), filepath.Join(dir, "ramdisk"), filepath.Join(dir, "machine.img")}
}

// BuildImage builds the guest into a lab's directory; the lab need not stand.
func BuildImage(name, dir string) (Image, error) {
	l, err := named(name, dir)
	if err != nil {
		return Image{}, err
	}
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return Image{}, err
	}
	return l.Image(), l.buildImage()
}

// buildImage links the lab's image to one kept beside the labs under the sum of everything it was made of, and builds
// that one first if no lab did so before.
func (l *Lab) buildImage() error {
	s, err := findSources()
	if err != nil {
		return fmt.Errorf("guest image: %w", err)
	}
	sum, err := s.sum()
	if err != nil {
		return fmt.Errorf("guest image: %w", err)
	}
	kept := filepath.Join(filepath.Dir(l.Dir), ".images", sum)
	if err := keepImage(kept, s); err != nil {
		return fmt.Errorf("guest image: %w", err)
	}
	return l.linkImage(kept)
}

// keepImage builds the image at that path unless it is there. Of two that build at once the first wins.
func keepImage(kept string, s *sources) error {
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return err
	}
	guard, err := os.OpenFile(kept+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer guard.Close()
	if err := flock(guard); err != nil {
		return err
	}
	if _, err := os.Stat(kept); err == nil {
		return nil
	}
	building := kept + ".building"
	if err := os.RemoveAll(building); err != nil {
		return err
	}
	if err := os.Mkdir(building, 0o755); err != nil {
		return err
	}
	if err := s.build(building); err != nil {
		return err
	}
	return os.Rename(building, kept)
}

func (l *Lab) linkImage(kept string) error {
	image := l.Image()
	if err := os.MkdirAll(filepath.Dir(image.Kernel), 0o755); err != nil {
		return err
	}
	for _, file := range []string{image.Kernel, image.Ramdisk, image.Machine} {
		from := filepath.Join(kept, filepath.Base(file))
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.Link(from, file); err != nil {
			return err
		}
	}
	return nil
}

// sum changes when any input of the image does. Large files count by size and time, as make would have it.
func (s *sources) sum() (string, error) {
	h := sha256.New()
	for _, name := range []string{"ramdisk.sh", "init.sh", "udhcpc.sh"} {
		text, err := guestFiles.ReadFile("guest/" + name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	files := append([]string{s.kernel, s.busybox, s.dropbear}, s.libraries...)
	files = append(files, s.early.files...)
	for _, file := range append(files, s.late.files...) {
		st, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d %d\n", file, st.Size(), st.ModTime().UnixNano())
	}
	fmt.Fprintln(h, recipe)
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}
