// Package remote is the product's only network. It opens a connection to a
// host, starts one program there whose text travels on its standard input, and
// puts files there. It refuses to know what the program says, to trust a host
// key it was not given, and to repeat anything that may already have been done.
package remote

import (
	"context"
	"io"
	"io/fs"
)

// Conn is an open connection to one host. There are two: over SSH, and to this
// machine. Its methods may be called from several goroutines.
type Conn interface {
	// Run starts one shell, as the user the target names, that reads its
	// program from the session's input. Over SSH it costs exactly one exec
	// channel. When ctx ends before the program does, the connection is torn
	// down, since nothing gentler stops a remote program: it ends at its next
	// report line.
	Run(ctx context.Context) (Session, error)
	// Put makes f.Path hold f's content, as the login user. An interrupted Put
	// is resumed by the next one. When ctx ends the connection is torn down.
	Put(ctx context.Context, f File) error
	// Login is the user that logged in.
	Login() string
	// Close lets go of the host. Programs still running there lose their input
	// and their reader.
	Close() error
}

// Session is one running shell: write the program, read what it reports, and
// write more of it on the same input if it asks for more. One goroutine may
// write while another reads.
type Session interface {
	io.Writer
	// CloseWrite tells the shell that no more text follows.
	CloseWrite() error
	// Read returns what the program says on its standard output, and io.EOF
	// only when the program has really ended; a connection that broke is an
	// error. A program that started a daemon may never reach the end of its
	// output, so a reader stops at the program's own last line.
	io.Reader
	// Stderr returns the end (64 KiB at most) of what came on standard error.
	Stderr() string
	// Wait returns when the shell has exited: nil for status 0, *ExitError or
	// *BecomeError otherwise, or the reason why that cannot be known.
	Wait() error
	// Close releases the session without waiting for anything.
	Close() error
}

// File is something to put on a host.
type File struct {
	// Path is absolute and named after the content's sum: a file already
	// there, or begun there, is trusted by its length alone. Whoever uses the
	// file on the host verifies the sum and removes a file that fails.
	Path    string
	Content io.ReaderAt
	Size    int64
	// Mode is the finished file's; 0 means 0600. Missing parent directories
	// are made with mode 0700.
	Mode fs.FileMode
	// Progress, when set, is told how many bytes the host has confirmed.
	Progress func(done int64)
}

// segment is the unit of upload: a segment is begun when the one before it is
// confirmed whole, so only the last segment of a partial file can have holes
// and a resumed upload repeats no more than that.
const segment = 2 << 20

// resumeAt returns where to go on with a partial file of the given length.
func (f File) resumeAt(partial int64) int64 {
	if partial <= 0 || partial > f.Size {
		return 0
	}
	return (partial - 1) / segment * segment
}

func (f File) mode() fs.FileMode {
	if f.Mode == 0 {
		return 0o600
	}
	return f.Mode.Perm()
}

func (f File) progress(done int64) {
	if f.Progress != nil {
		f.Progress(done)
	}
}
