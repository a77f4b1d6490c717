package controller

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/tasks"
)

// hostKeeper keeps one host. It does one thing at a time.
type hostKeeper struct {
	*keeper
	host  *inventory.Host
	phase float64 // of 1: hosts are not all looked at in the same moment
	line  *line
	woken chan struct{} // the records want something else

	tried     plan.Host // what the last visit was for
	failed    bool      // and it came to nothing
	amiss     string    // why the host is to be visited, as far as is known
	patience  *backoff.ExponentialBackOff
	notBefore time.Time // after a visit that failed, unless the records want something else since then
	silent    bool      // it did not answer last, and that is logged
	said      string    // what was logged of its visits last
	unlooked  string    // why the last look came to nothing, if it said nothing about the host
}

func newHostKeeper(k *keeper, h *inventory.Host, phase float64) *hostKeeper {
	patience := backoff.NewExponentialBackOff()
	patience.InitialInterval, patience.MaxInterval, patience.Multiplier = k.Poll, k.Reconcile, 2
	return &hostKeeper{keeper: k, host: h, phase: phase, line: k.c.lineTo(h), woken: make(chan struct{}, 1), patience: patience}
}

// wake never blocks: one call is as good as many.
func (k *hostKeeper) wake() {
	select {
	case k.woken <- struct{}{}:
	default:
	}
}

// keep begins with a visit: what the host was told before this process began is not
// known.
func (k *hostKeeper) keep(ctx context.Context) {
	defer k.line.hangUp()
	k.visit(ctx)
	look := time.NewTimer(time.Duration(k.phase * float64(k.Poll)))
	anyway := time.NewTimer(time.Duration((1 + k.phase) / 2 * float64(k.Reconcile)))
	defer look.Stop()
	defer anyway.Stop()
	for ctx.Err() == nil {
		visited := false
		select {
		case <-ctx.Done():
		case <-k.woken:
			visited = k.obey(ctx)
		case <-anyway.C:
			visited = true
			k.visit(ctx)
		case <-look.C:
			k.look(ctx)
			if k.amiss != "" && time.Now().After(k.notBefore) {
				visited = true
				k.visit(ctx)
			}
			look.Reset(k.Poll)
		}
		if visited {
			anyway.Reset(k.Reconcile)
		}
	}
}

// obey visits the host if it is still to be something else when whoever is there now
// has left. A plan that came to nothing is tried again when a look says that it may do
// better.
func (k *hostKeeper) obey(ctx context.Context) (visited bool) {
	if unlock, err := k.c.lock(ctx, []*inventory.Host{k.host}); err != nil {
		return false
	} else {
		release(unlock)
	}
	if !k.due() {
		return false
	}
	k.visit(ctx)
	return true
}

func (k *hostKeeper) due() bool {
	tx := k.c.Store.View()
	again := reflect.DeepEqual(k.tried, plan.Compile(tx, k.c.Inventory, k.host))
	return k.c.isBehind(tx, k.host.Name) && !(again && k.failed)
}

// visit brings the host to what the records say, in its turn.
func (k *hostKeeper) visit(ctx context.Context) {
	select {
	case k.visits <- struct{}{}:
		defer func() { <-k.visits }()
	case <-ctx.Done():
		return
	}
	k.tried = plan.Compile(k.c.Store.View(), k.c.Inventory, k.host)
	r, err := k.c.Reconcile(ctx, Reconcile{Hosts: []string{k.host.Name}}, nil)
	if ctx.Err() != nil {
		return
	}
	k.amiss = ""
	report := HostReport{Host: k.host.Name, Outcome: HostFailed, Next: "eucactl reconcile " + k.host.Name}
	if len(r.Hosts) > 0 {
		report = r.Hosts[0]
	}
	if err != nil && k.lost(err) {
		return
	}
	if err != nil {
		report.Words = err.Error()
	}
	k.tell(report)
	if k.failed = err != nil || !report.answered() && report.Outcome != HostDead; !k.failed {
		k.patience.Reset()
		k.notBefore = time.Time{}
		return
	}
	k.notBefore = time.Now().Add(k.patience.NextBackOff())
	if report.Outcome != HostUnreachable {
		k.amiss = report.Outcome
	}
}

