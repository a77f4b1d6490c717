package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"eucactl/controller"
	"eucactl/inventory"
	"eucactl/output"
	"eucactl/playbooks"
	"eucactl/remote"
	"eucactl/tasks"
)

// plays is all that running playbooks takes: what they are read from, what the
// command line says, and the way to the hosts.
type plays struct {
	app     *app
	flags   *playFlags
	options playbooks.Options
	source  *playbooks.Source
	kinds   *tasks.Library
	hosts   *inventory.Inventory // of the running playbook
}

// stageset reads what the flags name.
func (a *app) stageset(f *playFlags) (*plays, error) {
	if err := f.contradicts(); err != nil {
		return nil, err
	}
	s := &plays{app: a, flags: f}
	decrypt, err := f.vault.decrypt(a)
	if err != nil {
		return nil, err
	}
	s.source = &playbooks.Source{
		Files: os.DirFS("/"), Rooted: true, Home: a.getenv("HOME"), Roles: absolute(f.roles), Decrypt: decrypt, Reach: a.reach(f),
	}
	extra, ignored, err := s.source.Extras(absoluteFiles(f.extra))
	if err != nil {
		return nil, fmt.Errorf("--extra-vars: %w", err)
	}
	for _, word := range ignored {
		fmt.Fprintf(a.err, "[WARNING]: --extra-vars: %q is ignored: it is not of the form name=value (nor a mapping, nor @FILE)\n", word)
	}
	s.source.Extra = extra
	s.options = playbooks.Options{
		Extra: extra, Tags: f.tags, SkipTags: f.skipTags, Limit: f.limit, Check: f.check, Diff: f.diff,
		Become: f.become, BecomeUser: f.becomeUser, BecomeMethod: f.becomeMethod, User: f.user, Connection: f.connection,
		StartAtTask: f.startAt, Step: f.step, ForceHandlers: f.forceHandlers, Forks: f.forks, Verbosity: f.verbosity, Roles: absolute(f.roles),
	}
	if s.options.BecomePassword, err = f.becomePassword(a); err != nil {
		return nil, err
	}
	return s, nil
}

// absoluteFiles are the texts of -e with the files among them named from the root.
func absoluteFiles(texts []string) []string {
	out := slices.Clone(texts)
	for i, text := range out {
		if name, isFile := strings.CutPrefix(text, "@"); isFile && !strings.HasPrefix(name, "~") {
			out[i] = "@" + absolute([]string{name})[0]
		}
	}
	return out
}

func absolute(paths []string) (out []string) {
	for _, p := range paths {
		if abs, err := filepath.Abs(p); err == nil {
			p = abs
		}
		out = append(out, p)
	}
	return out
}

// load reads a playbook, with the kinds beside it.
func (s *plays) load(file string) (*playbooks.Playbook, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	if s.kinds, err = s.library(filepath.Dir(abs)); err != nil {
		return nil, err
	}
	pb, err := s.source.Load(abs)
	if err != nil {
		return nil, err
	}
	return pb, pb.Check(s.kinds)
}

// library is the built-in kinds, and those of the user.
func (s *plays) library(dir string) (*tasks.Library, error) {
	kinds, err := tasks.Builtin()
	if err != nil {
		return nil, err
	}
	folders := slices.Clone(s.flags.library)
	if beside := filepath.Join(dir, "library"); isFolder(beside) {
		folders = append(folders, beside)
	}
	for _, folder := range folders {
		if !isFolder(folder) {
			return nil, fmt.Errorf("--module-path %s: no such folder", folder)
		}
		if kinds, err = kinds.Overlay(os.DirFS(folder), folder); err != nil {
			return nil, err
		}
	}
	return kinds, nil
}

func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// inventory reads the hosts, with the variables beside the playbook.
func (s *plays) inventory(playbookDir string) (*inventory.Inventory, error) {
	inv, err := s.app.loadUsers(playbookDir, &s.flags.vault)
	if err != nil {
		return nil, err
	}
	s.hosts = inv
	return inv, nil
}

// world is the way to the hosts.
func (s *plays) world() *controller.World {
	dialer := s.app.dialer()
	dialer.ConnectTimeout = time.Duration(s.flags.timeout) * time.Second
	dialer.Inactivity = time.Duration(s.flags.taskTimeout) * time.Second
	if s.flags.user != "" {
		dialer.User = s.flags.user
	}
	if s.flags.privateKey != "" {
		dialer.KeyFiles = []string{s.flags.privateKey}
	}
	return &controller.World{
		Dial: dialer.Dial, Target: s.target, Prompt: s.app.prompt, Clock: time.Now, NewID: newID,
		LockWait: 30 * time.Second, Forks: s.flags.forks,
	}
}

