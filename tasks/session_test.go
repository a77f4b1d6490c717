package tasks

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A session is a shell whose stdin stays open, as a connection's does.
type session struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

func openSession(t *testing.T, sh shell) *session {
	t.Helper()
	s := &session{t: t, cmd: sh.command()}
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.stdin, s.out = in, bufio.NewReaderSize(r, longestLine)
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		in.Close()
		r.Close()
		s.cmd.Wait()
	})
	return s
}

// send writes one program and reads its reply.
func (s *session) send(p *Program, e Env, h Hooks, secrets ...string) Report {
	s.t.Helper()
	text, err := p.Text(e)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.WriteString(s.stdin, text); err != nil {
		s.t.Fatal(err)
	}
	report, err := Read(s.out, p, e.Mark, h, secrets)
	if err != nil {
		s.t.Fatal(err)
	}
	return report
}

func (s *session) answer(format string, args ...any) { fmt.Fprintf(s.stdin, format+"\n", args...) }

// putter answers each need by putting the content there, as sftp does.
func (s *session) putter(p *Program, e Env) func(string) {
	return func(sum string) {
		content, _ := p.Content(sum)
		put(s.t, e, sum, content)
		s.answer("have %s", sum)
	}
}

func put(t testing.TB, e Env, sum, content string) {
	t.Helper()
	writeFile(t, filepath.Join(e.HostDir, "incoming/root", sum), content)
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
