package controller

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"eucactl/cloud"
	"eucactl/state"
)

// diary is a log that can be read while it is written.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) count(words string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), words)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// kept lets eucactl serve keep the hosts of a world, with short periods, until the
// test ends.
func (w *world) kept(t *testing.T, change func(*Keeping)) *diary {
	t.Helper()
	log := &diary{}
	how := Keeping{Poll: 10 * time.Millisecond, Reconcile: time.Minute, Delay: 5 * time.Millisecond, Log: slog.New(slog.NewTextHandler(log, nil))}
	if change != nil {
		change(&how)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.c.Keep(ctx, how) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(log)
		}
	})
	return log
}

func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	if err := eventually(what, holds); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) is(id cloud.InstanceID, state string) func() bool {
	return func() bool { return w.describe(id).State == state }
}

// visits counts the programs that ordered something, polls the others.
func (h *host) visits() (visits, polls int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.programs {
		if strings.Contains(p, "\ntake_lock\n") {
			visits++
		} else {
			polls++
		}
	}
	return visits, polls
}

func (h *host) set(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do()
}

// Recording is enough: hosts become what the records say, and stay so.
//
// proves A12 A26
func TestKeep(t *testing.T) {
	w := newWorld(t, twoNodes)
	log := w.kept(t, nil)
	in := w.run(1)[0]
	w.eventually("it runs", w.is(in.ID, cloud.StateUp))
	n1 := w.hosts["n1"]

	n1.set(func() { n1.domains[string(in.ID)] = "shut off (crashed)" })
	w.eventually("it is started again", func() bool {
		n1.mu.Lock()
		defer n1.mu.Unlock()
		return n1.domains[string(in.ID)] == "running (booted)"
	})
	w.eventually("and shown", w.is(in.ID, cloud.StateUp))

	n1.set(func() { n1.domains[string(in.ID)] = "shut off (shutdown)" })
	w.eventually("it is terminated", w.is(in.ID, cloud.StateEnded))
	w.eventually("nothing is held", func() bool { return len(w.c.Store.View().Claims("")) == 0 })
	if log.count("msg=machine host=n1 id="+string(in.ID)) == 0 || log.count("msg=visit host=n1 outcome=changed") == 0 {
		t.Error("nothing is logged of it")
	}
}

// With nothing to do hosts are looked at, through one connection, and left alone; and
// the log says nothing.
func TestKeepIdle(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	log := w.kept(t, nil)
	w.eventually("it runs", w.is(in.ID, cloud.StateUp))
	n1 := w.hosts["n1"]
	w.eventually("all is told", func() bool { return len(w.c.Behind()) == 0 })
	time.Sleep(50 * time.Millisecond)
	visits, polls := n1.visits()
	n1.mu.Lock()
	dials := n1.dials
	n1.mu.Unlock()
	said := log.String()
	w.eventually("it is looked at five times more", func() bool { _, now := n1.visits(); return now >= polls+5 })
	visitsNow, pollsNow := n1.visits()
	n1.mu.Lock()
	dialsNow := n1.dials
	n1.mu.Unlock()
	if visitsNow != visits || dialsNow != dials {
		t.Errorf("%d visits, %d polls and %d dials became %d, %d and %d", visits, polls, dials, visitsNow, pollsNow, dialsNow)
	}
	equal(t, "log", log.String(), said)
}

// Whoever asked for a change brings the hosts to it himself, if he likes: they are not
// visited once more for it.
func TestKeepLeavesItToWhoAsked(t *testing.T) {
	w := newWorld(t, twoNodes)
	w.kept(t, func(k *Keeping) { k.Delay = 100 * time.Millisecond })
	w.eventually("all is told", func() bool { return len(w.c.Behind()) == 0 })
	time.Sleep(150 * time.Millisecond)
	before, _ := w.hosts["n1"].visits()
	in := w.run(1)[0]
	w.reconcile(Reconcile{Hosts: []string{"fe1", "n1"}, Follow: true})
	if v := w.describe(in.ID); v.State != cloud.StateUp {
		t.Errorf("%+v", v)
	}
	after, _ := w.hosts["n1"].visits()
	time.Sleep(400 * time.Millisecond)
	if now, _ := w.hosts["n1"].visits(); now != after || after == before {
		t.Errorf("%d visits before, %d after, then %d", before, after, now)
	}
}

// A host that falls silent is noticed, and so is its return: what it missed it is told
// then, and in the meantime the others know by name (A24).
func TestKeepThroughSilence(t *testing.T) {
	w := newWorld(t, twoNodes)
	log := w.kept(t, nil)
	in := w.run(1)[0]
	w.eventually("it runs", w.is(in.ID, cloud.StateUp))
	n1, n2 := w.hosts["n1"], w.hosts["n2"]
	n1.set(func() { n1.down, n1.breakAt = unreachable("n1"), 1 }) // open connections break, too
	w.eventually("it is noticed", w.is(in.ID, cloud.StateNotReported))
	w.end(in.ID)
	w.eventually("the other node is told", func() bool {
		n2.mu.Lock()
		defer n2.mu.Unlock()
		return strings.Contains(strings.Join(n2.programs, ""), "domain_gone "+string(in.ID))
	})
	if v := w.describe(in.ID); v.State != cloud.StateShuttingDown {
		t.Errorf("%+v", v)
	}
	n1.set(func() { n1.down, n1.breakAt = nil, 0 })
	w.eventually("it ends", w.is(in.ID, cloud.StateEnded))
	if log.count("host is silent") == 0 || log.count("host answers again") == 0 {
		t.Error("it is not logged")
	}
}

