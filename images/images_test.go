package images

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// write makes a file of the test's folder.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func qemuImg(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func inspect(t *testing.T, path string, look Look) (Info, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return look(f, st.Size())
}

// Images as the real qemu-img makes them: "raw 3072" is format and virtual size, the
// rest are refusals.
func TestMachineFromQemuImg(t *testing.T) {
	tests := map[string]struct{ script, want string }{
		"raw":             {"create -q -f raw IMG 3072", "raw 3072"},
		"qcow2":           {"create -q -f qcow2 IMG 3M", "qcow2 3145728"},
		"v2":              {"create -q -f qcow2 -o compat=0.10 IMG 3M", "qcow2 3145728"},
		"v3":              {"create -q -f qcow2 -o compat=1.1 IMG 3M", "qcow2 3145728"},
		"small clusters":  {"create -q -f qcow2 -o cluster_size=512 IMG 3M", "qcow2 3145728"},
		"big clusters":    {"create -q -f qcow2 -o cluster_size=2M IMG 3M", "qcow2 3145728"},
		"zstd":            {"create -q -f qcow2 -o compression_type=zstd IMG 3M", "qcow2 3145728"},
		"extended l2":     {"create -q -f qcow2 -o extended_l2=on,cluster_size=128k IMG 3M", "qcow2 3145728"},
		"lazy refcounts":  {"create -q -f qcow2 -o lazy_refcounts=on IMG 3M", "qcow2 3145728"},
		"a terabyte":      {"create -q -f qcow2 IMG 1T", "qcow2 1099511627776"},
		"a backing file":  {"create -q -f raw BASE 3M; create -q -f qcow2 -b BASE -F raw IMG", "has a backing file"},
		"backing v2":      {"create -q -f raw BASE 3M; create -q -f qcow2 -o compat=0.10 -b BASE -F raw IMG", "has a backing file"},
		"backing secret":  {"create -q -f qcow2 -u -b /etc/shadow -F raw IMG 3M", "has a backing file"},
		"backing json":    {`create -q -f qcow2 -u -b json:{"driver":"file","filename":"/etc/shadow"} -F raw IMG 3M`, "has a backing file"},
		"a data file":     {"create -q -f qcow2 -o data_file=BASE IMG 3M", "keeps its data in another file"},
		"a raw data file": {"create -q -f qcow2 -o data_file=BASE,data_file_raw=on IMG 3M", "keeps its data in another file"},
		"vmdk":            {"create -q -f vmdk IMG 3M", "VMDK"},
		"vmdk flat":       {"create -q -f vmdk -o subformat=monolithicFlat IMG 3M", "VMDK"},
		"vdi":             {"create -q -f vdi IMG 3M", "VDI"},
		"vhdx":            {"create -q -f vhdx IMG 3M", "VHDX"},
		"vhd":             {"create -q -f vpc IMG 3M", "VHD"},
		"qed":             {"create -q -f qed IMG 3M", "QED"},
		"qcow1":           {"create -q -f qcow IMG 3M", "version 1 is not known"},
		"encrypted qcow2": {
			"create -q -f qcow2 --object secret,id=s,data=x -o encrypt.format=aes,encrypt.key-secret=s IMG 3M", "is encrypted",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			replace := strings.NewReplacer("IMG", filepath.Join(dir, "img"), "BASE", filepath.Join(dir, "base"))
			for command := range strings.SplitSeq(test.script, "; ") {
				args := strings.Fields(command)
				for i := range args {
					args[i] = replace.Replace(args[i])
				}
				qemuImg(t, args...)
			}
			info, err := inspect(t, filepath.Join(dir, "img"), Machine)
			got := fmt.Sprintf("%s %d", info.Format, info.VirtualSize)
			if err != nil {
				got = err.Error()
			}
			if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// A qcow2 whose dirty bit is set is started all the same (qemu repairs it); one
// marked corrupt is not, nor one that says something unknown.
func TestMachineFeatureBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "img")
	qemuImg(t, "create", "-q", "-f", "qcow2", path, "3M")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bits, want := range map[byte]string{
		0: "", 1: "", 1 << 1: "marked corrupt", 1 << 2: "another file", 1<<1 | 1<<2: "another file", 1 << 3: "", 1 << 4: "", 1 << 5: "(0x20)", 1 << 7: "(0x80)",
	} {
		img := bytes.Clone(good)
		img[79] = bits
		_, err := Machine(bytes.NewReader(img), int64(len(img)))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("bits %#x: %v, want %q", bits, err, want)
		}
	}
}

