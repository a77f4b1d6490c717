package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// uploads is the connection's one sftp channel, opened by the first Put.
type uploads struct {
	mu     sync.Mutex
	client *sftp.Client
}

// inFlight is how many 32 KiB writes of a segment travel at once.
const inFlight = 64

// Login implements Conn.
func (c *sshConn) Login() string { return c.target.User }

func (c *sshConn) Put(ctx context.Context, f File) error {
	cl, err := c.sftp(ctx)
	if err != nil {
		return err
	}
	g := c.guard(ctx, "putting "+f.Path)
	defer g.stop()
	if err := put(cl, f, g.touch); err != nil {
		return c.because(fmt.Errorf("put %s: %w", f.Path, err))
	}
	return nil
}

func (c *sshConn) sftp(ctx context.Context) (*sftp.Client, error) {
	c.files.mu.Lock()
	defer c.files.mu.Unlock()
	if c.files.client != nil {
		return c.files.client, nil
	}
	ch, reqs, err := c.open(ctx, "subsystem", ssh.Marshal(struct{ Name string }{"sftp"}))
	if err != nil {
		return nil, fmt.Errorf("start sftp (sshd_config: Subsystem sftp): %w", err)
	}
	c.tasks.Go(func() { ssh.DiscardRequests(reqs) })
	c.tasks.Go(func() { _, _ = io.Copy(io.Discard, ch.Stderr()) })
	defer c.guard(ctx, "starting sftp").stop()
	cl, err := sftp.NewClientPipe(ch, ch)
	if err != nil {
		_ = ch.Close()
		return nil, c.because(fmt.Errorf("start sftp: %w", err))
	}
	c.files.client = cl
	c.tasks.Go(func() {
		_ = cl.Wait() // the next Put asks for a new one
		c.files.mu.Lock()
		c.files.client = nil
		c.files.mu.Unlock()
	})
	return cl, nil
}

// put uploads f; moved is called whenever the host has confirmed something.
func put(cl *sftp.Client, f File, moved func()) error {
	if there, err := cl.Stat(f.Path); err == nil && there.Mode().IsRegular() && there.Size() == f.Size {
		f.progress(f.Size)
		return cl.Chmod(f.Path, f.mode())
	}
	if err := makeDirs(cl, path.Dir(f.Path)); err != nil {
		return err
	}
	part := f.Path + ".part"
	if err := putPart(cl, part, f, moved); err != nil {
		return err
	}
	return rename(cl, part, f.Path)
}

func putPart(cl *sftp.Client, part string, f File, moved func()) (err error) {
	out, err := cl.OpenFile(part, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := out.Chmod(0o600); err != nil {
		return err
	}
	there, err := out.Stat()
	if err != nil {
		return err
	}
	at := f.resumeAt(there.Size())
	if there.Size() > f.Size {
		if err := out.Truncate(0); err != nil {
			return err
		}
	}
	if err := putSegments(out, f, at, moved); err != nil {
		return err
	}
	if _, ok := cl.HasExtension("fsync@openssh.com"); ok {
		if err := out.Sync(); err != nil {
			return err
		}
	}
	return out.Chmod(f.mode())
}

func putSegments(out *sftp.File, f File, at int64, moved func()) error {
	if _, err := out.Seek(at, io.SeekStart); err != nil {
		return err
	}
	f.progress(at)
	for at < f.Size {
		size := min(segment, f.Size-at)
		n, err := out.ReadFromWithConcurrency(io.NewSectionReader(f.Content, at, size), inFlight)
		if err != nil {
			return err
		}
		if n != size {
			return fmt.Errorf("content ends at %d of %d bytes: %w", at+n, f.Size, io.ErrUnexpectedEOF)
		}
		at += size
		moved()
		f.progress(at)
	}
	return nil
}

// makeDirs makes the missing directories private, so that what is being
// uploaded is nobody else's to read before it has its mode.
func makeDirs(cl *sftp.Client, dir string) error {
	if there, err := cl.Stat(dir); err == nil {
		if !there.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("there is something else")}
		}
		return nil
	}
	if parent := path.Dir(dir); parent != dir {
		if err := makeDirs(cl, parent); err != nil {
			return err
		}
	}
	if err := cl.Mkdir(dir); err != nil {
		if there, err2 := cl.Stat(dir); err2 == nil && there.IsDir() {
			return nil // another Put was faster
		}
		return &fs.PathError{Op: "mkdir", Path: dir, Err: err}
	}
	return cl.Chmod(dir, 0o700)
}

// rename replaces to atomically where the server can, which OpenSSH's does.
func rename(cl *sftp.Client, from, to string) error {
	if _, ok := cl.HasExtension("posix-rename@openssh.com"); ok {
		return cl.PosixRename(from, to)
	}
	if err := cl.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return cl.Rename(from, to)
}
