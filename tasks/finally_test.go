package tasks

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// asking is a program with one question, after which another one follows.
func asking(t *testing.T, question string) (*Program, Env) {
	t.Helper()
	p := program(t)
	p.Sections = []Section{{"q", question}}
	e := hostEnv(t)
	e.Check, e.Stage, e.More = true, 2, true
	return p, e
}

// Programs follow each other in one shell, and what is to be done in the end is done
// once, when the last has ended.
func TestProgramsFollowEachOther(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		log := filepath.Join(t.TempDir(), "log")
		s := openSession(t, sh)
		p, e := asking(t, "echo one")
		e.Finally = "echo over >>'" + log + "'"
		for i := range 3 {
			p.Sections[0].Script = fmt.Sprintf("echo %d; [ ! -e %s ]", i, log)
			e.More = i < 2
			r := s.send(p, e, Hooks{})
			if r.Stage != e.More || r.Done == e.More || r.Sections["q"] != (Answer{Text: fmt.Sprintf("%d\n", i)}) {
				t.Fatalf("%d: %+v", i, r)
			}
		}
		if err := s.cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, log); got != "over\n" {
			t.Errorf("%q", got)
		}
	})
}

// However the shell ends, but by a kill that nobody can catch, it does what it was
// told to do in the end: its input is closed, its reader is gone, or it is told to
// end while a question is being answered.
func TestFinallyIsDoneHoweverItEnds(t *testing.T) {
	ways := map[string]func(*session, *os.File){
		"input closed": func(s *session, _ *os.File) { s.stdin.Close() },
		"terminated":   func(s *session, _ *os.File) { _ = s.cmd.Process.Signal(syscall.SIGTERM) },
		"hung up":      func(s *session, _ *os.File) { _ = s.cmd.Process.Signal(syscall.SIGHUP) },
		"nobody reads": func(_ *session, out *os.File) { out.Close() },
		"all at once": func(s *session, out *os.File) {
			out.Close()
			s.stdin.Close()
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
		},
		"in its middle": nil,
	}
	underEach(t, func(t *testing.T, sh shell) {
		for name, end := range ways {
			t.Run(name, func(t *testing.T) {
				log := filepath.Join(t.TempDir(), "log")
				s, out := pipedSession(t, sh)
				begun := log + ".begun"
				p, e := asking(t, ": >'"+begun+"'; sleep 0.3")
				e.Finally = "echo over >>'" + log + "'"
				text, err := p.Text(e)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(s.stdin, text); err != nil {
					t.Fatal(err)
				}
				awaitFile(t, begun)
				if end != nil {
					end(s, out)
				} else { // a program that was cut: the rest never comes
					_, _ = io.WriteString(s.stdin, "eucactl() {\necho nonsense >>'"+log+"'\n")
					s.stdin.Close()
				}
				ended := make(chan error, 1)
				go func() { ended <- s.cmd.Wait() }()
				select {
				case <-ended:
				case <-time.After(10 * time.Second):
					t.Fatal("the shell goes on")
				}
				if got := readFile(t, log); got != "over\n" {
					t.Errorf("%q", got)
				}
			})
		}
	})
}

// awaitFile waits until a shell has made a file.
func awaitFile(t *testing.T, path string) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !exists(path); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s does not come", path)
		}
	}
}

// pipedSession is a shell whose output can be let go of.
func pipedSession(t *testing.T, sh shell) (*session, *os.File) {
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
	s.stdin, s.cmd.Stdout, s.cmd.Stderr = in, w, w
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		in.Close()
		r.Close()
	})
	return s, r
}
