package tasks

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// fate is a kind that ends as it is told, in the folder given.
const fate = `# fate end dir
check_fate() {
	case $1 in
	ok) return 0 ;;
	blind) echo 'cannot see' >&2; return 2 ;;
	esac
	[ -e "$2/$1" ]
}
apply_fate() {
	case $1 in
	failed) echo 'it broke'; return 7 ;;
	unsettled) ;;
	*) : >"$2/$1" ;;
	esac
}
`

const act = `# act path
apply_act() { echo acted; echo x >>"$1"; }
`

func TestOutcomes(t *testing.T) {
	for _, c := range []struct{ end, check, apply, words string }{
		{"ok", "ok", "ok", ""},
		{"changed", "would", "changed", ""},
		{"failed", "would", "failed", "it broke"},
		{"unsettled", "would", "unsettled", ""},
		{"blind", "failed", "failed", "cannot see"},
	} {
		t.Run(c.end, func(t *testing.T) {
			underEach(t, func(t *testing.T, sh shell) {
				e := hostEnv(t)
				p := program(t, "fate.sh", fate)
				call(t, p, "fate", "end", c.end, "dir", t.TempDir())
				e.Check = true
				want(t, run(t, sh, p, e), c.check)
				e.Check = false
				r := run(t, sh, p, e)
				want(t, r, c.apply)
				if r.Results[0].Words != c.words {
					t.Errorf("words %q", r.Results[0].Words)
				}
			})
		})
	}
}

func TestExitStatusOfApplyIsKept(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		p := program(t, "fate.sh", fate)
		call(t, p, "fate", "end", "failed", "dir", t.TempDir())
		if r := run(t, sh, p, hostEnv(t)); r.Results[0].RC != 7 {
			t.Errorf("%+v", r.Results[0])
		}
	})
}

func TestActsRunOnceAndAreUnknownInCheck(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e, path := hostEnv(t), t.TempDir()+"/acts"
		p := program(t, "act.sh", act)
		call(t, p, "act", "path", path)
		e.Check = true
		want(t, run(t, sh, p, e), "unknown")
		if exists(path) {
			t.Fatal("a check acted")
		}
		e.Check = false
		want(t, run(t, sh, p, e), "changed")
		if got := readFile(t, path); got != "x\n" {
			t.Errorf("acted %q", got)
		}
	})
}

// sh switches set -e off below anything that is tested; no caller may test.
func TestSetMinusEHoldsInTasks(t *testing.T) {
	const strict = `# strict path
strict_deep() { false; echo deep >"$1"; }
check_strict() { [ -e "$1.done" ]; }
apply_strict() { strict_deep "$1"; echo late >"$1"; }
`
	const act = `# strictact path
apply_strictact() { false; echo late >"$1"; }
`
	const check = `# strictcheck path
check_strictcheck() { (exit 3); return 0; }
apply_strictcheck() { echo late >"$1"; }
`
	underEach(t, func(t *testing.T, sh shell) {
		path := t.TempDir() + "/f"
		p := program(t, "strict.sh", strict, "strictact.sh", act, "strictcheck.sh", check)
		for _, kind := range []string{"strict", "strictact", "strictcheck"} {
			call(t, p, kind, "path", path)
		}
		want(t, run(t, sh, p, hostEnv(t)), "failed failed failed")
		if exists(path) {
			t.Error("set -e did not stop apply at the first failure")
		}
	})
}

func TestMissingToolCannotTell(t *testing.T) {
	const kind = `# toolless path
check_toolless() { no-such-tool --version; }
apply_toolless() { echo applied >"$1"; }
`
	underEach(t, func(t *testing.T, sh shell) {
		path := t.TempDir() + "/f"
		p := program(t, "toolless.sh", kind)
		call(t, p, "toolless", "path", path)
		r := run(t, sh, p, hostEnv(t))
		want(t, r, "failed")
		if exists(path) || r.Results[0].RC != 127 || !strings.Contains(r.Results[0].Words, "no-such-tool") {
			t.Errorf("%+v", r.Results[0])
		}
	})
}

func TestTaskExitDoesNotEndTheProgram(t *testing.T) {
	const kind = `# exits rc
check_exits() { exit "$1"; }
apply_exits() { :; }
`
	underEach(t, func(t *testing.T, sh shell) {
		p := program(t, "exits.sh", kind)
		for _, rc := range []int{0, 2, 0} {
			call(t, p, "exits", "rc", rc)
		}
		want(t, run(t, sh, p, hostEnv(t)), "ok failed ok")
	})
}

func TestTaskDoesNotReadTheProgram(t *testing.T) {
	const kind = `# reads
check_reads() { cat; return 0; }
apply_reads() { :; }
read_reads() { cat >/dev/null; }
`
	underEach(t, func(t *testing.T, sh shell) {
		p := program(t, "reads.sh", kind)
		call(t, p, "reads")
		p.Sections = []Section{{"cat", "cat; echo end"}}
		s := openSession(t, sh)
		want(t, s.send(p, hostEnv(t), Hooks{}), "ok")
	})
}

// read_KIND runs once for many checks and again after a change.
func TestReadIsCachedUntilAChange(t *testing.T) {
	const kind = `# seen dir name
read_seen() { echo read >>/READS; seen_now=$(ls /DIR); seen_rc=$?; IFS=,; }
check_seen() { case "$seen_now" in *"$2"*) return 0 ;; esac; return 1; }
apply_seen() { : >"$1/$2"; }
`
	underEach(t, func(t *testing.T, sh shell) {
		dir, reads := t.TempDir(), t.TempDir()+"/reads"
		p := program(t, "seen.sh", strings.NewReplacer("/DIR", dir, "/READS", reads).Replace(kind))
		for _, name := range []string{"a", "b", "a", "b"} {
			call(t, p, "seen", "dir", dir, "name", name)
		}
		want(t, run(t, sh, p, hostEnv(t)), "changed changed ok ok")
		if n := strings.Count(readFile(t, reads), "read"); n != 3 {
			t.Errorf("read %d times", n)
		}
		want(t, run(t, sh, p, hostEnv(t)), "ok ok ok ok")
		if n := strings.Count(readFile(t, reads), "read"); n != 4 {
			t.Errorf("read %d times", n)
		}
	})
}

