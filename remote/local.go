package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// localConn is a Conn to this machine: the same program, fed to a child shell.
type localConn struct {
	target Target // User is the one this process runs as
	idle   time.Duration

	mu       sync.Mutex
	closed   bool
	sessions map[*session]bool
}

func newLocalConn(t Target, idle time.Duration) *localConn {
	return &localConn{target: t, idle: idle, sessions: map[*session]bool{}}
}

func (c *localConn) Run(ctx context.Context) (Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", c.target.name(), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("%s: %w", c.target.name(), net.ErrClosed)
	}
	p, stderr, err := startShell(c.target)
	if err != nil {
		return nil, fmt.Errorf("%s: start a shell: %w", c.target.name(), err)
	}
	s := newSession(c.target, p, stderr, c.idle)
	c.sessions[s] = true
	go func() {
		e := p.wait()
		s.finish(e)
		c.mu.Lock()
		delete(c.sessions, s)
		c.mu.Unlock()
	}()
	s.watch(ctx)
	return s, nil
}

func (c *localConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for s := range c.sessions {
		_ = s.Close()
	}
	return nil
}

// shell is a child process with a pipe for each stream. It is never killed: as
// over SSH it ends when it next reports to a reader who has left.
type shell struct {
	cmd      *exec.Cmd
	in, out  *os.File
	errs     *os.File
	stopRead sync.Once
}

// startShell gives the child what a login over SSH would: a bare environment, the
// user's home, and no share in the terminal's interrupts.
func startShell(t Target) (p *shell, stderr io.Reader, err error) {
	argv := t.argv()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Dir = "/"
	if home, err := os.UserHomeDir(); err == nil && isDir(home) {
		cmd.Dir = home
	}
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	var pipes [3][2]*os.File
	defer func() {
		for i, end := range pipes {
			theirs, ours := end[0], end[1]
			if i > 0 {
				theirs, ours = ours, theirs
			}
			_ = theirs.Close()
			if err != nil {
				_ = ours.Close()
			}
		}
	}()
	for i := range pipes {
		if pipes[i][0], pipes[i][1], err = os.Pipe(); err != nil {
			return nil, nil, err
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pipes[0][0], pipes[1][1], pipes[2][1]
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	return &shell{cmd: cmd, in: pipes[0][1], out: pipes[1][0], errs: pipes[2][0]}, pipes[2][0], nil
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func (p *shell) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *shell) Write(b []byte) (int, error) { return p.in.Write(b) }
func (p *shell) CloseWrite() error           { return p.in.Close() }
func (p *shell) teardown(error)              { p.detach() }

func (p *shell) detach() {
	p.stopRead.Do(func() {
		for _, f := range []*os.File{p.in, p.out, p.errs} {
			_ = f.Close()
		}
	})
}

func (p *shell) wait() ending {
	var exit *exec.ExitError
	err := p.cmd.Wait()
	if err != nil && !errors.As(err, &exit) {
		return ending{lost: err}
	}
	ws, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ws.Signaled() {
		return ending{signal: ws.Signal().String()}
	}
	return ending{status: ws.ExitStatus()}
}

// Login implements Conn.
func (c *localConn) Login() string { return c.target.User }

func (c *localConn) Put(ctx context.Context, f File) error {
	if err := putLocal(ctx, f); err != nil {
		return fmt.Errorf("%s: put %s: %w", c.target.name(), f.Path, err)
	}
	return nil
}

func putLocal(ctx context.Context, f File) error {
	if there, err := os.Stat(f.Path); err == nil && there.Mode().IsRegular() && there.Size() == f.Size {
		f.progress(f.Size)
		return os.Chmod(f.Path, f.mode())
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return err
	}
	part := f.Path + ".part"
	if err := putLocalPart(ctx, part, f); err != nil {
		return err
	}
	return os.Rename(part, f.Path)
}

func putLocalPart(ctx context.Context, part string, f File) (err error) {
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	there, err := out.Stat()
	if err != nil {
		return err
	}
	at := f.resumeAt(there.Size())
	if err := out.Truncate(at); err != nil {
		return err
	}
	if _, err := out.Seek(at, io.SeekStart); err != nil {
		return err
	}
	for f.progress(at); at < f.Size; f.progress(at) {
		if err := ctx.Err(); err != nil {
			return err
		}
		size := min(segment, f.Size-at)
		n, err := io.Copy(out, io.NewSectionReader(f.Content, at, size))
		if err != nil {
			return err
		}
		if n != size {
			return fmt.Errorf("content ends at %d of %d bytes: %w", at+n, f.Size, io.ErrUnexpectedEOF)
		}
		at += size
	}
	if err := out.Chmod(f.mode()); err != nil {
		return err
	}
	return out.Sync()
}
