package tasks

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFence(t *testing.T) {
	for _, c := range []struct {
		name    string
		file    string // "" none, else the content
		fence   Fence
		pass    bool
		refused Fenced
	}{
		{"first contact", "", Fence{Token: "t2"}, true, Fenced{}},
		{"empty file", "\x00empty", Fence{Token: "t2"}, true, Fenced{}},
		{"last confirmed", "c10d0001 t1\n", Fence{Token: "t2", Accept: []string{"t1"}}, true, Fenced{}},
		{"sent but not confirmed", "c10d0001 t1b", Fence{Token: "t2", Accept: []string{"t1", "t1b"}}, true, Fenced{}},
		{"own token", "c10d0001 t2\n", Fence{Token: "t2"}, true, Fenced{}},
		{"late program", "c10d0001 t9\n", Fence{Token: "t2", Accept: []string{"t1"}}, false, Fenced{"c10d0001", "t9"}},
		{"restored backup accepts nothing", "c10d0001 t9\n", Fence{Token: "t2"}, false, Fenced{"c10d0001", "t9"}},
		{"token is a pattern", "c10d0001 *\n", Fence{Token: "t2", Accept: []string{"t1"}}, false, Fenced{"c10d0001", "*"}},
		{"token is missing", "c10d0001\n", Fence{Token: "t2", Accept: []string{"t1"}}, false, Fenced{"c10d0001", "?"}},
		{"more words", "c10d0001 t1 t1\n", Fence{Token: "t2", Accept: []string{"t1"}}, false, Fenced{"c10d0001", "t1 t1"}},
		{"other cloud", "deadbeef t1\n", Fence{Token: "t2", Accept: []string{"t1"}}, false, Fenced{"deadbeef", "t1"}},
		{"blank file", " \n", Fence{Token: "t2", Accept: []string{"t1"}}, false, Fenced{"?", "?"}},
		{"taken over", "deadbeef t1\n", Fence{Token: "t2", From: "deadbeef t1"}, true, Fenced{}},
		{"taken over from newer records", "c10d0001 t9\n", Fence{Token: "t2", From: "c10d0001 t9"}, true, Fenced{}},
		{"taken over from a blank file", " \n", Fence{Token: "t2", From: "? ?"}, true, Fenced{}},
		{"taken over from somebody else", "deadbeef t2\n", Fence{Token: "t2", From: "deadbeef t1"}, false, Fenced{"deadbeef", "t2"}},
		{"late program that takes over", "c10d0001 t9\n", Fence{Token: "t2", From: "deadbeef t1"}, false, Fenced{"c10d0001", "t9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			underEach(t, func(t *testing.T, sh shell) {
				for _, check := range []bool{true, false} {
					e := hostEnv(t)
					e.Fence, e.Check = &c.fence, check
					path := filepath.Join(e.HostDir, "fence")
					if c.file != "" {
						if err := os.MkdirAll(e.HostDir, 0o755); err != nil {
							t.Fatal(err)
						}
						writeFile(t, path, strings.TrimPrefix(c.file, "\x00empty"))
					}
					p := program(t, "act.sh", act)
					call(t, p, "act", "path", t.TempDir()+"/acted")
					testFence(t, run(t, sh, p, e), path, c.file, c.pass, check, c.refused)
				}
			})
		})
	}
}

func testFence(t *testing.T, r Report, path, before string, pass, check bool, refused Fenced) {
	t.Helper()
	if r.Done != pass || (r.Fenced == nil) != pass || (len(r.Results) == 1) != pass {
		t.Fatalf("pass %v: %+v", pass, r)
	}
	if !pass && *r.Fenced != refused {
		t.Errorf("refused by %+v", *r.Fenced)
	}
	switch {
	case pass && !check:
		if got := readFile(t, path); got != "c10d0001 t2\n" {
			t.Errorf("fence holds %q", got)
		}
	case before == "":
		if exists(path) {
			t.Error("a fence was written")
		}
	default:
		if got := readFile(t, path); got != strings.TrimPrefix(before, "\x00empty") {
			t.Errorf("fence became %q", got)
		}
	}
}

