package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// road is one of the ways to a host.
type road struct {
	name string
	dial func(t *testing.T, change func(*Dialer)) Conn
}

type roads []road

// all runs a test on every road, with a Dialer changed first.
func (rs roads) all(t *testing.T, change func(*Dialer), test func(t *testing.T, c Conn)) {
	for _, r := range rs {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			test(t, r.dial(t, change))
		})
	}
}

func newRoads(t *testing.T) roads {
	over := func(line string, target Target) func(*testing.T, func(*Dialer)) Conn {
		return func(t *testing.T, change func(*Dialer)) Conn {
			d := newDialer(t, line)
			if change != nil {
				change(d)
			}
			c := must(d.Dial(soon(t), target))(t)
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
	}
	real, ours := startSSHD(t, ""), startServer(t, nil)
	return roads{
		{"sshd", over(real.host.line(real.addr), real.target())},
		{"server", over(ours.host.line(ours.addr), ours.target())},
		{"local", over("", Target{Name: "here", Local: true})},
	}
}

// TestConn is the one suite that every Conn passes.
func TestConn(t *testing.T) {
	on := newRoads(t)
	for _, tc := range []struct {
		name string
		test func(*testing.T, roads)
	}{
		{"ProgramAndSecondStage", testProgramAndSecondStage},
		{"BigProgramAndBigReport", testBigProgramAndBigReport},
		{"StreamsAreApart", testStreamsAreApart},
		{"CloseDoesNotWaitForADaemon", testCloseDoesNotWaitForADaemon},
		{"ReaderOutlivesADaemon", testReaderOutlivesADaemon},
		{"Inactivity", testInactivity},
		{"ContextEndsRun", testContextEndsRun},
		{"WriteToAShellThatLeft", testWriteToAShellThatLeft},
		{"RunAfterClose", testRunAfterClose},
		{"EndBySignal", testEndBySignal},
		{"OutputClosedEarly", testOutputClosedEarly},
		{"InputThatIsNotTaken", testInputThatIsNotTaken},
		{"PutMakesDirectoriesAndSetsMode", testPutMakesDirectoriesAndSetsMode},
		{"PutFillsHoles", testPutFillsHoles},
		{"PutReplacesWhatIsTooLong", testPutReplacesWhatIsTooLong},
		{"PutSendsNothingTwice", testPutSendsNothingTwice},
		{"PutSaysWhatIsWrong", testPutSaysWhatIsWrong},
		{"ContextEndsPut", testContextEndsPut},
		{"PutResumes", testPutResumes},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, on) })
	}
}

func run(t *testing.T, c Conn, program string) Session {
	t.Helper()
	s := must(c.Run(soon(t)))(t)
	t.Cleanup(func() { _ = s.Close() })
	must(io.WriteString(s, program))(t)
	return s
}

func testProgramAndSecondStage(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		s := run(t, c, "f() { echo one; echo aside >&2; }; f\n")
		lines := bufio.NewScanner(s)
		expect := func(want string) {
			t.Helper()
			if !lines.Scan() || lines.Text() != want {
				t.Fatalf("got %q (%v), want %q", lines.Text(), lines.Err(), want)
			}
		}
		expect("one")
		path := filepath.Join(t.TempDir(), "content")
		check(t, c.Put(soon(t), File{Path: path, Content: strings.NewReader("two\n"), Size: 4}))
		must(io.WriteString(s, "cat "+path+"; exit 3\n"))(t)
		expect("two")
		if lines.Scan() || lines.Err() != nil {
			t.Fatalf("more than expected: %q, %v", lines.Text(), lines.Err())
		}
		var exit *ExitError
		if err := s.Wait(); !errors.As(err, &exit) || exit.Status != 3 || exit.Stderr != "aside\n" {
			t.Fatalf("Wait: %v", err)
		}
	})
}

func testBigProgramAndBigReport(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		line := strings.Repeat("x", 99) + "\n"
		program := "cat <<'END'\n" + strings.Repeat(line, 60_000) + "END\n"
		s := must(c.Run(soon(t)))(t)
		defer s.Close()
		sent := make(chan error, 1)
		go func() {
			_, err := io.WriteString(s, program)
			sent <- errors.Join(err, s.CloseWrite())
		}()
		got := must(io.ReadAll(s))(t)
		if len(got) != 6_000_000 {
			t.Fatalf("read %d bytes", len(got))
		}
		check(t, <-sent)
		check(t, s.Wait())
	})
}

// Both streams at once, far more than any buffer: neither may lose a byte or
// stop the other.
func testStreamsAreApart(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		s := run(t, c, `i=0; while [ $i -lt 300 ]; do i=$((i+1)); printf '%01000d\n' $i; printf '%01000d\n' $i >&2; done; exit 0`+"\n")
		got := must(io.ReadAll(s))(t)
		check(t, s.Wait())
		if n := bytes.Count(got, []byte("\n")); n != 300 || len(got) != 300*1001 {
			t.Fatalf("%d lines, %d bytes", n, len(got))
		}
		if e := s.Stderr(); len(e) != tailSize || !strings.HasSuffix(e, "300\n") {
			t.Fatalf("stderr: %d bytes ending in %q", len(e), e[max(0, len(e)-4):])
		}
	})
}

