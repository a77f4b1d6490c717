package sim

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"eucactl/state"
)

// A Failure is a history that broke a law.
type Failure struct {
	Seed  uint64
	Steps []Step   // as short as it could be made
	Log   []string // what happened
	Err   error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d, %d steps:\n  %s\n%v\nto repeat: eucactl sim --seed %d", f.Seed, len(f.Steps), strings.Join(f.Log, "\n  "), f.Err, f.Seed)
}

// Play plays one history. log is what happened, err the law that was broken.
func (st *Stage) Play(seed uint64, steps []Step) (Tally, []string, error) {
	w, err := newWorld(st.of(seed), seed)
	if err != nil {
		return Tally{}, nil, err
	}
	err = w.lives(func() {
		for _, s := range steps {
			w.play(s)
		}
		w.rest()
	})
	w.tally.Histories = 1
	return w.tally, w.log, err
}

// lives is a history from its first step to the end of the world, whatever ends it.
func (w *world) lives(history func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Breach:
			err = r
		default:
			err = &Breach{"nothing panics", fmt.Sprintf("%v\n%s", r, debug.Stack())}
		}
		if cerr := w.close(); err == nil && !errors.Is(cerr, state.ErrClosed) {
			err = cerr
		}
	}()
	history()
	return nil
}

// In is the tally in words, with figures per second.
func (t Tally) In(d time.Duration) string {
	return fmt.Sprintf("%d histories in %s (%.0f/s): %d steps, %d requests (%d refused), %d visits, %d faults, %d crashes, %d commands on hosts, %d law checks",
		t.Histories, d.Round(time.Second/10), float64(t.Histories)/d.Seconds(), t.Steps, t.Asked, t.Refused, t.Visits, t.Faults, t.Crashes, t.Commands, t.Checks)
}

// Seek plays the histories of the seeds from, from+1, ..., as many at once as there
// are processors, until one breaks a law. That one is returned, shortened.
func (st *Stage) Seek(ctx context.Context, from uint64, n int, progress func(Tally)) (Tally, error) {
	var (
		next  atomic.Int64
		mu    sync.Mutex
		total Tally
		fail  *Failure
		group sync.WaitGroup
	)
	// Histories leave much behind and keep little: collecting it less often makes them half as fast again.
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				mu.Lock()
				stop := i >= n || fail != nil
				mu.Unlock()
				if stop {
					return
				}
				seed := from + uint64(i)
				tally, log, err := st.Play(seed, History(seed))
				mu.Lock()
				total.add(tally)
				if err != nil && (fail == nil || seed < fail.Seed) {
					fail = &Failure{Seed: seed, Steps: History(seed), Log: log, Err: err}
				}
				if progress != nil {
					progress(total)
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if fail != nil {
		return total, st.Shorten(fail)
	}
	return total, ctx.Err()
}

// Shorten leaves out what the failure does not need: steps first, then their troubles
// and crashes.
func (st *Stage) Shorten(f *Failure) *Failure {
	law := lawOf(f.Err)
	fails := func(steps []Step) bool {
		_, log, err := st.Play(f.Seed, steps)
		if err == nil || lawOf(err) != law {
			return false
		}
		f = &Failure{Seed: f.Seed, Steps: steps, Log: log, Err: err}
		return true
	}
	for chunk := len(f.Steps); chunk > 0; {
		shorter := false
		for i := 0; i+chunk <= len(f.Steps); {
			if fails(slices.Delete(slices.Clone(f.Steps), i, i+chunk)) {
				shorter = true
			} else {
				i += chunk
			}
		}
		if !shorter || chunk > 1 {
			chunk /= 2
		}
	}
	for i := range f.Steps {
		for k := 0; k < len(f.Steps[i].Troubles); {
			steps := slices.Clone(f.Steps)
			steps[i].Troubles = slices.Delete(slices.Clone(steps[i].Troubles), k, k+1)
			if !fails(steps) {
				k++
			}
		}
		if f.Steps[i].Crash != nil {
			steps := slices.Clone(f.Steps)
			steps[i].Crash = nil
			fails(steps)
		}
	}
	return f
}

func lawOf(err error) string {
	var b *Breach
	if errors.As(err, &b) {
		return b.Law
	}
	return ""
}
