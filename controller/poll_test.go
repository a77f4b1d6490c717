package controller

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"eucactl/cloud"
)

func (w *world) poll(hosts ...string) {
	w.t.Helper()
	if err := w.c.Poll(context.Background(), hosts...); err != nil {
		w.t.Fatalf("poll: %v", err)
	}
}

// A poll shows what hosts are like, changes nothing on them and sends no order.
//
// proves A12
func TestPollShows(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	n1 := w.hosts["n1"]
	token, objects := n1.token, len(n1.objects)
	n1.domains[string(in.ID)] = "paused (user)"
	w.now.Add(6)
	w.poll("n1")
	if v := w.describe(in.ID); v.State != cloud.StateUp || !strings.Contains(v.Why, "paused (user)") {
		t.Errorf("%+v", v)
	}
	if s := w.seen("n1"); !s.At.Equal(w.c.Now()) || s.Token == "" || !s.Ran {
		t.Errorf("%+v", s)
	}
	if n1.token != token || len(n1.objects) != objects {
		t.Errorf("token %s, was %s; %d objects, were %d", n1.token, token, len(n1.objects), objects)
	}
}

// What a poll does not see counts only against the plan that the host was given: one
// that was to be started, or ended, since is not missing yet.
func TestPollReleasesNothingTooEarly(t *testing.T) {
	w := newWorld(t, twoNodes)
	n1 := w.hosts["n1"]
	n1.down = unreachable("n1")
	in := w.run(1)[0]
	w.reconcile(Reconcile{}) // only the frontend is told
	w.end(in.ID)
	w.reconcile(Reconcile{})
	n1.down = nil
	w.poll("fe1", "n1", "n2") // an order to start it may still be on its way
	if v := w.describe(in.ID); v.State != cloud.StateShuttingDown {
		t.Errorf("%+v", v)
	}
	if claims := w.c.Store.View().Claims("ip/"); len(claims) != 1 {
		t.Errorf("%v", claims)
	}
	w.reconcile(Reconcile{Hosts: []string{"n1"}})
	if v := w.describe(in.ID); v.State != cloud.StateEnded {
		t.Errorf("%+v", v)
	}
}

// A guest that switched itself off is noticed by the poll; nothing is given back
// before its node was told by name.
//
// proves A26
func TestPollEndsWhoSwitchedItselfOff(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	w.hosts["n1"].domains[string(in.ID)] = "shut off (shutdown)"
	w.poll("n1")
	if v := w.describe(in.ID); v.State != cloud.StateShuttingDown {
		t.Errorf("%+v", v)
	}
	delete(w.hosts["n1"].domains, string(in.ID)) // by whomever: the order was not given yet
	w.poll("n1", "fe1")
	if v := w.describe(in.ID); v.State != cloud.StateShuttingDown {
		t.Errorf("%+v", v)
	}
	equal(t, "behind", w.c.Behind(), []string{"fe1", "n1"})
	w.reconcile(Reconcile{})
	if v := w.describe(in.ID); v.State != cloud.StateEnded {
		t.Errorf("%+v", v)
	}
}

// A record that changed in what its node is not told of does not make the node's
// lists too old: the node has carried out that plan already.
func TestPollOfAnUnchangedPlan(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	a := must[cloud.AddressAnswer](w, "AllocateAddress", cloud.AllocateAddress{})
	must[cloud.AddressAnswer](w, "AssociateAddress", cloud.AssociateAddress{IP: a.Address.IP.String(), Instance: string(in.ID)})
	equal(t, "behind", w.c.Behind(), []string{"fe1"})
	w.hosts["n1"].domains[string(in.ID)] = "shut off (shutdown)"
	w.poll("n1")
	if v := w.describe(in.ID); v.State != cloud.StateShuttingDown {
		t.Errorf("%+v", v)
	}
}

// A host that obeys somebody else is believed nothing, and says so.
func TestPollOfAStranger(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	n1 := w.hosts["n1"]
	token := n1.token
	n1.token = "deadbeef t-1"
	delete(n1.domains, string(in.ID))
	before := w.seen("n1")
	w.poll("n1")
	after := w.seen("n1")
	if after.Obeys != "deadbeef t-1" || !strings.Contains(after.Problem, "another controller") {
		t.Errorf("%+v", after)
	}
	equal(t, "domains", after.Domains, before.Domains)
	if v := w.describe(in.ID); v.State != cloud.StateNotReported {
		t.Errorf("%+v", v)
	}
	n1.token = token
	n1.domains[string(in.ID)] = "running (booted)"
	w.poll("n1")
	if s := w.seen("n1"); s.Obeys != "" || s.Problem != "" {
		t.Errorf("%+v", s)
	}
}

