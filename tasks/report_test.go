package tasks

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// talk is a reply whose lines of ours begin with "@ ".
func talk(s string) string {
	return strings.ReplaceAll(s, "@ ", testMark+" ")
}

// three is a program of three tasks, of which the last is hidden, with a section.
func three(t testing.TB) *Program {
	p := program(t, "fate.sh", fate)
	for i := range 3 {
		p.Add(Task{Kind: "fate", Args: []string{"ok", "/"}, NoLog: i == 2})
	}
	p.Sections = []Section{{"links", "ip link"}}
	return p
}

func read(t testing.TB, p *Program, text string, secrets ...string) Report {
	t.Helper()
	r, err := Read(strings.NewReader(talk(text)), p, testMark, Hooks{}, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReadReply(t *testing.T) {
	var lines, begun []string
	hooks := Hooks{
		OnBegin:  func(n int) { begun = append(begun, fmt.Sprint(n)) },
		OnResult: func(r Result) { lines = append(lines, fmt.Sprintf("%d %s", r.Index, r.Outcome)) },
	}
	reply := talk(`Welcome to host1

@ hello 1

@ begin 0
word one
no newline at end
@ end 0 changed 0

@ skip 1 needs 0

@ begin 2
password: hunter2

@ end 2 failed 7
noise of a section

@ section links
a

b

@ section-end links 0

@ done
not read any more
@ end 1 ok 0
`)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "bytewise": iotest.OneByteReader,
	} {
		lines, begun = nil, nil
		r, err := Read(wrap(strings.NewReader(reply)), three(t), testMark, hooks, nil)
		if err != nil {
			t.Fatal(err)
		}
		wanted := Report{
			Hello: true, Done: true, Words: "Welcome to host1",
			Results: []Result{
				{Index: 0, Outcome: Changed, Words: "word one\nno newline at end", Needs: -1},
				{Index: 1, Outcome: Skipped, Why: "needs 0", Needs: 0},
				{Index: 2, Outcome: Failed, RC: 7, Words: "(hidden by no_log)", Needs: -1},
			},
			Sections: map[string]Answer{"links": {Text: "a\n\nb\n", Words: "noise of a section"}},
		}
		if d := cmp.Diff(wanted, r); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if d := cmp.Diff([]string{"0 changed", "1 skipped", "2 failed"}, lines); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"0", "2"}, begun); d != "" {
			t.Error(d)
		}
	}
}

func TestReadEndings(t *testing.T) {
	for _, c := range []struct {
		text string
		want Report
	}{
		{"", Report{}},
		{"sudo: a password is required\n", Report{Words: "sudo: a password is required"}},
		{"@ hello 1\n@ busy another run\n", Report{Hello: true, Busy: "another run"}},
		{"@ hello 1\n@ fenced deadbeef t9\n", Report{Hello: true, Fenced: &Fenced{"deadbeef", "t9"}}},
		{"@ hello 1\n@ stopped no disk\n", Report{Hello: true, Stopped: "no disk"}},
		{"@ hello 1\n@ section host\nx\n\n@ section-end host 0\n\n@ stage\n", Report{
			Hello: true, Stage: true, Sections: map[string]Answer{"host": {Text: "x\n"}}}},
		{"@ hello 1\n@ section host\nx\n", Report{Hello: true}},
		{"@ hello 1\n@ done", Report{Hello: true, Done: true}},
	} {
		if c.want.Sections == nil {
			c.want.Sections = map[string]Answer{}
		}
		if d := cmp.Diff(c.want, read(t, three(t), c.text)); d != "" {
			t.Errorf("%q: %s", c.text, d)
		}
	}
}

// Lines with our mark that do not belong where they stand are words.
func TestReadForgedLines(t *testing.T) {
	for _, text := range []string{
		"@ end 0 ok 0\n", // never began
		"@ begin 0\n@ end 1 ok 0\n@ end 0 ok 0\n",  // another's end
		"@ begin 0\n@ begin 1\n@ end 0 ok 0\n",     // in mid-task
		"@ begin 0\n@ end 0 great 0\n",             // no outcome
		"@ begin 0\n@ end 0 skipped 0\n",           // not by end
		"@ begin 0\n@ end 0 ok zero\n",             //
		"@ begin 0\n@ end 0 ok 0 0\n",              //
		"@ begin 0\n@ end 0 ok 0\n@ begin 0\n",     // twice
		"@ begin 0\n@ end 0 ok 0\n@ skip 0 when\n", //
		"@ begin 3\n",
		"@ begin -1\n",
		"@ begin +1\n",
		"@ begin 01\n",
		"@ begin 99999999999999999999\n",
		"@ begin\n",
		"@ skip 1 needs 1\n",
		"@ skip 1 needs 2\n",
		"@ skip 1 because\n",
		"@ section nobody-asked\n",
		"@ section-end links 0\n",
		"@ section links\n@ begin 0\n@ section-end links 0\n",
		"@ section links\n\n@ section-end links 0\n@ section links\n",
		"@ diff 0\n",
		"@ begin 0\n@ diff 1\n@ end 0 ok 0\n",
		"@ begin 0\n@ diff-end 0\n@ end 0 ok 0\n",
		"@ begin 0\n@ done\n",
		"@ begin 0\n@ busy never\n",
		"@ reboot\n",
		"@ \n",
		"@ hello 1\n@ hello 1\n",
		"@ begin 0\n@ end 0 ok 0" + strings.Repeat(" ", longestOurs) + "\n",
	} {
		r := read(t, three(t), text)
		if r.Odd == 0 && !strings.Contains(text, strings.Repeat(" ", 99)) || r.Done || r.Busy != "" {
			t.Errorf("%q: %+v", text, r)
		}
		seen := map[int]bool{}
		for _, res := range r.Results {
			if seen[res.Index] || res.Index > 2 {
				t.Errorf("%q: %+v", text, r.Results)
			}
			seen[res.Index] = true
		}
	}
}

