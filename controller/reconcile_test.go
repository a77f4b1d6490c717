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

// A host that does not answer keeps what it said before, and holds everything.
func TestUnreachable(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	before := w.seen("n1")
	w.hosts["n1"].down = unreachable("n1")
	w.now.Add(60)
	r := w.reconcile(Reconcile{})
	if r.ExitCode() != 4 {
		t.Errorf("exit %d, %v", r.ExitCode(), outcomes(r))
	}
	after := w.seen("n1")
	if after.Problem == "" || !after.Tried.After(before.Tried) {
		t.Errorf("%+v", after)
	}
	after.Problem, after.Tried, after.Unsent, after.Rev = before.Problem, before.Tried, before.Unsent, before.Rev
	equal(t, "what it said", after, before)
	if v := w.describe(in.ID); v.State != cloud.StateNotReported || !strings.Contains(v.Why, "not reported since 2026-01-02T12:00:00Z") {
		t.Errorf("%+v", v)
	}

	w.end(in.ID)
	r = w.reconcile(Reconcile{})
	if v := w.describe(in.ID); v.State != cloud.StateShuttingDown || r.ExitCode() != 4 {
		t.Errorf("%+v", v)
	}
	if claims := w.c.Store.View().Claims("ip/"); len(claims) != 1 {
		t.Errorf("%+v", claims)
	}
	if !slices.ContainsFunc(w.hosts["n2"].programs, func(p string) bool { return strings.Contains(p, "domain_gone "+string(in.ID)) }) {
		t.Error("the other node was not told")
	}

	w.hosts["n1"].down = nil // it heals by itself
	w.reconcile(Reconcile{})
	if v := w.describe(in.ID); v.State != cloud.StateEnded || len(w.c.Store.View().Claims("")) > 0 {
		t.Errorf("%+v", v)
	}
}

// A host that never was reached does not make the fence forget or grow.
func TestUnreachableKeepsTokensFew(t *testing.T) {
	w := newWorld(t, twoNodes)
	w.hosts["n1"].down = unreachable("n1")
	for range 5 {
		w.reconcile(Reconcile{Pattern: "n1"})
	}
	if f, _ := w.c.Store.View().Fence("n1"); len(f.Tokens) > 2 {
		t.Errorf("%d tokens", len(f.Tokens))
	}
	w.hosts["n1"].down = nil
	if r := w.reconcile(Reconcile{Pattern: "n1"}); r.ExitCode() != 0 {
		t.Errorf("%+v", r)
	}
}

// libvirtd is dead: nothing is concluded from a list that was not given.
func TestNoList(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	w.now.Add(60)
	n1 := w.hosts["n1"]
	n1.noList, n1.fails["domain"] = true, "error: failed to connect to the hypervisor"
	r := w.reconcile(Reconcile{})
	if r.ExitCode() != 2 {
		t.Errorf("%v", outcomes(r))
	}
	if v := w.describe(in.ID); v.State != cloud.StateNotReported || !strings.Contains(v.Why, "n1 cannot tell") || !strings.Contains(v.Why, "failed to connect") {
		t.Errorf("%+v", v)
	}
	n1.fails["domain_gone"] = "error: failed to connect to the hypervisor"
	w.end(in.ID)
	w.reconcile(Reconcile{})
	if len(w.c.Store.View().Claims("ip/")) != 1 {
		t.Error("released")
	}
	n1.noList = false
	clear(n1.fails)
	w.reconcile(Reconcile{})
	if len(w.c.Store.View().Claims("")) != 0 {
		t.Error("not released")
	}
}

// The connection breaks at every line of a reply: nothing false is learned, and one
// reconcile later all is as it should be. In particular the host is never fenced off
// from its own controller.
func TestReplyBreaksAtEveryLine(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	for cut := 1; ; cut++ {
		n1 := w.hosts["n1"]
		n1.breakAt = cut
		r := w.reconcile(Reconcile{Pattern: "n1"})
		n1.breakAt = 0
		if r.ExitCode() == 0 {
			if cut < 20 {
				t.Errorf("only %d lines", cut)
			}
			break
		}
		if r.ExitCode() != 4 || !strings.Contains(r.Hosts[0].Words, "reset by peer") {
			t.Fatalf("cut %d: %+v", cut, r)
		}
		if s := w.seen("n1"); s.Problem == "" {
			t.Fatalf("cut %d: %+v", cut, s)
		}
		if cut%3 == 0 { // sometimes twice in a row
			continue
		}
		if r := w.reconcile(Reconcile{Pattern: "n1"}); r.ExitCode() != 0 {
			t.Fatalf("after cut %d: %+v", cut, r)
		}
		if v := w.describe(in.ID); v.State != cloud.StateUp {
			t.Fatalf("after cut %d: %+v", cut, v)
		}
	}
}