func TestMachineTable(t *testing.T) {
	tests := []struct {
		name  string
		begin string
		size  int64
		want  string // of the error; "" is accepted
	}{
		{"a raw disk", "\xeb\x63\x90", 1024, ""},
		{"zeros", "", 512, ""},
		{"one byte too many", "", 513, "no multiple of 512"},
		{"one byte too few", "", 511, "no multiple of 512"},
		{"nothing", "", 0, "is empty"},
		{"gzip", "\x1f\x8b\x08", 1024, "gunzip"},
		{"xz", "\xfd7zXZ\x00", 1024, "unxz"},
		{"bzip2", "BZh9", 1024, "bunzip2"},
		{"zstd", "\x28\xb5\x2f\xfd", 1024, "unzstd"},
		{"lz4", "\x04\x22\x4d\x18", 1024, "unlz4"},
		{"zip", "PK\x03\x04", 1024, "unzip"},
		{"7z", "7z\xbc\xaf\x27\x1c", 1024, "7z"},
		{"a bundle's manifest", "<?xml version=\"1.0\"?>", 1024, "manifest"},
		{"LUKS", "LUKS\xba\xbe\x00\x02", 1024, "encrypted disk"},
		{"an old VMDK", "COWD", 1024, "VMDK"},
		{"qcow2, cut short", "QFI\xfb\x00\x00\x00\x03", 72, "cut short"},
		{"qcow2 of another time", "QFI\xfb\x00\x00\x00\x09", 1024, "version 9 is not known"},
		{"qcow2 without size", "QFI\xfb\x00\x00\x00\x03" + strings.Repeat("\x00", 12) + "\x00\x00\x00\x10", 1024, "0 bytes is not possible"},
		{"qcow2 without clusters", "QFI\xfb\x00\x00\x00\x03", 1024, "clusters of 2^0 bytes"},
	}
	for _, test := range tests {
		content := make([]byte, test.size)
		copy(content, test.begin)
		_, err := Machine(bytes.NewReader(content), test.size)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestKernelAndRamdisk(t *testing.T) {
	at := func(offset int, s string) []byte { return append(make([]byte, offset, offset+len(s)+600), s...) }
	for _, test := range []struct {
		name    string
		look    Look
		content []byte
		ok      bool
	}{
		{"bzImage", Kernel, at(0x202, "HdrS"), true},
		{"ELF", Kernel, []byte("\x7fELF"), true},
		{"arm64", Kernel, at(56, "ARMd"), true},
		{"a text", Kernel, []byte("#!/bin/sh\n"), false},
		{"nothing", Kernel, nil, false},
		{"cpio", Ramdisk, []byte("070701000"), true},
		{"gzip", Ramdisk, []byte("\x1f\x8b\x08"), true},
		{"zstd", Ramdisk, []byte("\x28\xb5\x2f\xfd"), true},
		{"a text", Ramdisk, []byte("hello"), false},
		{"nothing", Ramdisk, nil, false},
	} {
		info, err := test.look(bytes.NewReader(test.content), int64(len(test.content)))
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
		if err == nil && (info.Format != Raw || info.Size != int64(len(test.content))) {
			t.Errorf("%s: %+v", test.name, info)
		}
	}
}

// What is no regular file is refused, at once: nobody waits for a pipe's writer.
func TestTakeRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("pipe", link); err != nil {
		t.Fatal(err)
	}
	f := Folder{filepath.Join(dir, "images")}
	for path, want := range map[string]string{
		dir: "not a regular file", pipe: "not a regular file", link: "not a regular file", "/dev/null": "not a regular file",
		filepath.Join(dir, "none"): "no such file",
	} {
		if _, err := f.Take(t.Context(), path, Machine, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if names, err := os.ReadDir(f.Dir); err == nil && len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestTakeFollowsSymlinks(t *testing.T) {
	path := write(t, "img", make([]byte, 1024))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	f := Folder{t.TempDir()}
	info, err := f.Take(t.Context(), link, Machine, false)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Lstat(filepath.Join(f.Dir, info.Sum)); err != nil || !st.Mode().IsRegular() {
		t.Error(st, err)
	}
}

// A copy has the same content, holes where the zeros are, and the name of its sum.
func TestTakeKeepsContent(t *testing.T) {
	for _, content := range [][]byte{
		make([]byte, 1<<20),
		append(bytes.Repeat([]byte{7}, 512), make([]byte, 1<<20)...),
		append(make([]byte, 1<<20), bytes.Repeat([]byte{7}, 512)...),
		bytes.Repeat(append(make([]byte, 100<<10), bytes.Repeat([]byte{1}, 1024)...), 8),
	} {
		f := Folder{filepath.Join(t.TempDir(), "made", "on the way")}
		path := write(t, "img", content)
		info, err := f.Take(t.Context(), path, Machine, false)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%x", sha256.Sum256(content)); info.Sum != want || info.Size != int64(len(content)) {
			t.Errorf("%+v, want sum %s", info, want)
		}
		file, err := f.Open(info.Sum)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file.Name())
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("another content, %d bytes instead of %d, %v", len(got), len(content), err)
		}
		st, err := file.Stat()
		if err != nil || st.Sys().(*syscall.Stat_t).Blocks*512 >= int64(len(content)) {
			t.Errorf("no holes: %d blocks, %v", st.Sys().(*syscall.Stat_t).Blocks, err)
		}
		if st.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", st.Mode())
		}
		file.Close()
		again, err := f.Take(t.Context(), path, Machine, false)
		names, _ := os.ReadDir(f.Dir)
		if err != nil || again != info || len(names) != 1 {
			t.Errorf("taken again: %+v, %v, %v", again, err, names)
		}
	}
}

