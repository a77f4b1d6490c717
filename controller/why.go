package controller

import (
	"context"

	"golang.org/x/sync/errgroup"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/reach"
)

// Why implements Door. The instance's node and its frontend are asked at once, each
// in one program that changes nothing.
func (c *Controller) Why(ctx context.Context, caller Caller, req cloud.Why) (out cloud.Diagnosis, err error) {
	t := &turn{Tx: c.Store.View(), c: c, user: caller.User, now: c.Now()}
	if err := t.known(); err != nil {
		return out, err
	}
	in, err := t.instance(req.ID)
	if err != nil {
		return out, err
	}
	if req.State != "" {
		return t.whyState(in), nil
	}
	path, broken := reach.Find(t.Tx, c.Inventory, in, req, t.user)
	if broken != nil {
		return t.forUser(cloud.Diagnosis{ID: in.ID, Way: path.Way(), Broken: broken}), nil
	}
	front, node := c.walk(ctx, t, path)
	return t.forUser(path.Judge(front, node, c.expected(t, path.Frontend))), ctx.Err()
}

// whyState is what describe says of the instance's state.
func (t *turn) whyState(in cloud.Instance) cloud.Diagnosis {
	s := plan.StatusOf(t.Tx, in)
	d := cloud.Diagnosis{ID: in.ID, Way: "it is " + s.State, Looked: []string{"the records, and what hosts said when they were asked last"}}
	if s.Why != "" {
		d.Broken = &cloud.Finding{Words: "it is " + s.State + ": " + s.Why}
	}
	return d
}

// walk asks the hosts on the way, side by side. A host that is both is asked twice.
func (c *Controller) walk(ctx context.Context, t *turn, path *reach.Path) (front, node *reach.Host) {
	var g errgroup.Group
	g.Go(func() error { front = c.walkHost(ctx, t, path.Frontend, path.FrontendQuestions()); return nil })
	g.Go(func() error { node = c.walkHost(ctx, t, path.Node, path.NodeQuestions()); return nil })
	_ = g.Wait() // what a host does not say is part of the answer
	return front, node
}

func (c *Controller) walkHost(ctx context.Context, t *turn, h *inventory.Host, questions []facts.Section) *reach.Host {
	rep, err := c.ask(ctx, t.Tx, h, questions...)
	if err != nil {
		return &reach.Host{Name: h.Name, Problem: err.Error()}
	}
	if !rep.Done {
		return &reach.Host{Name: h.Name, Problem: "it broke off: " + lastLine(rep.Stopped+rep.Words)}
	}
	answers := map[string]reach.Answer{}
	for name, a := range rep.Sections {
		answers[name] = reach.Answer(a)
	}
	out := reach.ReadHost(h.Name, questions, answers)
	out.Answered = c.Now()
	return out
}

// expected is what the frontend's chains should be, by table, and its dhcpd's
// configuration: the very text that a reconcile would give it. It is empty if that cannot be told.
func (c *Controller) expected(t *turn, h *inventory.Host) map[string]string {
	seen, _ := t.Seen(h.Name)
	if len(seen.Facts) == 0 {
		return nil
	}
	prog, err := c.Site.program(c.Inventory, h, plan.Compile(t.Tx, c.Inventory, h), seen.Facts)
	if err != nil {
		return nil
	}
	out := map[string]string{}
	for _, task := range prog.Tasks {
		switch {
		case task.Kind == "chains" && len(task.Args) > 1:
			out[task.Args[0]], _ = prog.Content(task.Args[1])
		case task.Kind == "dhcpd" && len(task.Args) > 0:
			out["dhcpd"], _ = prog.Content(task.Args[len(task.Args)-1])
		}
	}
	return out
}

// forUser keeps the inside of hosts from those who do not run them.
func (t *turn) forUser(d cloud.Diagnosis) cloud.Diagnosis {
	if t.admin() {
		return d
	}
	d.Unseen, d.Doubts = nil, nil
	if d.Broken == nil || d.Broken.Host == "" {
		d.Looked = nil
		return d
	}
	d.Looked = nil
	d.Broken = &cloud.Finding{
		Words: "something of the cloud's own is broken on the way to it",
		Next:  []string{"ask the administrator, who sees more: eucactl why " + string(d.ID) + " unreachable"},
	}
	return d
}
