package lab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A guest's drivers; what they depend on comes along. The ramdisk loads the early ones. The machine image holds the
// late ones, which its init loads when it knows that it needs them.
var (
	earlyDrivers = []string{"virtio_pci", "virtio_blk", "virtio_net", "vfat", "nls_ascii", "nls_cp437"}
	lateDrivers  = []string{"isofs", "nls_iso8859-1", "nls_utf8", "button", "evdev"}
)

// modules are files of one kernel, with the modules.dep that describes them alone.
type modules struct {
	files        []string
	dependencies []byte
}

// sources are the files of this machine that a guest image is made of.
type sources struct {
	kernel, busybox, dropbear string
	libraries                 []string // dropbear's shared libraries and their loader
	modulesDir                string   // /lib/modules/VERSION
	early, late               modules
}

func findSources() (*sources, error) {
	s := &sources{busybox: "/usr/bin/busybox", dropbear: "/usr/sbin/dropbear"}
	if _, err := os.Stat(s.busybox); err != nil {
		s.busybox = "/bin/busybox"
	}
	kernels, _ := filepath.Glob("/boot/vmlinuz-*-cloud-amd64")
	for _, want := range []struct{ file, pkg string }{
		{s.busybox, "busybox-static"}, {s.dropbear, "dropbear-bin"},
	} {
		if _, err := os.Stat(want.file); err != nil {
			return nil, fmt.Errorf("%w: apt-get install %s", err, want.pkg)
		}
	}
	if len(kernels) == 0 {
		return nil, fmt.Errorf("no /boot/vmlinuz-*-cloud-amd64: apt-get install linux-image-cloud-amd64")
	}
	s.kernel = slices.MaxFunc(kernels, func(a, b string) int {
		return modified(a) - modified(b)
	})
	s.modulesDir = "/lib/modules/" + strings.TrimPrefix(s.kernel, "/boot/vmlinuz-")
	if err := s.findLibraries(); err != nil {
		return nil, err
	}
	return s, s.findModules()
}

func modified(path string) int {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return int(st.ModTime().Unix())
}

// findLibraries asks the loader: every absolute path that ldd prints.
func (s *sources) findLibraries() error {
	out, err := exec.Command("ldd", s.dropbear).Output()
	if err != nil {
		return fmt.Errorf("ldd %s: %w", s.dropbear, err)
	}
	for _, word := range strings.Fields(string(out)) {
		if strings.HasPrefix(word, "/") {
			s.libraries = append(s.libraries, word)
		}
	}
	return nil
}

func (s *sources) findModules() error {
	text, err := os.ReadFile(filepath.Join(s.modulesDir, "modules.dep"))
	if err != nil {
		return err
	}
	if s.early, err = s.selectModules(string(text), earlyDrivers); err != nil {
		return err
	}
	s.late, err = s.selectModules(string(text), lateDrivers)
	return err
}

// selectModules follows modules.dep, whose lines already list everything a module needs, nearest first.
func (s *sources) selectModules(dep string, drivers []string) (modules, error) {
	needs := map[string][]string{}
	paths := map[string]string{}
	for line := range strings.Lines(dep) {
		path, words, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		needs[path] = strings.Fields(words)
		paths[strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".ko"), "-", "_")] = path
	}
	var m modules
	have := map[string]bool{}
	for _, driver := range drivers {
		path, ok := paths[strings.ReplaceAll(driver, "-", "_")]
		if !ok {
			return modules{}, fmt.Errorf("%s has no module %s", s.modulesDir, driver)
		}
		for _, p := range append(slices.Clone(needs[path]), path) {
			if have[p] {
				continue
			}
			have[p] = true
			m.files = append(m.files, filepath.Join(s.modulesDir, p))
			m.dependencies = fmt.Appendf(m.dependencies, "%s: %s\n", p, strings.Join(needs[p], " "))
		}
	}
	return m, nil
}

// unsigned strips a module's signature: checking it takes the emulated processor longer than all else in loading it,
// and the kernel does not insist. The layout is struct module_signature of the kernel's module_signature.h.
func unsigned(module []byte) []byte {
	const magic = "~Module signature appended~\n"
	const info = 12
	body, ok := bytes.CutSuffix(module, []byte(magic))
	if !ok || len(body) < info {
		return module
	}
	length := int(binary.BigEndian.Uint32(body[len(body)-4:]))
	if length > len(body)-info {
		return module
	}
	return body[:len(body)-info-length]
}
