package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"eucactl/cloud"
)

func entries(t testing.TB, s *Store) (list []Entry) {
	t.Helper()
	if err := s.Journal(0, 0, func(e Entry) error { list = append(list, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestJournal(t *testing.T) {
	fs := vfs.NewMem()
	s := openMem(t, fs)
	update(t, s, func(tx *Tx) {
		tx.PutUser(cloud.User{Name: "u1", Created: noon})
		tx.PutUser(cloud.User{Name: "u2", Created: noon})
	})
	if _, err := s.Update(Actor{User: "root", Verb: "delete-user", Time: noon}, func(tx *Tx) error {
		tx.DeleteUser("u1")
		tx.PutUser(cloud.User{Name: "u2", Created: noon.AddDate(1, 0, 0)})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openMem(t, fs)
	closing(t, s)
	u1 := `{"v":1,"rev":1,"name":"u1","created":"2026-01-02T12:00:00Z"}`
	u2 := `{"v":1,"rev":1,"name":"u2","created":"2026-01-02T12:00:00Z"}`
	u2b := `{"v":1,"rev":2,"name":"u2","created":"2027-01-02T12:00:00Z"}`
	want := []Entry{
		{V: 1, Rev: 1, Time: noon, Actor: "alice", Verb: "test", Deltas: []Delta{
			{Table: "user", Key: "u1", After: json.RawMessage(u1)},
			{Table: "user", Key: "u2", After: json.RawMessage(u2)},
		}},
		{V: 1, Rev: 2, Time: noon, Actor: "root", Verb: "delete-user", Deltas: []Delta{
			{Table: "user", Key: "u1", Before: json.RawMessage(u1)},
			{Table: "user", Key: "u2", Before: json.RawMessage(u2), After: json.RawMessage(u2b)},
		}},
	}
	if d := cmp.Diff(want, entries(t, s)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestJournalRangeAndPrune(t *testing.T) {
	fs := vfs.NewMem()
	s := openMem(t, fs)
	for i := range 300 {
		update(t, s, func(tx *Tx) { tx.PutInstance(instance(i, "n1")) })
	}
	span := func(from, to uint64) string {
		var revs []string
		err := s.Journal(from, to, func(e Entry) error { revs = append(revs, fmt.Sprint(e.Rev)); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(revs) == 0 {
			return "none"
		}
		return revs[0] + ".." + revs[len(revs)-1] + fmt.Sprintf(" (%d)", len(revs))
	}
	check := func(from, to uint64, want string) {
		t.Helper()
		if got := span(from, to); got != want {
			t.Errorf("%d to %d: %s, want %s", from, to, got, want)
		}
	}
	check(0, 0, "1..300 (300)")
	check(0, 1<<64-1, "1..300 (300)")
	check(255, 257, "255..257 (3)")
	check(7, 7, "7..7 (1)")
	check(301, 0, "none")
	check(9, 8, "none")
	stop := errors.New("stop")
	n := 0
	if err := s.Journal(0, 0, func(Entry) error { n++; return stop }); err != stop || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
	if err := s.Prune(256); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openMem(t, fs)
	closing(t, s)
	check(0, 0, "256..300 (45)")
	if s.Rev() != 300 || len(s.View().Instances()) != 300 {
		t.Errorf("revision %d, %d instances", s.Rev(), len(s.View().Instances()))
	}
}

// Secrets and answers are neither in the journal nor, the secrets, in a dump.
func TestJournalAndDumpAreClean(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	closing(t, s)
	const secret, reply = "open sesame", "c2VzYW1l"
	update(t, s, func(tx *Tx) {
		tx.PutSealed(cloud.Sealed{ID: "seal-1", Text: secret})
		tx.PutAnswer(cloud.Answer{Token: "alice/1", Body: []byte("sesame")})
		tx.PutUser(cloud.User{Name: "alice"})
	})
	rev := update(t, s, func(tx *Tx) { tx.PutSealed(cloud.Sealed{ID: "seal-1", Text: secret + "!"}) })
	update(t, s, func(tx *Tx) { tx.DeleteSealed("seal-1"); tx.PutSealed(cloud.Sealed{ID: "seal-2", Text: secret}) })
	text, err := json.Marshal(entries(t, s))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{secret, reply, "seal-1", "seal-2"} {
		if strings.Contains(string(text), word) {
			t.Errorf("%q is in the journal:\n%s", word, text)
		}
	}
	var dump strings.Builder
	if err := s.Export(&dump); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(dump.String(), secret) || strings.Contains(dump.String(), "seal-") {
		t.Errorf("the dump has a secret:\n%s", dump.String())
	}
	if e := entries(t, s)[1]; rev != 2 || len(e.Deltas) != 0 || e.Deltas == nil {
		t.Errorf("entry of a sealed change: %+v", e)
	}
	if v, ok := s.View().Sealed("seal-2"); !ok || v.Text != secret {
		t.Errorf("sealed: %v %v", v, ok)
	}
}