func TestReadAnotherMarkIsWords(t *testing.T) {
	r := read(t, three(t), "@ begin 0\n@ffffffffffffffff end 0 ok 0\n"+"x@ end 0 ok 0\n@ end 0 failed 1\n")
	want(t, r, "failed CUT")
	if !strings.Contains(r.Results[0].Words, "@ffff") || !strings.Contains(r.Results[0].Words, "x@") {
		t.Errorf("%q", r.Results[0].Words)
	}
}

func TestReadNeeds(t *testing.T) {
	p := three(t)
	sum := p.Secret("x")
	asked := 0
	hooks := Hooks{OnNeed: func(s string) {
		if s == sum {
			asked++
		}
	}}
	r, err := Read(strings.NewReader(talk("@ begin 0\n@ need "+sum+"\n@ end 0 changed 0\n@ done\n")), p, testMark, hooks, nil)
	if err != nil || asked != 1 || !r.Done {
		t.Fatalf("%d %+v %v", asked, r, err)
	}
	for _, text := range []string{
		"@ begin 0\n@ need " + Sum("other") + "\n",
		"@ begin 0\n@ need ../../etc/shadow\n",
		"@ need " + sum + "\n",
		"@ begin 0\n" + strings.Repeat("@ need "+sum+"\n", 10),
	} {
		asked = 0
		if _, err := Read(strings.NewReader(talk(text)), p, testMark, hooks, nil); err == nil || asked > 4 {
			t.Errorf("%q: asked %d, %v", text, asked, err)
		}
	}
}

func TestReadScrubsSecrets(t *testing.T) {
	key := "-----BEGIN KEY-----\nAAAAB3NzaC1yc2E\n}\n-----END KEY-----\n"
	r := read(t, three(t), "@ begin 0\npassword hunter2hunter2!\nAAAAB3NzaC1yc2E and }\n@ diff 0\nx=hunter2\n\n@ diff-end 0\n@ end 0 ok 0\nhunter2\n@ stopped hunter2\n",
		"", "hunter2", "hunter2!", key)
	got := r.Results[0]
	if got.Words != "password ******\n*** and }" || got.Before != "x=***\n" || r.Words != "***" || r.Stopped != "***" {
		t.Errorf("%q %q %q %q", got.Words, got.Before, r.Words, r.Stopped)
	}
}

// A secret that lies across the place where words are cut is not half shown.
func TestReadCutsAtLines(t *testing.T) {
	for _, pad := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12} {
		var b strings.Builder
		b.WriteString("@ begin 0\n" + strings.Repeat("x", pad) + "\n")
		for range 20000 {
			b.WriteString("topsecret\n")
		}
		b.WriteString("last\n@ end 0 failed 1\n@ done\n")
		r := read(t, three(t), b.String(), "topsecret")
		w := r.Results[0].Words
		if len(w) > mostWords+len(cutNote) || strings.Contains(w, "secret") || !strings.HasSuffix(w, "***\nlast") || !strings.HasPrefix(w, cutNote) {
			t.Fatalf("%d: %d bytes, %.80q", pad, len(w), w)
		}
	}
}

func TestReadCleansWords(t *testing.T) {
	r := read(t, three(t), "@ begin 0\n\x1b[31mred\x1b[0m \xff\x00 tab\tok \u009b1m\r\n@ end 0 ok 0\n")
	if got := r.Results[0].Words; got != "\uFFFD[31mred\uFFFD[0m \uFFFD\uFFFD tab\tok \uFFFD1m" {
		t.Errorf("%q", got)
	}
}

// endless says a line again and again, in bounded memory.
type endless struct {
	head string
	line string
	left int64
}

func (e *endless) Read(b []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(b) {
		if e.head == "" {
			e.head = e.line
		}
		m := copy(b[n:], e.head)
		e.head = e.head[m:]
		n += m
	}
	e.left -= int64(n)
	return n, nil
}

