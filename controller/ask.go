package controller

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/state"
	"eucactl/tasks"
)

// ask puts questions to a host, in one program that changes nothing and needs no
// lock: like a stage two, it takes none. Each question's answer is a section of the
// report; one whose status is not 0 says nothing about the host.
func (c *Controller) ask(ctx context.Context, tx *state.Tx, h *inventory.Host, questions ...facts.Section) (tasks.Report, error) {
	t, err := c.converse(ctx, tx, h)
	if err != nil {
		return tasks.Report{}, err
	}
	defer t.Close()
	return t.say(ctx, tasks.Env{}, questions...)
}

// whole is ask for who has no use for half an answer.
func (c *Controller) whole(ctx context.Context, tx *state.Tx, h *inventory.Host, questions ...facts.Section) (tasks.Report, error) {
	t, err := c.converse(ctx, tx, h)
	if err != nil {
		return tasks.Report{}, err
	}
	defer t.Close()
	return t.whole(ctx, tasks.Env{}, questions...)
}

// conversation is one connection to a host and its one exec channel, on which
// programs follow each other as stages. They take no lock.
type conversation struct {
	v     *visit
	conn  remote.Conn
	s     remote.Session
	reply *bufio.Reader
}

// deadError: the host was declared dead, and is not contacted.
type deadError struct{ d cloud.DeadHost }

func (e *deadError) Error() string { return "declared dead by " + e.d.Who + ": " + e.d.Why }

// converse begins a conversation.
func (c *Controller) converse(ctx context.Context, tx *state.Tx, h *inventory.Host) (*conversation, error) {
	if d, dead := tx.DeadHost(h.Name); dead {
		return nil, &deadError{d}
	}
	conn, err := c.Dial(ctx, h)
	if err != nil {
		return nil, err
	}
	s, err := conn.Run(ctx)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	v := &visit{c: c, host: h, tx: tx, check: true}
	return &conversation{v: v, conn: conn, s: s, reply: bufio.NewReaderSize(s, 64<<10)}, nil
}

// say sends the next program: env says whether another one follows (More) and what
// the host does when the last one ended or the connection is cut (Finally).
func (t *conversation) say(ctx context.Context, env tasks.Env, questions ...facts.Section) (tasks.Report, error) {
	v := t.v
	v.program = &tasks.Program{Kinds: v.c.Site.Kinds}
	for _, q := range questions {
		v.program.Sections = append(v.program.Sections, tasks.Section(q))
	}
	v.mark = "@" + v.c.NewID("") + v.c.NewID("")
	cl, _ := v.tx.Cloud()
	env.Mark, env.Check, env.Cloud, env.Login, env.Stage = v.mark, true, cl.ID, v.host.User, 2
	text, err := v.program.Text(env)
	if err != nil {
		return tasks.Report{}, err
	}
	rep, err := v.talk(ctx, t.conn, t.s, t.reply, text)
	return rep, v.ending(t.s, rep, err)
}

// whole is say for who has no use for half an answer.
func (t *conversation) whole(ctx context.Context, env tasks.Env, questions ...facts.Section) (tasks.Report, error) {
	rep, err := t.say(ctx, env, questions...)
	if err == nil && !rep.Done && !rep.Stage {
		err = fmt.Errorf("%s: the answer broke off: %s", t.v.host.Name, cmp.Or(lastLine(rep.Stopped), lastLine(rep.Words), "no words"))
	}
	return rep, err
}

// Close ends the conversation: the host's shell loses its input, and does what it
// was told to do in the end.
func (t *conversation) Close() {
	_ = t.s.Close()
	_ = t.conn.Close()
}
