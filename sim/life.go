package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"eucactl/controller"
	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/state"
)

// life is one process of the controller, from its start to its death.
type life struct {
	fs    *vfs.MemFS
	store *state.Store
	c     *controller.Controller

	crash   *Crash     // to come in this step
	commits int        // in this step
	lines   int        // in this step
	left    *vfs.MemFS // what its death left on the disk; nil while it lives

	looked map[string]uint64 // of which plan each host was seen to be
}

func (l *life) dead() bool { return l.left != nil }

// born starts a controller over a disk.
func (w *world) born(fs *vfs.MemFS) (*life, error) {
	l := &life{fs: fs, looked: map[string]uint64{}}
	var err error
	if l.store, err = state.Open("state", state.Options{FS: fs, OnCommit: l.committed}); err != nil {
		return nil, err
	}
	l.c = &controller.Controller{
		Store: l.store, Inventory: w.inventories[w.edit], Site: w.sites[w.site], Images: w.images, Forks: 1,
		Dial:  func(_ context.Context, h *inventory.Host) (remote.Conn, error) { return w.dial(l, h) },
		Now:   func() time.Time { return w.now },
		NewID: w.newID, OnLine: l.heard,
	}
	return l, l.c.Init()
}

func (l *life) committed(point string, n int) {
	if point == "before" {
		l.commits++
	}
	if c := l.crash; c != nil && c.Point == point && c.N == l.commits {
		l.die()
	}
}

func (l *life) heard() {
	l.lines++
	if c := l.crash; c != nil && c.Point == "line" && c.N == l.lines {
		l.die()
	}
}

// die cuts the power. What this process still does is not known to anybody: it
// neither hears nor says anything more.
func (l *life) die() {
	if l.left == nil {
		l.left = leftOf(l.fs, l.crash.Kept, uint64(l.crash.N))
	}
}

// leftOf is what a power cut leaves on a disk: what was synced, and some percent of
// the rest.
func leftOf(fs *vfs.MemFS, kept int, seed uint64) *vfs.MemFS {
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(seed, 3))})
}

var errPowerCut = errors.New("the controller is dead")

// mortalConn ends with the process that opened it.
type mortalConn struct {
	remote.Conn
	l    *life
	late func() // what comes between the host's answer and its being heard
}

func (c *mortalConn) Run(ctx context.Context) (remote.Session, error) {
	s, err := c.Conn.Run(ctx)
	if err != nil {
		return nil, err
	}
	return &mortalSession{s, c.l, c.late}, nil
}

func (c *mortalConn) Login() string { return c.Conn.Login() }

func (c *mortalConn) Put(ctx context.Context, f remote.File) error {
	if c.l.dead() {
		return errPowerCut
	}
	return c.Conn.Put(ctx, f)
}

type mortalSession struct {
	remote.Session
	l    *life
	late func()
}

func (s *mortalSession) Close() error {
	err := s.Session.Close()
	s.late()
	return err
}

func (s *mortalSession) Read(p []byte) (int, error) {
	if s.l.dead() {
		return 0, errPowerCut
	}
	return s.Session.Read(p)
}
