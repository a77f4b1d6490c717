package controller

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"eucactl/playbooks"
	"eucactl/remote"
	"eucactl/tasks"
)

// World is what the playbooks of users run in: it implements playbooks.Runner with
// one connection and one exec channel a host. The records have no part in it.
type World struct {
	Dial     func(context.Context, remote.Target) (remote.Conn, error)
	Target   func(host string) remote.Target // by the inventory
	Prompt   func(context.Context, playbooks.Question) (string, error)
	Clock    func() time.Time
	NewID    func(prefix string) string
	LockWait time.Duration
	Forks    int // hosts at a time; 0 is 50

	mu     sync.Mutex
	slots  chan struct{}
	shells map[door]*hostShell
	doors  map[string][]door // by the names of hosts
}

// door is a way into a machine, whatever names it has: there is one channel through it.
type door struct {
	local         bool
	address, user string
	port          int
}

// Together implements playbooks.Runner: hosts begin in their order.
func (w *World) Together(ctx context.Context, hosts []string, f func(context.Context, string)) {
	var all sync.WaitGroup
	for _, host := range hosts {
		if !w.take(ctx) {
			break
		}
		all.Go(func() {
			defer w.give()
			f(ctx, host)
		})
	}
	all.Wait()
}

// take waits for a place among the hosts that are worked on at the same time.
func (w *World) take(ctx context.Context) bool {
	w.mu.Lock()
	if w.slots == nil {
		forks := w.Forks
		if forks <= 0 {
			forks = 50
		}
		w.slots = make(chan struct{}, forks)
	}
	slots := w.slots
	w.mu.Unlock()
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *World) give() { <-w.slots }

// aside lets others work while this host waits. The place is taken back even when
// ctx has ended, since whoever waited gives it away in the end.
func (w *World) aside(wait func()) {
	w.give()
	wait()
	w.take(context.Background())
}

// Wait implements playbooks.Runner.
func (w *World) Wait(ctx context.Context, _ string, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	default:
	}
	w.aside(func() {
		select {
		case <-ready:
		case <-ctx.Done():
		}
	})
	return ctx.Err()
}

// Sleep implements playbooks.Runner.
func (w *World) Sleep(ctx context.Context, _ string, d time.Duration) error {
	w.aside(func() {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	})
	return ctx.Err()
}

// Stage implements playbooks.Runner.
func (w *World) Stage(ctx context.Context, host string, s playbooks.Stage) (tasks.Report, error) {
	h := w.shell(host, s.Login)
	for _, other := range w.others(host, h) {
		other.leaveHost() // or its lock would be in the way
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	rep, err := h.stage(ctx, s)
	if err == nil && !rep.Stage && !rep.Done {
		err = brokenOff(host, rep)
	}
	if err != nil {
		h.close()
		return rep, hostTrouble(err)
	}
	return rep, nil
}

// brokenOff is why a program did not reach its end.
func brokenOff(host string, rep tasks.Report) error {
	switch {
	case rep.Busy != "":
		return &playbooks.Unreachable{Reason: host + " is busy: " + rep.Busy}
	case rep.Stopped != "":
		return &playbooks.Unreachable{Reason: host + ": " + rep.Stopped}
	}
	return &playbooks.Unreachable{Reason: host + ": the reply broke off: " + lastLine(rep.Words)}
}

// hostTrouble tells what is the host's trouble from what is ours.
func hostTrouble(err error) error {
	var refused *remote.BecomeError
	var silent *remote.InactiveError
	switch {
	case errors.As(err, &refused):
		return &playbooks.Refused{Reason: err.Error()}
	case !remote.Unreachable(err):
		return err
	}
	return &playbooks.Unreachable{
		Reason:   err.Error(),
		TimedOut: errors.As(err, &silent) || errors.Is(err, os.ErrDeadlineExceeded),
	}
}

// shell is the channel to a host for a login, which is another's if both are one machine.
func (w *World) shell(host string, l playbooks.Login) *hostShell {
	h := &hostShell{w: w, host: host}
	t := h.target(l)
	at := door{address: cmp.Or(t.Address, host), user: t.User, port: cmp.Or(t.Port, 22)}
	if t.Local {
		at = door{local: true}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shells == nil {
		w.shells, w.doors = map[door]*hostShell{}, map[string][]door{}
	}
	if w.shells[at] == nil {
		w.shells[at] = h
	}
	if !slices.Contains(w.doors[host], at) {
		w.doors[host] = append(w.doors[host], at)
	}
	return w.shells[at]
}

// others are the channels to a host besides one of them: those of other users. What
// runs here is another machine's.
func (w *World) others(host string, h *hostShell) []*hostShell {
	w.mu.Lock()
	defer w.mu.Unlock()
	here := w.shells[door{local: true}]
	var out []*hostShell
	for _, at := range w.doors[host] {
		if other := w.shells[at]; h == nil || h != here && other != h && other != here {
			out = append(out, other)
		}
	}
	return out
}

// Reset implements playbooks.Runner.
func (w *World) Reset(_ context.Context, host string) error {
	for _, h := range w.others(host, nil) {
		h.leaveHost()
	}
	return nil
}

// Close lets go of all hosts.
func (w *World) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all sync.WaitGroup
	for _, h := range w.shells {
		all.Go(h.leaveHost)
	}
	all.Wait()
}

// Ask implements playbooks.Runner.
func (w *World) Ask(ctx context.Context, q playbooks.Question) (string, error) {
	if w.Prompt == nil {
		return "", playbooks.ErrNobody
	}
	return w.Prompt(ctx, q)
}

// Now implements playbooks.Runner.
func (w *World) Now() time.Time { return w.Clock() }

// WriteFile implements playbooks.Runner: whoever reads path meanwhile sees the old
// content or the new one.
func (w *World) WriteFile(path string, content []byte, check bool) (changed bool, err error) {
	was, err := os.ReadFile(path)
	if err == nil && bytes.Equal(was, content) {
		return false, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	if check {
		return true, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".eucactl-*")
	if err != nil {
		return false, err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return false, errors.Join(fmt.Errorf("keep %s: %w", path, err), os.Remove(f.Name()))
	}
	return true, nil
}