// look polls the host. A visit that becomes due meanwhile does not wait for it.
func (k *hostKeeper) look(ctx context.Context) {
	looking, stop := context.WithCancel(ctx)
	defer stop()
	type seen struct {
		g   glimpse
		err error
	}
	done := make(chan seen, 1)
	go func() {
		g, err := k.c.poll(looking, k.host, k.line)
		done <- seen{g, err}
	}()
	var s seen
	for waiting := true; waiting; {
		select {
		case s = <-done:
			waiting = false
		case <-k.woken:
			if k.due() {
				stop()
				defer k.wake()
			}
		}
	}
	if s.err == nil {
		k.unlooked = ""
		if s.g.told {
			k.noticed(s.g)
		}
	} else if why := s.err.Error(); !k.lost(s.err) && why != k.unlooked {
		k.unlooked = why
		k.Log.Error("look", "host", k.host.Name, "why", why)
	}
}

// noticed draws the consequences of what a poll saw.
func (k *hostKeeper) noticed(g glimpse) {
	was, is := g.was, g.is
	k.tellSeen(was, is)
	if is.Problem != "" {
		return
	}
	switch {
	case was.Problem != "":
		k.amiss = "it answers again"
	case was.BootID != "" && was.BootID != is.BootID:
		k.amiss = "it was rebooted"
	case k.amiss == "":
		if p, ok := k.c.told.plan(k.host.Name); ok {
			k.amiss = idleMachine(p, is)
		}
	}
	if telling(was, is) {
		k.settle()
	}
}

// telling: a poll showed something that may have consequences for the records.
func telling(was, is cloud.Seen) bool {
	was.Tried, was.At, was.DomainsAt = is.Tried, is.At, is.DomainsAt
	was.Meta = is.Meta
	return !reflect.DeepEqual(was, is)
}

// idleMachine names a machine that should run there and does not. One whose guest
// switched it off is to end: that is the records' to say.
func idleMachine(p plan.Host, seen cloud.Seen) string {
	if p.Node == nil || seen.DomainsAt.Before(seen.At) {
		return ""
	}
	for _, m := range p.Node.Machines {
		i := slices.IndexFunc(seen.Domains, func(d cloud.SeenDomain) bool { return d.Name == m.ID })
		if i < 0 {
			return m.ID + " is not there"
		}
		if d := seen.Domains[i]; (d.State == "shut off" || d.State == "crashed") && !d.PoweredOff {
			return m.ID + " is " + d.State
		}
	}
	return ""
}

// heard logs that a host fell silent, or that it answers again.
func (k *hostKeeper) heard(problem string) {
	switch {
	case problem != "" && !k.silent:
		k.Log.Warn("host is silent", "host", k.host.Name, "why", problem)
	case problem == "" && k.silent:
		k.Log.Info("host answers again", "host", k.host.Name)
	}
	k.silent = problem != ""
}

// tell logs a visit if it did something or ended otherwise than the last.
func (k *hostKeeper) tell(r HostReport) {
	if r.Outcome == HostUnreachable {
		k.heard(r.Words)
		return
	}
	if r.Outcome != HostDead && r.Outcome != HostFenced {
		k.heard("")
	}
	said := r.Outcome + " " + r.Words
	if r.Outcome == HostChanged {
		said = HostOK + " "
	}
	if said == k.said && r.Changed == 0 {
		return
	}
	k.said = said
	args := []any{"host", r.Host, "outcome", r.Outcome}
	if list := changes(r); list != "" {
		args = append(args, "changed", list)
	}
	if !r.answered() && r.Outcome != HostDead {
		k.Log.Warn("visit", append(args, "why", r.Words, "next", r.Next)...)
		return
	}
	k.Log.Info("visit", args...)
}

// changes names the first few of the tasks that changed something.
func changes(r HostReport) string {
	var names []string
	for _, t := range r.Tasks {
		if t.Outcome == string(tasks.Changed) {
			names = append(names, t.Name)
		}
	}
	const most = 8
	if len(names) > most {
		names = append(names[:most], "...")
	}
	return strings.Join(names, "; ")
}

// tellSeen logs what became otherwise between two looks.
func (k *hostKeeper) tellSeen(was, is cloud.Seen) {
	k.heard(is.Problem)
	if was.BootID != "" && was.BootID != is.BootID {
		k.Log.Info("host was rebooted", "host", k.host.Name)
	}
	before := map[string]string{}
	for _, d := range was.Domains {
		before[d.Name] = d.State
	}
	for _, d := range is.Domains {
		if before[d.Name] != d.State && d.Cloud != "" {
			k.Log.Info("machine", "host", k.host.Name, "id", d.Name, "was", cmp.Or(before[d.Name], "absent"), "is", d.State, "reason", d.Reason)
		}
	}
}
