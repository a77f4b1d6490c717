package state

import (
	"context"
	"sync"
)

// hub wakes those who wait for a change: a channel that is closed and replaced.
type hub struct {
	mu      sync.Mutex
	changed chan struct{}
	closed  bool
}

func newHub() hub { return hub{changed: make(chan struct{})} }

func (h *hub) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		close(h.changed)
		h.changed = make(chan struct{})
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	close(h.changed)
}

func (h *hub) next() (<-chan struct{}, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed, !h.closed
}

// Changed is closed at the next update or observation, or when the store closes.
// Take it first and then a view: no change is missed between the two.
func (s *Store) Changed() <-chan struct{} {
	next, _ := s.hub.next()
	return next
}

// Wait returns the newest revision as soon as it is above rev.
func (s *Store) Wait(ctx context.Context, rev uint64) (uint64, error) {
	for {
		next, open := s.hub.next()
		if now := s.Rev(); now > rev {
			return now, nil
		}
		if !open {
			return 0, ErrClosed
		}
		select {
		case <-next:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
