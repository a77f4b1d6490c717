package controller

import (
	"context"
	"slices"
	"strings"
	"testing"

	"eucactl/cloud"
)

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

// The connection is lost after the host said hello, while it waits for its lock: it
// still obeys the token before, and its controller still knows that one.
func TestLostInFrontOfTheFence(t *testing.T) {
	w := newWorld(t, twoNodes)
	w.hosts["n1"].lostLock = true
	for range 3 {
		if r := w.reconcile(Reconcile{Pattern: "n1"}); r.ExitCode() != 4 {
			t.Errorf("%+v", r)
		}
	}
	w.hosts["n1"].lostLock = false
	if r := w.reconcile(Reconcile{Pattern: "n1"}); r.ExitCode() != 0 {
		t.Errorf("%+v", r)
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
