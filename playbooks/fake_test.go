package playbooks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"eucactl/inventory"
	"eucactl/tasks"
)

// Machines are hosts that are folders of this machine: each program is run by the
// real sh, with what is the host's under a folder of its own.
type Machines struct {
	t    testing.TB
	dir  string
	gone map[string]string // hosts that cannot be reached, and why
	bars string            // whom nobody can become

	mu      sync.Mutex
	stages  map[string]int // programs that were sent
	sent    []string       // "host: kind kind", in order
	logins  []Login        // of the programs
	answers []string       // to questions
	asked   []Question
	nobody  bool // who could answer
	slept   time.Duration
	locks   map[string]*sync.Mutex
}

func NewMachines(t testing.TB) *Machines {
	return &Machines{t: t, dir: t.TempDir(), gone: map[string]string{}, stages: map[string]int{}, locks: map[string]*sync.Mutex{}}
}

func (m *Machines) Together(ctx context.Context, hosts []string, f func(context.Context, string)) {
	var all sync.WaitGroup
	for _, h := range hosts {
		all.Go(func() { f(ctx, h) })
	}
	all.Wait()
}

func (m *Machines) Wait(ctx context.Context, _ string, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const fakeMark = "@0123456789abcdef"

func (m *Machines) Stage(ctx context.Context, host string, s Stage) (tasks.Report, error) {
	m.mu.Lock()
	if m.locks[host] == nil {
		m.locks[host] = &sync.Mutex{}
	}
	lock := m.locks[host]
	m.stages[host]++
	var kinds []string
	for _, t := range s.Program.Tasks {
		kinds = append(kinds, t.Kind)
	}
	m.logins = append(m.logins, s.Login)
	m.sent = append(m.sent, host+": "+strings.Join(kinds, " "))
	why := m.gone[host]
	m.mu.Unlock()
	lock.Lock()
	defer lock.Unlock()
	if why != "" {
		return tasks.Report{}, &Unreachable{Reason: why}
	}
	if s.Login.Become && s.Login.BecomeUser == m.bars {
		return tasks.Report{}, &Refused{Reason: "no such user"}
	}
	dir := filepath.Join(m.dir, host)
	env := tasks.Env{
		Mark: fakeMark, Check: s.Check, Diff: s.Diff, Login: "root",
		HostDir: dir + "/keep", RunDir: dir + "/run", Lock: dir + "/lock",
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return tasks.Report{}, err
	}
	text, err := s.Program.Text(env)
	if err != nil {
		return tasks.Report{}, err
	}
	return m.sh(ctx, text, s, env)
}

func (m *Machines) sh(ctx context.Context, text string, s Stage, env tasks.Env) (tasks.Report, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-s")
	in, w, err := os.Pipe()
	if err != nil {
		return tasks.Report{}, err
	}
	defer in.Close()
	defer w.Close()
	cmd.Stdin = in
	out, err := cmd.StdoutPipe()
	if err != nil {
		return tasks.Report{}, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return tasks.Report{}, err
	}
	go io.WriteString(w, text)
	hooks := tasks.Hooks{OnBegin: s.OnBegin, OnResult: s.OnResult, OnNeed: func(sum string) {
		content, ok := s.Program.Content(sum)
		if !ok {
			fmt.Fprintf(w, "lack %s\n", sum)
			return
		}
		if err := os.WriteFile(env.HostDir+"/incoming/root/"+sum, []byte(content), 0o600); err != nil {
			m.t.Error(err)
		}
		fmt.Fprintf(w, "have %s\n", sum)
	}}
	report, err := tasks.Read(bufio.NewReader(out), s.Program, fakeMark, hooks, s.Secrets)
	go io.Copy(io.Discard, out)
	_ = cmd.Wait()
	return report, err
}

func (m *Machines) Reset(context.Context, string) error { return nil }

func (m *Machines) Sleep(_ context.Context, _ string, d time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slept += d
	return nil
}

func (m *Machines) Ask(_ context.Context, q Question) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, q)
	if m.nobody {
		return "", ErrNobody
	}
	if len(m.answers) == 0 {
		return "", nil
	}
	a := m.answers[0]
	m.answers = m.answers[1:]
	return a, nil
}

