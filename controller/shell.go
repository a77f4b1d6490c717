package controller

import (
	"bufio"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"eucactl/playbooks"
	"eucactl/remote"
	"eucactl/tasks"
)

// hostShell is a host's one connection and its one exec channel: a shell on which
// programs follow each other as stages, all under one lock of the host. Tasks of
// another user run in a shell that it starts, on the same input (become.go).
type hostShell struct {
	w    *World
	host string
	mu   sync.Mutex // of whoever uses the channel

	conn  remote.Conn
	s     remote.Session
	reply *bufio.Reader

	login string // who logged in
	base  string // who the shell runs as
	child string // who the shell in it runs as; empty if there is none
	begun bool   // the innermost shell has run a stage, and holds a lock
	outer bool   // what begun was when the child was begun
}

// stage runs one program as its login says.
func (h *hostShell) stage(ctx context.Context, s playbooks.Stage) (tasks.Report, error) {
	if err := h.open(ctx, s.Login); err != nil {
		return tasks.Report{}, err
	}
	if err := h.become(runsAs(h.login, s.Login), s.Login); err != nil {
		return tasks.Report{}, err
	}
	mark := "@" + h.w.NewID("") + h.w.NewID("")
	env := tasks.Env{
		Mark: mark, Check: s.Check, Diff: s.Diff, Login: h.login, Home: true, Stage: 1, More: true,
		LockWait: int(h.w.LockWait / time.Second),
	}
	if h.begun {
		env.Stage = 2
	}
	text, err := s.Program.Text(env)
	if err != nil {
		return tasks.Report{}, err
	}
	hooks := tasks.Hooks{OnBegin: s.OnBegin, OnResult: s.OnResult, OnNeed: func(sum string) { h.bring(ctx, s.Program, sum) }}
	rep, err := exchange(h.s, h.reply, text, s.Program, mark, hooks, s.Secrets)
	h.begun = h.begun || rep.Hello
	if err == nil && !rep.Hello {
		err = h.unspoken(s.Login)
	}
	return rep, err
}

// unspoken finds out why a program never spoke: the shell's own words know.
func (h *hostShell) unspoken(l playbooks.Login) error {
	if err := h.s.Wait(); err != nil {
		return err
	}
	return &remote.LostError{Host: h.host, Address: l.Address, Err: fmt.Errorf("the program said nothing: %s", lastLine(h.s.Stderr()))}
}

// runsAs is who a login's tasks run as.
func runsAs(login string, l playbooks.Login) string {
	if l.Become {
		return cmp.Or(l.BecomeUser, "root")
	}
	return login
}

// open makes the connection, if there is none yet. A host whose first tasks are
// root's gets root's shell at once.
func (h *hostShell) open(ctx context.Context, l playbooks.Login) (err error) {
	if h.s != nil {
		return nil
	}
	t := h.target(l)
	if h.conn, err = h.w.Dial(ctx, t); err != nil {
		return err
	}
	if h.s, err = h.conn.Run(ctx); err != nil {
		return err
	}
	h.reply = bufio.NewReaderSize(h.s, 64<<10)
	h.login, h.child, h.begun = h.conn.Login(), "", false
	h.base = h.login
	if t.Become {
		h.base = t.BecomeUser
	}
	return nil
}

// target is the host as a play's words have it, over those of the inventory.
func (h *hostShell) target(l playbooks.Login) remote.Target {
	t := h.w.Target(h.host)
	t.Name = h.host
	t.Address = cmp.Or(l.Address, t.Address)
	t.Port = cmp.Or(l.Port, t.Port)
	t.User = cmp.Or(l.User, t.User)
	t.ConnectTimeout = cmp.Or(time.Duration(l.Timeout)*time.Second, t.ConnectTimeout)
	if l.KeyFile != "" {
		t.KeyFiles = []string{l.KeyFile}
	}
	if l.Connection != "" {
		t.Local = l.Connection == "local"
	}
	// A password is asked for in the shell, only sudo starts one at once, and only from
	// root's one can get to all others.
	t.BecomeUser = cmp.Or(l.BecomeUser, "root")
	t.Become = l.Become && l.Password == "" && cmp.Or(l.Method, sudo) == sudo && t.BecomeUser == "root"
	return t
}

// bring puts content that the program asked for where it can reach it.
func (h *hostShell) bring(ctx context.Context, p *tasks.Program, sum string) {
	content, ok := p.Content(sum)
	switch {
	case !ok:
		h.say(lack(sum, fmt.Errorf("nothing known has this sum")))
	case cmp.Or(h.child, h.base) != "root":
		h.say("send " + sum + "\n" + inLines(content) + ".")
	default:
		f := remote.File{Path: incoming(h.login) + "/" + sum, Content: strings.NewReader(content), Size: int64(len(content))}
		if err := h.conn.Put(ctx, f); err != nil {
			h.say(lack(sum, err))
			return
		}
		h.say("have " + sum)
	}
}

// say writes a line; that the host is lost is noticed by the reader.
func (h *hostShell) say(line string) { _, _ = io.WriteString(h.s, line+"\n") }

// lineLength of base64: a shell reads a line at a time, and a byte at a time.
const lineLength = 4096

func inLines(content string) string {
	var b strings.Builder
	text := base64.StdEncoding.EncodeToString([]byte(content))
	for len(text) > 0 {
		n := min(lineLength, len(text))
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	return b.String()
}

// leaveHost closes the channel when nobody uses it.
func (h *hostShell) leaveHost() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.close()
}

// close lets go of the host: its shells lose their input, and with them the lock.
func (h *hostShell) close() {
	if h.s != nil {
		_ = h.s.Close()
	}
	if h.conn != nil {
		_ = h.conn.Close()
	}
	h.conn, h.s, h.reply = nil, nil, nil
}
