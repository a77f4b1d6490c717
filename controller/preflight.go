package controller

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/preflight"
	"eucactl/remote"
	"eucactl/state"
	"eucactl/tasks"
)

// Preflight says what of a site to check: its hosts, or with Network what passes
// between them.
type Preflight struct {
	Pattern string        `json:"pattern,omitempty"` // none = every host
	Network *NetworkCheck `json:"network,omitempty"`
}

// Preflight implements Door.
func (c *Controller) Preflight(ctx context.Context, req Preflight) (out preflight.Result, err error) {
	hosts, err := c.selected(Reconcile{Pattern: req.Pattern})
	if err != nil {
		return out, err
	}
	if req.Network != nil {
		out, err = c.checkNetwork(ctx, hosts, *req.Network)
	} else {
		out = preflight.Judge(c.lookAt(ctx, c.Store.View(), hosts))
	}
	out.Findings = orEmpty(out.Findings)
	out.Sort()
	return out, errors.Join(err, ctx.Err())
}

// lookAt asks every host at once. Nothing is changed on them.
func (c *Controller) lookAt(ctx context.Context, tx *state.Tx, hosts []*inventory.Host) []*preflight.Host {
	list := make([]*preflight.Host, len(hosts))
	var group errgroup.Group
	group.SetLimit(c.forks(Reconcile{}))
	for i, h := range hosts {
		group.Go(func() error {
			list[i] = c.lookAtHost(ctx, tx, h)
			return nil
		})
	}
	_ = group.Wait()
	return list
}

func (c *Controller) lookAtHost(ctx context.Context, tx *state.Tx, of *inventory.Host) *preflight.Host {
	h := &preflight.Host{Host: of, Plan: plan.Compile(tx, c.Inventory, of)}
	if cluster, ok := c.Inventory.Cluster(of.Cluster); ok {
		h.Network = cluster.Network
	}
	rep, err := c.lookOnce(ctx, tx, h)
	if err != nil {
		f := silence(of, err)
		h.Silent = &f
		return h
	}
	answers := map[string]preflight.Answer{}
	for name, a := range rep.Sections {
		answers[name] = preflight.Answer(a)
	}
	h.Read(answers)
	return h
}

// lookOnce is the one round trip; it notes when it began and ended.
func (c *Controller) lookOnce(ctx context.Context, tx *state.Tx, h *preflight.Host) (tasks.Report, error) {
	t, err := c.converse(ctx, tx, h.Host)
	if err != nil {
		return tasks.Report{}, err
	}
	defer t.Close()
	h.Sent = c.Now()
	defer func() { h.Received = c.Now() }()
	return t.whole(ctx, tasks.Env{}, h.Questions()...)
}

// silence is what is said of a host that gave no answer, and what to do.
func silence(h *inventory.Host, err error) preflight.Finding {
	var dead *deadError
	if errors.As(err, &dead) {
		return preflight.Found(preflight.Note, h.Name, "is declared dead, and was not asked", dead.Error(), "")
	}
	if !remote.Unreachable(err) {
		return preflight.Found(preflight.Error, h.Name, "did not answer", err.Error(), "")
	}
	r := HostReport{Host: h.Name}
	r.unreached(err)
	next := "ssh to it by hand"
	if unknown := (*remote.UnknownHostError)(nil); errors.As(err, &unknown) {
		next = r.Next
	}
	return preflight.Found(preflight.Unreachable, h.Name, "does not answer", r.Words, next)
}