// A poll whose answer breaks off, at whatever line, teaches nothing but silence; one
// without a list of machines does not make them disappear.
func TestPollBreaksAtEveryLine(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	n1, before := w.hosts["n1"], w.seen("n1")
	for cut := 1; ; cut++ {
		n1.breakAt = cut
		w.poll("n1")
		s := w.seen("n1")
		if s.Problem == "" {
			if cut < 8 {
				t.Errorf("only %d lines", cut)
			}
			break
		}
		equal(t, "domains", s.Domains, before.Domains)
		if v := w.describe(in.ID); v.State != cloud.StateNotReported {
			t.Fatalf("cut %d: %+v", cut, v)
		}
	}
	n1.breakAt, n1.noList = 0, true
	w.now.Add(6)
	w.poll("n1")
	if v := w.describe(in.ID); v.State != cloud.StateNotReported || !strings.Contains(v.Why, "cannot tell") {
		t.Errorf("%+v", v)
	}
}

// A visit that began while a poll waited for its answer knows better.
func TestPollGivesWayToVisits(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.reconcile(Reconcile{})
	n1 := w.hosts["n1"]
	first := make(chan struct{})
	n1.mu.Lock()
	n1.sayFirst = first
	n1.mu.Unlock()
	polled := make(chan error)
	go func() { polled <- w.c.Poll(context.Background(), "n1") }()
	if err := eventually("the poll arrives", func() bool {
		n1.mu.Lock()
		defer n1.mu.Unlock()
		return len(n1.programs) > 0 && !strings.Contains(n1.programs[len(n1.programs)-1], "\ntask ")
	}); err != nil {
		t.Fatal(err)
	}
	n1.mu.Lock()
	n1.sayFirst = nil
	n1.mu.Unlock()
	w.end(in.ID)
	w.reconcile(Reconcile{})
	after := w.seen("n1")
	n1.mu.Lock()
	n1.domains[string(in.ID)] = "running (booted)" // what the poll would say
	n1.mu.Unlock()
	close(first)
	if err := <-polled; err != nil {
		t.Fatal(err)
	}
	equal(t, "seen", w.seen("n1"), after)
}

// A visit that was broken off leaves the host with its token, and nothing in the
// records of what was seen: a poll that was under way does not take that for another
// controller's.
func TestPollDuringABrokenVisit(t *testing.T) {
	w := newWorld(t, twoNodes)
	n1 := w.hosts["n1"]
	ctx, stop := context.WithCancel(context.Background())
	var visiting atomic.Bool
	w.c.OnLine = func() {
		if visiting.Load() {
			stop() // the host has said hello, and goes on
		}
	}
	first := make(chan struct{})
	n1.set(func() { n1.sayFirst, n1.programs = first, nil })
	polled := make(chan error)
	go func() { polled <- w.c.Poll(context.Background(), "n1") }()
	w.eventually("the poll arrives", func() bool { _, polls := n1.visits(); return polls > 0 })
	n1.set(func() { n1.sayFirst = nil })
	before := w.seen("n1")
	visiting.Store(true)
	if _, err := w.c.Reconcile(ctx, Reconcile{Hosts: []string{"n1"}}, nil); err == nil {
		t.Fatal("the visit was not broken off")
	}
	visiting.Store(false)
	w.eventually("the host has the token", func() bool { n1.mu.Lock(); defer n1.mu.Unlock(); return !strings.HasSuffix(n1.token, before.Token) })
	close(first)
	if err := <-polled; err != nil {
		t.Fatal(err)
	}
	equal(t, "seen", w.seen("n1"), before)
}

// An order that was lost may have been obeyed: the host is behind until it is visited
// again, even where the records are back at what it was told before.
func TestBehindAfterALostOrder(t *testing.T) {
	w := newWorld(t, twoNodes)
	w.run(1)
	w.reconcile(Reconcile{})
	equal(t, "at first", w.c.Behind(), []string(nil))
	rule := []cloud.Permission{{Protocol: "tcp", From: 22, To: 22, Source: cloud.GroupRef{User: "admin", Name: "default"}}}
	must[cloud.Group](w, "AuthorizeSecurityGroupIngress", cloud.Authorize{Group: "default", Permissions: rule})
	equal(t, "asked", w.c.Behind(), []string{"fe1"})
	w.hosts["fe1"].breakAt = 12
	w.reconcile(Reconcile{Hosts: []string{"fe1"}})
	w.hosts["fe1"].breakAt = 0
	must[cloud.Group](w, "RevokeSecurityGroupIngress", cloud.Revoke{Group: "default", Permissions: rule})
	equal(t, "lost and taken back", w.c.Behind(), []string{"fe1"})
	w.reconcile(Reconcile{Hosts: []string{"fe1"}})
	equal(t, "visited", w.c.Behind(), []string(nil))
}
