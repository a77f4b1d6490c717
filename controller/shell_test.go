package controller

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"eucactl/playbooks"
	"eucactl/remote"
	"eucactl/tasks"
)

// who is an act that says as whom it runs, and what it was sent.
const who = `# who content:lazy
apply_who() {
	result user "$(id -un)"
	result content "$(blob "$1" | sha256sum)"
}
`

// localWorld reaches this machine by every name.
func localWorld(t *testing.T) (*World, *atomic.Int32) {
	t.Helper()
	var dialed atomic.Int32
	d := remote.New(filepath.Join(t.TempDir(), "known_hosts"))
	w := &World{
		Dial: func(ctx context.Context, to remote.Target) (remote.Conn, error) {
			dialed.Add(1)
			return d.Dial(ctx, to)
		},
		Target: func(string) remote.Target { return remote.Target{Local: true} },
		NewID:  func(string) string { var b [4]byte; _, _ = rand.Read(b[:]); return fmt.Sprintf("%x", b) },
		Clock:  time.Now,
	}
	t.Cleanup(w.Close)
	return w, &dialed
}

func whoProgram(t *testing.T, content string) *tasks.Program {
	t.Helper()
	kinds, err := tasks.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if kinds, err = kinds.Overlay(fstest.MapFS{"who.sh": {Data: []byte(who)}}, "library"); err != nil {
		t.Fatal(err)
	}
	p := &tasks.Program{Kinds: kinds}
	task, err := p.Call("who", map[string]any{"content": content}, false)
	if err != nil {
		t.Fatal(err)
	}
	p.Add(task)
	return p
}

// Stages of several users follow each other on one channel, whatever the order, and
// each user gets what is too big for the program's text.
func TestStagesOfSeveralUsersOnOneChannel(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("this test becomes other users: run it as root")
	}
	w, dialed := localWorld(t)
	big := strings.Repeat("it's a long way\n", 10_000)
	sum := tasks.Sum(big) + "  -"
	w.Together(context.Background(), []string{"h"}, func(ctx context.Context, host string) {
		for _, user := range []string{"root", "nobody", "nobody", "root", "daemon", "nobody", "root"} {
			rep, err := w.Stage(ctx, host, playbooks.Stage{Program: whoProgram(t, big), Login: playbooks.Login{Become: user != "root", BecomeUser: user}})
			if err != nil || len(rep.Results) != 1 {
				t.Errorf("%s: %v %+v", user, err, rep)
				return
			}
			got := rep.Results[0]
			if got.Outcome != tasks.Changed || got.Data["user"] != user || got.Data["content"] != sum {
				t.Errorf("%s: %+v", user, got)
			}
		}
	})
	if n := dialed.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestSomebodyWhoDoesNotExist(t *testing.T) {
	w, _ := localWorld(t)
	_, err := w.Stage(context.Background(), "h", playbooks.Stage{Program: whoProgram(t, ""), Login: playbooks.Login{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"no-such-user", "-x", "a b"} {
		_, err := w.Stage(context.Background(), "h", playbooks.Stage{Program: whoProgram(t, ""), Login: playbooks.Login{Become: true, BecomeUser: user}})
		if err == nil || !strings.Contains(err.Error(), user) {
			t.Errorf("%s: %v", user, err)
		}
	}
}

// While hosts wait for others they take nobody's place: even one place is enough.
func TestWaitingHostsLetOthersWork(t *testing.T) {
	w, _ := localWorld(t)
	w.Forks = 1
	ready := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Together(context.Background(), []string{"a", "b", "c"}, func(ctx context.Context, host string) {
			if host == "c" {
				close(ready)
			}
			if err := w.Wait(ctx, host, ready); err != nil {
				t.Error(err)
			}
		})
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("they wait for each other for ever")
	}
}

// Two names of one machine share its channel, and so its lock.
func TestTwoNamesOfOneMachine(t *testing.T) {
	w, dialed := localWorld(t)
	w.LockWait = time.Second
	for _, host := range []string{"h", "localhost", "h"} {
		if _, err := w.Stage(context.Background(), host, playbooks.Stage{Program: whoProgram(t, "")}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := dialed.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// A task of another login than the ones before has a connection of its own, to which
// the lock of theirs is given up; one that runs here is not sent there.
func TestEachLoginHasItsConnection(t *testing.T) {
	w, _ := localWorld(t)
	w.LockWait = time.Second
	var targets []remote.Target
	dial := w.Dial
	w.Target = func(string) remote.Target { return remote.Target{Address: "192.0.2.1"} }
	w.Dial = func(ctx context.Context, to remote.Target) (remote.Conn, error) {
		targets = append(targets, to)
		if to.Local {
			return nil, errors.New("it is only seen that this is asked for")
		}
		return dial(ctx, remote.Target{Local: true})
	}
	for _, l := range []playbooks.Login{{User: "a"}, {User: "b"}, {Connection: "local"}, {User: "b"}, {User: "a"}} {
		if _, err := w.Stage(context.Background(), "h", playbooks.Stage{Program: whoProgram(t, ""), Login: l}); (err == nil) == (l.Connection == "local") {
			t.Errorf("%+v: %v", l, err)
		}
	}
	var got []string
	for _, to := range targets {
		got = append(got, fmt.Sprint(to.User, " ", to.Local))
	}
	if want := "a false,b false, true,a false"; strings.Join(got, ",") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
