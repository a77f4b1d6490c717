package state

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"eucactl/cloud"
)

// elsewhere opens the directory in another process.
func elsewhere(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), openElsewhere+"="+dir)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func openReal(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := openReal(t, dir)
	update(t, s, func(tx *Tx) { tx.PutUser(cloud.User{Name: "a"}) })
	locked := fmt.Sprintf("locked %s by %d", dir, os.Getpid())
	if got := elsewhere(t, dir); got != locked {
		t.Errorf("another process says %q", got)
	}
	// The same directory by other names, in this process.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(dir))
	for _, name := range []string{dir, link, "state", dir + "/"} {
		var held *LockedError
		if _, err := Open(name, Options{}); !errors.As(err, &held) || held.Dir != dir || held.PID != 0 {
			t.Errorf("open %s: %v", name, err)
		}
	}
	// None of these attempts has dropped the lock.
	if got := elsewhere(t, dir); got != locked {
		t.Errorf("another process then says %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := elsewhere(t, dir); got != "revision 1" {
		t.Errorf("after closing, another process says %q", got)
	}
	s = openReal(t, link)
	closing(t, s)
}

func TestDirectoryIsClosedToOthers(t *testing.T) {
	top := t.TempDir()
	mode := func(dir string) os.FileMode {
		t.Helper()
		stat, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		return stat.Mode().Perm()
	}
	deep := filepath.Join(top, "a", "b", "state")
	if err := openReal(t, deep).Close(); err != nil {
		t.Fatal(err)
	}
	if mode(deep) != 0o700 || mode(filepath.Dir(deep)) != 0o700 {
		t.Errorf("made with %o in %o", mode(deep), mode(filepath.Dir(deep)))
	}
	// One of ours, or an empty one, is closed.
	empty := filepath.Join(top, "empty")
	for _, dir := range []string{deep, empty} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := openReal(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
		if mode(dir) != 0o700 {
			t.Errorf("%s stays %o", dir, mode(dir))
		}
	}
	// Somebody else's is left alone.
	other := filepath.Join(top, "other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "letter"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(other, Options{}); err == nil || !strings.Contains(err.Error(), "0755") {
		t.Errorf("a directory of other files: %v", err)
	}
	if names, err := os.ReadDir(other); err != nil || len(names) != 1 || mode(other) != 0o755 {
		t.Errorf("it was touched: %v %v", names, err)
	}
	if _, err := Open(filepath.Join(other, "letter"), Options{}); err == nil {
		t.Error("a file was opened as a directory")
	}
}

// tamper writes a pair past the store.
func tamper(t *testing.T, dir, key, value string) {
	t.Helper()
	db, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: diskFormat, Logger: logger{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Set([]byte(key), []byte(value), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"r/instance/i-00000001", `{"v":2,"rev":1,"id":"i-00000001"}`, "record instance/i-00000001 is version 2; this eucactl knows up to 1"},
		{"r/instance/i-00000001", `{"v":3,"rev":1,"id":["a","b"]}`, "record instance/i-00000001 is version 3; this eucactl knows up to 1"},
		{"r/instance/i-00000001", `{"rev":1,"id":"i-00000001"}`, "record instance/i-00000001 has no version"},
		{"r/instance/i-00000001", `{"v":1,"rev":1,"id":"i-00000002"}`, "record instance/i-00000001 says that it is i-00000002"},
		{"r/instance/i-00000001", `{"v":1,"rev":9,"id":"i-00000001"}`, "record instance/i-00000001 is of revision 9, the state of 1"},
		{"r/instance/i-00000001", `{"v":1,`, "record instance/i-00000001: unexpected end"},
		{"r/volume/vol-00000001", `{"v":1}`, "this eucactl has no table volume"},
		{"revision", "x", "the revision is 1 bytes long, not 8"},
	} {
		dir := t.TempDir()
		s := openReal(t, dir)
		update(t, s, func(tx *Tx) { tx.PutUser(cloud.User{Name: "a"}) })
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		tamper(t, dir, c.key, c.value)
		for range 2 { // the first refusal gives the lock back
			_, err := Open(dir, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%s = %s:\n got %v\nwant %s", c.key, c.value, err, c.want)
			}
		}
	}
}
