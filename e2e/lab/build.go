package lab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// recipe is counted up when the way of building changes, so that kept images are built anew.
const recipe = "1"

// machineSize is that of the machine image, a sparse file.
const machineSize = "64M"

// build writes kernel, ramdisk and machine.img into a folder.
func (s *sources) build(dir string) error {
	kernel, err := os.ReadFile(s.kernel)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "kernel"), kernel, 0o444); err != nil {
		return err
	}
	ramdisk, err := s.ramdisk()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "ramdisk"), ramdisk, 0o444); err != nil {
		return err
	}
	root := filepath.Join(dir, "root")
	if err := s.machineRoot(root); err != nil {
		return err
	}
	if err := makeExt4(root, filepath.Join(dir, "machine.img")); err != nil {
		return err
	}
	return os.RemoveAll(root)
}

func (s *sources) ramdisk() ([]byte, error) {
	var a cpioArchive
	modules := strings.TrimPrefix(s.modulesDir, "/")
	folders := map[string]bool{}
	mkdir := func(path string) {
		parts := strings.Split(path, "/")
		for i := range parts {
			if parent := strings.Join(parts[:i+1], "/"); !folders[parent] {
				folders[parent] = true
				a.dir(parent)
			}
		}
	}
	for _, d := range []string{"bin", "dev", "proc", "root", modules} {
		mkdir(d)
	}
	// The kernel opens it for process 1 before anything is mounted.
	a.device("dev/console", 0o600, 5, 1)
	busybox, err := os.ReadFile(s.busybox)
	if err != nil {
		return nil, err
	}
	a.file("bin/busybox", 0o755, busybox)
	script, err := guestFiles.ReadFile("guest/ramdisk.sh")
	if err != nil {
		return nil, err
	}
	a.file("init", 0o755, bytes.ReplaceAll(script, []byte("$MODULES"), []byte(strings.Join(earlyDrivers, " "))))
	a.file(modules+"/modules.dep", 0o644, s.early.dependencies)
	for _, module := range s.early.files {
		text, err := os.ReadFile(module)
		if err != nil {
			return nil, err
		}
		path := strings.TrimPrefix(module, "/")
		mkdir(filepath.Dir(path))
		a.file(path, 0o644, unsigned(text))
	}
	return a.bytes(), nil
}

// machineRoot lays out the machine image's root folder.
func (s *sources) machineRoot(root string) error {
	for _, d := range []string{
		"bin", "sbin", "usr/bin", "usr/sbin", "etc/dropbear", "dev", "proc", "sys", "run", "tmp", "root/.ssh",
		"var/lib/cloud", "var/log", "mnt", "home",
	} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	for path, mode := range map[string]os.FileMode{"root": 0o700, "root/.ssh": 0o700, "tmp": 0o777 | os.ModeSticky} {
		if err := os.Chmod(filepath.Join(root, path), mode); err != nil {
			return err
		}
	}
	copies := map[string]string{"bin/busybox": s.busybox, "usr/sbin/dropbear": s.dropbear}
	for _, library := range s.libraries {
		copies[strings.TrimPrefix(library, "/")] = library
	}
	for to, from := range copies {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := writeInside(root, to, text, 0o755); err != nil {
			return err
		}
	}
	if err := s.linkApplets(root); err != nil {
		return err
	}
	if err := s.writeLateModules(root); err != nil {
		return err
	}
	return writeGuestFiles(root)
}

// linkApplets gives every program of busybox its name.
func (s *sources) linkApplets(root string) error {
	list, err := exec.Command(s.busybox, "--list").Output()
	if err != nil {
		return fmt.Errorf("%s --list: %w", s.busybox, err)
	}
	for _, applet := range strings.Fields(string(list)) {
		if applet == "busybox" || applet == "init" || applet == "linuxrc" {
			continue
		}
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sources) writeLateModules(root string) error {
	for _, module := range s.late.files {
		text, err := os.ReadFile(module)
		if err != nil {
			return err
		}
		if err := writeInside(root, module, unsigned(text), 0o644); err != nil {
			return err
		}
	}
	return writeInside(root, filepath.Join(s.modulesDir, "modules.dep"), s.late.dependencies, 0o644)
}

func writeGuestFiles(root string) error {
	for _, f := range []struct {
		path, text string
		mode       os.FileMode
	}{
		{"etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644},
		{"etc/group", "root:x:0:\n", 0o644},
		{"etc/shadow", "root:*:19000:0:99999:7:::\n", 0o600},
		{"etc/shells", "/bin/sh\n", 0o644},
		{"etc/hosts", "127.0.0.1 localhost\n", 0o644},
		{"etc/profile", "export PATH=/bin:/sbin:/usr/bin:/usr/sbin\n", 0o644},
		// User data that asks for bash gets along with busybox' shell most of the time.
		{"bin/bash", "#!/bin/sh\nexec /bin/sh \"$@\"\n", 0o755},
	} {
		if err := writeInside(root, f.path, []byte(f.text), f.mode); err != nil {
			return err
		}
	}
	for name, path := range map[string]string{"init.sh": "sbin/init", "udhcpc.sh": "etc/udhcpc.sh"} {
		text, err := guestFiles.ReadFile("guest/" + name)
		if err != nil {
			return err
		}
		if err := writeInside(root, path, text, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// makeExt4 makes a file system that is written once and for all: nothing is left for the guest's first mount to do.
func makeExt4(root, image string) error {
	cmd := exec.Command("mke2fs", "-q", "-t", "ext4", "-F", "-L", "euca-root", "-b", "4096", "-m", "0", "-N", "4096",
		"-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0", "-O", "^metadata_csum,^64bit,^resize_inode",
		"-d", root, image, machineSize)
	if words, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mke2fs: %w: %s", err, bytes.TrimSpace(words))
	}
	return os.Chmod(image, 0o444)
}
