package seed

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func example() Seed {
	return Seed{
		InstanceID: "i-0123abcd",
		Hostname:   "euca-172-30-0-5",
		PublicKey:  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6A mykey\n",
		UserData:   []byte("#!/bin/sh\necho hello\n"),
	}
}

// meta is what cloud-init reads from meta-data.
type meta struct {
	InstanceID string   `yaml:"instance-id"`
	Hostname   string   `yaml:"local-hostname"`
	PublicKeys []string `yaml:"public-keys"`
}

func image(t testing.TB, s Seed) []byte {
	t.Helper()
	disk, err := Image(s)
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// file reads one file in a single Read: go-diskfs v1.9.4 returns bytes past the
// end of a file when a Read starts in the middle of its last cluster.
func file(t testing.TB, disk []byte, name string) []byte {
	t.Helper()
	fat, err := fat12.Read(&memory{bytes: disk}, int64(len(disk)), 0, 512)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fat.OpenFile("/"+name, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, info.Size())
	if n, err := f.Read(content); n != len(content) || err != nil && err != io.EOF {
		t.Fatalf("%s: %d of %d bytes, %v", name, n, len(content), err)
	}
	return content
}

func TestImageHoldsWhatWasGiven(t *testing.T) {
	s := example()
	disk := image(t, s)
	want := "instance-id: \"i-0123abcd\"\nlocal-hostname: \"euca-172-30-0-5\"\n" +
		"public-keys:\n- \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6A mykey\"\n"
	if diff := cmp.Diff(want, string(file(t, disk, "meta-data"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(s.UserData, file(t, disk, "user-data")); diff != "" {
		t.Error(diff)
	}
}

// The bytes are compared by sum on the host, so they must not move by
// themselves: not with the clock, and not with a new go-diskfs unnoticed.
func TestImageIsAlwaysTheSame(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1000000000") // go-diskfs' clock
	first := image(t, example())
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	second := image(t, example())
	if !bytes.Equal(first, second) {
		t.Error("the same seed gave two different disks at two times")
	}
	const golden = "bdf1642ed0d72683ba3be4bac6d5bd61038680cbff6b8b7b363ff874e85dbb85"
	if got := fmt.Sprintf("%x", sha256.Sum256(first)); got != golden {
		t.Errorf("the disk's sum is %s, it was %s: every host will write its seeds anew", got, golden)
	}
	if len(first) > 512<<10 {
		t.Errorf("the disk has %d bytes", len(first))
	}
}

func TestSmallestAndLargest(t *testing.T) {
	small := image(t, Seed{InstanceID: "i-0123abcd"})
	if got := file(t, small, "user-data"); len(got) != 0 {
		t.Errorf("no user data became %q", got)
	}
	if got := string(file(t, small, "meta-data")); got != "instance-id: \"i-0123abcd\"\n" {
		t.Errorf("meta-data without hostname and key: %q", got)
	}
	s := example()
	s.UserData = bytes.Repeat([]byte{0, 255, '\n', 'x'}, MaxUserData/4)
	s.PublicKey = strings.Repeat("\x01", MaxPublicKey) // each needs six bytes when quoted
	if got := file(t, image(t, s), "user-data"); !bytes.Equal(got, s.UserData) {
		t.Error("16 KiB of user data did not come back as given")
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Seed)
		want   string
	}{
		"no id":          {func(s *Seed) { s.InstanceID = "" }, `seed of "": no instance id`},
		"much user data": {func(s *Seed) { s.UserData = make([]byte, MaxUserData+1) }, `seed of "i-0123abcd": user data of 16385 bytes, at most 16384 are possible`},
		"long key":       {func(s *Seed) { s.PublicKey = strings.Repeat("x", MaxPublicKey+1) }, `seed of "i-0123abcd": public key of 16385 bytes, at most 16384 are possible`},
		"not text":       {func(s *Seed) { s.Hostname = "a\xff" }, `seed of "i-0123abcd": "a\xff" is not valid UTF-8`},
	} {
		t.Run(name, func(t *testing.T) {
			s := example()
			c.change(&s)
			_, err := Image(s)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// blkid and fsck.fat are two readers that are not ours.
func TestOtherReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seed.img")
	if err := os.WriteFile(path, image(t, example()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tag := range []struct{ name, want string }{{"LABEL", "cidata"}, {"TYPE", "vfat"}} {
		out, err := exec.Command("blkid", "-p", "-s", tag.name, "-o", "value", path).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != tag.want {
			t.Errorf("blkid %s: %q %v, want %q", tag.name, got, err, tag.want)
		}
	}
	// 0 and 1 are both readable: go-diskfs marks the first cluster as used,
	// which fsck.fat would hand back.
	out, err := exec.Command("fsck.fat", "-n", path).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() > 1) || !strings.Contains(string(out), "3 files") {
		t.Errorf("fsck.fat: %v\n%s", err, out)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n")[1:] {
		known := strings.HasPrefix(line, "Reclaimed 1 unused cluster") || strings.HasPrefix(line, "Leaving filesystem unchanged") ||
			strings.HasPrefix(line, path) || line == ""
		if !known {
			t.Errorf("fsck.fat says %q", line)
		}
	}
}

func FuzzImage(f *testing.F) {
	f.Add("i-1", "host", "ssh-rsa A b", []byte("#cloud-config\n{}\n"))
	f.Add("i-1", "a: b\n- c", "\"' #{}[]&*!|>%@`$(reboot)\u0085\u2028\ufeff\x7f", []byte{0})
	f.Add("~", "no", "1e3\t\\u0041", []byte(nil))
	f.Fuzz(func(t *testing.T, id, hostname, key string, data []byte) {
		s := Seed{id, hostname, key, data}
		disk, err := Image(s)
		if err != nil {
			if id != "" && len(key) <= MaxPublicKey && len(data) <= MaxUserData && len(id)+len(hostname) < 1<<10 &&
				utf8.ValidString(id) && utf8.ValidString(hostname) && utf8.ValidString(key) {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		want := meta{InstanceID: id, Hostname: hostname}
		if k := strings.TrimSpace(key); k != "" {
			want.PublicKeys = []string{k}
		}
		var got meta
		dec := yaml.NewDecoder(bytes.NewReader(file(t, disk, "meta-data")))
		dec.KnownFields(true)
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if got := file(t, disk, "user-data"); !bytes.Equal(got, data) {
			t.Errorf("user data %q became %q", data, got)
		}
	})
}
