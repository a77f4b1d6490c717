package state

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"eucactl/cloud"
)

func TestErrorLeavesNothing(t *testing.T) {
	fs := vfs.NewMem()
	s := openMem(t, fs)
	update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n1")) })
	refusal := cloud.Errorf("InsufficientInstanceCapacity", "no")
	rev, err := s.Update(by("run"), func(tx *Tx) error {
		tx.PutInstance(instance(1, "n2"))
		tx.PutInstance(instance(2, "n2"))
		return refusal
	})
	if err != error(refusal) || rev != 1 {
		t.Errorf("rev %d, error %v", rev, err)
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = s.Update(by("run"), func(tx *Tx) error { tx.PutInstance(instance(3, "n3")); panic("a bug") })
	}()
	check := func() {
		if got := s.View().Instances(); len(got) != 1 || got[0].Host != "n1" || s.Rev() != 1 || len(entries(t, s)) != 1 {
			t.Errorf("rev %d, %v, %d entries", s.Rev(), got, len(entries(t, s)))
		}
	}
	check()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openMem(t, fs)
	closing(t, s)
	check()
}

func TestNothingChangedIsNoRevision(t *testing.T) {
	commits := 0
	s, err := Open("state", Options{FS: vfs.NewMem(), OnCommit: func(string, int) { commits++ }})
	if err != nil {
		t.Fatal(err)
	}
	closing(t, s)
	update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n1")); tx.PutInstance(instance(2, "n1")) })
	for name, fn := range map[string]func(tx *Tx){
		"nothing":          func(*Tx) {},
		"the same":         func(tx *Tx) { tx.PutInstance(instance(1, "n1")) },
		"what was got":     func(tx *Tx) { v, _ := tx.Instance("i-00000001"); tx.PutInstance(v) },
		"there and back":   func(tx *Tx) { tx.PutInstance(instance(1, "n2")); tx.PutInstance(instance(1, "n1")) },
		"new and gone":     func(tx *Tx) { tx.PutInstance(instance(9, "n1")); tx.DeleteInstance("i-00000009") },
		"delete an absent": func(tx *Tx) { tx.DeleteInstance("i-0000000a") },
		"claim and not": func(tx *Tx) {
			if err := tx.PutClaim(cloud.Claim{Name: "vlan/one/2", Holder: "net-1"}); err != nil {
				t.Error(err)
			}
			tx.DeleteClaim("vlan/one/2")
		},
	} {
		if rev := update(t, s, fn); rev != 1 || s.Rev() != 1 || commits != 2 {
			t.Errorf("%s: revision %d, %d calls of OnCommit", name, rev, commits)
		}
	}
	// Only what changed gets the new revision.
	rev := update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n1")); tx.PutInstance(instance(2, "n2")) })
	one, _ := s.View().Instance("i-00000001")
	two, _ := s.View().Instance("i-00000002")
	if rev != 2 || one.Rev != 1 || two.Rev != 2 || two.V != 1 {
		t.Errorf("rev %d, records %+v %+v", rev, one.Meta, two.Meta)
	}
}

func TestViewsStandStill(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n1")) })
	old := s.View()
	update(t, s, func(tx *Tx) {
		tx.PutInstance(instance(2, "n1"))
		if tx.Rev() != 2 || s.View().Rev() != 1 {
			t.Errorf("inside: revision %d, view of %d", tx.Rev(), s.View().Rev())
		}
		if len(s.View().Instances()) != 1 || len(tx.Instances()) != 2 {
			t.Error("a change is visible too early, or not to itself")
		}
	})
	if old.Rev() != 1 || len(old.Instances()) != 1 || len(s.View().Instances()) != 2 {
		t.Errorf("the view moved to revision %d, %d instances", old.Rev(), len(old.Instances()))
	}
}

