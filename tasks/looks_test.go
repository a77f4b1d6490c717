package tasks

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is looked at beforehand comes to the same as what each task looks at by itself, whatever the files are.
func TestLooksComeToTheSame(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"two": "a\nb\n", "open": "b\na", "carriage": "a\r\nb\r\n", "nul": "a\x00\nb\n", "empty": "", "blank": "\n\nb\n\n", "bytes": "a\n\xff\xfe\nb\n",
		"twice": "a\nb\na\nab\n", "ahead": "ab\na\n", "big": "a\n" + strings.Repeat("b", 65536) + "\n", "huge": "a\n" + strings.Repeat("b", 1<<20) + "\n", "a b": "a\nb\n", "quote'd": "a\nb\n",
		"block": "x\n# BEGIN ANSIBLE MANAGED BLOCK\na\nb\n# END ANSIBLE MANAGED BLOCK\ny\n", "two-blocks": strings.Repeat("# BEGIN ANSIBLE MANAGED BLOCK\na\nb\n# END ANSIBLE MANAGED BLOCK\n", 2),
		"swapped": "# END ANSIBLE MANAGED BLOCK\na\nb\n# BEGIN ANSIBLE MANAGED BLOCK\n", "other-block": "# BEGIN ANSIBLE MANAGED BLOCK\na\n# END ANSIBLE MANAGED BLOCK\nb\n",
	} {
		writeFile(t, filepath.Join(dir, name), text)
	}
	for name, to := range map[string]string{"link": "two", "dangling": "nothing", "loop": "loop", "to-folder": "folder", "odd": "it's", "link:/x": "two"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o750); err != nil {
		t.Fatal(err)
	}
	names := []string{"absent", "absent/deep"}
	found, err := filepath.Glob(dir + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		names = append(names, strings.TrimPrefix(path, dir+"/"))
	}
	p := program(t)
	for _, name := range append(names, "link:/x") {
		path := dir + "/" + name
		for _, c := range [][]any{
			{"file", "path", path, "mode", "0644"}, {"file", "path", path, "mode", "u+x"}, {"file", "path", path, "state", "absent"},
			{"file", "path", path, "state", "directory", "mode", "0750"}, {"file", "path", path, "state", "link", "src", "two"},
			{"file", "path", path, "state", "link", "src", "it's", "force", "true", "follow", "false"},
			{"copy", "dest", path, "content", "a\nb\n"}, {"copy", "dest", path, "content", "other"}, {"copy", "dest", path, "content", "a\nb\n", "follow", "true", "mode", "0644"},
			{"lineinfile", "path", path, "line", "a"}, {"lineinfile", "path", path, "line", "a", "create", "true", "mode", "0600"},
			{"lineinfile", "path", path, "line", "a", "regexp", "^a"}, {"lineinfile", "path", path, "line", "a", "regexp", "a$"}, {"lineinfile", "path", path, "line", "a", "regexp", "^a$"},
			{"lineinfile", "path", path, "line", "a", "regexp", "b"}, {"lineinfile", "path", path, "line", "ab", "regexp", "a", "firstmatch", "true"},
			{"lineinfile", "path", path, "line", "a", "state", "absent"}, {"lineinfile", "path", path, "line", "a", "regexp", "(.)", "backrefs", "true"},
			{"lineinfile", "path", path, "line", "a", "search_string", "b"}, {"lineinfile", "path", path, "line", "a*"}, {"lineinfile", "path", path, "line", ""},
			{"lineinfile", "path", path, "line", "a\nb"}, {"lineinfile", "path", path, "line", "a\n", "regexp", "c"}, {"blockinfile", "path", path, "block", "b", "marker", "a\n{mark}", "marker_begin", "", "marker_end", "c"},
			{"blockinfile", "path", path, "block", "a\nb\n"}, {"blockinfile", "path", path, "block", "a\nb"}, {"blockinfile", "path", path, "block", "*"},
			{"blockinfile", "path", path, "block", "a", "marker", "{mark}"}, {"blockinfile", "path", path, "block", "b", "marker", "a"}, {"blockinfile", "path", path, "block", ""},
			{"command", "cmd", "false", "creates", path}, {"command", "cmd", "false 'x'", "creates", path}, {"command", "cmd", "false", "creates", path, "chdir", "/tmp"},
			{"shell", "cmd", "false", "creates", path + "*"}, {"shell", "cmd", "false", "creates", path}, {"shell", "cmd", "false", "creates", path, "removes", path},
			{"replace", "path", path, "regexp", "a", "replace", "a"}, {"ini_file", "path", path, "section", "s", "option", "o", "value", "v"},
		} {
			call(t, p, c[0].(string), c[1:]...)
		}
	}
	underEach(t, func(t *testing.T, sh shell) {
		e := hostEnv(t)
		e.Check = true
		text, err := p.Text(e)
		if err != nil {
			t.Fatal(err)
		}
		alone := regexp.MustCompile(`(?m)^(look .*|SEES=.*)\n`).ReplaceAllString(text, "")
		alone = strings.Replace(alone, "LOOKS=", "SEES=' '\nLOOKS=", 1)
		if strings.Count(text, "\nlook ") == 0 || !strings.Contains(text, "\nSEES=' file copy ") {
			t.Fatal("nothing is looked at beforehand")
		}
		answer := func(text string) []Result {
			t.Helper()
			cmd := sh.command()
			cmd.Stdin = strings.NewReader(text)
			r := reply(t, cmd, p, Hooks{}, nil)
			if !r.Done || len(r.Results) != len(p.Tasks) {
				t.Fatalf("cut: %d results, %q", len(r.Results), r.Stopped)
			}
			return r.Results
		}
		together, each := answer(text), answer(alone)
		outcomes := map[Outcome]int{}
		for i := range each {
			outcomes[each[i].Outcome]++
			if diff := cmp.Diff(each[i], together[i]); diff != "" {
				t.Errorf("%s %q (-alone +together):\n%s", p.Tasks[i].Kind, p.Tasks[i].Args, diff)
			}
		}
		t.Log(outcomes)
	})
}

