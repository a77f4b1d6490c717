package playbooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"eucactl/tasks"
)

// Runner is what a run asks of the world: everything that this package must not
// do itself. Its methods are called from many goroutines, those about one host
// from one at a time, except that tasks may be delegated to a host from others.
type Runner interface {
	// Together calls f for each host, as many at a time as there may be, and
	// returns when all have returned.
	Together(ctx context.Context, hosts []string, f func(ctx context.Context, host string))
	// Wait returns when ready is closed, and lets other hosts of Together go on
	// meanwhile: without that, hosts that wait for each other would never end.
	Wait(ctx context.Context, host string, ready <-chan struct{}) error

	// Stage runs a program on the host's one channel and reads its reply. Its
	// error is an *Unreachable if the host cannot be asked, now or any more, and a
	// *Refused if it can, but nothing runs there as the user that the login names.
	Stage(ctx context.Context, host string, s Stage) (tasks.Report, error)
	// Reset closes the connection to the host; the next stage opens another.
	Reset(ctx context.Context, host string) error

	// Sleep waits while other hosts go on.
	Sleep(ctx context.Context, host string, d time.Duration) error
	// Ask shows text to whoever runs the playbook and reads a line. With a
	// time limit it goes on by itself. The error is ErrNobody if nobody can answer.
	Ask(ctx context.Context, q Question) (string, error)
	// WriteFile keeps what was fetched from a host, and says whether it differs
	// from what was there.
	WriteFile(path string, content []byte, check bool) (changed bool, err error)
	Now() time.Time
}

// Stage is one program for one host, and how it is to run there.
type Stage struct {
	Program *tasks.Program
	Login   Login
	Check   bool
	Diff    bool
	Secrets []string // what is hidden in words and differences

	// OnBegin and OnResult are told of tasks while the reply arrives.
	OnBegin  func(index int)
	OnResult func(tasks.Result)
}

// Login is how a host is reached and as whom tasks run there: the host's
// variables and the play's words for it, rendered.
type Login struct {
	Connection string // ssh or local; empty is the inventory's
	Address    string
	Port       int
	User       string
	KeyFile    string
	Become     bool
	BecomeUser string // root unless the play has another
	Method     string // sudo unless the play has another
	Password   string // for becoming; from a variable, never logged
	Timeout    int    // seconds to connect; 0 is the runner's
	Python     string // asked for by playbooks, of no use here
}

// Question is something asked of whoever runs the playbook.
type Question struct {
	Text    string
	Private bool // do not show what is typed
	Confirm bool // ask twice
	Default any  // of an empty answer
	Seconds int  // go on after so long; 0 waits for an answer
	Step    bool // of --step: y, n or c
}

// ErrNobody says that a question cannot be answered.
var ErrNobody = errors.New("nobody is there to be asked")

// Unreachable says that a host could not be asked, or fell silent.
type Unreachable struct {
	Reason   string
	TimedOut bool
}

// Error is the reason.
func (u *Unreachable) Error() string { return u.Reason }

// Refused says that the user who logged in could not become the other one.
type Refused struct{ Reason string }

// Error is the reason.
func (r *Refused) Error() string { return r.Reason }

// Place is where a run stands: the play, its batch, and the steps' indexes from
// the outermost in. Places are passed in order by every host.
type Place struct {
	Play  int
	Batch int
	Path  string // of fixed-width indexes, so that places sort as text
}

// Before tells whether p comes earlier than q in the same playbook.
func (p Place) Before(q Place) bool {
	switch {
	case p.Play != q.Play:
		return p.Play < q.Play
	case p.Batch != q.Batch:
		return p.Batch < q.Batch
	}
	return p.Path < q.Path
}

// String is for people who debug.
func (p Place) String() string { return fmt.Sprintf("%d.%d.%s", p.Play, p.Batch, p.Path) }
