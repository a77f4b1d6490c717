package controller

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"eucactl/remote"
)

// host is a machine that obeys programs: it reads enough of the real text to have a
// lock, a fence, facts, tasks with guards, uploads and sections, and remembers what it
// became. Its fields are set by tests between visits, under mu if visits may run.
type host struct {
	mu sync.Mutex

	name     string
	down     error             // nobody connects
	facts    string            // without the last newline
	boot     string            // boot id
	busy     string            // another run holds it
	fails    map[string]string // kind of task -> words
	noList   bool              // its libvirtd is dead
	lostLock bool              // the connection is lost while it waits for its lock
	breakAt  int               // the connection is lost before this line of the reply; 0: never
	sayFirst chan struct{}     // if set, the reply waits for it

	token   string // of the fence, "CLOUD TOKEN"
	objects map[string]string
	domains map[string]string // name -> "STATE (REASON)"
	cache   map[string]bool   // sums of images
	files   map[string][]byte // what was put, by path
	console string            // what section console says

	listeners []net.Listener // of connections that listen there
	deaf      error          // why nobody may

	dials, runs, puts int
	programs          []string
	running           int // programs at once
	mostRunning       int
}

func newHost(name string) *host {
	return &host{
		name: name, facts: "arch=x86_64\nkernel=6.1\nos=debian", boot: "11111111-2222-3333-4444-555555555555",
		fails: map[string]string{}, objects: map[string]string{}, domains: map[string]string{}, cache: map[string]bool{}, files: map[string][]byte{},
	}
}

// lost is how an open connection breaks.
func (h *host) lost() error { return &remote.LostError{Host: h.name, Err: errors.New("reset by peer")} }

func unreachable(name string) error {
	return &remote.UnreachableError{Host: name, Address: name + ":22", Stage: "connect", Err: errors.New("no route to host")}
}

func (h *host) dial() (remote.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dials++
	if h.down != nil {
		return nil, h.down
	}
	return &conn{h: h}, nil
}

// conn is one connection to a host.
type conn struct {
	h       *host
	session *session
}

func (c *conn) Run(ctx context.Context) (remote.Session, error) {
	c.h.mu.Lock()
	c.h.runs++
	c.h.mu.Unlock()
	if c.session != nil && !c.session.closed.Load() {
		return nil, errors.New("a second channel on one connection")
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	c.session = &session{in: inW, out: outR}
	c.session.stop = context.AfterFunc(ctx, func() { _ = outW.CloseWithError(ctx.Err()) }) // torn down
	go func() {
		r := &reply{h: c.h, in: bufio.NewReader(inR), out: outW}
		err := r.serve()
		inR.CloseWithError(io.ErrClosedPipe)
		outW.CloseWithError(err)
	}()
	return c.session, nil
}

func (c *conn) Login() string { return "root" }

func (c *conn) Put(_ context.Context, f remote.File) error {
	content := make([]byte, f.Size)
	if _, err := f.Content.ReadAt(content, 0); err != nil && err != io.EOF {
		return err
	}
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	c.h.puts++
	c.h.files[f.Path] = content
	return nil
}

// Listen implements remote.Listener, at any free address.
func (c *conn) Listen(context.Context, string) (net.Listener, error) {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	if c.h.deaf != nil {
		return nil, c.h.deaf
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.h.listeners = append(c.h.listeners, l)
	return l, err
}

func (c *conn) Close() error {
	if c.session != nil {
		return c.session.Close()
	}
	return nil
}

type session struct {
	in   *io.PipeWriter
	out  *io.PipeReader
	stop func() bool

	closed atomic.Bool
}

func (s *session) Write(p []byte) (int, error) { return s.in.Write(p) }

func (s *session) Read(p []byte) (int, error) { return s.out.Read(p) }

func (s *session) CloseWrite() error { return s.in.Close() }

func (s *session) Stderr() string { return "" }

func (s *session) Wait() error { return nil }

func (s *session) Close() error {
	s.closed.Store(true)
	s.stop()
	return errors.Join(s.in.Close(), s.out.Close())
}

func (h *host) enter() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running++
	h.mostRunning = max(h.mostRunning, h.running)
}

func (h *host) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running--
}

// key names the object of a task, and shape how it should be.
func key(kind string, args []string) string {
	switch kind {
	case "chains", "kernel_setting", "address", "address_gone", "disk", "seed", "machine_dir":
		return kind + " " + args[0]
	}
	return kind
}

func (h *host) is(kind string, args []string) bool {
	switch kind {
	case "domain":
		_, there := h.domains[args[0]]
		return there && h.domains[args[0]] != "shut off (crashed)" && h.objects["domain "+args[0]] == strings.Join(args, "\x00")
	case "domain_gone":
		_, there := h.domains[args[0]]
		return !there
	case "image":
		return h.cache[args[0]]
	case "dhcpd_gone":
		_, there := h.objects["dhcpd"]
		return !there
	case "address_gone", "ipsets_gone", "bridge":
		return true
	}
	now, there := h.objects[key(kind, args)]
	return there && now == strings.Join(args, "\x00")
}

func (h *host) become(kind string, args []string) {
	switch kind {
	case "domain":
		h.domains[args[0]] = "running (booted)"
		h.objects["domain "+args[0]] = strings.Join(args, "\x00")
		return
	case "domain_gone":
		delete(h.domains, args[0])
		return
	case "image":
		h.cache[args[0]] = true
		return
	case "dhcpd_gone":
		delete(h.objects, "dhcpd")
		return
	}
	h.objects[key(kind, args)] = strings.Join(args, "\x00")
}

// eventually waits until a condition holds.
func eventually(what string, holds func() bool) error {
	for range 4000 {
		if holds() {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%s: not within 20 s", what)
}
