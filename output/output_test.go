package output

import (
	"bytes"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"eucactl/playbooks"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// tell plays one of everything.
func tell(e playbooks.Events) {
	install := &playbooks.TaskInfo{Name: "web : install", Action: "copy", Where: playbooks.Position{File: "site.yml", Line: 4}, Play: "web servers"}
	say := &playbooks.TaskInfo{Name: "say", Action: "debug", Where: playbooks.Position{File: "site.yml", Line: 9}, Place: playbooks.Place{Path: "1"}}
	again := &playbooks.TaskInfo{Name: "restart", Action: "service", Handler: true, Place: playbooks.Place{Path: "2"}}
	fields := func(more ...any) map[string]any {
		m := map[string]any{"changed": false, "_ansible_no_log": false}
		for i := 0; i < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	e.PlayStart(playbooks.PlayInfo{Name: "web servers", Hosts: []string{"a", "b"}})
	e.TaskStart(install)
	e.Begun("a", install)
	e.Result(playbooks.Result{Host: "a", Task: install, Status: playbooks.StatusChanged, Fields: fields("changed", true), Took: 1500 * time.Millisecond,
		Diffs: []playbooks.Diff{{Before: "one\ntwo\n", After: "one\nthree", AfterHeader: "/etc/motd"}}})
	e.Result(playbooks.Result{Host: "b", Task: install, Status: playbooks.StatusOK, Fields: fields(), HasItem: true, Item: "x\x1b[31m"})
	e.Result(playbooks.Result{Host: "b", Task: install, Status: playbooks.StatusFailed, Fields: fields("msg", "it's <broken>", "rc", int64(2)), HasItem: true, Item: "y"})
	e.Result(playbooks.Result{Host: "b", Task: install, Status: playbooks.StatusFailed, Ignored: true, Loop: true, Fields: fields("msg", "One or more items failed")})
	e.TaskStart(say)
	e.Result(playbooks.Result{Host: "a", Task: say, Status: playbooks.StatusOK, Fields: fields("msg", "hello", "list", []any{int64(1), "x"})})
	e.Result(playbooks.Result{Host: "b", Task: say, Status: playbooks.StatusSkipped, Unknown: true, Fields: fields()})
	e.Warning("mind\x07 this")
	e.TaskStart(again)
	e.Result(playbooks.Result{Host: "a", Task: again, Status: playbooks.StatusWaiting, Left: 3})
	e.Result(playbooks.Result{Host: "a", Task: again, Status: playbooks.StatusFailed, TimedOut: true, Fields: fields("msg", "too long"), Delegated: "c"})
	e.Result(playbooks.Result{Host: "b", Task: again, Status: playbooks.StatusUnreachable, Fields: fields("unreachable", true)})
	e.PlayStart(playbooks.PlayInfo{Name: "nobody", None: true})
	e.Stats(map[string]playbooks.Stats{"b": {OK: 1, Unreachable: 1}, "a": {OK: 2, Changed: 1, Failed: 1}}, playbooks.Custom{"": {"upgraded": 2}, "a": {"disks": []any{"sda"}}})
}

func TestFormats(t *testing.T) {
	var b bytes.Buffer
	for name, e := range map[string]func() playbooks.Events{
		"ansible.txt": func() playbooks.Events { return NewAnsible(&b, Look{}) },
		"color.txt":   func() playbooks.Events { return NewAnsible(&b, Look{Color: true, Verbosity: 2, Width: 40}) },
		"oneline.txt": func() playbooks.Events { return NewOneLine(&b) },
		"minimal.txt": func() playbooks.Events { return NewMinimal(&b, Look{}) },
		"events.json": func() playbooks.Events { return NewJSON(&b) },
		"profile.txt": func() playbooks.Events { return NewProfile(&b) },
		"live.txt":    func() playbooks.Events { return Several{NewLive(&b, 40, NewAnsible(&b, Look{}))} },
	} {
		b.Reset()
		tell(e())
		golden(t, name, b.Bytes())
	}
}

func TestJUnit(t *testing.T) {
	j := NewJUnit("site.yml")
	tell(j)
	var b bytes.Buffer
	if err := j.Write(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "junit.xml", b.Bytes())
	var back suites
	if err := xml.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
