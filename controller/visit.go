package controller

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/remote"
	"eucactl/state"
	"eucactl/tasks"
)

// visit is one program on one host: one connection, one exec channel.
type visit struct {
	c     *Controller
	host  *inventory.Host
	plan  plan.Host
	tx    *state.Tx // the moment that the plan was compiled from
	fence *tasks.Fence
	check bool
	diff  bool

	seen    cloud.Seen // before the visit; after it, what is to be kept
	program *tasks.Program
	mark    string
	sent    bool // some of the program may have reached the host
	passed  bool // the host accepted our token
}

// report visits the host and leaves in v.seen what it showed.
func (v *visit) report(ctx context.Context) HostReport {
	out := HostReport{Host: v.host.Name}
	v.seen.Host = v.host.Name
	if d, dead := v.tx.DeadHost(v.host.Name); dead {
		out.Outcome, out.Words = HostDead, fmt.Sprintf("declared dead by %s: %s", d.Who, d.Why)
		return out
	}
	v.seen.Tried = v.c.Now()
	rep, err := v.run(ctx)
	if err != nil && !rep.Hello {
		v.unanswered(&out, err)
		return out
	}
	out.count(v.program, rep.Results)
	out.judge(rep)
	if err != nil {
		out.broken(err)
	}
	v.observe(rep, out)
	if rep.Done {
		out.Warnings = v.seen.Warnings
	}
	return out
}

// unanswered: only what the host's silence shows is kept; a program that could not
// be written, or an impatient operator, says nothing about the host.
func (v *visit) unanswered(out *HostReport, err error) {
	if !v.sent {
		v.seen.Unsent = v.fence.Token
	}
	if !remote.Unreachable(err) {
		out.Outcome, out.Words = HostFailed, err.Error()
		return
	}
	v.seen.Problem = err.Error()
	out.unreached(err)
}

// run sends the program and reads its reply; a second stage follows on the same
// channel if the host's facts have moved.
func (v *visit) run(ctx context.Context) (rep tasks.Report, err error) {
	text, err := v.text(v.seen.Facts, 1)
	if err != nil {
		return rep, err
	}
	return v.send(ctx, text)
}

// send opens the connection and its one exec channel, and talks until the program
// has nothing more to say.
func (v *visit) send(ctx context.Context, text string) (rep tasks.Report, err error) {
	conn, err := v.c.Dial(ctx, v.host)
	if err != nil {
		return rep, err
	}
	defer conn.Close()
	s, err := conn.Run(ctx)
	if err != nil {
		return rep, err
	}
	defer s.Close()
	reply := bufio.NewReaderSize(s, 64<<10)
	defer func() { v.passed = v.passed || beyondFence(rep) }()
	if rep, err = v.talk(ctx, conn, s, reply, text); err != nil || !rep.Stage {
		return rep, v.ending(s, rep, err)
	}
	read, err := facts.ReadHost(rep.Sections["host"].Text)
	if err != nil {
		return rep, fmt.Errorf("facts of %s: %w", v.host.Name, err)
	}
	v.passed = true
	v.seen.Facts, v.seen.FactSum = read, tasks.Sum(rep.Sections["host"].Text)
	if text, err = v.text(v.seen.Facts, 2); err != nil {
		return rep, err
	}
	rep, err = v.talk(ctx, conn, s, reply, text)
	rep.Hello = true
	return rep, v.ending(s, rep, err)
}

// beyondFence says whether the reply shows that the fence was passed: a host that
// only said hello may still hold the token it held before.
func beyondFence(rep tasks.Report) bool {
	return rep.Done || rep.Stage || len(rep.Results)+len(rep.Sections) > 0
}

