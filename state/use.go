package state

import "sync"

// use counts who is inside the store, so that Close can wait for them, and turns
// everybody away once the store is closed or broken. It is no read-write lock,
// because those inside may enter again while Close waits.
type use struct {
	mu     sync.Mutex
	inside sync.WaitGroup
	closed bool
	cause  *BrokenError
}

func (u *use) enter() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.closed:
		return ErrClosed
	case u.cause != nil:
		return u.cause
	}
	u.inside.Add(1)
	return nil
}

func (u *use) leave() { u.inside.Done() }

// close waits until nobody is inside. It is false if it was called before.
func (u *use) close() bool {
	u.mu.Lock()
	first := !u.closed
	u.closed = true
	u.mu.Unlock()
	u.inside.Wait()
	return first
}

func (u *use) breakDown(err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cause == nil {
		u.cause = &BrokenError{Err: err}
	}
	return u.cause
}

// broken is nil while the store works.
func (u *use) broken() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cause == nil {
		return nil
	}
	return u.cause
}
