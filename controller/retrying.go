package controller

import (
	"context"
	"errors"
	"io"

	"eucactl/cloud"
	"eucactl/preflight"
	"eucactl/state"
)

// retrying is a door through a socket whose owner may go away in the middle: it
// then comes in anew and asks again. Requests that change something carry a client
// token, so being asked twice they are done once.
type retrying struct {
	Entry
	Door
}

func (r *retrying) again(ctx context.Context, ask func(Door) error) error {
	err := ask(r.Door)
	for errors.Is(err, errGone) && ctx.Err() == nil {
		if cerr := r.Door.Close(); cerr != nil {
			return cerr
		}
		door, oerr := r.Entry.Open(ctx)
		if oerr != nil {
			return oerr
		}
		if inner, ok := door.(*retrying); ok {
			door = inner.Door
		}
		r.Door = door
		err = ask(r.Door)
	}
	return err
}

func (r *retrying) Do(ctx context.Context, call Call) (a Answer, err error) {
	err = r.again(ctx, func(d Door) (err error) { a, err = d.Do(ctx, call); return err })
	return a, err
}

func (r *retrying) Reconcile(ctx context.Context, req Reconcile, progress func(HostReport)) (out Reconciled, err error) {
	err = r.again(ctx, func(d Door) (err error) { out, err = d.Reconcile(ctx, req, progress); return err })
	return out, err
}

func (r *retrying) Console(ctx context.Context, caller Caller, req cloud.GetConsoleOutput) (out cloud.ConsoleOutput, err error) {
	err = r.again(ctx, func(d Door) (err error) { out, err = d.Console(ctx, caller, req); return err })
	return out, err
}

func (r *retrying) Why(ctx context.Context, caller Caller, req cloud.Why) (out cloud.Diagnosis, err error) {
	err = r.again(ctx, func(d Door) (err error) { out, err = d.Why(ctx, caller, req); return err })
	return out, err
}

func (r *retrying) Preflight(ctx context.Context, req Preflight) (out preflight.Result, err error) {
	err = r.again(ctx, func(d Door) (err error) { out, err = d.Preflight(ctx, req); return err })
	return out, err
}

func (r *retrying) Plan(ctx context.Context, host string) (p map[string]any, err error) {
	err = r.again(ctx, func(d Door) (err error) { p, err = d.Plan(ctx, host); return err })
	return p, err
}

func (r *retrying) Bundle(ctx context.Context, req Bundle, w io.Writer) (Bundled, error) {
	return r.Door.Bundle(ctx, req, w)
}

func (r *retrying) Export(ctx context.Context, w io.Writer) error { return r.Door.Export(ctx, w) }

func (r *retrying) Log(ctx context.Context, from, to uint64) (list []state.Entry, err error) {
	err = r.again(ctx, func(d Door) (err error) { list, err = d.Log(ctx, from, to); return err })
	return list, err
}
