// Package lab makes real hosts out of namespaces on one machine, for tests, benches and demonstrations: sshd, dhcpd,
// iptables, libvirtd and QEMU all run for real. A host can also have a kernel of its own, for what the machine's lacks.
// Everything of a lab lives in network namespaces without a route out, so a packet to a lab address that is down dies
// there. The package refuses to touch any process or namespace that does not carry its lab's name, so several labs stand
// side by side.
package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"golang.org/x/sync/errgroup"

	"eucactl/inventory"
)

// DefaultName is the lab's name when Options leaves it empty.
const DefaultName = "eucalab"

// labs is where labs without a directory of their own are kept, next to the cache of guest images.
const labs = "/var/tmp/eucactl-lab"

// Options says what a lab is made of. The zero value is the cloud's lab: fe1, node1, node2 and client.
type Options struct {
	Name string // network namespace and directory are named for it; DefaultName if empty
	Dir  string // records, keys, disks, images; /var/tmp/eucactl-lab/NAME if empty
	// Nodes is the number of node controllers, which come with one frontend and one outside client. Zero means two,
	// unless Hosts are named: then the lab is made of those alone.
	Nodes int
	// Hosts are plain hosts: an address on the private network and sshd, nothing else.
	Hosts []string
	// Systemd makes it process 1 of those plain hosts. It starts nothing by itself.
	Systemd bool
	// Kernel is what all hosts but clients run on; SharedKernel if empty.
	Kernel Kernel
	// Mode is the network mode that the inventory names and the nodes are cabled for; MANAGED-NOVLAN if empty.
	Mode inventory.Mode
}

// Lab is a standing lab. Its methods may be called from several goroutines, and by several processes at once.
type Lab struct {
	Name string // also the network namespace of its switches and of the controller
	Dir  string

	kernel Kernel
	mode   inventory.Mode
	hosts  []Host
}

var labName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// Up makes the lab, or completes it: hosts that stand are left alone, hosts that are missing or dead are booted.
func Up(o Options) (*Lab, error) {
	l, err := named(o.Name, o.Dir)
	if err != nil {
		return nil, err
	}
	if err := requirements(hostPrograms); err != nil {
		return nil, err
	}
	unlock, err := l.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := l.load(); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := l.choose(o); err != nil {
		return nil, err
	}
	if err := l.include(o); err != nil {
		return nil, err
	}
	if err := l.raise(); err != nil {
		return nil, fmt.Errorf("lab %s: %w", l.Name, err)
	}
	return l, nil
}

// Open finds a lab that was made by Up, perhaps by another process.
func Open(name, dir string) (*Lab, error) {
	l, err := named(name, dir)
	if err != nil {
		return nil, err
	}
	if err := l.load(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("lab %s does not exist; make it with: lab up --name %s", l.Name, l.Name)
		}
		return nil, err
	}
	return l, nil
}

