package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// counted counts what is read of a content.
type counted struct {
	*bytes.Reader
	read atomic.Int64
	fail int64 // reading at or beyond it fails, 0 never
}

var errCut = errors.New("cut")

func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	if c.fail > 0 && at >= c.fail {
		return 0, errCut
	}
	n, err := c.Reader.ReadAt(p, at)
	c.read.Add(int64(n))
	return n, err
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.New(rand.NewSource(1)).Read(b)
	return b
}

func sameFile(t *testing.T, path string, want []byte, mode os.FileMode) {
	t.Helper()
	if got := must(os.ReadFile(path))(t); !bytes.Equal(got, want) {
		t.Fatalf("%s holds %d other bytes, want %d", path, len(got), len(want))
	}
	if st := must(os.Stat(path))(t); st.Mode() != mode {
		t.Fatalf("%s has mode %v, want %v", path, st.Mode(), mode)
	}
	if _, err := os.Stat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s.part is left: %v", path, err)
	}
}

func testPutMakesDirectoriesAndSetsMode(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		path := filepath.Join(t.TempDir(), "a", "b", "sum")
		content := randomBytes(3*segment + 12345)
		var steps []int64
		f := File{Path: path, Content: bytes.NewReader(content), Size: int64(len(content)), Mode: 0o640,
			Progress: func(n int64) { steps = append(steps, n) }}
		check(t, c.Put(soon(t), f))
		sameFile(t, path, content, 0o640)
		if st := must(os.Stat(filepath.Dir(path)))(t); st.Mode().Perm() != 0o700 {
			t.Fatalf("new directory has mode %v", st.Mode())
		}
		if len(steps) != 5 || steps[0] != 0 || steps[4] != f.Size {
			t.Fatalf("progress: %v", steps)
		}
		check(t, c.Put(soon(t), File{Path: path + "0"}))
		sameFile(t, path+"0", nil, 0o600)
	})
}

func testPutResumes(t *testing.T, on roads) {
	content := randomBytes(4*segment + 1)
	for _, tc := range []struct {
		name   string
		part   int
		resent int64
	}{
		{"nothing there", 0, int64(len(content))},
		{"in a segment", segment + 5, int64(len(content)) - segment},
		{"between segments", 2 * segment, int64(len(content)) - segment},
		{"all but the name", len(content), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			on.all(t, nil, func(t *testing.T, c Conn) {
				path := filepath.Join(t.TempDir(), "sum")
				check(t, os.WriteFile(path+".part", content[:tc.part], 0o600))
				r := &counted{Reader: bytes.NewReader(content)}
				check(t, c.Put(soon(t), File{Path: path, Content: r, Size: int64(len(content))}))
				sameFile(t, path, content, 0o600)
				if got := r.read.Load(); got != tc.resent {
					t.Fatalf("sent %d bytes, want %d", got, tc.resent)
				}
			})
		})
	}
}

// A hole in the last segment, as a cut leaves it, is written over.
func testPutFillsHoles(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		content := randomBytes(2 * segment)
		path := filepath.Join(t.TempDir(), "sum")
		holed := bytes.Clone(content[:2*segment-100])
		clear(holed[segment+100 : segment+50_000])
		check(t, os.WriteFile(path+".part", holed, 0o600))
		check(t, c.Put(soon(t), File{Path: path, Content: bytes.NewReader(content), Size: int64(len(content))}))
		sameFile(t, path, content, 0o600)
	})
}

func testPutReplacesWhatIsTooLong(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		path := filepath.Join(t.TempDir(), "sum")
		check(t, os.WriteFile(path+".part", randomBytes(5000), 0o600))
		check(t, os.WriteFile(path, randomBytes(7000), 0o644))
		content := []byte("short")
		check(t, c.Put(soon(t), File{Path: path, Content: bytes.NewReader(content), Size: 5}))
		sameFile(t, path, content, 0o600)
	})
}

func testPutSendsNothingTwice(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		path := filepath.Join(t.TempDir(), "sum")
		content := randomBytes(1000)
		check(t, os.WriteFile(path, content, 0o644))
		r := &counted{Reader: bytes.NewReader(content)}
		check(t, c.Put(soon(t), File{Path: path, Content: r, Size: 1000}))
		sameFile(t, path, content, 0o600)
		if n := r.read.Load(); n != 0 {
			t.Fatalf("sent %d bytes", n)
		}
	})
}

func testPutSaysWhatIsWrong(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		dir := t.TempDir()
		path := filepath.Join(dir, "sum")
		r := &counted{Reader: bytes.NewReader(randomBytes(3 * segment)), fail: 2 * segment}
		err := c.Put(soon(t), File{Path: path, Content: r, Size: 3 * segment})
		if !errors.Is(err, errCut) {
			t.Fatalf("failing content: %v", err)
		}
		err = c.Put(soon(t), File{Path: path + "2", Content: bytes.NewReader(nil), Size: 10})
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("short content: %v", err)
		}
		check(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
		if err = c.Put(soon(t), File{Path: filepath.Join(dir, "file", "x", "y"), Size: 0}); err == nil {
			t.Fatal("a file as a directory was accepted")
		}
		// What went before is kept, and the connection is still good.
		r.fail = 0
		check(t, c.Put(soon(t), File{Path: path, Content: r, Size: 3 * segment}))
	})
}

// The connection is cut in the middle of an upload; the next one goes on.
func TestPutAfterACut(t *testing.T) {
	s := startServer(t, nil)
	d := newDialer(t, s.host.line(s.addr))
	path := filepath.Join(t.TempDir(), "sum")
	content := randomBytes(4 * segment)
	c := must(d.Dial(soon(t), s.target()))(t)
	err := c.Put(soon(t), File{Path: path, Content: bytes.NewReader(content), Size: int64(len(content)),
		Progress: func(n int64) {
			if n == 2*segment {
				s.drop()
			}
		}})
	var lost *LostError
	if !errors.As(err, &lost) {
		t.Fatalf("cut: %v", err)
	}
	check(t, c.Close())
	c = must(d.Dial(soon(t), s.target()))(t)
	defer c.Close()
	r := &counted{Reader: bytes.NewReader(content)}
	check(t, c.Put(soon(t), File{Path: path, Content: r, Size: int64(len(content))}))
	sameFile(t, path, content, 0o600)
	if n := r.read.Load(); n > 3*segment {
		t.Fatalf("sent %d bytes again", n)
	}
}

func testContextEndsPut(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		ctx, cancel := context.WithCancel(soon(t))
		size := int64(4 * segment)
		err := c.Put(ctx, File{Path: filepath.Join(t.TempDir(), "sum"), Content: bytes.NewReader(randomBytes(int(size))), Size: size,
			Progress: func(n int64) {
				if n == segment {
					cancel()
					time.Sleep(50 * time.Millisecond)
				}
			}})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Put: %v", err)
		}
	})
}

func TestHostWithoutSFTP(t *testing.T) {
	s := startServer(t, func(s *server) { s.noSFTP = true })
	c := must(newDialer(t, s.host.line(s.addr)).Dial(soon(t), s.target()))(t)
	defer c.Close()
	err := c.Put(soon(t), File{Path: "/nowhere/x"})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("Subsystem sftp")) {
		t.Fatalf("Put: %v", err)
	}
}
