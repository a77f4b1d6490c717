package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"eucactl/cloud"
)

// A run-instances that is followed to the end: one connection and one channel for
// each host and round, nobody else contacted, and then nothing more to do.
func TestRunAndConverge(t *testing.T) {
	w := newWorld(t, twoNodes)
	for _, h := range w.hosts {
		h.dials, h.runs = 0, 0
	}
	in := w.run(1)[0]
	if in.State != cloud.StatePending || in.Why != "waits for n1" {
		t.Errorf("%+v", in)
	}
	r := w.reconcile(Reconcile{Hosts: []string{"fe1", "n1"}, Follow: true})
	equal(t, "outcomes", outcomes(r), []string{"fe1: changed", "n1: changed"})
	for name, want := range map[string]int{"fe1": 1, "n1": 1, "n2": 0} {
		if h := w.hosts[name]; h.dials != want || h.runs != want {
			t.Errorf("%s: %d connections, %d channels, want %d", name, h.dials, h.runs, want)
		}
	}
	if v := w.describe(in.ID); v.State != cloud.StateUp || v.Host != "n1" || v.Private.String() != "10.50.1.2" || v.Public.String() != "203.0.113.10" {
		t.Errorf("%+v", v)
	}
	again := w.reconcile(Reconcile{})
	equal(t, "again", outcomes(again), []string{"fe1: ok", "n1: ok", "n2: ok"})
	if again.ExitCode() != 0 || again.Hosts[0].Changed > 0 || again.Hosts[0].Rounds != 1 {
		t.Errorf("%+v", again)
	}
}

// Image and seed are brought once, by their sums; a seed is made again from the
// record and is the same disk.
func TestUploads(t *testing.T) {
	w := newWorld(t, twoNodes)
	must[cloud.KeyPair](w, "ImportKeyPair", cloud.ImportKeyPair{Name: "k", PublicKey: publicKey(t)})
	req := cloud.RunInstances{Image: w.image, Min: 1, Max: 1, Key: "k", UserData: []byte("#!/bin/sh\necho hello\n")}
	in := must[cloud.Reservation](w, "RunInstances", req).Instances[0]
	w.reconcile(Reconcile{})
	n1 := w.hosts["n1"]
	if len(n1.files) != 2 || len(n1.cache) != 1 {
		t.Errorf("%d uploads, %d images", len(n1.files), len(n1.cache))
	}
	record, _ := w.c.Store.View().Instance(in.ID)
	seed := n1.files["/var/lib/eucactl/host/incoming/ops/"+record.SeedSum]
	if int64(len(seed)) != record.SeedSize || !strings.Contains(string(seed), "echo hello") {
		t.Errorf("a seed of %d bytes", len(seed))
	}
	w.run(1) // on n2
	w.run(1) // on n1: its image is there
	w.reconcile(Reconcile{})
	if len(n1.files) != 3 {
		t.Errorf("%d uploads", len(n1.files))
	}
}

// User data need not be text: what the guest gets is what was given.
func TestBinaryUserData(t *testing.T) {
	w := newWorld(t, twoNodes)
	data := []byte("\x1f\x8b\x08\x00\xff\xfe\x00\x80binary\xc3\x28")
	must[cloud.Reservation](w, "RunInstances", cloud.RunInstances{Image: w.image, Min: 1, Max: 1, UserData: data})
	r := w.reconcile(Reconcile{})
	if r.ExitCode() != 0 {
		t.Errorf("%+v", r)
	}
	found := false
	for _, content := range w.hosts["n1"].files {
		found = found || strings.Contains(string(content), string(data))
	}
	if !found {
		t.Error("no seed with the data")
	}
}

func TestMissingImageFile(t *testing.T) {
	w := newWorld(t, twoNodes)
	i, _ := w.c.Store.View().Image(cloud.ImageID(w.image))
	if err := w.c.Images.Remove(i.Sum); err != nil {
		t.Fatal(err)
	}
	in := w.run(1)[0]
	r := w.reconcile(Reconcile{})
	if r.ExitCode() != 2 {
		t.Errorf("%v", outcomes(r))
	}
	if v := w.describe(in.ID); v.State != cloud.StatePending {
		t.Errorf("%+v", v)
	}
	var words string
	for _, h := range r.Hosts {
		words += h.Words
	}
	if !strings.Contains(words, "register the image again") {
		t.Errorf("%q", words)
	}
}