func TestReadFloods(t *testing.T) {
	for _, c := range []struct{ name, head, line string }{
		{"words of a task", "@ begin 0\n", "blah blah\n"},
		{"one endless line", "@ begin 0\n", "blah"},
		{"words of nobody", "", "blah\n"},
		{"a section", "@ section links\n", "blah\n"},
		{"a difference", "@ begin 0\n@ diff 0\n", "blah\n"},
		{"our lines", "", "@ hello 1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rd := newReader(three(t), testMark, Hooks{}, nil)
			src := &endless{head: talk(c.head), line: talk(c.line), left: 64 << 20}
			r, err := rd.from(bufio.NewReaderSize(src, longestLine))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(rd.words.b) + rd.text.Len(); n > 2*mostWords+mostAnswer+longestLine {
				t.Errorf("holds %d bytes", n)
			}
			for _, res := range r.Results {
				if len(res.Words) > mostWords+len(cutNote) || res.Diffed {
					t.Errorf("%d bytes of words, diffed %v", len(res.Words), res.Diffed)
				}
			}
			if len(r.Words) > mostWords+2*len(cutNote) || len(r.Sections) > 0 {
				t.Errorf("%d bytes of words", len(r.Words))
			}
		})
	}
}

func TestReadStopsAtTheLimitOfAll(t *testing.T) {
	rd := newReader(three(t), testMark, Hooks{}, nil)
	rd.read = mostReply - 100
	if _, err := rd.from(bufio.NewReader(&endless{line: "blah\n", left: 1 << 20})); err == nil {
		t.Error("no end of it")
	}
}

func TestReadSectionTooBig(t *testing.T) {
	src := io.MultiReader(strings.NewReader(talk("@ section links\n")),
		&endless{line: "blah\n", left: mostAnswer + 5},
		strings.NewReader(talk("\n@ section-end links 0\n@ done\n")))
	r, err := Read(src, three(t), testMark, Hooks{}, nil)
	if a := r.Sections["links"]; err != nil || !r.Done || a.RC == 0 || a.Text != "" {
		t.Errorf("%v %+v", err, r)
	}
}

func TestReadErrorIsReturned(t *testing.T) {
	broken := errors.New("connection reset")
	src := io.MultiReader(strings.NewReader(talk("@ begin 0\n")), iotest.ErrReader(broken))
	r, err := Read(src, three(t), testMark, Hooks{}, nil)
	if !errors.Is(err, broken) || outcomes(r) != "unknown CUT" {
		t.Errorf("%v %+v", err, r)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"@ hello 1\n@ begin 0\nwords topsecret\n@ end 0 ok 0\n@ skip 1 needs 0\n@ skip 2 when\n@ section links\nx\n\n@ section-end links 0\n@ done\n",
		"@ begin 0\n@ diff 0\nold\n@ diff-end 0\n@ end 0 would 0\n@ begin 1\n",
		"@ section host\nf\n@ section-end host 0\n@ stage\n",
		"@ fenced a b\n", "@ busy x\n", "@ stopped topsecret\n", "@ need x\n",
		"\x00\xff\n\n@", "@ end 0", "@ begin 00\n@ begin -0\n",
		"@ begin 0\n@ data 0 stdout\nx\n@ end 1 ok 0\n@ data-end 0 stdout\n@ data 0 rc\n0\n@ end 0 changed 0\n",
		"@ begin 0\n@ data 0 a\n@ data 0 a\n@ data-end 1 a\n@ data 1 b\n@ data 0 UP\n@ done\n",
	} {
		f.Add(s)
	}
	p := three(f)
	sum := p.Secret("y")
	f.Add("@ begin 0\n@ need " + sum + "\n@ end 0 changed 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		told := 0
		hooks := Hooks{OnResult: func(Result) { told++ }, OnNeed: func(s string) {
			if s != sum {
				t.Errorf("need %q", s)
			}
		}}
		r, _ := Read(strings.NewReader(talk(text)), p, testMark, hooks, []string{"topsecret"})
		if told != len(r.Results) {
			t.Errorf("%d results, %d told", len(r.Results), told)
		}
		seen := map[int]bool{}
		for _, res := range r.Results {
			if res.Index < 0 || res.Index >= 3 || seen[res.Index] || res.Outcome == "" {
				t.Errorf("%+v", r.Results)
			}
			seen[res.Index] = true
			shown(t, res.Words+res.Before+res.Why)
		}
		shown(t, r.Words+r.Busy+r.Stopped)
		for name, a := range r.Sections {
			if name != "links" && name != "host" || a.RC != 0 && a.Text != "" {
				t.Errorf("%s %+v", name, a)
			}
		}
		again, _ := Read(iotest.HalfReader(strings.NewReader(talk(text))), p, testMark, Hooks{}, []string{"topsecret"})
		if d := cmp.Diff(r, again); d != "" {
			t.Errorf("depends on how it arrives: %s", d)
		}
	})
}

func shown(t *testing.T, s string) {
	if strings.Contains(s, "topsecret") || !utf8.ValidString(s) || strings.Contains(s, "\x1b") {
		t.Errorf("shows %q", s)
	}
}
