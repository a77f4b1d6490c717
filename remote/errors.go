package remote

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// UnreachableError says that no connection to a host came about.
type UnreachableError struct {
	Host    string
	Address string   // host:port
	Stage   string   // what was being done: connect, handshake, authentication
	Tried   []string // the keys offered or unusable, for authentication
	Hint    string   // what to try next
	Err     error
}

func (e *UnreachableError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s) is unreachable: %s: %v", e.Host, e.Address, e.Stage, e.Err)
	if len(e.Tried) > 0 {
		fmt.Fprintf(&b, "; keys tried: %s", strings.Join(e.Tried, ", "))
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// LostError says that an open connection broke: what was running on the host
// may or may not have been done.
type LostError struct {
	Host    string
	Address string
	Err     error
}

func (e *LostError) Error() string {
	return fmt.Sprintf("connection to %s (%s) was lost: %v", e.Host, e.Address, e.Err)
}

func (e *LostError) Unwrap() error { return e.Err }

// InactiveError says that a host answered keepalives, but its program said
// nothing (or took nothing) for too long.
type InactiveError struct {
	Host  string
	After time.Duration
	Doing string // reading, writing or putting a file
}

func (e *InactiveError) Error() string {
	return fmt.Sprintf("%s: nothing moved for %s while %s", e.Host, e.After, e.Doing)
}

// Timeout makes the error a net.Error's kind of timeout.
func (e *InactiveError) Timeout() bool { return true }

// ExitError is a shell that ended with something else than status 0.
type ExitError struct {
	Host   string
	Status int
	Signal string // set when a signal ended it
	Stderr string
}

func (e *ExitError) Error() string {
	how := fmt.Sprintf("status %d", e.Status)
	if e.Signal != "" {
		how = "signal " + e.Signal
	}
	if last := lastLine(e.Stderr); last != "" {
		return fmt.Sprintf("%s: the shell ended with %s: %s", e.Host, how, last)
	}
	return fmt.Sprintf("%s: the shell ended with %s", e.Host, how)
}

// BecomeError says that the login user could not become the other one. Nothing
// of the program has run.
type BecomeError struct {
	Host       string
	User       string
	BecomeUser string
	Reason     string // the sentence for the operator
	Stderr     string // sudo's own words
}

func (e *BecomeError) Error() string { return e.Reason }

// becomeFailure recognises sudo's refusal in what came instead of a report.
func becomeFailure(t Target, status int, stderr string) error {
	has := func(s string) bool { return strings.Contains(stderr, s) }
	var reason string
	switch {
	case has("password is required") || has("terminal is required"):
		reason = fmt.Sprintf("sudo on %s asks user %s for a password; allow NOPASSWD or set ansible_become: false", t.name(), t.User)
	case has("not in the sudoers file") || has("is not allowed to") || has("may not run sudo"):
		reason = fmt.Sprintf("sudo on %s does not let user %s become %s; allow it in /etc/sudoers.d or set ansible_become: false", t.name(), t.User, t.becomeUser())
	case has("must have a tty"):
		reason = fmt.Sprintf("sudo on %s wants a terminal; remove requiretty for user %s", t.name(), t.User)
	case has("unknown user"):
		reason = fmt.Sprintf("sudo on %s knows no user %s; set ansible_become_user", t.name(), t.becomeUser())
	case status == 127 && has("sudo"):
		reason = fmt.Sprintf("sudo is not installed on %s; install it or log in as %s with ansible_become: false", t.name(), t.becomeUser())
	case has("sudo: "):
		reason = fmt.Sprintf("sudo on %s failed for user %s: %s", t.name(), t.User, lastLine(stderr))
	default:
		return nil
	}
	return &BecomeError{Host: t.name(), User: t.User, BecomeUser: t.becomeUser(), Reason: reason, Stderr: stderr}
}

// Unreachable tells whether err means that the host, as opposed to a task on
// it, is the trouble: it cannot be reached, identified, kept, or become root on.
func Unreachable(err error) bool {
	return is[*UnreachableError](err) || is[*UnknownHostError](err) || is[*ChangedHostKeyError](err) ||
		is[*LostError](err) || is[*InactiveError](err) || is[*BecomeError](err)
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}