func TestFenceThatCannotBeWrittenStops(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e, acted := hostEnv(t), t.TempDir()+"/acted"
		writeFile(t, e.HostDir, "a file in the way")
		e.Fence = &Fence{Token: "t1"}
		p := program(t, "act.sh", act)
		call(t, p, "act", "path", acted)
		if r := run(t, sh, p, e); r.Done || r.Stopped == "" || exists(acted) {
			t.Errorf("%+v", r)
		}
	})
}

func TestFactsThatMovedAskForStageTwo(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e, path := hostEnv(t), t.TempDir()+"/acts"
		e.Fence = &Fence{Token: "t1"}
		e.FactsScript = "printf 'cpus 2\\n\\nos: it'\"'\"'s debian'"
		p := program(t, "act.sh", act)
		call(t, p, "act", "path", path)
		for _, known := range []string{"", Sum("cpus 1\n")} {
			os.Remove(path)
			e.Facts, e.Stage = known, 0
			s := openSession(t, sh)
			r := s.send(p, e, Hooks{})
			facts := r.Sections["host"].Text
			if r.Done || !r.Stage || facts != "cpus 2\n\nos: it's debian\n" || exists(path) {
				t.Fatalf("%+v", r)
			}
			if other := run(t, sh, p, e); other.Busy == "" {
				t.Errorf("the lock is not held between the stages: %+v", other)
			}
			e.Facts, e.Stage = Sum(facts), 2
			want(t, s.send(p, e, Hooks{}), "changed")
			if readFile(t, path) != "x\n" {
				t.Error("acted not once")
			}
		}
		e.Stage = 0
		want(t, run(t, sh, p, e), "changed")
	})
}

func TestFactsThatFailContributeNothing(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e := hostEnv(t)
		e.FactsScript, e.Facts = "echo half; exit 4", Sum("half\n")
		r := run(t, sh, program(t), e)
		if a := r.Sections["host"]; !r.Stage || r.Done || a.RC != 4 || a.Text != "" {
			t.Errorf("%+v", r)
		}
	})
}

// A controller that is gone between the stages leaves an idle shell that ends.
func TestStageTwoThatNeverComes(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e := hostEnv(t)
		e.FactsScript = "echo x"
		s := openSession(t, sh)
		s.send(program(t), e, Hooks{})
		s.stdin.Close()
		if err := s.cmd.Wait(); err != nil {
			t.Error(err)
		}
		e.FactsScript = ""
		want(t, run(t, sh, program(t), e), "")
	})
}

func TestUpload(t *testing.T) {
	binary := "\x00\x01\xff" + strings.Repeat("big ", lazyInline)
	underEach(t, func(t *testing.T, sh shell) {
		e, dir := hostEnv(t), t.TempDir()
		p := program(t)
		call(t, p, "rendered", "path", dir+"/one", "content", binary)
		call(t, p, "rendered", "path", dir+"/two", "content", binary)
		hidden, err := p.Call("rendered", map[string]any{"path": dir + "/three", "content": "pass word"}, true)
		if err != nil {
			t.Fatal(err)
		}
		p.Add(hidden)
		if text, err := p.Text(e); err != nil || strings.Contains(text, "pass word") || len(text) > lazyInline {
			t.Fatalf("the program carries what must be uploaded (%v)", err)
		}
		var needs []string
		s := openSession(t, sh)
		puts := s.putter(p, e)
		r := s.send(p, e, Hooks{OnNeed: func(sum string) { needs = append(needs, sum); puts(sum) }})
		want(t, r, "changed changed changed")
		if !slices.Equal(needs, []string{Sum(binary), Sum("pass word")}) {
			t.Errorf("needs %v", needs)
		}
		if readFile(t, dir+"/one") != binary || readFile(t, dir+"/three") != "pass word" {
			t.Error("other content arrived")
		}
		if exists(e.HostDir+"/blobs.tmp") || exists(e.HostDir+"/incoming/root/"+Sum("pass word")) {
			t.Error("uploads were left behind")
		}
		fi, err := os.Stat(e.HostDir + "/incoming/root")
		if err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("incoming: %v %v", fi.Mode(), err)
		}
		want(t, run(t, sh, p, e), "ok ok ok")
	})
}

