package host

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"eucactl/tasks"
)

// stub ends as its arguments say: the status of the first check, of apply, and of
// the check after apply.
const stub = `# stub id first apply second dir
check_stub() {
	[ ! -e "$5/$1" ] || return "$4"
	return "$2"
}
apply_stub() {
	: >"$5/$1"
	return "$3"
}
diff_stub() { :; }
`

const actStub = `# actstub id apply
apply_actstub() { return "$2"; }
`

// scripts are sections whose answers the model is told.
var scripts = map[string]answer{
	"echo fact; exit 2":         {text: "fact", rc: 2},
	"printf 'a\\n\\nb'":         {text: "a\n\nb"},
	"echo it\\'s; exit 3":       {text: "it's", rc: 3},
	":":                         {},
	"echo noise >&2; echo fact": {text: "fact", words: "noise\n"},
}

// A trial is one random program and what surrounds it.
type trial struct {
	p      *tasks.Program
	e      tasks.Env
	fence  string
	lock   string
	blobs  bool // left behind by a killed run
	busy   bool
	put    map[string]string // by sum: have, lack, nothing, wrong, odd
	stages bool
}

func newTrial(r *rand.Rand, kinds *tasks.Library, dir string) trial {
	tr := trial{p: &tasks.Program{Kinds: kinds}, put: map[string]string{}, busy: r.IntN(12) == 0, blobs: r.IntN(3) == 0}
	tr.e = tasks.Env{
		Mark: testMark, Cloud: testCloud, Check: r.IntN(3) == 0, Diff: r.IntN(2) == 0,
		HostDir: dir + "/host", RunDir: dir + "/run", Lock: dir + "/lock",
	}
	tr.lock = []string{"", "pid 1, login x\n"}[r.IntN(2)]
	if tr.busy {
		tr.lock = "pid 1, login x\n"
	}
	if r.IntN(4) > 0 {
		tr.e.Fence = &tasks.Fence{Token: "t2", Accept: [][]string{nil, {"t0"}, {"t0", "t1"}}[r.IntN(3)], From: []string{"", "", "deadbeef t1", "? ?", testCloud + " t2"}[r.IntN(5)]}
		tr.fence = []string{"", testCloud + " t1\n", testCloud + " t0\n", testCloud + " t2", "deadbeef t1\n", testCloud + "\n", " \n", testCloud + " t1 t1\n"}[r.IntN(8)]
	}
	if r.IntN(2) == 0 {
		tr.e.FactsScript = []string{"echo noise >&2; echo fact", "echo noise >&2; echo fact", "echo fact; exit 2"}[r.IntN(3)]
		tr.e.Facts = []string{"", tasks.Sum("fact\n"), tasks.Sum("other\n")}[r.IntN(3)]
	}
	for i := range r.IntN(9) {
		tr.task(r, i, dir)
	}
	for i, script := range []string{"printf 'a\\n\\nb'", "echo it\\'s; exit 3", ":"} {
		if r.IntN(3) == 0 {
			tr.p.Sections = append(tr.p.Sections, tasks.Section{Name: fmt.Sprintf("s%d", i), Script: script})
		}
	}
	return tr
}

func (tr *trial) task(r *rand.Rand, i int, dir string) {
	id := fmt.Sprint("t", i)
	task := tasks.Task{Kind: "actstub", Args: []string{id, fmt.Sprint(max(0, r.IntN(8)-5))}, NoLog: r.IntN(5) == 0}
	if r.IntN(5) > 0 {
		first := []string{"0", "1", "1", "1", "2", "7"}[r.IntN(6)]
		task.Kind, task.Args = "stub", []string{id, first, fmt.Sprint(max(0, r.IntN(8)-5)), fmt.Sprint(max(0, r.IntN(8)-5)), dir + "/state"}
	}
	for range min(i, r.IntN(3)) {
		var terms []string
		for range 1 + r.IntN(3) {
			terms = append(terms, string("nnnocfs"[r.IntN(7)])+fmt.Sprint(r.IntN(i)))
		}
		task.Guard += " " + strings.Join(terms, "|")
	}
	task.Guard = strings.TrimSpace(task.Guard)
	if r.IntN(4) == 0 {
		sum := tr.p.Secret("secret " + fmt.Sprint(r.IntN(3)))
		task.Wants = []string{sum}
		tr.put[sum] = []string{"have", "have", "have", "lack", "nothing", "wrong", "odd"}[r.IntN(7)]
	}
	tr.p.Add(task)
}

// channel is a shell, real or not.
type channel struct {
	in    io.Writer
	out   *bufio.Reader
	place func(path, content string)
}

// talk runs a program and, if it asks for one, its second stage.
func (tr *trial) talk(t *testing.T, c channel) (reports []tasks.Report) {
	t.Helper()
	e := tr.e
	for range 2 {
		text, err := tr.p.Text(e)
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(c.in, text)
		r, err := tasks.Read(c.out, tr.p, e.Mark, tasks.Hooks{OnNeed: func(sum string) { tr.offer(c, sum) }}, nil)
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
		if !r.Stage {
			break
		}
		e.Stage = 2
	}
	return reports
}