// countTools counts what is started, for a kind's functions stand before programs.
const countTools = `# count_tools log
stat() { echo stat >>/LOG; command stat "$@"; }
sha256sum() { echo sum >>/LOG; command sha256sum "$@"; }
cat() { echo cat >>/LOG; command cat "$@"; }
readlink() { echo readlink >>/LOG; command readlink "$@"; }
tail() { echo tail >>/LOG; command tail "$@"; }
sed() { echo sed >>/LOG; command sed "$@"; }
awk() { echo awk >>/LOG; command awk "$@"; }
check_count_tools() { :; }
apply_count_tools() { :; }
`

// settledFiles are tasks about files in dir, for which nothing is to be done the second time.
func settledFiles(t *testing.T, p *Program, dir string) {
	t.Helper()
	for _, c := range [][]any{
		{"file", "path", dir + "/d", "state", "directory"}, {"copy", "dest", dir + "/d/one", "content", "1\n", "mode", "0640"}, {"copy", "dest", dir + "/d/two", "content", "2\n"},
		{"file", "path", dir + "/l", "src", "d/one", "state", "link"}, {"lineinfile", "path", dir + "/lines", "line", "a=1", "regexp", "^a=", "create", "true"},
		{"lineinfile", "path", dir + "/lines", "line", "b"}, {"blockinfile", "path", dir + "/lines", "block", "x\ny"}, {"file", "path", dir + "/gone", "state", "absent"},
	} {
		call(t, p, c[0].(string), c[1:]...)
	}
}

func TestLooksAreFew(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		dir, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
		p := program(t, "count_tools.sh", strings.ReplaceAll(countTools, "/LOG", log))
		settledFiles(t, p, dir)
		call(t, p, "count_tools", "log", log)
		want(t, run(t, sh, p, hostEnv(t)), "changed changed changed changed changed changed changed ok ok")
		writeFile(t, log, "")
		want(t, run(t, sh, p, hostEnv(t)), "ok ok ok ok ok ok ok ok ok")
		got := strings.Fields(readFile(t, log))
		slices.Sort(got)
		few := []string{"cat", "stat", "sum"}
		if sh.name == "busybox" { // its own stat does not quote names
			few = []string{"cat", "readlink", "stat", "stat", "sum"}
		}
		if diff := cmp.Diff(few, got); diff != "" {
			t.Errorf("started (-want +got):\n%s", diff)
		}
	})
}

// What was seen does not outlive what a task does.
func TestLooksAreForgottenAfterAChange(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		dir := t.TempDir()
		writeFile(t, dir+"/c", "old\n")
		writeFile(t, dir+"/l", "x=1\n")
		writeFile(t, dir+"/m", "")
		if err := os.Chmod(dir+"/m", 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("c", dir+"/s"); err != nil {
			t.Fatal(err)
		}
		p := program(t)
		for _, c := range [][]any{
			{"copy", "dest", dir + "/c", "content", "new\n"}, {"copy", "dest", dir + "/c", "content", "old\n"},
			{"lineinfile", "path", dir + "/l", "regexp", "^x=", "line", "x=2"}, {"lineinfile", "path", dir + "/l", "regexp", "^x=", "line", "x=1"},
			{"file", "path", dir + "/m", "mode", "0644"}, {"file", "path", dir + "/m", "mode", "0600"},
			{"file", "path", dir + "/s", "state", "link", "src", "l"}, {"file", "path", dir + "/s", "state", "link", "src", "c"},
		} {
			call(t, p, c[0].(string), c[1:]...)
		}
		want(t, run(t, sh, p, hostEnv(t)), strings.TrimSpace(strings.Repeat("changed ", len(p.Tasks))))
	})
}