// blob_file gives away an upload, as an image's kind does: who needs it next
// asks again.
func TestUploadThatWasMovedIsAskedForAgain(t *testing.T) {
	const kind = `# mover path upload
check_mover() { [ -e "$1" ]; }
apply_mover() { mv "$(blob_file "$2")" "$1"; }
`
	underEach(t, func(t *testing.T, sh shell) {
		e, dir := hostEnv(t), t.TempDir()
		p := program(t, "mover.sh", kind)
		sum := p.Secret("an image")
		for _, name := range []string{"a", "b"} {
			call(t, p, "mover", "path", dir+"/"+name, "upload", sum)
		}
		s, n := openSession(t, sh), 0
		puts := s.putter(p, e)
		want(t, s.send(p, e, Hooks{OnNeed: func(sum string) { n++; puts(sum) }}), "changed changed")
		if n != 2 || readFile(t, dir+"/b") != "an image" {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestUploadsThatDoNotArrive(t *testing.T) {
	sum := Sum("the content")
	for _, c := range []struct {
		name    string
		onNeed  func(s *session, e Env)
		outcome string
		words   string
	}{
		{"lack", func(s *session, e Env) { s.answer("lack %s the disk is full", sum) }, "failed ok", "the disk is full"},
		{"wrong sum", func(s *session, e Env) {
			put(s.t, e, sum, "other content")
			s.answer("have %s", sum)
		}, "failed ok", "arrived with the sum " + Sum("other content")},
		{"not there", func(s *session, e Env) { s.answer("have %s", sum) }, "failed ok", "did not arrive"},
		{"a link", func(s *session, e Env) {
			if err := os.Symlink("/etc/passwd", e.HostDir+"/incoming/root/"+sum); err != nil {
				s.t.Error(err)
			}
			s.answer("have %s", sum)
		}, "failed ok", "did not arrive"},
		{"end of input", func(s *session, e Env) { s.stdin.Close() }, "unknown CUT", ""},
		{"other answer", func(s *session, e Env) { s.answer("touch %s/owned", e.HostDir) }, "unknown CUT", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			underEach(t, func(t *testing.T, sh shell) {
				e, dir := hostEnv(t), t.TempDir()
				p := program(t, "fate.sh", fate)
				p.Add(Task{Kind: "rendered", Args: []string{dir + "/f", "0644", "root:root", p.Secret("the content")}})
				call(t, p, "fate", "end", "ok", "dir", dir)
				s := openSession(t, sh)
				r := s.send(p, e, Hooks{OnNeed: func(string) { c.onNeed(s, e) }})
				want(t, r, c.outcome)
				if !strings.Contains(r.Results[0].Words, c.words) {
					t.Errorf("words %q", r.Results[0].Words)
				}
				if r.Done == (r.Stopped != "") {
					t.Errorf("stopped %q", r.Stopped)
				}
				if exists(dir+"/f") || exists(e.HostDir+"/owned") {
					t.Error("something was written")
				}
			})
		})
	}
}

// What a killed run left behind is neither used nor kept.
func TestLeftoverUploadsAreRemoved(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		e := hostEnv(t)
		if err := os.MkdirAll(e.HostDir+"/blobs.tmp", 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, e.HostDir+"/blobs.tmp/"+Sum("x"), "forged")
		want(t, run(t, sh, program(t), e), "")
		if exists(e.HostDir + "/blobs.tmp") {
			t.Error("still there")
		}
	})
}
