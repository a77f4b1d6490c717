package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"eucactl/cloud"
)

// wreck is a disk as a power cut left it, and what was acknowledged at that moment.
type wreck struct {
	fs    *vfs.MemFS
	acked uint64
	when  string
}

// history makes update number rev of the crash tests: some records come, some change,
// some go, so that a half of it cannot look like a whole.
func history(tx *Tx, rev int) {
	tx.PutInstance(instance(rev, "n1"))
	tx.PutUser(cloud.User{Name: "last", Created: noon.AddDate(0, 0, rev)})
	if err := tx.PutClaim(cloud.Claim{Name: fmt.Sprintf("vlan/one/%d", rev), Holder: "net-1"}); err != nil {
		panic(err)
	}
	if rev > 2 {
		tx.DeleteInstance(cloud.InstanceID(fmt.Sprintf("i-%08x", rev-2)))
		tx.DeleteClaim(fmt.Sprintf("vlan/one/%d", rev-2))
	}
	// Enough bytes for the log to be longer than one of its 32 KiB blocks.
	tx.PutSealed(cloud.Sealed{ID: "filler", Text: strings.Repeat(fmt.Sprint(rev%10), 9000)})
}

// A power cut at any write or sync of the file system loses nothing acknowledged and
// leaves each update whole or absent, whatever part of the unsynced blocks survives.
func TestPowerCutAnywhere(t *testing.T) {
	const updates = 12
	disk := vfs.NewCrashableMem()
	var acked atomic.Uint64
	var wrecks []wreck
	var mu sync.Mutex
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	cut := func(when string) {
		mu.Lock()
		defer mu.Unlock()
		at := acked.Load() // read before the clone: it may only grow
		for _, percent := range []int{0, 30, 50, 70, 100} {
			clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
			wrecks = append(wrecks, wreck{clone, at, fmt.Sprintf("%s, %d%%", when, percent)})
		}
	}
	watched := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			cut(fmt.Sprintf("%v %s", op.Kind, op.Path))
		}
		return nil
	}))
	s, err := Open("parent/state", Options{FS: watched, OnCommit: func(point string, n int) {
		if point == "after" {
			acked.Store(uint64(n))
		}
		cut(fmt.Sprintf("commit %d, %s", n, point))
	}})
	if err != nil {
		t.Fatal(err)
	}
	for rev := 1; rev <= updates; rev++ {
		update(t, s, func(tx *Tx) { history(tx, rev) })
		if err := s.Observe(cloud.Seen{Host: "n1", Tried: noon.AddDate(0, 0, rev)}); err != nil {
			t.Fatal(err)
		}
		if rev%5 == 0 { // also in the middle of a flush
			if err := s.disk.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cut("the end")
	t.Logf("%d power cuts, seed %d", len(wrecks), seed)
	want := models(t, updates)
	for _, w := range wrecks {
		w.check(t, want)
	}
}

// models are the dumps that a store has after each revision of the history.
func models(t *testing.T, updates int) []string {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	list := []string{dump(t, s)}
	for rev := 1; rev <= updates; rev++ {
		update(t, s, func(tx *Tx) { history(tx, rev) })
		list = append(list, dump(t, s))
	}
	return list
}

func (w wreck) check(t *testing.T, want []string) {
	t.Helper()
	s, err := Open("parent/state", Options{FS: w.fs})
	if err != nil {
		t.Errorf("%s: %v", w.when, err)
		return
	}
	defer s.Close()
	rev := s.Rev()
	if rev < w.acked || rev > w.acked+1 {
		t.Errorf("%s: revision %d after %d was acknowledged", w.when, rev, w.acked)
		return
	}
	if err := s.Forget("n1"); err != nil { // what is seen may be lost
		t.Errorf("%s: %v", w.when, err)
	}
	if got := dump(t, s); got != want[rev] {
		t.Errorf("%s: revision %d has\n%s", w.when, rev, got)
	}
	if got := replay(t, s); got != want[rev] {
		t.Errorf("%s: the journal of revision %d leads to\n%s", w.when, rev, got)
	}
	if v, ok := s.View().Sealed("filler"); ok != (rev > 0) || ok && v.Rev != rev {
		t.Errorf("%s: the sealed record is of revision %d at %d", w.when, v.Rev, rev)
	}
	// And it goes on from there.
	if next := update(t, s, func(tx *Tx) { history(tx, int(rev)+1) }); next != rev+1 {
		t.Errorf("%s: the next revision is %d", w.when, next)
	}
}

func dump(t *testing.T, s *Store) string {
	t.Helper()
	var out strings.Builder
	if err := s.Export(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// replay makes a dump from the journal alone.
func replay(t *testing.T, s *Store) string {
	t.Helper()
	records := map[string]Delta{}
	var rev uint64
	for _, e := range entries(t, s) {
		if e.Rev != rev+1 {
			t.Errorf("entry %d follows %d", e.Rev, rev)
		}
		rev = e.Rev
		for _, d := range e.Deltas {
			name := d.Table + "/" + d.Key
			if string(records[name].After) != string(d.Before) {
				t.Errorf("entry %d: %s was %s, not %s", rev, name, records[name].After, d.Before)
			}
			records[name] = d
			if d.After == nil {
				delete(records, name)
			}
		}
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	if err := enc.Encode(frame{dumpName, version, rev, len(records)}); err != nil {
		t.Fatal(err)
	}
	for _, name := range sorted(records) {
		if err := enc.Encode(line{records[name].Table, records[name].After}); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// A failed sync leaves open what the disk has: the store takes nothing more, and what
// the next Open finds is whole.
func TestFailedSyncBreaksTheStore(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileWrite} {
		disk := vfs.NewCrashableMem()
		var sick atomic.Bool
		broken := errors.New("input/output error")
		fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if sick.Load() && op.Kind == kind && strings.HasSuffix(op.Path, ".log") {
				return broken
			}
			return nil
		}))
		s := openMem(t, fs)
		update(t, s, func(tx *Tx) { history(tx, 1) })
		sick.Store(true)
		_, err := s.Update(by("x"), func(tx *Tx) error { history(tx, 2); return nil })
		sick.Store(false)
		if err == nil { // pebble does not use this call
			update(t, s, func(tx *Tx) { history(tx, 3) })
			closing(t, s)
			continue
		}
		isBroken(t, fmt.Sprint(kind, " update"), err)
		_, err = s.Update(by("x"), func(tx *Tx) error { t.Error("fn ran"); return nil })
		isBroken(t, "later update", err)
		isBroken(t, "observe", s.Observe(cloud.Seen{Host: "n1"}))
		isBroken(t, "journal", s.Journal(0, 0, func(Entry) error { return nil }))
		isBroken(t, "prune", s.Prune(1))
		if s.Rev() != 1 {
			t.Errorf("revision %d is visible", s.Rev())
		}
		isBroken(t, "close", s.Close())
		want := models(t, 2)
		again := openMem(t, fs) // the directory was given back
		if got := dump(t, again); again.Rev() > 2 || got != want[again.Rev()] {
			t.Errorf("%v: found\n%s", kind, got)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
		for _, percent := range []int{0, 100} {
			clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(1, 1))})
			again := openMem(t, clone)
			if got := dump(t, again); again.Rev() > 2 || got != want[again.Rev()] || again.Rev() < 1 {
				t.Errorf("%v: found\n%s", kind, got)
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func isBroken(t *testing.T, what string, err error) {
	t.Helper()
	var broken *BrokenError
	if !errors.As(err, &broken) {
		t.Errorf("%s: %v", what, err)
	}
}

// What pebble says with a panic is not taken for success either.
func TestPanicInCommit(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	if err := s.disk.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Update(by("x"), func(tx *Tx) error { history(tx, 1); return nil })
	isBroken(t, "update", err)
	if !strings.Contains(err.Error(), pebble.ErrClosed.Error()) {
		t.Errorf("the cause is not said: %v", err)
	}
}