// What others do while a task waits for them is seen.
func TestLooksAreForgottenAfterAWait(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		dir := t.TempDir()
		writeFile(t, dir+"/c", "old\n")
		p := program(t)
		call(t, p, "copy", "dest", dir+"/c", "content", "old\n")
		call(t, p, "wait_for", "path", dir+"/ready", "timeout", "60")
		call(t, p, "copy", "dest", dir+"/c", "content", "old\n")
		waits := func(i int) {
			if i == 1 {
				writeFile(t, dir+"/c", "others\n")
				writeFile(t, dir+"/ready", "")
			}
		}
		want(t, openSession(t, sh).send(p, hostEnv(t), Hooks{OnBegin: waits}), "ok ok changed")
	})
}

// A further stage has tasks of the same numbers, in the same shell.
func TestLooksAreForgottenBetweenStages(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		dir := t.TempDir()
		for name, text := range map[string]string{"y": "", "k": "1\n", "c": "c\n", "l": "a\n", "pieces/1": "1\n"} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, name), text)
		}
		stage := func(n int, third ...any) (*Program, Env) {
			p, e := program(t), hostEnv(t)
			call(t, p, "file", "path", dir+"/y", "mode", "0644")
			call(t, p, third[0].(string), third[1:]...)
			call(t, p, "copy", "dest", dir+"/c", "content", "c\n")
			call(t, p, "lineinfile", "path", dir+"/l", "line", "a")
			e.Stage, e.More = n, n == 1
			return p, e
		}
		s := openSession(t, sh)
		p, e := stage(1, "file", "path", dir+"/k", "mode", "0644")
		want(t, s.send(p, e, Hooks{}), "ok ok ok ok CUT") // not at its end: another stage follows
		if err := os.Chmod(dir+"/k", 0o666); err != nil {
			t.Fatal(err)
		}
		writeFile(t, dir+"/c", strings.Repeat("c\n", 1<<20))
		writeFile(t, dir+"/l", strings.Repeat("b", 1<<17)+"\n")
		p, e = stage(2, "assemble", "src", dir+"/pieces", "dest", dir+"/k", "mode", "0644")
		want(t, s.send(p, e, Hooks{}), "ok changed changed changed")
	})
}

// Whoever owns a link cannot write what stat says of other files.
func TestLooksCannotBeForged(t *testing.T) {
	const busybox = `# busybox_stat path
stat() { command busybox stat "$@"; }
check_busybox_stat() { :; }
apply_busybox_stat() { :; }
`
	underEach(t, func(t *testing.T, sh shell) {
		for _, p := range []*Program{program(t), program(t, "busybox_stat.sh", busybox)} {
			dir := t.TempDir()
			for _, name := range []string{"e", "f"} {
				writeFile(t, dir+"/"+name, "")
				if err := os.Chmod(dir+"/"+name, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("q\n644:0:0:2:1:root:root:regular file:'"+dir+"/f", dir+"/l"); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Kinds.Kind("busybox_stat"); err == nil {
				call(t, p, "busybox_stat", "path", "/")
			}
			i := call(t, p, "file", "path", dir+"/l", "state", "link", "src", "/etc/passwd")
			p.Tasks[i].Flags.Check = Yes
			call(t, p, "file", "path", dir+"/e", "mode", "0600")
			call(t, p, "file", "path", dir+"/f", "mode", "0644")
			want(t, run(t, sh, p, hostEnv(t)), strings.Repeat("ok ", i)+"would ok changed")
		}
	})
}

// What ended before is told, also if the program cannot go on.
func TestLooksAreToldBeforeTheEnd(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		path, e := filepath.Join(t.TempDir(), "f"), hostEnv(t)
		writeFile(t, path, "a\n")
		if err := os.MkdirAll(e.HostDir, 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, e.HostDir+"/handlers", "in the way")
		p := program(t)
		for range 3 {
			call(t, p, "copy", "dest", path, "content", "a\n")
		}
		p.Tasks[2].Flags = Flags{Changed: Yes, Notify: []string{"k"}}
		r := run(t, sh, p, e)
		if !strings.Contains(r.Stopped, "handlers") || len(r.Results) < 2 || r.Results[0].Outcome != OK || r.Results[1].Outcome != OK {
			t.Errorf("stopped %q, %+v", r.Stopped, r.Results)
		}
	})
}