// The same for a host of which nothing is known yet: facts come first.
func TestFirstReplyBreaksAtEveryLine(t *testing.T) {
	for cut := 1; cut < 12; cut++ {
		w := newWorld(t, twoNodes)
		if err := w.c.Store.Forget("n1"); err != nil {
			t.Fatal(err)
		}
		w.hosts["n1"].breakAt = cut
		w.reconcile(Reconcile{Pattern: "n1"})
		w.hosts["n1"].breakAt = 0
		if r := w.reconcile(Reconcile{Pattern: "n1"}); r.ExitCode() != 0 {
			t.Fatalf("after cut %d: %+v", cut, r)
		}
	}
}

// Another controller, or newer records than these: the host refuses, until somebody
// takes it over.
func TestFenced(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	n1 := w.hosts["n1"]
	n1.token = "c0ffee00 t-elsewhere"
	before := w.seen("n1")
	r := w.reconcile(Reconcile{})
	if r.ExitCode() != 5 || !slices.Contains(outcomes(r), "n1: fenced") {
		t.Errorf("%v", outcomes(r))
	}
	i := slices.IndexFunc(r.Hosts, func(h HostReport) bool { return h.Host == "n1" })
	if !strings.Contains(r.Hosts[i].Words, "obeys cloud c0ffee00") || r.Hosts[i].Next != "only if this controller is the right one: eucactl hosts take-over n1" {
		t.Errorf("%+v", r.Hosts[i])
	}
	if s := w.seen("n1"); s.Token != before.Token || s.Problem == "" || s.DomainsRev != before.DomainsRev {
		t.Errorf("%+v", s)
	}
	if v := w.describe(in.ID); v.State != cloud.StateNotReported {
		t.Errorf("%+v", v)
	}
	_, _, err := as[cloud.HostView](w, cloud.Admin, "TakeOver", cloud.TakeOver{Host: "none"})
	refused(t, err, "InvalidParameterValue")
	must[cloud.HostView](w, "TakeOver", cloud.TakeOver{Host: "n1"})
	if r := w.reconcile(Reconcile{}); r.ExitCode() != 0 {
		t.Errorf("%+v", r)
	}
	// The word counts once.
	n1.token = "c0ffee00 t-again"
	if r := w.reconcile(Reconcile{}); r.ExitCode() != 5 {
		t.Errorf("%v", outcomes(r))
	}
}

// A restored backup knows older tokens only.
func TestRestoredBackup(t *testing.T) {
	w := newWorld(t, twoNodes)
	dump := w.export()
	w.run(1)
	w.reconcile(Reconcile{})
	old := w.restored(t, dump)
	r := old.reconcile(Reconcile{})
	equal(t, "outcomes", outcomes(r), []string{"fe1: fenced", "n1: fenced", "n2: fenced"})
	if len(w.hosts["n1"].domains) != 1 {
		t.Error("the machine is gone")
	}
}

