package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// exitGrace is how long a reader still waits for output after the shell is
// gone. Only a daemon that kept the output open makes it wait at all.
const exitGrace = 3 * time.Second

// process is what a channel of an SSH connection and a local shell have in
// common. Its standard error has a pipe of its own: one buffer shared by both
// streams loses data.
type process interface {
	io.ReadWriter
	CloseWrite() error
	// detach gives the streams up without waiting for the other side.
	detach()
	// teardown makes every blocked call on the process return.
	teardown(cause error)
}

// session adds to a process what is the same for both kinds: the watch over
// silence and over the context, and one verdict about how it ended.
type session struct {
	target Target
	proc   process
	idle   time.Duration

	stderr     tail
	stderrDone chan struct{}
	spoke      atomic.Bool // something came on standard output

	ended chan struct{} // closed when end is set
	unctx func() bool   // stops watching the context

	mu       sync.Mutex
	end      ending
	finished bool
	timer    *time.Timer // runs while somebody reads
}

// ending is how a session ended: an exit status, or the reason why none is known.
type ending struct {
	status int
	signal string
	lost   error
}

var errSessionClosed = errors.New("session closed before its program ended")

func newSession(t Target, p process, stderr io.Reader, idle time.Duration) *session {
	s := &session{target: t, proc: p, idle: idle, ended: make(chan struct{}), stderrDone: make(chan struct{})}
	s.unctx = func() bool { return true }
	go func() {
		defer close(s.stderrDone)
		_, _ = io.Copy(&s.stderr, stderr)
	}()
	return s
}

// watch ties the session to ctx. It is called before the session is handed out.
func (s *session) watch(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { s.abort(fmt.Errorf("%s: %w", s.target.name(), context.Cause(ctx))) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unctx = stop
	if s.finished {
		stop()
	}
}

// finish records how the session ended; the first word counts.
func (s *session) finish(e ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finished {
		return
	}
	s.finished, s.end = true, e
	s.unctx()
	close(s.ended)
	if s.timer != nil {
		s.timer.Reset(exitGrace)
	}
}

func (s *session) abort(cause error) {
	s.finish(ending{lost: cause})
	s.proc.teardown(cause)
}

func (s *session) isEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// silent runs when a reader has seen nothing for too long.
func (s *session) silent() {
	if s.isEnded() {
		s.proc.detach()
		return
	}
	s.abort(&InactiveError{Host: s.target.name(), After: s.idle, Doing: "waiting for its program to report"})
}

func (s *session) arm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.idle
	if s.finished {
		d = exitGrace
	}
	s.timer = time.AfterFunc(d, s.silent)
}

func (s *session) disarm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Stop()
	s.timer = nil
}

func (s *session) Read(p []byte) (int, error) {
	s.arm()
	defer s.disarm()
	n, err := s.proc.Read(p)
	if n > 0 {
		s.spoke.Store(true)
		return n, nil
	}
	if err == nil {
		return 0, nil
	}
	// The stream ends the same way whether the program ended or the wire was
	// cut; only the exit status tells, and it follows.
	<-s.ended
	if s.end.lost != nil {
		return 0, s.end.lost
	}
	return 0, io.EOF
}

// writeChunk bounds what one watch over a write covers.
const writeChunk = 32 << 10

func (s *session) Write(p []byte) (int, error) {
	done := 0
	for len(p) > 0 {
		chunk := p[:min(len(p), writeChunk)]
		stuck := time.AfterFunc(s.idle, func() {
			s.abort(&InactiveError{Host: s.target.name(), After: s.idle, Doing: "sending it the program"})
		})
		n, err := s.proc.Write(chunk)
		stuck.Stop()
		done += n
		if err != nil {
			return done, s.writeError(err)
		}
		p = p[n:]
	}
	return done, nil
}

// writeError prefers the reason why the shell went away over "broken pipe".
func (s *session) writeError(err error) error {
	select {
	case <-s.ended:
	case <-time.After(time.Second):
		return fmt.Errorf("%s takes no more input: %w", s.target.name(), err)
	}
	if why := s.Wait(); why != nil {
		return why
	}
	return fmt.Errorf("%s takes no more input: %w", s.target.name(), io.ErrClosedPipe)
}

func (s *session) CloseWrite() error {
	if err := s.proc.CloseWrite(); err != nil && !s.isEnded() {
		return s.writeError(err)
	}
	return nil
}

func (s *session) Stderr() string { return s.stderr.String() }

func (s *session) Wait() error {
	<-s.ended
	if s.end.lost != nil {
		return s.end.lost
	}
	select { // the last words may come after the exit status
	case <-s.stderrDone:
	case <-time.After(time.Second):
	}
	if s.end.status == 0 && s.end.signal == "" {
		return nil
	}
	stderr := s.Stderr()
	if s.target.becomes() && !s.spoke.Load() {
		if err := becomeFailure(s.target, s.end.status, stderr); err != nil {
			return err
		}
	}
	return &ExitError{Host: s.target.name(), Status: s.end.status, Signal: s.end.signal, Stderr: stderr}
}

func (s *session) Close() error {
	s.finish(ending{lost: errSessionClosed})
	s.proc.detach()
	return nil
}