func (m *Machines) WriteFile(path string, content []byte, check bool) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, err := os.ReadFile(path)
	changed := err != nil || string(was) != string(content)
	if check {
		return changed, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	return changed, os.WriteFile(path, content, 0o644)
}

func (m *Machines) Now() time.Time { return time.Now() }

type toldLine struct {
	at   Place
	host string
	text string
}

// told is a run as it was told: a line for each result, in order.
type told struct {
	lines  []toldLine
	stats  map[string]Stats
	custom Custom
	all    []Result
	at     Place // of the present play
}

func (o *told) PlayStart(p PlayInfo) {
	o.at = Place{Play: p.Index, Batch: p.Batch}
	o.lines = append(o.lines, toldLine{o.at, "", "PLAY " + p.Name})
}

func (o *told) TaskStart(t *TaskInfo)              {}
func (o *told) Begun(string, *TaskInfo)            {}
func (o *told) Warning(text string)                { o.lines = append(o.lines, toldLine{o.at, "", "WARNING " + text}) }
func (o *told) Stats(s map[string]Stats, c Custom) { o.stats, o.custom = s, c }
func (o *told) Result(r Result) {
	o.all = append(o.all, r)
	line := fmt.Sprintf("%s %s: %s", r.Host, r.Task.Name, r.Status)
	if r.HasItem {
		line += " (" + r.Item + ")"
	}
	if r.Ignored {
		line += " ignored"
	}
	if r.Status == StatusFailed || r.Status == StatusUnreachable || r.Task.Action == "debug" && r.Status == StatusOK {
		line += fmt.Sprintf(" %v", r.Fields["msg"])
	}
	o.lines = append(o.lines, toldLine{r.Task.Place, r.Host, line})
}

// testKinds are kinds for tests: their state is files below a folder.
var testKinds = fstest.MapFS{
	"say.sh": {Data: []byte(`# say text? rc=0 changes=true
apply_say() {
	result stdout "$1"
	result rc "$2"
	[ "$2" = 0 ] || exit "$2"
	[ "$3" = true ] || return 10
}
`)},
	"keep.sh": {Data: []byte(`# keep file content
check_keep() { [ -f "$1" ] && [ "$(cat "$1")" = "$(blob "$2")" ]; }
apply_keep() { mkdir -p "${1%/*}"; blob "$2" >"$1"; }
`)},
	"teach.sh": {Data: []byte(`# teach facts@ rc=0
check_teach() { return 10; }
apply_teach() {
	result ansible_facts_json "$1"
	[ "$2" = 0 ] || exit "$2"
	return 10
}
`)},
}

// playing is a playbook that is run on Machines.
type playing struct {
	*Machines
	told
	run Run
	err error
}

// play runs the playbook site.yml of files on hosts of an inventory.
func play(t testing.TB, files map[string]string, inv string, change func(*playing)) *playing {
	t.Helper()
	p := &playing{Machines: NewMachines(t)}
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, "DIR", p.dir)), Mode: 0o644}
	}
	src := &Source{Files: fsys}
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(inv), 0o644); err != nil {
		t.Fatal(err)
	}
	in, err := inventory.Open(inventory.Sources{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	lib, err := library(t).Overlay(testKinds, "test")
	if err != nil {
		t.Fatal(err)
	}
	p.run = Run{Inventory: in, Library: lib, Runner: p.Machines, Events: &p.told}
	if change != nil {
		change(p)
	}
	src.Extra = p.run.Options.Extra
	if p.run.Playbook, p.err = src.Load("site.yml"); p.err != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, p.err = p.run.Do(ctx)
	return p
}

// inOrder is what was told, task by task and host by host.
func (p *playing) inOrder() []string {
	slices.SortStableFunc(p.lines, func(a, b toldLine) int {
		switch x, y := a.at, b.at; {
		case x.Before(y):
			return -1
		case y.Before(x):
			return 1
		}
		return strings.Compare(a.host, b.host)
	})
	var out []string
	for _, l := range p.lines {
		out = append(out, l.text)
	}
	return out
}

// says compares what was told.
func (p *playing) says(want ...string) {
	p.t.Helper()
	if p.err != nil {
		p.t.Fatal(p.err)
	}
	got := strings.Join(p.inOrder(), "\n")
	if w := strings.Join(want, "\n"); got != w {
		p.t.Errorf("told:\n%s\nwanted:\n%s", got, w)
	}
}
