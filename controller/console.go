package controller

import (
	"context"
	"fmt"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/plan"
	"eucactl/tasks"
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
	v := &visit{c: c, host: h, tx: t.Tx, check: true}
	cl, _ := t.Cloud()
	rep, err := v.ask(ctx, cl.ID, tasks.Section{Name: "console", Script: facts.Console(plan.InstanceDir(in))})
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

// ask runs a program of one section, which changes nothing and needs no lock: like
// a stage two, it takes none.
func (v *visit) ask(ctx context.Context, cloudID string, s tasks.Section) (tasks.Report, error) {
	v.program = &tasks.Program{Kinds: v.c.Site.Kinds, Sections: []tasks.Section{s}}
	v.mark = "@" + v.c.NewID("") + v.c.NewID("")
	text, err := v.program.Text(tasks.Env{Mark: v.mark, Check: true, Cloud: cloudID, Login: v.host.User, Stage: 2})
	if err != nil {
		return tasks.Report{}, err
	}
	return v.send(ctx, text)
}