func (tr *trial) offer(c channel, sum string) {
	content, _ := tr.p.Content(sum)
	path := tr.e.HostDir + "/incoming/root/" + sum
	switch tr.put[sum] {
	case "have":
		c.place(path, content)
	case "wrong":
		c.place(path, "other")
	case "lack":
		fmt.Fprintf(c.in, "lack %s nobody has  it \n", sum)
		return
	case "odd":
		fmt.Fprintf(c.in, "touch %s\n", sum)
		return
	}
	fmt.Fprintf(c.in, "have %s\n", sum)
}

// real runs the trial under dash; files are what is left of fence and uploads.
func (tr *trial) real(t *testing.T, dir string) (reports []tasks.Report, files string) {
	t.Helper()
	write := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(dir+"/state/x", "")
	tr.surround(write)
	if tr.busy {
		f, err := os.Open(tr.e.Lock)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/bin/dash", "-s")
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil || cmd.Start() != nil {
		t.Fatal("dash does not start")
	}
	reports = tr.talk(t, channel{in, bufio.NewReaderSize(out, 64<<10), write})
	in.Close()
	_ = cmd.Wait() // its status is no part of the agreement
	var list []string
	for _, pattern := range []string{"host/fence", "host/blobs.tmp/*", "host/incoming/root/*", "state/*"} {
		found, _ := filepath.Glob(dir + "/" + pattern)
		for _, path := range found {
			text, _ := os.ReadFile(path)
			list = append(list, strings.TrimPrefix(path, dir)+" "+string(text))
		}
	}
	return reports, strings.Join(list, "\n")
}

// surround puts what is there before.
func (tr *trial) surround(write func(path, text string)) {
	if tr.fence != "" {
		write(tr.e.HostDir+"/fence", tr.fence)
	}
	if tr.lock != "" {
		write(tr.e.Lock, tr.lock)
	}
	if tr.blobs {
		write(tr.e.HostDir+"/blobs.tmp/old", "forged")
		write(tr.e.HostDir+"/incoming/root/0000", "left")
	}
}

// modelled runs the trial on a model with the same stubs.
func (tr *trial) modelled(t *testing.T, dir string) (reports []tasks.Report, files string) {
	t.Helper()
	m := New("h1", Options{Kinds: tr.p.Kinds})
	m.scripts = scripts
	m.files.mkdirAll(dir+"/state", 0o700)
	m.files.put(dir+"/state/x", "", 0o600)
	m.Register("stub", func(args []string) int {
		if m.files.exists(args[4] + "/" + args[0]) {
			return atoi(args[3])
		}
		return atoi(args[1])
	}, func(args []string) int { m.files.put(args[4]+"/"+args[0], "", 0o600); return atoi(args[2]) })
	m.Register("actstub", nil, func(args []string) int { return atoi(args[1]) })
	write := func(path, text string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.files.mkdirAll(dirOf(path), 0o700)
		m.files.put(path, text, 0o600)
	}
	tr.surround(write)
	c, err := m.Dial(Faults{Busy: tr.busy})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	reports = tr.talk(t, channel{s, bufio.NewReaderSize(s, 64<<10), write})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, where := range []string{"/host", "/host/blobs.tmp", "/host/incoming/root", "/state"} {
		for _, path := range m.files.children(dir + where) {
			if text, ok := m.files.read(path); ok {
				list = append(list, strings.TrimPrefix(path, dir)+" "+text)
			}
		}
	}
	return reports, strings.Join(list, "\n")
}

// The model and the real prelude say and leave the same, whatever the program.
func TestPreludeAgrees(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the prelude makes uploads root's")
	}
	builtin := library(t)
	kinds, err := builtin.Overlay(fstest.MapFS{"stub.sh": {Data: []byte(stub)}, "actstub.sh": {Data: []byte(actStub)}}, "stubs")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for seed := range uint64(200) {
		dir := t.TempDir()
		tr := newTrial(rand.New(rand.NewPCG(seed, 1)), kinds, dir)
		want, wantFiles := tr.real(t, dir)
		got, gotFiles := tr.modelled(t, dir)
		if diff := cmp.Diff(want, got) + cmp.Diff(wantFiles, gotFiles); diff != "" {
			text, _ := tr.p.Text(tr.e)
			t.Fatalf("seed %d (-real +model):\n%s\n%+v\n%s", seed, diff, tr, text[strings.LastIndex(text, "open_run"):])
		}
		tally(seen, want)
	}
	for _, what := range []string{"busy", "fenced", "stopped", "stage", "done", "ok", "changed", "would", "failed", "unsettled", "skipped", "blocked", "unknown"} {
		if seen[what] == 0 {
			t.Errorf("no program was %s: %v", what, seen)
		}
	}
}

// tally counts what came about, so that a test of nothing is noticed.
func tally(seen map[string]int, reports []tasks.Report) {
	for _, r := range reports {
		for what, is := range map[string]bool{"busy": r.Busy != "", "fenced": r.Fenced != nil, "stopped": r.Stopped != "", "stage": r.Stage, "done": r.Done} {
			if is {
				seen[what]++
			}
		}
		for _, res := range r.Results {
			if res.Needs >= 0 {
				seen["blocked"]++
			}
			seen[string(res.Outcome)]++
		}
	}
}
