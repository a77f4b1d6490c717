package controller

import (
	"bufio"
	"context"
	"reflect"
	"slices"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/state"
	"eucactl/tasks"
)

// A poll looks at a host between two visits and tells it nothing. Four things keep
// what it saw from being taken for more than it is:
//
//   - Its lists count as of the plan that the host has carried out, never as of now: a
//     machine that was to be started or ended since is not yet missing.
//   - A host that obeys another controller is asked nothing: what others made of it
//     says nothing about our records.
//   - It does not tell what a frontend or a task is like, so nothing that waits for
//     these moves on by it.
//   - A visit that came between knows better: then what the poll saw is dropped.

// Poll looks at these hosts, and settles what they showed.
func (c *Controller) Poll(ctx context.Context, hosts ...string) error {
	for _, name := range hosts {
		h, ok := c.Inventory.Host(name)
		if !ok {
			continue
		}
		l := c.lineTo(h)
		_, err := c.poll(ctx, h, l)
		l.hangUp()
		if err != nil {
			return err
		}
	}
	return c.settle()
}

func (c *Controller) lineTo(h *inventory.Host) *line {
	return &line{dial: func(ctx context.Context) (remote.Conn, error) { return c.Dial(ctx, h) }}
}

// glimpse is what was known of a host before a poll and after it. It is not told if
// the poll was broken off, or a visit knows better.
type glimpse struct {
	was, is cloud.Seen
	told    bool
}

// poll looks at one host. A host that was never visited is left to its first visit.
func (c *Controller) poll(ctx context.Context, h *inventory.Host, l *line) (g glimpse, err error) {
	if c.visited(h.Name) {
		return g, nil
	}
	tx := c.Store.View()
	g.was, _ = tx.Seen(h.Name)
	if _, dead := tx.DeadHost(h.Name); dead || g.was.Tried.IsZero() {
		return g, nil
	}
	v := &visit{c: c, host: h, tx: tx, check: true, seen: g.was.Clone(), fence: c.onlooker(tx, h.Name)}
	rev := c.told.rev(h.Name, g.was.PlanRev)
	rep, err := v.glimpse(ctx, l)
	if ctx.Err() != nil {
		l.hangUp()
		return g, nil // it was we who broke off
	}
	if err != nil {
		l.hangUp()
		if !rep.Hello && !remote.Unreachable(err) {
			return g, err // it says nothing about the host
		}
	}
	if rep.Fenced != nil && c.ours(h.Name, *rep.Fenced) {
		return g, nil // a visit began since
	}
	v.noticed(rep, err, rev)
	g.is = v.seen
	g.told, err = c.keep(g.was, g.is)
	return g, err
}

// onlooker is a fence that lets an onlooker pass where a program of ours would. Whom
// the host is to be taken over from does not count: that is a visit's to do.
func (c *Controller) onlooker(tx *state.Tx, host string) *tasks.Fence {
	return &tasks.Fence{Accept: known(tx, host).Tokens, Token: c.NewID("t-") + c.NewID("")}
}

// ours says whether a host that refused an onlooker holds a token that it was sent in
// the meantime.
func (c *Controller) ours(host string, f tasks.Fenced) bool {
	tx := c.Store.View()
	cl, _ := tx.Cloud()
	return f.Cloud == cl.ID && slices.Contains(known(tx, host).Tokens, f.Token)
}

// glimpse asks what every visit asks, but for a frontend's rules, which are dear to
// print. A line that broke since the last poll is opened anew, once.
func (v *visit) glimpse(ctx context.Context, l *line) (tasks.Report, error) {
	rep, err := v.askThrough(ctx, l)
	if err != nil && l.kept && ctx.Err() == nil {
		l.hangUp()
		return v.askThrough(ctx, l)
	}
	return rep, err
}

func (v *visit) askThrough(ctx context.Context, l *line) (rep tasks.Report, err error) {
	conn, err := l.open(ctx)
	if err != nil {
		return rep, err
	}
	s, err := conn.Run(ctx)
	if err != nil {
		return rep, err
	}
	defer s.Close()
	t := &conversation{v: v, conn: conn, s: s, reply: bufio.NewReaderSize(s, 16<<10)}
	return t.say(ctx, tasks.Env{Fence: v.fence}, facts.Observe(false, v.host.IsNode)...)
}

// noticed keeps what a poll was told. rev is of the plan that the host had carried
// out when it was asked.
func (v *visit) noticed(rep tasks.Report, err error, rev uint64) {
	s := &v.seen
	s.Tried = v.c.Now()
	out := HostReport{Host: v.host.Name}
	out.judge(rep)
	switch {
	case err != nil:
		s.Problem = err.Error()
	case rep.Fenced != nil:
		s.Obeys, s.Problem = rep.Fenced.Cloud+" "+rep.Fenced.Token, out.Words
	case !rep.Done:
		s.Problem = out.Words
	default:
		s.Problem, s.Obeys, s.At = "", "", s.Tried
		v.sections(rep, rev)
	}
}

// visited says whether a program is on its way to the host.
func (c *Controller) visited(host string) bool { return len(c.slot(host)) > 0 }

// keep records what a poll saw, unless somebody visits the host or has since.
func (c *Controller) keep(was, is cloud.Seen) (bool, error) {
	slot := c.slot(is.Host)
	select {
	case slot <- struct{}{}:
		defer func() { <-slot }()
	default:
		return false, nil
	}
	if now, _ := c.Store.View().Seen(is.Host); !reflect.DeepEqual(now, was) {
		return false, nil
	}
	return true, c.Store.Observe(is)
}