func TestDiffShowsContentBefore(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		dir := t.TempDir()
		writeFile(t, dir+"/f", "old\nno newline at end")
		p := program(t)
		call(t, p, "rendered", "path", dir+"/f", "content", "new\n")
		hidden, err := p.Call("rendered", map[string]any{"path": dir + "/f", "content": "secret"}, true)
		if err != nil {
			t.Fatal(err)
		}
		p.Add(hidden)
		e := hostEnv(t)
		e.Diff, e.Check = true, true
		r := run(t, sh, p, e)
		want(t, r, "would would")
		if got := r.Results[0]; !got.Diffed || got.Before != "old\nno newline at end" {
			t.Errorf("%+v", got)
		}
		if after, ok := p.After(0); !ok || after != "new\n" {
			t.Errorf("after %q", after)
		}
		if got := r.Results[1]; got.Diffed || got.Before != "" {
			t.Errorf("no_log shows a difference: %+v", got)
		}
	})
}

// What no_log hides does not even travel.
func TestNoLogDiffDoesNotTravel(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		path := t.TempDir() + "/f"
		writeFile(t, path, "hush hush\n")
		p, e := program(t), hostEnv(t)
		hidden, err := p.Call("rendered", map[string]any{"path": path, "content": "other"}, true)
		if err != nil {
			t.Fatal(err)
		}
		p.Add(hidden)
		e.Diff, e.Check = true, true
		text, err := p.Text(e)
		if err != nil {
			t.Fatal(err)
		}
		cmd := sh.command()
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.Output()
		if err != nil || strings.Contains(string(out), "hush") || !strings.Contains(string(out), "would") {
			t.Errorf("%v %s", err, out)
		}
	})
}

func TestSections(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		p := program(t, "fate.sh", fate)
		call(t, p, "fate", "end", "failed", "dir", t.TempDir())
		p.Sections = []Section{
			{"good", "printf 'a\\n\\nb'; echo noise >&2"},
			{"bad", "echo half; exit 3"},
			{"broken", "echo 'unfinished"},
			{"empty", ":"},
		}
		r := run(t, sh, p, hostEnv(t))
		want(t, r, "failed")
		if a := r.Sections["good"]; a.Text != "a\n\nb\n" || a.RC != 0 || a.Words != "noise" {
			t.Errorf("good: %+v", a)
		}
		if a := r.Sections["bad"]; a.Text != "" || a.RC != 3 {
			t.Errorf("bad: %+v", a)
		}
		if a := r.Sections["broken"]; a.Text != "" || a.RC == 0 {
			t.Errorf("broken: %+v", a)
		}
		if a, ok := r.Sections["empty"]; !ok || a.Text != "" || a.RC != 0 {
			t.Errorf("empty: %+v", a)
		}
	})
}

func TestCheckWritesNothing(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		root := t.TempDir()
		e := hostEnv(t)
		e.HostDir, e.RunDir, e.Lock = root+"/host", root+"/run", root+"/lock"
		e.Fence = &Fence{Token: "t1"}
		e.FactsScript = "echo fact"
		e.Facts = Sum("fact\n")
		writeFile(t, root+"/ours", "# eucactl "+e.Cloud+"\n")
		writeFile(t, root+"/old", "old")
		p := program(t, "fate.sh", fate, "act.sh", act)
		call(t, p, "dir", "path", root+"/d")
		call(t, p, "rendered", "path", root+"/old", "content", "new")
		call(t, p, "rendered", "path", root+"/big", "content", strings.Repeat("x", lazyInline+1))
		call(t, p, "absent", "path", root+"/ours")
		call(t, p, "fate", "end", "changed", "dir", root)
		call(t, p, "act", "path", root+"/acted")
		e.Check, e.Diff = true, true
		for _, firstContact := range []bool{true, false} {
			if !firstContact {
				writeFile(t, root+"/lock", "someone\n")
				if err := os.Mkdir(root+"/host", 0o700); err != nil {
					t.Fatal(err)
				}
				writeFile(t, root+"/host/fence", e.Cloud+" t0\n")
				e.Fence.Accept = []string{"t0"}
			}
			before := tree(t, root)
			want(t, run(t, sh, p, e), "would would would would would unknown")
			if after := tree(t, root); after != before {
				t.Fatalf("a check wrote\nbefore %s\nafter %s", before, after)
			}
		}
	})
}

// tree is everything below a folder that a write would change.
func tree(t testing.TB, root string) string {
	t.Helper()
	var b strings.Builder
	err := walk(root, func(path string, fi os.FileInfo) {
		fmt.Fprintf(&b, "%s %v %d %v", path, fi.Mode(), fi.Size(), fi.ModTime().UnixNano())
		if fi.Mode().IsRegular() {
			b.WriteString(" " + strconv.Quote(readFile(t, path)))
		}
		b.WriteByte('\n')
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func walk(path string, f func(string, os.FileInfo)) error {
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	f(path, fi)
	if !fi.IsDir() {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := walk(path+"/"+e.Name(), f); err != nil {
			return err
		}
	}
	return nil
}