func testCloseDoesNotWaitForADaemon(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		s := run(t, c, "sleep 60 & echo $!; echo done; exit 0\n")
		r := bufio.NewReader(s)
		pid := strings.TrimSpace(must(r.ReadString('\n'))(t))
		must(r.ReadString('\n'))(t)
		defer killPID(t, pid)
		start := time.Now()
		check(t, s.Wait())
		check(t, s.Close())
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("Wait and Close took %s", took)
		}
		// The connection is good for more.
		s2 := run(t, c, "echo again; exit\n")
		if got := string(must(io.ReadAll(s2))(t)); got != "again\n" {
			t.Fatalf("second session: %q", got)
		}
	})
}

// A reader that did not stop at the program's last line still gets its end.
func testReaderOutlivesADaemon(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		s := run(t, c, "sleep 60 & echo $!; exit 0\n")
		start := time.Now()
		got := must(io.ReadAll(s))(t)
		killPID(t, strings.TrimSpace(string(got)))
		if took := time.Since(start); took > exitGrace+10*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}

func killPID(t *testing.T, pid string) {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(pid, &n); err != nil || n < 2 {
		t.Fatalf("no pid: %q", pid)
	}
	if p, err := os.FindProcess(n); err == nil {
		_ = p.Kill()
	}
}

func testInactivity(t *testing.T, on roads) {
	on.all(t, func(d *Dialer) { d.Inactivity = 5 * time.Second }, func(t *testing.T, c Conn) {
		s := run(t, c, "echo $$; exec sleep 60\n")
		r := bufio.NewReader(s)
		pid := strings.TrimSpace(must(r.ReadString('\n'))(t))
		defer killPID(t, pid)
		_, err := r.ReadString('\n')
		var idle *InactiveError
		if !errors.As(err, &idle) || !Unreachable(err) {
			t.Fatalf("Read: %v", err)
		}
		if err := s.Wait(); !errors.As(err, &idle) {
			t.Fatalf("Wait: %v", err)
		}
	})
}

func testContextEndsRun(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		ctx, cancel := context.WithCancel(soon(t))
		s := must(c.Run(ctx))(t)
		defer s.Close()
		must(io.WriteString(s, "echo $$; exec sleep 60\n"))(t)
		r := bufio.NewReader(s)
		defer killPID(t, strings.TrimSpace(must(r.ReadString('\n'))(t)))
		time.AfterFunc(100*time.Millisecond, cancel)
		if _, err := r.ReadString('\n'); !errors.Is(err, context.Canceled) || Unreachable(err) {
			t.Fatalf("Read: %v", err)
		}
		if err := s.Wait(); !errors.Is(err, context.Canceled) {
			t.Fatalf("Wait: %v", err)
		}
	})
}

func testWriteToAShellThatLeft(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		s := run(t, c, "exit 5\n")
		var err error
		for i := 0; err == nil && i < 1000; i++ {
			_, err = s.Write(make([]byte, 64<<10))
		}
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Status != 5 {
			t.Fatalf("Write: %v", err)
		}
	})
}

func testRunAfterClose(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		check(t, c.Close())
		check(t, c.Close())
		if _, err := c.Run(soon(t)); err == nil {
			t.Fatal("Run after Close succeeded")
		}
	})
}

func testEndBySignal(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		s := run(t, c, "echo last words >&2; kill -9 $$\n")
		must(io.ReadAll(s))(t)
		var exit *ExitError
		if err := s.Wait(); !errors.As(err, &exit) || exit.Status == 0 && exit.Signal == "" || !strings.HasSuffix(err.Error(), ": last words") {
			t.Fatalf("Wait: %v", err)
		}
	})
}

// A program that closes its output has not ended yet.
func testOutputClosedEarly(t *testing.T, on roads) {
	on.all(t, nil, func(t *testing.T, c Conn) {
		s := run(t, c, "echo said; exec >&- 2>&-; sleep 0.3; exit 4\n")
		got := must(io.ReadAll(s))(t)
		var exit *ExitError
		if err := s.Wait(); string(got) != "said\n" || !errors.As(err, &exit) || exit.Status != 4 {
			t.Fatalf("read %q, Wait: %v", got, err)
		}
	})
}

func testInputThatIsNotTaken(t *testing.T, on roads) {
	on.all(t, func(d *Dialer) { d.Inactivity = 5 * time.Second }, func(t *testing.T, c Conn) {
		s := run(t, c, "echo $$; exec sleep 60\n")
		pid := strings.TrimSpace(must(bufio.NewReader(s).ReadString('\n'))(t))
		defer killPID(t, pid)
		var idle *InactiveError
		if _, err := s.Write(make([]byte, 8<<20)); !errors.As(err, &idle) {
			t.Fatalf("Write: %v", err)
		}
	})
}

func TestNew(t *testing.T) {
	d := New("/state/known_hosts")
	if d.KnownHosts != "/state/known_hosts" || d.User == "" || len(d.KeyFiles) != 3 || len(d.SSHConfig) != 2 || len(d.MoreKnownHosts) != 2 {
		t.Fatalf("%+v", d.KeyFiles)
	}
}