// Readers see whole updates, and the view's revision is that of its records.
func TestConcurrentReaders(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				tx := s.View()
				for _, v := range tx.Instances() {
					if v.Rev != tx.Rev() {
						t.Errorf("view of revision %d has %s of %d", tx.Rev(), v.ID, v.Rev)
						return
					}
				}
			}
		})
	}
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for range 50 {
				_, err := s.Update(by("count"), func(tx *Tx) error {
					for i := range 5 {
						v := instance(i, "n1")
						v.Reboots = int(tx.Rev())
						tx.PutInstance(v)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	if s.Rev() != 100 {
		t.Errorf("revision %d", s.Rev())
	}
}

func TestIterateWhileChanging(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	update(t, s, func(tx *Tx) {
		for i := range 100 {
			tx.PutInstance(instance(i, "n1"))
		}
	})
	update(t, s, func(tx *Tx) {
		n := 0
		for v := range tx.EachInstance() {
			n++
			tx.DeleteInstance(v.ID)
			tx.PutInstance(instance(1000+n, "n2"))
		}
		if n != 100 {
			t.Errorf("%d instances were there", n)
		}
	})
	if n := len(s.View().Instances()); n != 100 || len(s.View().InstancesOn("n1")) != 0 {
		t.Errorf("%d instances", n)
	}
}

func TestMisuse(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	var escaped *Tx
	update(t, s, func(tx *Tx) { escaped = tx; tx.PutUser(cloud.User{Name: "a"}) })
	panics(t, "an ended transaction is read", func() { escaped.Users() })
	panics(t, "an ended transaction is written", func() { escaped.PutUser(cloud.User{Name: "b"}) })
	panics(t, "a view is written", func() { s.View().PutUser(cloud.User{Name: "b"}) })
	panics(t, "a view is deleted from", func() { s.View().DeleteUser("a") })
	for _, key := range []string{"", "a\x00b", "a\xff"} {
		_, err := s.Update(by("x"), func(tx *Tx) error { tx.PutUser(cloud.User{Name: key}); return nil })
		if err == nil {
			t.Errorf("key %q was kept", key)
		}
	}
	_, err := s.Update(by("x"), func(tx *Tx) error {
		tx.PutUser(cloud.User{Name: "late", Created: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
		return nil
	})
	if err == nil {
		t.Error("a time that JSON cannot say was kept")
	}
	if len(s.View().Users()) != 1 || s.Rev() != 1 {
		t.Errorf("users %v", s.View().Users())
	}
}

func panics(t *testing.T, what string, fn func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s, and nothing happened", what)
		}
	}()
	fn()
}

func TestIDs(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	update(t, s, func(tx *Tx) {
		tx.PutInstance(instance(1, "n1"))
		tx.PutInstance(instance(2, "n1"))
		tx.PutGroup(cloud.Group{ID: "sg-0000000a"})
	})
	taken := func(want bool, ids ...string) {
		t.Helper()
		for _, id := range ids {
			if s.View().IDTaken(id) != want {
				t.Errorf("%s taken: %v", id, !want)
			}
		}
	}
	taken(true, "i-00000001", "i-00000002", "sg-0000000a", "SG-0000000A", "r-00000001")
	taken(false, "i-00000003", "i-0000000", "r-00000002")
	update(t, s, func(tx *Tx) { tx.DeleteInstance("i-00000001"); tx.DeleteGroup("sg-0000000a") })
	if tx := s.View(); tx.Buried("r-00000001") || !tx.Buried("i-00000001") || !tx.Buried("sg-0000000a") {
		t.Error("the wrong ids are buried")
	}
	update(t, s, func(tx *Tx) { tx.DeleteInstance("i-00000002") })
	taken(true, "i-00000001", "i-00000002", "sg-0000000a", "r-00000001")
	if _, err := s.Update(by("x"), func(tx *Tx) error { tx.PutInstance(instance(1, "n1")); return nil }); err == nil {
		t.Error("a buried id was given again")
	}
}

func TestObserve(t *testing.T) {
	fs := vfs.NewMem()
	s := openMem(t, fs)
	update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n1")) })
	changed := s.Changed()
	see := func(host string, rev uint64) {
		if err := s.Observe(cloud.Seen{Host: host, Tried: noon, PlanRev: rev}, cloud.Seen{Host: "n9"}); err != nil {
			t.Fatal(err)
		}
	}
	see("n1", 1)
	select {
	case <-changed:
	default:
		t.Error("an observation woke nobody")
	}
	see("n2", 1)
	see("n1", 2)
	if err := s.Forget("n9", "n8"); err != nil {
		t.Fatal(err)
	}
	if s.Rev() != 1 || len(entries(t, s)) != 1 {
		t.Errorf("revision %d, %d entries", s.Rev(), len(entries(t, s)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openMem(t, fs)
	closing(t, s)
	want := []cloud.Seen{
		{Meta: cloud.Meta{V: 1, Rev: 1}, Host: "n1", Tried: noon, PlanRev: 2},
		{Meta: cloud.Meta{V: 1, Rev: 1}, Host: "n2", Tried: noon, PlanRev: 1},
	}
	if d := cmp.Diff(want, s.View().SeenHosts()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if err := s.Observe(cloud.Seen{}); err == nil {
		t.Error("a nameless host was seen")
	}
}

func TestWait(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	got := make(chan uint64)
	go func() {
		rev, err := s.Wait(context.Background(), 1)
		if err != nil {
			t.Error(err)
		}
		got <- rev
	}()
	update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n1")) })
	if err := s.Observe(cloud.Seen{Host: "n1"}); err != nil {
		t.Fatal(err)
	}
	update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n2")) })
	if rev := <-got; rev != 2 {
		t.Errorf("woken at %d", rev)
	}
	if rev, err := s.Wait(context.Background(), 0); rev != 2 || err != nil {
		t.Errorf("%d %v", rev, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Wait(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	closed := make(chan error)
	go func() {
		_, err := s.Wait(context.Background(), 2)
		closed <- err
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := s.Wait(context.Background(), 2); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestClosed(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n1")) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, updateErr := s.Update(by("x"), func(tx *Tx) error { t.Error("fn ran"); return nil })
	for name, err := range map[string]error{
		"update":  updateErr,
		"observe": s.Observe(cloud.Seen{Host: "n1"}),
		"journal": s.Journal(0, 0, func(Entry) error { return nil }),
		"prune":   s.Prune(1),
		"import":  s.Import(nil),
		"close":   s.Close(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.View().Instances()) != 1 {
		t.Error("a view is empty after closing")
	}
	s.Changed() // is closed for good
}

// Whoever is inside may go on while Close waits for him.
func TestCloseWaits(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	update(t, s, func(tx *Tx) { tx.PutInstance(instance(1, "n1")) })
	inside, goOn := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- s.Journal(0, 0, func(Entry) error {
			close(inside)
			<-goOn
			_, err := s.Update(by("late"), func(*Tx) error { return nil })
			if !errors.Is(err, ErrClosed) {
				t.Errorf("update while closing: %v", err)
			}
			return nil
		})
	}()
	<-inside
	go func() { done <- s.Close() }()
	for s.use.enter() == nil { // until Close has begun
		s.use.leave()
		time.Sleep(time.Millisecond)
	}
	close(goOn)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
