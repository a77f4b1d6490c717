package controller

import (
	"context"
	"fmt"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/plan"
)

// Console implements Door: a read-only program on the instance's node.
func (c *Controller) Console(ctx context.Context, caller Caller, req cloud.GetConsoleOutput) (out cloud.ConsoleOutput, err error) {
	t := &turn{Tx: c.Store.View(), c: c, user: caller.User, now: c.Now()}
	if err := t.known(); err != nil {
		return out, err
	}
	in, err := t.instance(req.ID)
	if err != nil {
		return out, err
	}
	h, ok := c.Inventory.Host(in.Host)
	if !ok || !in.Released.IsZero() {
		return out, cloud.Errorf("IncorrectInstanceState", "the instance '%s' is terminated: its console is gone", in.ID)
	}
	rep, err := c.ask(ctx, t.Tx, h, facts.Section{Name: "console", Script: facts.Console(plan.InstanceDir(in))})
	if err != nil {
		return out, err
	}
	a, answered := rep.Sections["console"]
	if !answered {
		return out, cloud.Errorf("Unavailable", "%s did not answer for the console of %s: %s", in.Host, in.ID, lastLine(rep.Stopped+rep.Words))
	}
	if a.RC != 0 {
		return out, cloud.Errorf("Unavailable", "%s has no console of %s yet: %s", in.Host, in.ID, lastLine(a.Words))
	}
	text, err := facts.ReadConsole(a.Text)
	if err != nil {
		return out, fmt.Errorf("console of %s: %w", in.ID, err)
	}
	return cloud.ConsoleOutput{ID: in.ID, At: c.Now(), Text: text}, nil
}