// From terminate to the last claim, in rounds: the node first, then the frontend,
// and the network when the frontend has acknowledged that.
func TestTerminateInRounds(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	changes := w.end(in.ID)
	equal(t, "changes", changes.Changes, []cloud.StateChange{{ID: in.ID, Was: "running", Is: "shutting-down"}})
	r := w.reconcile(Reconcile{Hosts: []string{"fe1", "n1"}, Follow: true})
	if r.ExitCode() != 0 || len(w.hosts["n1"].domains) != 0 {
		t.Errorf("%+v, %v", outcomes(r), w.hosts["n1"].domains)
	}
	for _, h := range r.Hosts {
		if h.Host == "fe1" && h.Rounds < 2 {
			t.Errorf("the frontend had %d rounds", h.Rounds)
		}
	}
	if claims := w.c.Store.View().Claims(""); len(claims) > 0 {
		t.Errorf("%+v", claims)
	}
	if v := w.describe(in.ID); v.State != cloud.StateEnded || v.Why != "User initiated" || v.Private.String() != "0.0.0.0" {
		t.Errorf("%+v", v)
	}
	if _, there := w.hosts["fe1"].objects["dhcpd"]; there {
		t.Error("dhcpd has still leases to give")
	}
	w.now.Add(10 * 60)
	w.reconcile(Reconcile{})
	_, _, err := as[cloud.Reservations](w, cloud.Admin, "DescribeInstances", cloud.DescribeInstances{IDs: []string{string(in.ID)}})
	refused(t, err, "InvalidInstanceID.NotFound")
}

func TestGuestShutdown(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	w.hosts["n1"].domains[string(in.ID)] = "shut off (shutdown)"
	w.reconcile(Reconcile{})
	if v := w.describe(in.ID); v.State != cloud.StateEnded || !strings.HasPrefix(v.Why, "Client.InstanceInitiatedShutdown") {
		t.Errorf("%+v", v)
	}
	if claims := w.c.Store.View().Claims(""); len(claims) > 0 || len(w.hosts["n1"].domains) > 0 {
		t.Errorf("%+v %v", claims, w.hosts["n1"].domains)
	}
}

// A crashed one is started again.
func TestCrashedGuest(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	w.hosts["n1"].domains[string(in.ID)] = "shut off (crashed)"
	r := w.reconcile(Reconcile{})
	equal(t, "outcomes", outcomes(r), []string{"fe1: ok", "n1: changed", "n2: ok"})
	if v := w.describe(in.ID); v.State != cloud.StateUp {
		t.Errorf("%+v", v)
	}
}

// When a host's facts moved, its program is rendered anew and follows on the same
// channel.
func TestFactsMove(t *testing.T) {
	w := newWorld(t, twoNodes)
	w.run(1)
	w.reconcile(Reconcile{})
	n1 := w.hosts["n1"]
	n1.dials, n1.runs, n1.programs = 0, 0, nil
	n1.facts = "arch=aarch64\nkernel=6.1\nos=debian"
	w.reconcile(Reconcile{})
	if n1.dials != 1 || n1.runs != 1 || len(n1.programs) != 2 {
		t.Errorf("%d connections, %d channels, %d programs", n1.dials, n1.runs, len(n1.programs))
	}
	if s := w.seen("n1"); s.Facts["arch"] != "aarch64" {
		t.Errorf("%+v", s.Facts)
	}
	if !strings.Contains(n1.programs[1], `arch="aarch64"`) || strings.Contains(n1.programs[1], "stage_facts '") {
		t.Error("the second program was made of the old facts, or asks again")
	}
}

