package remote

import (
	"context"
	"sync"
)

// starts bounds how many connections are being started, in all and to one address.
type starts struct {
	mu   sync.Mutex
	all  chan struct{}
	host map[string]chan struct{}
}

// acquire waits for its turn at the host first, so that who queues for a slow
// host keeps nobody else from starting.
func (s *starts) acquire(ctx context.Context, address string, limit int) (release func(), err error) {
	host, all := s.slots(address, limit)
	if err := take(ctx, host); err != nil {
		return nil, err
	}
	if err := take(ctx, all); err != nil {
		<-host
		return nil, err
	}
	return func() { <-all; <-host }, nil
}

func (s *starts) slots(address string, limit int) (host, all chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(chan struct{}, limit)
		s.host = map[string]chan struct{}{}
	}
	if s.host[address] == nil {
		s.host[address] = make(chan struct{}, 1)
	}
	return s.host[address], s.all
}

func take(ctx context.Context, slot chan struct{}) error {
	select {
	case slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
