package controller

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/state"
)

// entries are two ways in to the same records: whoever opens first is the owner.
func entries(t *testing.T) (w *world, e Entry) {
	t.Helper()
	dir := t.TempDir()
	inv, err := inventory.Parse("inventory.yml", []byte(twoNodes))
	if err != nil {
		t.Fatal(err)
	}
	w = &world{t: t, hosts: map[string]*host{}}
	for _, h := range inv.Hosts() {
		w.hosts[h.Name] = newHost(h.Name)
	}
	return w, Entry{
		StateDir: filepath.Join(dir, "state"), InventorySum: "sum", Timeout: 5 * time.Second,
		Build: func(s *state.Store) *Controller { return w.build(s, inv, dir) },
	}
}

func open(t *testing.T, e Entry) Door {
	t.Helper()
	d, err := e.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closeDoor(t *testing.T, d Door) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// Through the socket everything is as it is directly.
func TestSocketIsAsDirect(t *testing.T) {
	w, e := entries(t)
	owner := open(t, e)
	defer closeDoor(t, owner)
	w.c = owner.(*Controller)
	client := open(t, e)
	defer closeDoor(t, client)
	if _, ok := client.(*retrying); !ok {
		t.Fatalf("%T", client)
	}
	if st, err := os.Stat(SocketOf(e.StateDir)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	ctx := context.Background()

	// Changes through the client are the owner's.
	var told []string
	r, err := client.Reconcile(ctx, Reconcile{}, func(h HostReport) { told = append(told, h.Host) })
	if err != nil || r.ExitCode() != 0 || len(told) != 3 {
		t.Errorf("%+v, %v, told of %v", r, err, told)
	}
	w.image = w.register(t)
	res, a, err := Ask[cloud.Reservation](ctx, client, "RunInstances", admin, false, cloud.RunInstances{Image: w.image, Min: 1, Max: 1})
	if err != nil || len(a.Touched) != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := client.Reconcile(ctx, Reconcile{Hosts: a.Touched, Follow: true}, nil); err != nil {
		t.Error(err)
	}
	w.hosts["n1"].console = "aGVsbG8="

	for _, ask := range []func(Door) (any, error){
		func(d Door) (any, error) {
			return d.Do(ctx, Call{Verb: "DescribeInstances", Caller: admin, Body: []byte(`{}`)})
		},
		func(d Door) (any, error) {
			return d.Do(ctx, Call{Verb: "DescribeInstances", Caller: admin, Body: []byte(`{"ids":["i-ffffffff"]}`)})
		},
		func(d Door) (any, error) {
			return d.Do(ctx, Call{Verb: "DescribeInstances", Caller: Caller{User: "nobody"}, Body: []byte(`{}`)})
		},
		func(d Door) (any, error) {
			return d.Do(ctx, Call{Verb: "MakeCoffee", Caller: admin, Body: []byte(`{}`)})
		},
		func(d Door) (any, error) {
			return d.Do(ctx, Call{Verb: "TerminateInstances", Check: true, Caller: admin, Body: []byte(`{"ids":["` + string(res.Instances[0].ID) + `"]}`)})
		},
		func(d Door) (any, error) { return d.Reconcile(ctx, Reconcile{Check: true}, nil) },
		func(d Door) (any, error) { return d.Reconcile(ctx, Reconcile{Pattern: "nodez"}, nil) },
		func(d Door) (any, error) {
			return d.Console(ctx, admin, cloud.GetConsoleOutput{ID: string(res.Instances[0].ID)})
		},
		func(d Door) (any, error) {
			return d.Console(ctx, Caller{User: "nobody"}, cloud.GetConsoleOutput{ID: "x"})
		},
		func(d Door) (any, error) { return d.Plan(ctx, "n1") },
		func(d Door) (any, error) { return d.Plan(ctx, "n9") },
		func(d Door) (any, error) { return d.Plan(ctx, "nodes") },
		func(d Door) (any, error) { return d.Log(ctx, 2, 4) },
		func(d Door) (any, error) {
			var b bytes.Buffer
			err := d.Export(ctx, &b)
			return b.String(), err
		},
	} {
		want, wantErr := ask(owner)
		got, gotErr := ask(client)
		equal(t, "answer", asJSON(t, got), asJSON(t, want))
		if (gotErr == nil) != (wantErr == nil) || gotErr != nil && (gotErr.Error() != wantErr.Error() || code(gotErr) != code(wantErr)) {
			t.Errorf("%v, directly %v", gotErr, wantErr)
		}
	}
}

// asJSON is a value with its numbers and orders as JSON has them.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	for range 2 { // once more, so that structs and maps have one order
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		v = nil
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := json.MarshalIndent(v, "", " ")
	return string(text)
}

// When the owner goes, its client becomes the owner.
func TestOwnerGoes(t *testing.T) {
	w, e := entries(t)
	owner := open(t, e)
	client := open(t, e)
	closeDoor(t, owner)
	user, _, err := Ask[cloud.User](context.Background(), client, "CreateUser", Caller{User: cloud.Admin, Token: "t"}, false, cloud.CreateUser{Name: "bob"})
	if err != nil || user.Name != "bob" {
		t.Errorf("%+v, %v", user, err)
	}
	third := open(t, e) // and serves
	users, _, err := Ask[cloud.Users](context.Background(), third, "DescribeUsers", admin, false, cloud.DescribeUsers{})
	if err != nil || len(users.Users) != 2 {
		t.Errorf("%+v, %v", users, err)
	}
	closeDoor(t, third)
	closeDoor(t, client)
	if len(w.hosts["n1"].programs) > 0 {
		t.Error("a host was contacted")
	}
}

// The owner carries a request out and goes before it answers: asked again, with its
// token, it is not done again.
func TestOwnerGoesInMidRequest(t *testing.T) {
	w, e := entries(t)
	owner := open(t, e).(*Controller)
	defer closeDoor(t, owner)
	w.c = owner
	w.reconcile(Reconcile{})
	w.image = w.register(t)
	path := filepath.Join(t.TempDir(), "gone.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			served <- err
			return
		}
		var f frame
		if err = json.NewDecoder(conn).Decode(&f); err == nil {
			_, err = owner.Do(context.Background(), *f.Call)
		}
		served <- errors.Join(err, conn.Close(), l.Close())
	}()
	client := &retrying{Entry: e, Door: &Client{path: path, inventory: "sum"}}
	caller := Caller{User: cloud.Admin, Token: "once"}
	res, a, err := Ask[cloud.Reservation](context.Background(), client, "RunInstances", caller, false, cloud.RunInstances{Image: w.image, Min: 1, Max: 1})
	if err != nil || len(res.Instances) != 1 || len(a.Touched) != 2 {
		t.Errorf("%+v %v, %v", res, a.Touched, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if n := len(owner.Store.View().Instances()); n != 1 {
		t.Errorf("%d instances", n)
	}
}

// A process with another inventory is not answered for: it waits until it is alone.
func TestOtherInventory(t *testing.T) {
	_, e := entries(t)
	owner := open(t, e)
	other := e
	other.InventorySum, other.Timeout = "another", 400*time.Millisecond
	var told []string
	other.Waiting = func(who string) { told = append(told, who) }
	_, err := other.Open(context.Background())
	var busy *BusyError
	if !errors.As(err, &busy) || !strings.Contains(err.Error(), "another inventory: inventory.yml") {
		t.Errorf("%v", err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "is in use") {
		t.Errorf("told %q", told)
	}
	other.Timeout = 5 * time.Second
	time.AfterFunc(100*time.Millisecond, func() { _ = owner.Close() })
	d := open(t, other)
	if _, ok := d.(*Controller); !ok {
		t.Errorf("%T", d)
	}
	closeDoor(t, d)
}

// A process that holds the records and does not serve is waited for, and named.
func TestHolderThatDoesNotServe(t *testing.T) {
	_, e := entries(t)
	s, err := state.Open(e.StateDir, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e.Timeout = 150 * time.Millisecond
	var busy *BusyError
	if _, err := e.Open(context.Background()); !errors.As(err, &busy) || !strings.Contains(err.Error(), "waited 150ms (--lock-timeout)") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	e.Timeout = time.Minute
	if _, err := e.Open(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// What a killed owner left behind is in nobody's way.
func TestStaleSocket(t *testing.T) {
	_, e := entries(t)
	if err := os.MkdirAll(filepath.Dir(e.StateDir), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: SocketOf(e.StateDir)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	closeDoor(t, open(t, e))
	if _, err := os.Stat(SocketOf(e.StateDir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestSocketRefusesRubbish(t *testing.T) {
	_, e := entries(t)
	owner := open(t, e)
	defer closeDoor(t, owner)
	for line, want := range map[string]string{
		"GET / HTTP/1.1\n":                         "MalformedQueryString",
		`{"inventory":"sum"}` + "\n":               "InvalidAction",
		`{"call":{"verb":"DescribeUsers"}}` + "\n": otherInventory,
		"no newline":                               "",
	} {
		conn, err := net.Dial("unix", SocketOf(e.StateDir))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if want == "" {
			conn.Close()
			continue
		}
		answer, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(answer, `"code":"`+want+`"`) {
			t.Errorf("%q: %s, %v", line, answer, err)
		}
		conn.Close()
	}
}

func TestSocketPathTooLong(t *testing.T) {
	_, e := entries(t)
	e.StateDir = filepath.Join(filepath.Dir(e.StateDir), strings.Repeat("x", 100), "state")
	if err := os.MkdirAll(filepath.Dir(e.StateDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Open(context.Background()); err == nil || !strings.Contains(err.Error(), "choose a shorter state directory") {
		t.Error(err)
	}
}

// An asker that goes away in the middle of a reconcile asks no more: the owner is
// free, and nothing is concluded from what was cut.
func TestAskerGoes(t *testing.T) {
	w, e := entries(t)
	owner := open(t, e)
	client := open(t, e)
	w.hosts["n1"].sayFirst = make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := client.Reconcile(ctx, Reconcile{Pattern: "n1"}, nil)
		done <- err
	}()
	if err := eventually("the program arrives", func() bool {
		w.hosts["n1"].mu.Lock()
		defer w.hosts["n1"].mu.Unlock()
		return len(w.hosts["n1"].programs) > 0
	}); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	store := owner.(*Controller).Store
	closeDoor(t, owner) // does not wait for n1
	close(w.hosts["n1"].sayFirst)
	if s, ok := store.View().Seen("n1"); ok {
		t.Errorf("%+v", s)
	}
	closeDoor(t, client)
}