// A check writes nothing: not here, not there.
func TestCheck(t *testing.T) {
	w := newWorld(t, twoNodes)
	w.run(1)
	before, rev, token := w.export(), w.c.Store.Rev(), w.hosts["n1"].token
	objects := fmt.Sprint(w.hosts["fe1"].objects, w.hosts["n1"].domains, w.hosts["n1"].puts)
	r := w.reconcile(Reconcile{Check: true})
	if r.ExitCode() != 3 {
		t.Errorf("exit %d: %v", r.ExitCode(), outcomes(r))
	}
	equal(t, "outcomes", outcomes(r), []string{"fe1: would", "n1: would", "n2: ok"})
	if w.export() != before || w.c.Store.Rev() != rev || w.hosts["n1"].token != token {
		t.Error("something was written")
	}
	if now := fmt.Sprint(w.hosts["fe1"].objects, w.hosts["n1"].domains, w.hosts["n1"].puts); now != objects {
		t.Errorf("%s, was %s", now, objects)
	}
	w.reconcile(Reconcile{})
	if r := w.reconcile(Reconcile{Check: true}); r.ExitCode() != 0 {
		t.Errorf("%v", outcomes(r))
	}
}

func TestWhichHosts(t *testing.T) {
	w := newWorld(t, twoNodes)
	for _, test := range []struct {
		req  Reconcile
		want []string
	}{
		{Reconcile{}, []string{"fe1: ok", "n1: ok", "n2: ok"}},
		{Reconcile{Pattern: "nodes"}, []string{"n1: ok", "n2: ok"}},
		{Reconcile{Pattern: "nodes", Limit: "!n1"}, []string{"n2: ok"}},
		{Reconcile{Hosts: []string{"n2", "n2"}}, []string{"n2: ok"}}, // and does not wait for itself
	} {
		equal(t, fmt.Sprintf("%+v", test.req), outcomes(w.reconcile(test.req)), test.want)
	}
	for _, req := range []Reconcile{{Pattern: "nodez"}, {Hosts: []string{"nobody"}}} {
		if _, err := w.c.Reconcile(context.Background(), req, nil); err == nil {
			t.Errorf("%+v is fine", req)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for want, outcomes := range map[int][]string{
		0: {HostOK, HostChanged, HostDead},
		3: {HostOK, HostWould},
		5: {HostWould, HostBusy, HostFenced},
		4: {HostWould, HostUnreachable, HostBusy},
		2: {HostFailed, HostUnreachable, HostBusy, HostWould, HostOK},
	} {
		var r Reconciled
		for _, o := range outcomes {
			r.Hosts = append(r.Hosts, HostReport{Outcome: o})
		}
		if got := r.ExitCode(); got != want {
			t.Errorf("%v: %d, want %d", outcomes, got, want)
		}
		slices.Reverse(r.Hosts)
		if got := r.ExitCode(); got != want {
			t.Errorf("%v, the other way: %d, want %d", outcomes, got, want)
		}
	}
}

func TestConsole(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	ask := func(user, id string) (cloud.ConsoleOutput, error) {
		return w.c.Console(context.Background(), Caller{User: user}, cloud.GetConsoleOutput{ID: id})
	}
	n1 := w.hosts["n1"]
	_, err := ask("admin", string(in.ID))
	refused(t, err, "Unavailable")
	n1.console = "aGVsbG8KG1szMW0="
	n1.busy = "a long run" // which the console does not wait for
	rev, token := w.c.Store.Rev(), n1.token
	out, err := ask("admin", strings.ToUpper(string(in.ID)))
	if err != nil || string(out.Text) != "hello\n\x1b[31m" || out.ID != in.ID {
		t.Errorf("%q, %v", out.Text, err)
	}
	if w.c.Store.Rev() != rev || n1.token != token {
		t.Error("something was written")
	}
	if program := n1.programs[len(n1.programs)-1]; strings.Contains(program, "\ntake_lock\n") || strings.Contains(program, "pass_fence '") {
		t.Error("it takes the lock")
	}
	n1.breakAt = 2
	if out, err := ask("admin", string(in.ID)); err == nil {
		t.Errorf("a broken answer is %+v", out)
	}
	n1.breakAt, n1.down = 0, unreachable("n1")
	if _, err := ask("admin", string(in.ID)); err == nil {
		t.Error("nobody answered")
	}
	must[cloud.User](w, "CreateUser", cloud.CreateUser{Name: "bob"})
	_, err = ask("bob", string(in.ID))
	refused(t, err, "InvalidInstanceID.NotFound")
	_, err = ask("nobody", string(in.ID))
	refused(t, err, "AuthFailure")
	n1.down, n1.busy = nil, ""
	w.end(in.ID)
	w.reconcile(Reconcile{})
	_, err = ask("admin", string(in.ID))
	refused(t, err, "IncorrectInstanceState")
}
