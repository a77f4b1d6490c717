package tasks

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Who has read the last word finds the host free.
func TestLockIsGoneWithTheLastWord(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e, p := hostEnv(t), program(t)
		for range 20 {
			want(t, run(t, sh, p, e), "")
			f, err := os.Open(e.Lock)
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	})
}

// A reader that is gone ends the program at its next line, even where whoever
// started the shell ignores SIGPIPE.
func TestReaderGoneStopsTheProgram(t *testing.T) {
	const kind = `# slow path
apply_slow() { while [ ! -e "$1.go" ]; do sleep 0.05; done; echo x >"$1"; }
`
	underEach(t, func(t *testing.T, sh shell) {
		for _, ignored := range []bool{false, true} {
			dir := t.TempDir()
			p := program(t, "slow.sh", kind)
			for i := range 3 {
				call(t, p, "slow", "path", fmt.Sprintf("%s/%d", dir, i))
			}
			writeFile(t, dir+"/1.go", "")
			text, err := p.Text(hostEnv(t))
			if err != nil {
				t.Fatal(err)
			}
			cmd := sh.command()
			if ignored {
				cmd.Path, cmd.Args = "/bin/bash", []string{"sh", "-c", `trap "" PIPE; exec -a sh "$0" "$@"`, sh.path}
				cmd.Args = append(cmd.Args, sh.args[1:]...)
			}
			cmd.Stdin = strings.NewReader(text)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stdout = w
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			stop := Hooks{OnBegin: func(int) {
				r.Close()
				writeFile(t, dir+"/0.go", "")
			}}
			Read(r, p, testMark, stop, nil)
			cmd.Wait()
			if !exists(dir+"/0") || exists(dir+"/1") {
				t.Errorf("ignored=%v: the running task ends, no other begins: %v %v", ignored, exists(dir+"/0"), exists(dir+"/1"))
			}
		}
	})
}

func TestCutReplyLeavesTheTaskUnknown(t *testing.T) {
	p := program(t, "act.sh", act)
	call(t, p, "act", "path", "/a")
	call(t, p, "act", "path", "/b")
	r, err := Read(strings.NewReader(testMark+" hello 1\n\n"+testMark+" begin 0\nhalf a li"), p, testMark, Hooks{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, r, "unknown CUT")
	if r.Results[0].Words != "half a li" {
		t.Errorf("%+v", r.Results[0])
	}
}

// The program ends although a daemon of a task keeps the stream open.
func TestDaemonHoldsNeitherStreamNorLock(t *testing.T) {
	const kind = `# daemon pid
apply_daemon() { sleep 20 & echo $! >"$1"; }
`
	underEach(t, func(t *testing.T, sh shell) {
		e, pid := hostEnv(t), t.TempDir()+"/pid"
		p := program(t, "daemon.sh", kind)
		call(t, p, "daemon", "pid", pid)
		start := time.Now()
		s := openSession(t, sh)
		want(t, s.send(p, e, Hooks{}), "changed")
		defer kill(t, pid)
		want(t, run(t, sh, program(t), e), "")
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func kill(t *testing.T, pidFile string) {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(readFile(t, pidFile)))
	if err != nil {
		t.Fatal(err)
	}
	proc, err := os.FindProcess(n)
	if err != nil {
		t.Fatal(err)
	}
	proc.Kill()
}

func TestLockIsExclusive(t *testing.T) {
	const kind = `# waits path
read_waits() { :; }
check_waits() { [ -e "$1" ]; }
apply_waits() { while [ ! -e "$1" ]; do sleep 0.05; done; }
`
	underEach(t, func(t *testing.T, sh shell) {
		e, path := hostEnv(t), t.TempDir()+"/go"
		p := program(t, "waits.sh", kind)
		call(t, p, "waits", "path", path)
		s := openSession(t, sh)
		begun, first := make(chan bool), make(chan Report)
		go func() {
			first <- s.send(p, e, Hooks{OnBegin: func(int) { time.Sleep(200 * time.Millisecond); begun <- true }})
		}()
		<-begun
		for _, check := range []bool{false, true} {
			other := e
			other.Check = check
			r := run(t, sh, p, other)
			if r.Done || len(r.Results) != 0 || !strings.Contains(r.Busy, "login root, cloud "+e.Cloud) {
				t.Errorf("check=%v: not busy: %+v", check, r)
			}
		}
		patient := e
		patient.LockWait = 20
		go func() { time.Sleep(300 * time.Millisecond); os.WriteFile(path, nil, 0o644) }()
		want(t, run(t, sh, p, patient), "ok")
		want(t, <-first, "changed")
	})
}

// Checks do not exclude each other, but a change.
func TestLockIsSharedByChecks(t *testing.T) {
	const kind = `# waits path
check_waits() { while [ ! -e "$1" ]; do sleep 0.05; done; }
apply_waits() { :; }
`
	underEach(t, func(t *testing.T, sh shell) {
		e, path := hostEnv(t), t.TempDir()+"/go"
		writeFile(t, e.Lock, "")
		check := e
		check.Check = true
		p := program(t, "waits.sh", kind)
		call(t, p, "waits", "path", path)
		s := openSession(t, sh)
		begun, first := make(chan bool), make(chan Report)
		go func() { first <- s.send(p, check, Hooks{OnBegin: func(int) { begun <- true }}) }()
		<-begun
		want(t, run(t, sh, program(t), check), "")
		if r := run(t, sh, program(t), e); r.Busy == "" {
			t.Errorf("a change ran beside a check: %+v", r)
		}
		writeFile(t, path, "")
		want(t, <-first, "ok")
	})
}

func TestLockThatCannotBeOpenedStops(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e := hostEnv(t)
		e.Lock = "/proc/nowhere/lock"
		if r := run(t, sh, program(t), e); r.Done || !strings.Contains(r.Stopped, e.Lock) {
			t.Errorf("%+v", r)
		}
	})
}