// A host that fails is tried again, less and less often; when the records want
// something else of it, at once.
func TestKeepOfAFailingHost(t *testing.T) {
	w := newWorld(t, twoNodes)
	log := w.kept(t, func(k *Keeping) { k.Poll = 20 * time.Millisecond })
	n1 := w.hosts["n1"]
	n1.set(func() { n1.fails["disk"] = "no space left on device" })
	in := w.run(1)[0]
	w.eventually("it fails", func() bool { return log.count("no space left on device") > 0 })
	time.Sleep(400 * time.Millisecond)
	visits, polls := n1.visits()
	if visits > polls {
		t.Errorf("%d visits, %d polls", visits, polls)
	}
	if n := log.count("no space left on device"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	w.end(in.ID)
	w.eventually("it ends", w.is(in.ID, cloud.StateEnded))
}

// A host that was rebooted is visited: what it was told may be gone.
func TestKeepAfterAReboot(t *testing.T) {
	w := newWorld(t, twoNodes)
	in := w.run(1)[0]
	w.kept(t, nil)
	w.eventually("it runs", w.is(in.ID, cloud.StateUp))
	w.eventually("all is told", func() bool { return len(w.c.Behind()) == 0 })
	fe1 := w.hosts["fe1"]
	before, _ := fe1.visits()
	fe1.set(func() { fe1.boot, fe1.objects = "99999999-2222-3333-4444-555555555555", map[string]string{} })
	w.eventually("it is visited", func() bool { now, _ := fe1.visits(); return now > before })
}

// Guests are served through a connection to their frontend, as soon as there are any;
// one that breaks is made anew.
func TestKeepServesFronts(t *testing.T) {
	w := newWorld(t, twoNodes)
	served := make(chan net.Listener)
	fe1 := w.hosts["fe1"]
	fe1.deaf = errors.New("fe1: its sshd refuses to listen")
	log := w.kept(t, func(k *Keeping) {
		k.Front = func(frontend string, l net.Listener) error {
			if frontend != "fe1" {
				t.Error(frontend)
			}
			served <- l
			_, err := l.Accept()
			return err
		}
	})
	metadata := func() string {
		return must[cloud.Hosts](w, "DescribeHosts", cloud.DescribeHosts{Pattern: "fe1"}).Hosts[0].Metadata
	}
	time.Sleep(50 * time.Millisecond)
	equal(t, "before there are guests", metadata(), "")
	w.run(1)
	w.eventually("it is refused", func() bool { return strings.Contains(metadata(), "its sshd refuses") })
	fe1.set(func() { fe1.deaf = nil })
	l := <-served
	w.eventually("it is served", func() bool { return metadata() == "served" })
	_ = l.Close()
	<-served
	if log.count("metadata is served") != 2 || log.count("metadata is not served") != 2 {
		t.Error("it is not logged once each")
	}
}

// Metadata is its own, by frontend and address, until the instance is released.
func TestMetadata(t *testing.T) {
	w := newWorld(t, twoNodes)
	must[cloud.KeyPair](w, "ImportKeyPair", cloud.ImportKeyPair{Name: "mykey", PublicKey: publicKey(t)})
	in := must[cloud.Reservation](w, "RunInstances", cloud.RunInstances{
		Image: w.image, Min: 1, Max: 1, Key: "mykey", UserData: []byte("\x00secret\xff"),
	}).Instances[0]
	m, ok, err := w.c.Metadata("fe1", in.Private)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if m.Instance != in.ID || m.UserData.Reveal() != "\x00secret\xff" || m.KeyName != "mykey" || !strings.HasPrefix(m.PublicKey, "ssh-ed25519 ") ||
		m.Public != in.Public || m.Hostname != in.Hostname+".eucalyptus.internal" || m.Zone != "one" || len(m.Groups) != 1 {
		t.Errorf("%+v", m)
	}
	for _, who := range []struct {
		frontend string
		guest    string
	}{{"fe1", "10.50.1.3"}, {"fe1", "10.50.1.1"}, {"fe1", "192.0.2.1"}, {"n1", in.Private.String()}, {"nosuch", in.Private.String()}, {"", ""}} {
		if m, ok, err := w.c.Metadata(who.frontend, addr(who.guest)); ok || err != nil {
			t.Errorf("%v is told %+v, %v", who, m, err)
		}
	}
	w.reconcile(Reconcile{})
	w.end(in.ID)
	if m, ok, _ := w.c.Metadata("fe1", in.Private); !ok || m.Instance != in.ID {
		t.Error("while it ends it may still ask")
	}
	w.reconcile(Reconcile{})
	if _, ok, _ := w.c.Metadata("fe1", in.Private); ok {
		t.Error("its address is nobody's now")
	}
}

func addr(text string) netip.Addr {
	a, _ := netip.ParseAddr(text)
	return a
}

// Records that can be kept no more are the end: whoever runs it starts it again.
func TestKeepEndsWithTheRecords(t *testing.T) {
	w := newWorld(t, twoNodes)
	how := Keeping{Poll: 10 * time.Millisecond, Reconcile: time.Minute, Delay: time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	ended := make(chan error, 1)
	go func() { ended <- w.c.Keep(context.Background(), how) }()
	w.eventually("all is told", func() bool { return len(w.c.Behind()) == 0 })
	if err := w.c.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, state.ErrClosed) {
		t.Errorf("%v", err)
	}
}
