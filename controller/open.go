package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"eucactl/state"
)

// SocketOf is where the owner of a state directory listens: beside it.
func SocketOf(stateDir string) string {
	return filepath.Join(filepath.Dir(filepath.Clean(stateDir)), "eucactl.sock")
}

// Entry is how to come in: where the records are, and how to build a controller on
// them should this process become their owner.
type Entry struct {
	StateDir     string
	InventorySum string        // of the inventory and of edited playbooks: only who works with the same can share an owner
	Timeout      time.Duration // how long to wait for records that another process holds
	Options      state.Options
	Build        func(*state.Store) *Controller
	Waiting      func(who string) // told once, when there is something to wait for

	alone bool // only as the owner
}

// patience is how long a wait is not worth a word.
const patience = 200 * time.Millisecond

// Open takes the store if it is free, or else comes in through its owner's socket,
// or else tries both again until the timeout, saying who holds it.
func (e Entry) Open(ctx context.Context) (Door, error) {
	begun := time.Now()
	deadline := begun.Add(e.Timeout)
	asking, cancel := context.WithDeadline(ctx, deadline.Add(time.Second))
	defer cancel()
	told := false
	for {
		door, err := e.try(ctx, asking)
		var locked *state.LockedError
		if err == nil || !errors.As(err, &locked) {
			return door, err
		}
		if time.Now().After(deadline) {
			return nil, &BusyError{fmt.Sprintf("the records are in use: %v; waited %s (--lock-timeout)", err, e.Timeout)}
		}
		if !told && e.Waiting != nil && time.Since(begun) > patience {
			told = true
			e.Waiting(err.Error())
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Owner is the process that has the records.
type Owner struct {
	PID     int  `json:"pid"`
	Serving bool `json:"serving"` // it is eucactl serve, and will not give them back by itself
}

// Own takes the store, waiting for it like Open, but never through another owner. An
// eucactl serve that runs already is not waited for.
func (e Entry) Own(ctx context.Context) (*Controller, error) {
	e.alone = true
	door, err := e.Open(ctx)
	if err != nil {
		return nil, err
	}
	return door.(*Controller), nil
}

// BusyError: another process holds the records, and does not answer for them.
type BusyError struct{ words string }

func (e *BusyError) Error() string { return e.words }

// try makes one attempt. What it asks of another owner ends with asking; what it
// serves as owner itself, with ctx.
func (e Entry) try(ctx, asking context.Context) (Door, error) {
	store, err := state.Open(e.StateDir, e.Options)
	var locked *state.LockedError
	if errors.As(err, &locked) {
		if conn, dialErr := net.Dial("unix", SocketOf(e.StateDir)); dialErr == nil {
			return e.client(asking, conn, locked)
		}
	}
	if err != nil {
		return nil, err
	}
	c := e.Build(store)
	if err := c.Init(); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	if err := c.Serve(ctx, SocketOf(e.StateDir), e.InventorySum); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return c, nil
}

// client is a door to the owner if it answers and works with the same inventory.
func (e Entry) client(ctx context.Context, conn net.Conn, locked error) (Door, error) {
	conn.Close()
	cl := &Client{path: SocketOf(e.StateDir), inventory: e.InventorySum}
	if e.alone {
		if owner, err := cl.who(ctx); err == nil && owner.Serving {
			return nil, &BusyError{fmt.Sprintf("eucactl serve runs already on %s, as process %d", e.StateDir, owner.PID)}
		}
		return nil, locked
	}
	_, err := cl.Do(ctx, Call{Verb: "Ping"})
	if code(err) == otherInventory {
		if owner, whoErr := cl.who(ctx); whoErr == nil && owner.Serving {
			return nil, &BusyError{err.Error() + "; eucactl serve reads its inventory and playbooks when it starts: restart it"}
		}
		return nil, fmt.Errorf("%w: %v", locked, err)
	}
	if errors.Is(err, errGone) {
		return nil, locked
	}
	return &retrying{Entry: e, Door: cl}, nil
}
