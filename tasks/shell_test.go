package tasks

import (
	"bufio"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const testMark = "@0123456789abcdef"

// A shell is a program that is /bin/sh somewhere.
type shell struct {
	name string
	path string
	args []string // the first is the name it goes by: bash behaves as sh only when called so
}

var shells = []shell{
	{"dash", "/bin/dash", []string{"sh", "-s"}},
	{"bash", "/bin/bash", []string{"sh", "-s"}},
	{"busybox", "/bin/busybox", []string{"sh", "-s"}},
}

// underEach runs a test under every shell.
func underEach(t *testing.T, f func(t *testing.T, sh shell)) {
	t.Helper()
	for _, sh := range shells {
		t.Run(sh.name, func(t *testing.T) { f(t, sh) })
	}
}

func (sh shell) command() *exec.Cmd {
	return &exec.Cmd{Path: sh.path, Args: sh.args}
}

// hostEnv is an Env whose host is a temporary folder.
func hostEnv(t testing.TB) Env {
	dir := t.TempDir()
	return Env{
		Mark: testMark, Cloud: "c10d0001",
		HostDir: filepath.Join(dir, "host"), RunDir: filepath.Join(dir, "run"), Lock: filepath.Join(dir, "lock"),
	}
}

// program is an empty one, with the built-in kinds and those given as
// "NAME.sh", text, ...
func program(t testing.TB, own ...string) *Program {
	t.Helper()
	kinds, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for i := 0; i < len(own); i += 2 {
		fsys[own[i]] = &fstest.MapFile{Data: []byte(own[i+1])}
	}
	if kinds, err = kinds.Overlay(fsys, "library"); err != nil {
		t.Fatal(err)
	}
	return &Program{Kinds: kinds}
}

// call adds a task with named arguments given as name, value, ...
func call(t testing.TB, p *Program, kind string, named ...any) int {
	t.Helper()
	m := map[string]any{}
	for i := 0; i < len(named); i += 2 {
		m[named[i].(string)] = named[i+1]
	}
	task, err := p.Call(kind, m, false)
	if err != nil {
		t.Fatal(err)
	}
	return p.Add(task)
}

// run sends the program to a shell and reads its reply.
func run(t testing.TB, sh shell, p *Program, e Env) Report {
	t.Helper()
	text, err := p.Text(e)
	if err != nil {
		t.Fatal(err)
	}
	cmd := sh.command()
	cmd.Stdin = strings.NewReader(text)
	return reply(t, cmd, p, Hooks{}, nil)
}

// reply starts a command and reads what it says up to the program's end.
func reply(t testing.TB, cmd *exec.Cmd, p *Program, h Hooks, secrets []string) Report {
	t.Helper()
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		w.Close()
	}()
	report, err := Read(bufio.NewReader(r), p, testMark, h, secrets)
	go io.Copy(io.Discard, r)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// outcomes is a report in short: "ok changed failed: words".
func outcomes(r Report) string {
	var words []string
	for _, res := range r.Results {
		w := string(res.Outcome)
		if res.Why != "" {
			w += "(" + res.Why + ")"
		}
		words = append(words, w)
	}
	if !r.Done {
		words = append(words, "CUT")
	}
	return strings.Join(words, " ")
}

func want(t testing.TB, r Report, outcome string) {
	t.Helper()
	if got := outcomes(r); got != outcome {
		t.Fatalf("got  %s\nwant %s\n%+v", got, outcome, r)
	}
}