// raise brings everything the records name into being. Each step leaves alone what is there already.
func (l *Lab) raise() error {
	if l.hasCloud() {
		if err := requirements(cloudPrograms); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(l.hosts, Host.ownKernel) {
		if err := requirements(kernelPrograms); err != nil {
			return err
		}
	}
	if err := l.claimNamespace(); err != nil {
		return err
	}
	var g errgroup.Group
	if l.hasCloud() {
		g.Go(l.buildImage)
	}
	g.Go(l.raiseHosts)
	return g.Wait()
}

// claimNamespace writes the records before anything is made, so that Down finds a half-made lab.
func (l *Lab) claimNamespace() error {
	if _, err := os.Stat(l.recordsPath()); errors.Is(err, os.ErrNotExist) && namespaceExists(l.Name) {
		return fmt.Errorf("network namespace %s exists and is not a lab in %s", l.Name, l.Dir)
	}
	return l.save()
}

func (l *Lab) raiseHosts() error {
	if !namespaceExists(l.Name) {
		// Hosts that outlived their switches are cut off for good.
		if err := l.killInside(l.spaces()); err != nil {
			return err
		}
	}
	if err := l.raiseNetwork(); err != nil {
		return err
	}
	if err := l.mountDisks(); err != nil {
		return err
	}
	if err := l.writeKeys(); err != nil {
		return err
	}
	if err := l.writeInventory(); err != nil {
		return err
	}
	dead := slices.DeleteFunc(slices.Clone(l.hosts), func(h Host) bool { return l.Alive(h.Name) })
	if slices.ContainsFunc(dead, func(h Host) bool { return h.ownKernel() && h.Role == Node }) {
		if err := l.learnProbes(); err != nil {
			return fmt.Errorf("learn what QEMU can do: %w", err)
		}
	}
	return l.bootAll(dead)
}

// Down removes the lab: its processes, network namespaces, mounts and files. A lab that is half made, or whose maker
// crashed, goes as well; a lab that does not exist is not an error.
func (l *Lab) Down() error {
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := l.remove(); err != nil {
		return fmt.Errorf("lab %s: %w", l.Name, err)
	}
	return os.Remove(filepath.Join(filepath.Dir(l.Dir), "."+l.Name+".lock"))
}

// Down removes the lab of that name, also when its records are damaged. The directory may be left empty: it is found
// by the lab's disks if it is not the usual one.
func Down(name, dir string) error {
	l, err := named(name, dir)
	if err != nil {
		return err
	}
	if found := l.findDisks(); dir == "" && found != "" {
		l.Dir = filepath.Dir(found)
	}
	return l.Down()
}

func (l *Lab) remove() error {
	if err := l.load(); errors.Is(err, os.ErrNotExist) && l.findDisks() == "" {
		// Not a lab, or one that died before it had anything but an image.
		return l.removeFiles()
	} else if errors.Is(err, errForeign) {
		return err
	}
	spaces := l.spaces()
	if err := l.killInside(spaces); err != nil {
		return err
	}
	if err := deleteNamespaces(spaces); err != nil {
		return err
	}
	for _, h := range l.hosts {
		if err := l.leaveGroup(h); err != nil {
			return err
		}
	}
	if err := l.keepProbes(); err != nil {
		return err
	}
	if err := l.unmountDisks(); err != nil {
		return err
	}
	return l.removeFiles()
}

// removeFiles removes the directory if it is a lab's; of any other only what is named like a lab's own.
func (l *Lab) removeFiles() error {
	if _, err := os.Stat(l.recordsPath()); err == nil {
		return os.RemoveAll(l.Dir)
	}
	for _, name := range []string{"disk", "host", "images"} {
		if err := os.RemoveAll(filepath.Join(l.Dir, name)); err != nil {
			return err
		}
	}
	// It stays if there is something else in it.
	_ = os.Remove(l.Dir)
	return nil
}

// named fills in the defaults and refuses names that would not do as a namespace and a directory.
func named(name, dir string) (*Lab, error) {
	if name == "" {
		name = DefaultName
	}
	if !labName.MatchString(name) {
		return nil, fmt.Errorf("lab name %q: want lower-case letters, digits and '-', at most 31", name)
	}
	if dir == "" {
		dir = filepath.Join(labs, name)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("lab directory: %w", err)
	}
	return &Lab{Name: name, Dir: dir}, nil
}

// lock keeps two processes from making or removing the same lab at once. The file lies beside the directory, which
// comes and goes.
func (l *Lab) lock() (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(l.Dir), 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(filepath.Dir(l.Dir), "."+l.Name+".lock")
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := flock(f); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock lab %s: %w", l.Name, err)
		}
		// Down removes the file under the lock, so what was locked may be nobody's any more.
		locked, err1 := f.Stat()
		named, err2 := os.Stat(path)
		if err1 == nil && err2 == nil && os.SameFile(locked, named) {
			return func() { f.Close() }, nil
		}
		f.Close()
	}
}

func flock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			return err
		}
	}
}

// records is what lab.json holds.
type records struct {
	Name   string         `json:"name"`
	Kernel Kernel         `json:"kernel"`
	Mode   inventory.Mode `json:"mode"`
	Hosts  []Host         `json:"hosts"`
}

var errForeign = errors.New("belongs to another lab")

func (l *Lab) recordsPath() string { return filepath.Join(l.Dir, "lab.json") }

func (l *Lab) save() error {
	text, err := json.MarshalIndent(records{l.Name, l.kernel, l.mode, l.hosts}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return err
	}
	return replaceFile(l.recordsPath(), append(text, '\n'), 0o644)
}

func (l *Lab) load() error {
	text, err := os.ReadFile(l.recordsPath())
	if err != nil {
		return err
	}
	var r records
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("%s: %w", l.recordsPath(), err)
	}
	if r.Name != l.Name {
		return fmt.Errorf("%s %w: %s, not %s", l.Dir, errForeign, r.Name, l.Name)
	}
	l.kernel, l.mode, l.hosts = r.Kernel, r.Mode, r.Hosts
	return nil
}

// replaceFile writes a file whole: a reader sees the old text or the new.
func replaceFile(path string, text []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Close())
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return os.Rename(tmp.Name(), path)
}
