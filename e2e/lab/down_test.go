package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// traces lists what is left of a lab: namespaces, mounts, processes in namespaces with those inodes, files.
func traces(t *testing.T, l *Lab, inodes map[uint64]bool) []string {
	t.Helper()
	found := l.namespaces()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, l.Name) {
			found = append(found, line)
		}
	}
	for _, pid := range inside(inodes, nil) {
		found = append(found, "process "+strconv.Itoa(pid))
	}
	for _, path := range []string{l.Dir, filepath.Join(filepath.Dir(l.Dir), "."+l.Name+".lock")} {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			found = append(found, path)
		}
	}
	return found
}

// inodes identifies the lab's namespaces beyond their names. They are held until the test ends, so that no other
// namespace gets one of the numbers.
func inodes(t *testing.T, l *Lab) map[uint64]bool {
	found := map[uint64]bool{}
	for _, name := range l.namespaces() {
		f, err := os.Open(filepath.Join(netnsDir, name))
		if err != nil {
			continue
		}
		t.Cleanup(func() { f.Close() })
		var st syscall.Stat_t
		if syscall.Fstat(int(f.Fd()), &st) == nil {
			found[st.Ino] = true
		}
	}
	return found
}

func TestDownLeavesNothing(t *testing.T) {
	l := up(t, "down", Options{Hosts: []string{"a", "b"}})
	run(t, l, "a", "setsid sleep 1000 >/dev/null 2>&1 & unshare -n sleep 1000 >/dev/null 2>&1 &")
	stray := l.Command(".", "sleep", "1000")
	if err := stray.Start(); err != nil {
		t.Fatal(err)
	}
	ids := inodes(t, l)
	if len(ids) != 3 || len(inside(ids, nil)) == 0 {
		t.Fatalf("the test sees %d namespaces and %d processes", len(ids), len(inside(ids, nil)))
	}
	if err := l.Down(); err != nil {
		t.Fatal(err)
	}
	_ = stray.Wait()
	if left := traces(t, l, ids); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if err := l.Down(); err != nil {
		t.Errorf("down of no lab: %v", err)
	}
}

func TestDownAfterACrash(t *testing.T) {
	for name, wreck := range map[string]func(*testing.T, *Lab){
		"killed host":     func(t *testing.T, l *Lab) { killProcess(t, l, "a") },
		"lost records":    func(t *testing.T, l *Lab) { remove(t, l.recordsPath()) },
		"damaged records": func(t *testing.T, l *Lab) { write(t, l.recordsPath(), "{") },
		"lost pids":       func(t *testing.T, l *Lab) { remove(t, filepath.Join(l.Dir, "host")) },
		"lost name":       func(t *testing.T, l *Lab) { output(t, "ip", "netns", "del", l.Net("a")) },
		"lost switch":     func(t *testing.T, l *Lab) { output(t, "ip", "netns", "del", l.Name) },
		"lost host": func(t *testing.T, l *Lab) {
			killProcess(t, l, "a")
			output(t, "ip", "netns", "del", l.Net("a"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := up(t, "crash", Options{Hosts: []string{"a", "b"}})
			ids := inodes(t, l)
			wreck(t, l)
			if err := Down(l.Name, ""); err != nil {
				t.Fatal(err)
			}
			// Files are left alone in a directory that no record says is a lab's.
			for _, trace := range traces(t, l, ids) {
				if trace != l.Dir || name != "lost records" && name != "damaged records" {
					t.Errorf("left: %q", trace)
				}
			}
			if err := os.RemoveAll(l.Dir); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUpRepairsAfterACrash(t *testing.T) {
	l := up(t, "repair", Options{Hosts: []string{"a", "b"}})
	killProcess(t, l, "a")
	output(t, "ip", "netns", "del", l.Name)
	if _, err := Up(Options{Name: l.Name}); err != nil {
		t.Fatal(err)
	}
	for _, h := range l.Hosts() {
		if got, err := sshRun(l, "root", h, "hostname"); err != nil || got != h.Name {
			t.Errorf("%s: %q, %v", h.Name, got, err)
			t.Log(run(t, l, ".", "ip addr; ip neigh; bridge fdb; bridge link"), run(t, l, h.Name, "ip addr; ip neigh; ip route"))
		}
	}
}

func TestDownSparesOthers(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "thesis.txt"), "years of work")
	if err := Down("test"+strconv.Itoa(os.Getpid())+"-spare", dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "thesis.txt")); err != nil {
		t.Error(err)
	}
	foreign := "test" + strconv.Itoa(os.Getpid()) + "-foreign"
	output(t, "ip", "netns", "add", foreign)
	defer output(t, "ip", "netns", "del", foreign)
	if _, err := Up(Options{Name: foreign, Hosts: []string{"a"}}); err == nil {
		t.Error("a lab moved into somebody's namespace")
	}
	if err := Down(foreign, ""); err != nil || !namespaceExists(foreign) {
		t.Errorf("somebody's namespace: exists %v, %v", namespaceExists(foreign), err)
	}
}

func killProcess(t *testing.T, l *Lab, host string) {
	t.Helper()
	pid, alive := l.process(host)
	if !alive {
		t.Fatalf("%s is down", host)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(filepath.Join(netnsDir, l.Net(host)), &st); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitFor(t, host+" to die", func() bool { return len(inside(map[uint64]bool{st.Ino: true}, nil)) == 0 })
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
