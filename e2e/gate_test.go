package e2e

import (
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// gate stands before every program that the frontend starts, and asks a test what to do: it is e2e/probe under the name
// of each program, in the folder that comes first in the path of ours.
type gate struct {
	t      *testing.T
	listen net.Listener
	mu     sync.Mutex
	asks   func(words string) (kill bool) // what it was called with; nil: go on
}

// gate builds it into the frontend. After a reboot it has to listen again.
func (f *front) gate() *gate {
	f.t.Helper()
	root := f.root()
	program := filepath.Join(root, "usr/local/lib/gate")
	command(f.t, "env", "CGO_ENABLED=0", "go", "build", "-ldflags", "-s -w", "-o", program, "./probe")
	for _, dir := range []string{"/usr/bin", "/usr/sbin"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, e := range entries {
			err := os.Symlink("/usr/local/lib/gate", filepath.Join(root, "usr/local/sbin", e.Name()))
			if err != nil && !os.IsExist(err) {
				f.t.Fatal(err)
			}
		}
	}
	g := &gate{t: f.t}
	f.listen(g)
	return g
}

// root is the frontend's, while it is up.
func (f *front) root() string {
	f.t.Helper()
	root, err := f.lab.Root("fe1")
	if err != nil {
		f.t.Fatal(err)
	}
	return root
}

func (f *front) listen(g *gate) {
	f.t.Helper()
	if g.listen != nil {
		_ = g.listen.Close()
	}
	var err error
	if g.listen, err = net.Listen("unixpacket", filepath.Join(f.root(), "run/gate")); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = g.listen.Close() })
	go g.serve(g.listen)
}

// serve lets one program after the other through.
func (g *gate) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		g.let(c)
	}
}

func (g *gate) let(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	answer := "g"
	if g.asks != nil && g.asks(string(buf[:n])) {
		answer = "k"
	}
	_, _ = c.Write([]byte(answer)) // who is killed does not wait for it
}

// while asks the test before every program that starts during fn.
func (g *gate) while(asks func(words string) bool, fn func()) {
	set := func(asks func(string) bool) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.asks = asks
	}
	set(asks)
	defer set(nil)
	fn()
}