// target is a host as the inventory has it; one that a playbook added is only a name.
func (s *plays) target(host string) remote.Target {
	t := remote.Target{Name: host}
	if h, ok := s.hosts.Host(host); ok {
		t = target(h)
	}
	return t
}

// events is who is told of a run. finish writes what is written at its end.
func (a *app) events(s *plays, name string, more ...playbooks.Events) (events playbooks.Events, finish func() error) {
	look := a.look(s.flags)
	var shown playbooks.Events = output.InOrder(output.NewAnsible(a.out, look))
	switch {
	case a.format == "json":
		shown = output.NewJSON(a.out)
	case s.flags.oneLine:
		shown = output.NewOneLine(a.out)
	}
	return a.watched(s, name, shown, more...)
}

// watched adds to what is shown what is written besides.
func (a *app) watched(s *plays, name string, shown playbooks.Events, more ...playbooks.Events) (playbooks.Events, func() error) {
	if width, ok := terminal(a.err); ok && a.format == "" {
		if _, alsoOut := terminal(a.out); alsoOut {
			shown = output.NewLive(a.err, width, shown)
		}
	}
	all := append(output.Several{shown}, more...)
	if s.flags.profile {
		all = append(all, output.NewProfile(a.out))
	}
	finish := func() error { return nil }
	if s.flags.junit != "" {
		j := output.NewJUnit(name)
		all = append(all, j)
		finish = func() error { return writeJUnit(s.flags.junit, j) }
	}
	return all, finish
}

func writeJUnit(path string, j *output.JUnit) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("JUnit file: %w", err)
	}
	err = j.Write(f)
	return cmp.Or(err, f.Close())
}

// look is how lines are to look: colours only for people, and not where NO_COLOR
// says that they do not want any.
func (a *app) look(f *playFlags) output.Look {
	width, isTerminal := terminal(a.out)
	return output.Look{Width: width - 1, Color: isTerminal && a.getenv("NO_COLOR") == "", Verbosity: f.verbosity, Diff: f.diff}
}

// terminal says how wide a stream is, if it is a terminal.
func terminal(w any) (width int, ok bool) {
	if out, isWritten := w.(*written); isWritten {
		w = out.Writer
	}
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 80, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil && width > 20
}

// prompt asks whoever sits there.
func (a *app) prompt(ctx context.Context, q playbooks.Question) (string, error) {
	if q.Seconds > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, time.Duration(q.Seconds)*time.Second)
		defer cancel()
	}
	for {
		fmt.Fprint(a.err, q.Text)
		first, err := a.readLine(ctx, q.Private)
		if errors.Is(err, io.EOF) {
			fmt.Fprintln(a.err)
			return "", fmt.Errorf("%w: %w", playbooks.ErrNobody, err)
		}
		if err != nil || !q.Confirm {
			return first, err
		}
		fmt.Fprintf(a.err, "confirm %s", q.Text)
		second, err := a.readLine(ctx, q.Private)
		if err != nil || first == second {
			return first, err
		}
		fmt.Fprintln(a.err, "***** VALUES ENTERED DO NOT MATCH ****")
	}
}

// readLine reads a line that nobody sees, if it is private. When time is over it is
// empty; whoever reads meanwhile ends with the process.
func (a *app) readLine(ctx context.Context, private bool) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		if f, ok := a.in.(*os.File); ok && private && term.IsTerminal(int(f.Fd())) {
			line, err := term.ReadPassword(int(f.Fd()))
			fmt.Fprintln(a.err)
			got <- answer{string(line), err}
			return
		}
		line, err := lineOf(a.in)
		got <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", nil
	case g := <-got:
		return g.text, g.err
	}
}

// lineOf reads up to a newline and not a byte more: what follows is for the next question.
func lineOf(r io.Reader) (string, error) {
	var line strings.Builder
	var b [1]byte
	for {
		n, err := r.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return strings.TrimSuffix(line.String(), "\r"), nil
		case n == 1:
			line.WriteByte(b[0])
		}
		if err == io.EOF && line.Len() > 0 {
			return line.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("an answer was expected: %w", err)
		}
	}
}
