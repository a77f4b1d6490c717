package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"eucactl/cloud"
	"eucactl/controller"
)

// change is how a verb that changes records is carried out: its common flags.
type change struct {
	a       *app
	check   bool
	diff    bool
	wait    bool
	noWait  bool
	timeout time.Duration
	token   string

	mu   sync.Mutex
	told map[string]string // what was told last of each host
}

// flags adds the flags that every mutating verb has.
func (a *app) changeFlags(cmd *cobra.Command) *change {
	c := &change{a: a}
	f := cmd.Flags()
	f.BoolVarP(&c.check, "check", "C", false, "change nothing; show what would change, on hosts too")
	f.BoolVarP(&c.diff, "diff", "D", false, "with --check: show differences of files")
	f.BoolVar(&c.wait, "wait", false, "return when it is done, not when it is recorded")
	f.BoolVar(&c.noWait, "no-wait", false, "only record it; leave the hosts to the next reconcile")
	f.DurationVar(&c.timeout, "timeout", 5*time.Minute, "with --wait: how long")
	f.StringVar(&c.token, "client-token", "", "a request repeated with its token is done once")
	return c
}

// outcome describes a verb that changes something: how to print its answer, and
// with --wait when it is done.
type outcome[Resp any] struct {
	rows func(*printer, Resp)
	// value is what -o json and yaml print; nil: the answer itself.
	value func(Resp) any
	// settled looks whether it is done; nil means that it is once the touched hosts
	// were reconciled. It returns what is to be printed then.
	settled func(context.Context, controller.Door, Resp) (Resp, bool, error)
}

// do records the change and brings the touched hosts to it.
func do[Resp any](c *change, cmd *cobra.Command, verb string, req any, o outcome[Resp]) error {
	if c.wait && c.noWait {
		return fmt.Errorf("--wait and --no-wait exclude each other")
	}
	if c.diff && !c.check {
		return fmt.Errorf("--diff goes with --check")
	}
	ctx := cmd.Context()
	if c.token == "" {
		c.token = newID("auto-") + newID("")
	}
	return c.a.with(ctx, func(d controller.Door) error {
		caller := controller.Caller{User: c.a.user, Token: c.token}
		resp, answer, err := controller.Ask[Resp](ctx, d, verb, caller, c.check, req)
		if err != nil {
			return err
		}
		if c.check {
			return showCheck(c, ctx, d, resp, answer, o)
		}
		printed := func(r Resp) error {
			var value any = r
			if o.value != nil {
				value = o.value(r)
			}
			return c.a.print(value, func(p *printer) { o.rows(p, r) })
		}
		if !c.wait {
			if err := printed(resp); err != nil || c.noWait || len(answer.Touched) == 0 {
				return err
			}
			_, err := c.reconcile(ctx, d, answer.Touched)
			c.a.warn(err)
			return nil
		}
		resp, err = waitFor(c, ctx, d, answer.Touched, resp, o)
		return errors.Join(printed(resp), err) // what is recorded is shown, done or not
	})
}

// showCheck prints the answer that would be given and what the hosts would be told.
func showCheck[Resp any](c *change, ctx context.Context, d controller.Door, resp Resp, answer controller.Answer, o outcome[Resp]) error {
	if err := c.a.print(resp, func(p *printer) { o.rows(p, resp) }); err != nil {
		return err
	}
	if len(answer.Touched) == 0 {
		fmt.Fprintln(c.a.err, "check: no host would be touched")
		return nil
	}
	fmt.Fprintf(c.a.err, "check: nothing was recorded; hosts that would be touched: %s\n", strings.Join(answer.Touched, ", "))
	r, err := d.Reconcile(ctx, controller.Reconcile{
		Hosts: answer.Touched, Check: true, Diff: c.diff, Plans: answer.Plans,
	}, c.progress)
	if code := r.ExitCode(); code != exitDrift { // that something would change is what was asked
		c.a.code = code
	}
	return err
}

// reconcile brings the hosts to the records, telling of each on stderr.
func (c *change) reconcile(ctx context.Context, d controller.Door, hosts []string) (controller.Reconciled, error) {
	if len(hosts) == 0 {
		return controller.Reconciled{}, nil
	}
	return d.Reconcile(ctx, controller.Reconcile{Hosts: hosts, Follow: true}, c.progress)
}

// waitFor reconciles until the change is done.
func waitFor[Resp any](c *change, ctx context.Context, d controller.Door, hosts []string, resp Resp, o outcome[Resp]) (Resp, error) {
	deadline := time.Now().Add(c.timeout)
	for {
		r, err := c.reconcile(ctx, d, hosts)
		if err != nil {
			return resp, err
		}
		done := r.ExitCode() == 0
		if o.settled != nil {
			if resp, done, err = o.settled(ctx, d, resp); err != nil {
				return resp, err
			}
		}
		if done {
			return resp, nil
		}
		if time.Now().After(deadline) {
			return resp, fmt.Errorf("it is recorded, but was not done within %s: see eucactl describe-instances and eucactl hosts list", c.timeout)
		}
		select {
		case <-ctx.Done():
			return resp, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (a *app) warn(err error) {
	if err != nil {
		fmt.Fprintf(a.err, "eucactl: recorded, but the hosts are not brought to it yet: %v\n", err)
	}
}

// progress tells of a host on stderr, once for each thing there is to tell.
func (c *change) progress(r controller.HostReport) {
	var b strings.Builder
	hostLine(&b, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told[r.Host] == b.String() {
		return
	}
	if c.told == nil {
		c.told = map[string]string{}
	}
	c.told[r.Host] = b.String()
	fmt.Fprint(c.a.err, b.String())
}

// empty prints a row for verbs whose answer is empty.
func empty(fields ...string) outcome[cloud.Empty] {
	return outcome[cloud.Empty]{rows: func(p *printer, _ cloud.Empty) { p.row(fields[len(fields)-1], fields...) }}
}