// text renders the program for the given facts. Of a host that nothing is known of
// only its facts are asked; the rest follows as stage two.
func (v *visit) text(known cloud.HostFacts, stage int) (string, error) {
	var err error
	if len(known) == 0 {
		v.program = &tasks.Program{Kinds: v.c.Site.Kinds}
	} else if v.program, err = v.c.Site.program(v.c.Inventory, v.host, v.plan, known); err != nil {
		return "", err
	}
	v.mark = "@" + v.c.NewID("") + v.c.NewID("")
	return v.program.Text(tasks.Env{
		Mark: v.mark, Check: v.check, Diff: v.diff, Cloud: v.plan.Cloud, Login: v.host.User, Fence: v.fence,
		Facts: v.seen.FactSum, FactsScript: facts.HostScript, Stage: stage, LockWait: int(v.c.LockWait.Seconds()),
	})
}

// talk sends a program and reads its reply, putting files in place as it asks.
func (v *visit) talk(ctx context.Context, conn remote.Conn, s remote.Session, reply *bufio.Reader, text string) (tasks.Report, error) {
	v.sent = true
	hooks := tasks.Hooks{OnLine: v.c.OnLine, OnNeed: func(sum string) {
		answer := "have " + sum
		if err := v.put(ctx, conn, sum); err != nil {
			answer = lack(sum, err)
		}
		_, _ = io.WriteString(s, answer+"\n") // a lost host is noticed by the reader
	}}
	return exchange(s, reply, text, v.program, v.mark, hooks, v.secrets())
}

// lack is the answer to a wish that cannot be fulfilled.
func lack(sum string, err error) string {
	return "lack " + sum + " " + strings.ReplaceAll(err.Error(), "\n", " ")
}

// exchange sends a program and reads its reply.
func exchange(s remote.Session, reply *bufio.Reader, text string, p *tasks.Program, mark string, hooks tasks.Hooks, secrets []string) (tasks.Report, error) {
	sent := make(chan error, 1)
	go func() { _, err := io.WriteString(s, text); sent <- err }()
	rep, err := tasks.Read(reply, p, mark, hooks, secrets)
	if err == nil && !rep.Hello {
		err = <-sent
	}
	return rep, err
}

// secrets are what no word of this host's reply may show: its guests' user data.
func (v *visit) secrets() (list []string) {
	if v.plan.Node == nil {
		return nil
	}
	for _, m := range v.plan.Node.Machines {
		in, _ := v.tx.Instance(cloud.InstanceID(m.ID))
		if data, err := userData(v.tx, in); err == nil && data != "" {
			list = append(list, data.Reveal())
		}
	}
	return list
}

// ending finds out why a program never spoke: the shell's own words know.
func (v *visit) ending(s remote.Session, rep tasks.Report, err error) error {
	if rep.Hello || err != nil {
		return err
	}
	if err := s.Wait(); err != nil {
		return err
	}
	return fmt.Errorf("%s: the program said nothing: %s", v.host.Name, lastLine(s.Stderr()))
}

// put brings content that the program asked for.
func (v *visit) put(ctx context.Context, conn remote.Conn, sum string) error {
	content, size, closer, err := v.content(sum)
	if err != nil {
		return err
	}
	if closer != nil {
		defer closer.Close()
	}
	return conn.Put(ctx, remote.File{Path: incoming(v.host.User) + "/" + sum, Content: content, Size: size})
}

func incoming(login string) string {
	if login == "" {
		login = "root"
	}
	return "/var/lib/eucactl/host/incoming/" + login
}

// content opens what a sum names: a part of the program, an image file, or a seed
// disk made again from the record.
func (v *visit) content(sum string) (io.ReaderAt, int64, io.Closer, error) {
	if text, ok := v.program.Content(sum); ok {
		return strings.NewReader(text), int64(len(text)), nil, nil
	}
	if v.plan.Node == nil {
		return nil, 0, nil, errors.New("nothing known has this sum")
	}
	for _, m := range v.plan.Node.Machines {
		if m.Seed.Sum == sum {
			text, err := v.c.seedDisk(v.tx, cloud.InstanceID(m.ID))
			return strings.NewReader(text), int64(len(text)), nil, err
		}
	}
	f, err := v.c.Images.Open(sum)
	if err != nil {
		return nil, 0, nil, err
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, nil, errors.Join(err, f.Close())
	}
	return f, st.Size(), f, nil
}
