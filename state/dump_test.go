package state

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"eucactl/cloud"
)

func imported(t *testing.T, fs vfs.FS, text string) *Store {
	t.Helper()
	s := openMem(t, fs)
	if err := s.Import(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return s
}

// An imported dump exports to itself, at once and after opening again, and the store
// goes on from its revision.
func TestDumpRoundTrip(t *testing.T) {
	from := openMem(t, vfs.NewMem())
	closing(t, from)
	update(t, from, func(tx *Tx) { tx.PutUser(cloud.User{Name: "<a&b>"}) })
	putAll(t, from, nouns())
	text := dump(t, from)
	if !strings.HasPrefix(text, `{"dump":"eucactl-state","v":1,"rev":2,"records":17}`+"\n") {
		t.Errorf("it begins with %.100s", text)
	}
	fs := vfs.NewMem()
	to := imported(t, fs, text)
	if d := cmp.Diff(text, dump(t, to)); d != "" {
		t.Errorf("at once: -want +got\n%s", d)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	to = openMem(t, fs)
	closing(t, to)
	if d := cmp.Diff(text, dump(t, to)); d != "" {
		t.Errorf("opened again: -want +got\n%s", d)
	}
	if rev := update(t, to, func(tx *Tx) { tx.DeleteUser("<a&b>") }); rev != 3 {
		t.Errorf("the next revision is %d", rev)
	}
	if err := to.Import(strings.NewReader(text)); err == nil {
		t.Error("a dump was imported over records")
	}
}

func TestImportRefuses(t *testing.T) {
	head := `{"dump":"eucactl-state","v":1,"rev":2,"records":1}` + "\n"
	for _, c := range []struct{ text, want string }{
		{"", "no dump"},
		{`{"users":[]}`, "no dump"},
		{`{"dump":"eucactl-state","v":2,"rev":2,"records":0}`, "the dump is version 2"},
		{head, "ends after 0 of 1 records"},
		{head + `{"table":"user","record":{"v":1,"rev":1,"name":"a"}`, "record 1: unexpected EOF"},
		{head + `{"table":"volume","record":{"v":1,"rev":1}}`, `no table "volume"`},
		{head + `{"table":"user","record":{"v":1,"rev":3,"name":"a"}}`, "record user/a is of revision 3, the dump of 2"},
		{head + `{"table":"user","record":{"v":2,"rev":1,"name":"a"}}`, "record user/a is version 2"},
		{head + `{"table":"user","record":{"v":1,"rev":1}}`, "the key is empty"},
		{head + strings.Repeat(`{"table":"user","record":{"v":1,"rev":1,"name":"a"}}`+"\n", 2), "record 2: user/a is there twice"},
	} {
		s := openMem(t, vfs.NewMem())
		err := s.Import(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
		if s.Rev() != 0 || len(s.View().Users()) != 0 {
			t.Errorf("%q: something was imported", c.text)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Old dumps open for ever: every field that they have is in today's records.
func TestOldDumpOpens(t *testing.T) {
	const name = "testdata/v1.jsonl"
	if *updateGolden {
		s := openMem(t, vfs.NewMem())
		defer s.Close()
		putAll(t, s, nouns())
		if err := os.WriteFile(name, []byte(dump(t, s)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := imported(t, vfs.NewMem(), string(text))
	closing(t, s)
	then, now := lines(t, text), lines(t, []byte(dump(t, s)))
	if len(then) != len(now) || len(then) < 17 {
		t.Fatalf("%d lines then, %d now", len(then), len(now))
	}
	for i := range then {
		contains(t, fmt.Sprintf("line %d", i+1), now[i], then[i])
	}
}

func lines(t *testing.T, text []byte) (list []any) {
	in := bufio.NewScanner(bytes.NewReader(text))
	for in.Scan() {
		var v any
		if err := json.Unmarshal(in.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// contains checks that all of old is in now; now may have more.
func contains(t *testing.T, where string, now, old any) {
	t.Helper()
	if o, ok := old.(map[string]any); ok {
		n, _ := now.(map[string]any)
		for key, v := range o {
			contains(t, where+" "+key, n[key], v)
		}
		return
	}
	if d := cmp.Diff(old, now); d != "" {
		t.Errorf("%s: -then +now\n%s", where, d)
	}
}
