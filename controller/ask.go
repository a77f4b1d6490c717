package controller

import (
	"context"

	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/state"
	"eucactl/tasks"
)

// ask puts questions to a host, in one program that changes nothing and needs no
// lock: like a stage two, it takes none. Each question's answer is a section of the
// report; one whose status is not 0 says nothing about the host.
func (c *Controller) ask(ctx context.Context, tx *state.Tx, h *inventory.Host, questions ...facts.Section) (tasks.Report, error) {
	v := &visit{c: c, host: h, tx: tx, check: true}
	v.program = &tasks.Program{Kinds: c.Site.Kinds}
	for _, q := range questions {
		v.program.Sections = append(v.program.Sections, tasks.Section(q))
	}
	v.mark = "@" + c.NewID("") + c.NewID("")
	cl, _ := tx.Cloud()
	text, err := v.program.Text(tasks.Env{Mark: v.mark, Check: true, Cloud: cl.ID, Login: h.User, Stage: 2})
	if err != nil {
		return tasks.Report{}, err
	}
	return v.send(ctx, text)
}