func TestBusy(t *testing.T) {
	w := newWorld(t, twoNodes)
	before := w.seen("n1")
	w.hosts["n1"].busy = "another run holds /run/eucactl.lock; last change by pid 7"
	r := w.reconcile(Reconcile{})
	if r.ExitCode() != 5 || !slices.Contains(outcomes(r), "n1: busy") {
		t.Errorf("%v", outcomes(r))
	}
	after := w.seen("n1")
	after.Rev, after.Unsent = before.Rev, before.Unsent
	equal(t, "what is known of it", after, before)
	w.hosts["n1"].busy = ""
	if r := w.reconcile(Reconcile{}); r.ExitCode() != 0 {
		t.Errorf("%+v", r)
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

func TestFailedTask(t *testing.T) {
	w := newWorld(t, twoNodes)
	w.hosts["fe1"].fails["chains"] = "iptables-restore: line 3 failed"
	in := w.run(1)[0]
	r := w.reconcile(Reconcile{})
	if r.ExitCode() != 2 {
		t.Errorf("%v", outcomes(r))
	}
	for _, h := range r.Hosts {
		if h.Host == "fe1" && (!strings.Contains(h.Words, "iptables-restore: line 3 failed") || h.Next != "eucactl reconcile fe1 --check --diff" || h.Failed != 1) {
			t.Errorf("%+v", h)
		}
	}
	if s := w.seen("fe1"); s.Ran || s.FrontRev == s.PlanRev || len(s.Failed) != 1 {
		t.Errorf("%+v", s)
	}
	if v := w.describe(in.ID); v.State != cloud.StateUp || !strings.Contains(v.Why, "its frontend fe1 is not as planned: ") {
		t.Errorf("%+v", v)
	}
	hosts := must[cloud.Hosts](w, "DescribeHosts", cloud.DescribeHosts{})
	if hosts.Hosts[0].State != "failed" {
		t.Errorf("%+v", hosts.Hosts[0])
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

// An inventory that the records contradict is refused, with what contradicts it.
func TestInconsistentInventory(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	n1 := "n1: {ansible_host: 192.0.2.11, ansible_user: ops}, "
	for _, test := range []struct{ old, new, want string }{
		{n1, "", "host n1, as a node of cluster one, is missing, but " + string(in.ID) + " run there"},
		{"vnet_addrspernet: 32", "vnet_addrspernet: 64", "vnet_addrspernet is 64, was 32"},
		{"cluster: one", "cluster: two", "host n1, as a node of cluster one, is missing"},
	} {
		other := w.withInventory(strings.Replace(twoNodes, test.old, test.new, 1))
		dials := w.hosts["fe1"].dials
		if _, err := other.Reconcile(context.Background(), Reconcile{}, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
		if w.hosts["fe1"].dials != dials {
			t.Error("a host was contacted")
		}
	}
}

func TestDeclareDead(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	w.hosts["n1"].down = unreachable("n1")
	for _, test := range []struct {
		user string
		req  cloud.DeclareDead
		want string
	}{
		{"admin", cloud.DeclareDead{Host: "n1", Name: "n2", Why: "burnt"}, "InvalidParameterValue"},
		{"admin", cloud.DeclareDead{Host: "n1", Name: "n1", Why: "  "}, "MissingParameter"},
		{"admin", cloud.DeclareDead{Host: "fe1", Name: "fe1", Why: "burnt"}, "InvalidParameterValue"},
		{"admin", cloud.DeclareDead{Host: "n9", Name: "n9", Why: "burnt"}, "InvalidParameterValue"},
		{"admin", cloud.DeclareDead{Host: "n1", Undo: true}, "InvalidState"},
		{"nobody", cloud.DeclareDead{Host: "n1", Name: "n1", Why: "burnt"}, "AuthFailure"},
	} {
		_, _, err := as[cloud.HostView](w, test.user, "DeclareDead", test.req)
		refused(t, err, test.want)
	}
	v := must[cloud.HostView](w, "DeclareDead", cloud.DeclareDead{Host: "n1", Name: "n1", Why: "burnt"})
	if v.State != "dead" || v.Why != "declared by admin: burnt" {
		t.Errorf("%+v", v)
	}
	_, _, err := as[cloud.HostView](w, cloud.Admin, "DeclareDead", cloud.DeclareDead{Host: "n1", Name: "n1", Why: "burnt"})
	refused(t, err, "InvalidState")
	r := w.reconcile(Reconcile{})
	if r.ExitCode() != 0 || !slices.Contains(outcomes(r), "n1: dead") {
		t.Errorf("%v", outcomes(r))
	}
	if d := w.describe(in.ID); d.State != cloud.StateEnded || !strings.Contains(d.Why, "n1 was declared dead") {
		t.Errorf("%+v", d)
	}
	must[cloud.HostView](w, "DeclareDead", cloud.DeclareDead{Host: "n1", Undo: true})
	w.hosts["n1"].down = nil
	w.reconcile(Reconcile{})
	if len(w.hosts["n1"].domains) > 0 {
		t.Error("it came back with its machine")
	}
}

// One that never answered can be declared dead too.
func TestDeclareDeadBeforeFirstContact(t *testing.T) {
	w := newWorld(t, twoNodes)
	if err := w.c.Store.Forget("n2"); err != nil {
		t.Fatal(err)
	}
	must[cloud.HostView](w, "DeclareDead", cloud.DeclareDead{Host: "n2", Name: "n2", Why: "never arrived"})
	equal(t, "outcomes", outcomes(w.reconcile(Reconcile{})), []string{"fe1: ok", "n1: ok", "n2: dead"})
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
