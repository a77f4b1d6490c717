package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"eucactl/cloud"
	"eucactl/plan"
	"eucactl/playbooks"
	"eucactl/preflight"
	"eucactl/state"
)

// Door is how a request reaches the records' owner: it is this process (Controller)
// or another one, through its socket (Client).
type Door interface {
	// Do carries out a verb.
	Do(context.Context, Call) (Answer, error)
	// Reconcile brings hosts to what the records say. progress may be nil.
	Reconcile(context.Context, Reconcile, func(HostReport)) (Reconciled, error)
	// Console reads the end of an instance's console from its node.
	Console(context.Context, Caller, cloud.GetConsoleOutput) (cloud.ConsoleOutput, error)
	// Why finds out what keeps an instance from being reached, on live hosts.
	Why(context.Context, Caller, cloud.Why) (cloud.Diagnosis, error)
	// Preflight looks at hosts, or tries what passes between them.
	Preflight(context.Context, Preflight) (preflight.Result, error)
	// Bundle gathers what somebody who helps needs to see, as a tar.gz.
	Bundle(context.Context, Bundle, io.Writer) (Bundled, error)
	// Plan is what a host should be by the records, as playbooks see it.
	Plan(context.Context, string) (map[string]any, error)
	// Export writes all records but secrets, one JSON object a line.
	Export(context.Context, io.Writer) error
	// Log lists the journal's entries with from <= rev <= to; to 0 is no bound.
	Log(ctx context.Context, from, to uint64) ([]state.Entry, error)
	Close() error
}

// Plan implements Door.
func (c *Controller) Plan(_ context.Context, host string) (map[string]any, error) {
	h, ok := c.Inventory.Host(host)
	if !ok {
		_, err := c.Inventory.Select(host) // for its suggestion
		if err == nil {
			err = fmt.Errorf("%q is a pattern: name one host", host)
		}
		return nil, err
	}
	return playbooks.Map(plan.Compile(c.Store.View(), c.Inventory, h)), nil
}

// Export implements Door.
func (c *Controller) Export(_ context.Context, w io.Writer) error { return c.Store.Export(w) }

// Log implements Door.
func (c *Controller) Log(_ context.Context, from, to uint64) (list []state.Entry, err error) {
	list = []state.Entry{}
	err = c.Store.Journal(from, to, func(e state.Entry) error { list = append(list, e); return nil })
	return list, err
}

// Close implements Door: the socket first, so that nobody is cut off, then the
// store.
func (c *Controller) Close() error {
	var err error
	if c.stop != nil {
		err = c.stop()
	}
	return errors.Join(err, c.Store.Close())
}

// Ask carries out a verb through a door and decodes its answer.
func Ask[Resp any](ctx context.Context, d Door, verb string, caller Caller, check bool, req any) (resp Resp, a Answer, err error) {
	body, err := json.Marshal(req)
	if err != nil {
		return resp, a, err
	}
	a, err = d.Do(ctx, Call{Verb: verb, Caller: caller, Check: check, Body: body})
	if err != nil {
		return resp, a, err
	}
	return resp, a, json.Unmarshal(a.Body, &resp)
}
