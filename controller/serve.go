package controller

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"eucactl/plan"
	"eucactl/state"
)

// Keeping is how hosts are kept what the records say, for as long as eucactl serve
// runs: each has somebody who looks at it often, and visits it when the records want
// it otherwise, when it is not as it should be, and every few minutes anyway.
type Keeping struct {
	Poll      time.Duration // from one look at a host to the next
	Reconcile time.Duration // from one visit of a host to the next, if nothing else leads there
	// Delay is how long a change of the records rests: whoever asked for it may bring
	// the hosts to it himself, and tell what became of them.
	Delay time.Duration
	Log   *slog.Logger
	// Front serves the guests behind a frontend until the listener closes; nil: nobody
	// serves them.
	Front func(frontend string, l net.Listener) error
}

// keeper is one Keep.
type keeper struct {
	Keeping
	c       *Controller
	end     context.CancelCauseFunc // of everything, for records that can be kept no more
	keepers map[string]*hostKeeper
	visits  chan struct{} // as many as may be on their way at once
}

// Keep keeps the hosts until ctx ends, or the records can be kept no more: then the
// process should end too, and the next one looks what is left.
func (c *Controller) Keep(ctx context.Context, how Keeping) error {
	if err := c.consistent(c.Store.View()); err != nil {
		return err // no host could be visited
	}
	outside := ctx
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	k := &keeper{Keeping: how, c: c, end: end, keepers: map[string]*hostKeeper{}, visits: make(chan struct{}, c.forks(Reconcile{}))}
	c.serving.Store(true)
	defer c.serving.Store(false)
	hosts := c.Inventory.Hosts()
	for i, h := range hosts {
		k.keepers[h.Name] = newHostKeeper(k, h, float64(i)/float64(len(hosts)))
	}
	var all sync.WaitGroup
	for _, h := range k.keepers {
		all.Go(func() { h.keep(ctx) })
	}
	if how.Front != nil {
		for _, cluster := range c.Inventory.Clusters() {
			all.Go(func() { k.front(ctx, cluster) })
		}
	}
	k.tend(ctx)
	all.Wait()
	if outside.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// moment is what plans depend on: the records, and which hosts are silent.
type moment struct {
	rev    uint64
	silent string
}

func (k *keeper) moment(tx *state.Tx) moment {
	m := moment{rev: tx.Rev()}
	for _, h := range k.c.Inventory.Hosts() {
		if seen, _ := tx.Seen(h.Name); seen.Problem != "" {
			m.silent += h.Name + " "
		}
	}
	return m
}

// tend wakes the keepers of hosts that are to be something else, and buries in time.
func (k *keeper) tend(ctx context.Context) {
	var last moment
	bury := time.NewTimer(time.Hour)
	defer bury.Stop()
	for ctx.Err() == nil {
		changed := k.c.Store.Changed()
		tx := k.c.Store.View()
		if now := k.moment(tx); now != last {
			last = now
			for _, name := range k.c.Behind() {
				k.keepers[name].wake()
			}
			bury.Reset(k.nextBurial(tx))
		}
		select {
		case <-ctx.Done():
		case <-changed:
			pause(ctx, k.Delay)
		case <-bury.C:
			k.settle()
		}
	}
}

func (k *keeper) settle() {
	if err := k.c.settle(); err != nil && !k.lost(err) {
		k.Log.Error("settle", "why", err.Error())
	}
}

// lost ends everything if the error is of records that can be kept no more.
func (k *keeper) lost(err error) bool {
	var broken *state.BrokenError
	if !errors.As(err, &broken) && !errors.Is(err, state.ErrClosed) {
		return false
	}
	k.end(err)
	return true
}

// nextBurial is how long it is until an instance is to be buried.
func (k *keeper) nextBurial(tx *state.Tx) time.Duration {
	now, next := k.c.Now(), time.Hour
	for _, in := range tx.Instances() {
		if in.Released.IsZero() {
			continue
		}
		if left := in.Released.Add(cmp.Or(k.c.BuryAfter, plan.BuryAfter)).Sub(now); left > 0 {
			next = min(next, left)
		}
	}
	return next
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
