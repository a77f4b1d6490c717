package main

import (
	"path/filepath"
	"strings"
	"testing"

	"eucactl/playbooks"
)

// What is kept of a run is where its hindmost host is, with those that are in the
// middle of their batch, have it behind them, or failed.
func TestProgress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.json")
	fresh := func() *progress { return &progress{path: path, kept: kept{V: 2}} }
	task := func(play, batch int, path string) *playbooks.TaskInfo {
		return &playbooks.TaskInfo{Name: "t" + path, Place: playbooks.Place{Play: play, Batch: batch, Path: path}}
	}
	p := fresh()
	is := func(play, batch int, path, hosts, done, lost string) {
		t.Helper()
		f, err := fresh().resume()
		if err != nil {
			t.Fatal(err)
		}
		join := func(words []string) string { return strings.Join(words, "") }
		if f.Play != play || f.Batch != batch || f.Path != path || join(f.Hosts) != hosts || join(f.Done) != done || join(f.Lost) != lost {
			t.Errorf("kept %+v, not %d %d %q %s %s %s", f, play, batch, path, hosts, done, lost)
		}
	}
	p.PlayStart(playbooks.PlayInfo{Hosts: []string{"a", "b"}})
	is(0, 0, "", "ab", "", "")
	p.Begun("a", task(0, 0, "3"))
	is(0, 0, "", "ab", "", "") // b did not begin
	p.Begun("b", task(0, 0, "1"))
	is(0, 0, "1", "ab", "", "")
	p.Result(playbooks.Result{Host: "b", Task: task(0, 0, "2"), Status: playbooks.StatusFailed})
	is(0, 0, "2", "ab", "", "") // it may be rescued
	p.Left("b", true)
	is(0, 0, "3", "a", "", "b")
	p.Left("a", false)
	p.PlayStart(playbooks.PlayInfo{Batch: 1, Hosts: []string{"c", "d"}})
	is(0, 1, "", "cd", "a", "b")
	p.Begun("c", task(0, 1, "2"))
	p.Begun("d", task(0, 1, "4"))
	is(0, 1, "2", "cd", "a", "b")

	again := fresh()
	if _, err := again.resume(); err != nil {
		t.Fatal(err)
	}
	p = again
	p.PlayStart(playbooks.PlayInfo{Hosts: []string{"c", "d"}})
	is(0, 1, "2", "cd", "a", "b") // not further back than it was
	p.Left("c", false)
	p.Left("d", false)
	p.PlayStart(playbooks.PlayInfo{Batch: 1, Hosts: []string{"e"}})
	is(0, 2, "", "e", "acd", "b")
	p.PlayStart(playbooks.PlayInfo{Index: 1, Hosts: []string{"a", "c"}})
	is(1, 0, "", "ac", "", "b")
	if err := p.done(); err != nil {
		t.Fatal(err)
	}
	if _, err := fresh().resume(); err == nil {
		t.Error("a run that ended is resumed")
	}
}
