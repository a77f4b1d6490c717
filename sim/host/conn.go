package host

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"eucactl/remote"
)

// Faults are what goes wrong in one visit. The zero value: nothing.
type Faults struct {
	Refuse bool     // nobody answers
	Late   bool     // the connection is lost before a word is read; the program lies in wait
	Lose   int      // the reply is lost before the n-th line of ours, and the program ends there
	Deaf   int      // the same, but the host does not notice: the program goes on to its end
	Kill   int      // kill -9 in front of the n-th command that changes the host
	Busy   bool     // another run holds the lock
	Dead   []string // tools that do not work
	Fail   []string // kinds whose apply fails before it changes anything
	Full   bool     // from the first task on, the disk takes no file more
	Stuck  bool     // a machine's folder cannot be removed
}

// latecomer is a program that arrived when nobody waited for its reply any more.
type latecomer struct {
	program *program
	faults  Faults
}

// Dial connects; the faults hold for this one connection.
func (m *Machine) Dial(f Faults) (remote.Conn, error) {
	if f.Refuse {
		return nil, &remote.UnreachableError{Host: m.name, Address: m.name + ":22", Stage: "connect", Err: errors.New("no route to host")}
	}
	return &conn{m: m, faults: f}, nil
}

// Deliver runs all programs that lie in wait, oldest first, with nobody reading.
func (m *Machine) Deliver() (n int) {
	for {
		m.mu.Lock()
		if len(m.waiting) == 0 {
			m.mu.Unlock()
			return n
		}
		late := m.waiting[0]
		m.waiting = m.waiting[1:]
		m.mu.Unlock()
		n++
		s := newSession(m, late.faults)
		s.deaf = true
		s.late = late.program
		s.closed = true
		s.serve()
	}
}

// conn is one connection to a machine.
type conn struct {
	m       *Machine
	faults  Faults
	session *session
}

func (c *conn) lost() error {
	return &remote.LostError{Host: c.m.name, Address: c.m.name + ":22", Err: errors.New("connection reset by peer")}
}

func (c *conn) Run(ctx context.Context) (remote.Session, error) {
	if c.session != nil {
		return nil, errors.New("a second channel on one connection")
	}
	s := newSession(c.m, c.faults)
	s.lostErr = c.lost()
	c.session = s
	s.stop = context.AfterFunc(ctx, func() { s.tearDown(ctx.Err()) })
	go s.serve()
	return s, nil
}

func (c *conn) Login() string { return "root" }

// Put is sftp's: the login user's file, whole.
func (c *conn) Put(ctx context.Context, f remote.File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.session != nil && c.session.isLost() {
		return c.lost()
	}
	if c.faults.Full {
		return errors.New(f.Path + ": no space left on device")
	}
	if c.m.o.Trusting {
		c.m.putBlank(f.Path, int(f.Size))
		return nil
	}
	content := make([]byte, f.Size)
	if n, err := f.Content.ReadAt(content, 0); int64(n) < f.Size {
		return err
	}
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	c.m.files.mkdirAll(dirOf(f.Path), 0o700)
	c.m.files.put(f.Path, string(content), 0o600)
	return nil
}

// putBlank notes a file whose content is not read.
func (m *Machine) putBlank(path string, size int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files.mkdirAll(dirOf(path), 0o700)
	if m.files.put(path, "", 0o600) {
		m.files[path].blank = size
	}
}

func (c *conn) Close() error {
	if c.session == nil {
		return nil
	}
	return c.session.Close()
}

// session is one running shell. What it says is handed over where it waits or
// ends: nobody can tell, and it is fast.
type session struct {
	m      *Machine
	faults Faults
	stop   func() bool

	mu      sync.Mutex
	moved   sync.Cond
	input   strings.Builder // what was written and not yet read
	pending string          // what was looked at, and is not whole yet
	late    *program        // of Deliver
	closed  bool            // no more input follows
	output  []byte
	deaf    bool // nobody reads, and the shell does not notice
	gone    bool // nobody reads, and the next word ends the shell
	ended   bool
	killed  bool
	status  int
	broken  error // what Read says after the last byte; nil: io.EOF
	lostErr error
}

func newSession(m *Machine, f Faults) *session {
	s := &session{m: m, faults: f}
	s.moved.L = &s.mu
	return s
}

func (s *session) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.ended {
		return 0, io.ErrClosedPipe
	}
	s.input.Write(b)
	s.moved.Broadcast()
	return len(b), nil
}

func (s *session) WriteString(text string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.ended {
		return 0, io.ErrClosedPipe
	}
	if s.input.Len() == 0 && s.pending == "" {
		s.pending = text
	} else {
		s.input.WriteString(text)
	}
	s.moved.Broadcast()
	return len(text), nil
}

func (s *session) CloseWrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.moved.Broadcast()
	return nil
}

func (s *session) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.output) == 0 && !s.ended {
		s.moved.Wait()
	}
	if len(s.output) == 0 {
		if s.broken != nil {
			return 0, s.broken
		}
		return 0, io.EOF
	}
	n := copy(b, s.output)
	s.output = s.output[n:]
	return n, nil
}

func (s *session) Stderr() string { return "" }

func (s *session) Wait() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ended {
		s.moved.Wait()
	}
	switch {
	case s.broken != nil:
		return s.broken
	case s.killed:
		return &remote.ExitError{Host: s.m.name, Status: 137, Signal: "KILL"}
	case s.status != 0:
		return &remote.ExitError{Host: s.m.name, Status: s.status}
	}
	return nil
}

// Close waits for the shell: it ends at its next word, and until then it acts.
func (s *session) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.tearDown(io.ErrClosedPipe)
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ended {
		s.moved.Wait()
	}
	return nil
}

func (s *session) tearDown(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.gone = true, true
	if s.broken == nil && !s.ended {
		s.broken = why
	}
	s.moved.Broadcast()
}

func (s *session) isLost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deaf || s.gone
}

// nextProgram waits for a whole one; nil means that the input ended before it did.
// A program that arrives cut runs nothing. The error is of one that makes no sense.
func (s *session) nextProgram() (*program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pr := s.late; pr != nil {
		s.late = nil
		return pr, nil
	}
	for {
		s.gather()
		if strings.HasSuffix(s.pending, programEnd) {
			// A part of a text may happen to end like a whole one.
			if pr, err := readProgram(s.pending, s.m.o.Kinds); !errors.Is(err, errUnfinished) {
				s.pending = ""
				return pr, err
			}
		}
		if s.closed || s.deaf || s.gone {
			return nil, nil
		}
		s.moved.Wait()
	}
}

// gather joins what was written since the last look.
func (s *session) gather() {
	if s.input.Len() > 0 {
		s.pending += s.input.String()
		s.input.Reset()
	}
}

// nextLine is the shell's read: one line of the input.
func (s *session) nextLine() (line string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		s.gather()
		if line, rest, found := strings.Cut(s.pending, "\n"); found {
			s.pending = rest
			return line, true
		}
		if s.closed || s.deaf || s.gone {
			return "", false
		}
		s.moved.Wait()
	}
}

func (s *session) setDeaf() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = true
}

func (s *session) readerGone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// hand gives the reader what was said so far.
func (s *session) hand(words []byte) {
	if len(words) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.output = append(s.output, words...)
	s.moved.Broadcast()
}

// serve is the shell's life.
func (s *session) serve() {
	p := newProcess(s)
	p.live()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.killed, s.status = true, p.killed, p.status
	if p.lost && s.broken == nil {
		s.broken = s.lostErr
	}
	s.moved.Broadcast()
}