func TestTakeCheckWritesNothing(t *testing.T) {
	f := Folder{filepath.Join(t.TempDir(), "images")}
	path := write(t, "img", make([]byte, 4096))
	info, err := f.Take(t.Context(), path, Machine, true)
	if err != nil || info.Sum != fmt.Sprintf("%x", sha256.Sum256(make([]byte, 4096))) {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := os.Stat(f.Dir); !os.IsNotExist(err) {
		t.Errorf("the folder was made: %v", err)
	}
}

// A file that is written to while it is taken is judged by the copy.
func TestTakeLooksAtTheCopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "img")
	qemuImg(t, "create", "-q", "-f", "qcow2", path, "3M")
	swapped := false
	swap := func(r readerAt, size int64) (Info, error) {
		info, err := Machine(r, size)
		if !swapped {
			swapped = true
			qemuImg(t, "create", "-q", "-f", "qcow2", "-u", "-b", "/etc/shadow", "-F", "raw", path, "3M")
		}
		return info, err
	}
	f := Folder{t.TempDir()}
	if _, err := f.Take(t.Context(), path, swap, false); err == nil {
		t.Error("an image with a backing file was taken")
	}
	if names, _ := os.ReadDir(f.Dir); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestTakeNoticesGrowth(t *testing.T) {
	path := write(t, "img", make([]byte, 1024))
	grow := func(r readerAt, size int64) (Info, error) {
		if size == 1024 {
			if err := os.WriteFile(path, make([]byte, 2048), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return Machine(r, size)
	}
	f := Folder{t.TempDir()}
	if _, err := f.Take(t.Context(), path, grow, false); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Error(err)
	}
	if names, _ := os.ReadDir(f.Dir); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestOpenAndRemove(t *testing.T) {
	f := Folder{t.TempDir()}
	if _, err := f.Open("abc"); err == nil || !strings.Contains(err.Error(), "register the image again") {
		t.Error(err)
	}
	info, err := f.Take(t.Context(), write(t, "img", make([]byte, 512)), Machine, false)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a file that is gone already may be removed
		if err := f.Remove(info.Sum); err != nil {
			t.Error(err)
		}
	}
	if _, err := f.Open(info.Sum); err == nil {
		t.Error("it is still there")
	}
}
