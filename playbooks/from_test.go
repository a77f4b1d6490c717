package playbooks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

var longRun = map[string]string{
	"site.yml": `
- hosts: all
  gather_facts: false
  serial: [1, 2]
  vars: { x: 1 }
  roles:
    - keeper
  tasks:
    - say: { text: nameless }
      loop: [1, 2]
    - block:
        - { name: tried, say: { rc: 3 } }
        - { name: not come to, say: {} }
      rescue:
        - { name: rescued, say: {} }
      always:
        - { name: anyway, say: {} }
    - include_tasks: more.yml
    - block:
        - { name: plain, say: {} }
        - { name: plain, say: {} }
    - { name: last, say: {} }
- hosts: b,c
  gather_facts: false
  tasks:
    - { name: "*", say: {} }
    - { name: after, say: { changes: false } }
`,
	"more.yml":                    "- { name: more, say: {} }\n- { say: {} }\n",
	"roles/keeper/tasks/main.yml": "- { name: kept, say: {} }\n- { say: {} }\n",
}

// together are the parts of longRun that are done whole or not at all: what is done in
// them depends on what became of their first task.
const together = "tried"

// A run that is gone on with at any of its tasks does that one and all that come
// after it, on the hosts that have them before them, and nothing else.
func TestGoesOnAnywhere(t *testing.T) {
	full := play(t, longRun, "a\nb\nc\n", nil)
	if full.err != nil {
		t.Fatal(full.err)
	}
	batch := map[string]int{"a": 0, "b": 1, "c": 1}
	began := ""
	for _, at := range full.all {
		if at.Task.Name == together {
			began = at.Task.Place.Path
		}
	}
	for _, at := range full.all {
		here := at.Task.Place
		t.Run(fmt.Sprint(here, at.Task.Name), func(t *testing.T) {
			from := From{Play: here.Play, Batch: here.Batch, Path: here.Path}
			for _, h := range []string{"a", "b", "c"} {
				switch b := batch[h]; {
				case here.Play > 0 || b == here.Batch:
					from.Hosts = append(from.Hosts, h)
				case b < here.Batch:
					from.Done = append(from.Done, h)
				}
			}
			start := here.Path
			if here.Play == 0 && strings.HasPrefix(start, began[:len(began)-len(".00000.00000")]) {
				start = began
			}
			var want []string
			for _, r := range full.all {
				p := r.Task.Place
				if p.Play > here.Play || p.Play == here.Play && (p.Batch > here.Batch || p.Batch == here.Batch && p.Path >= start) {
					want = append(want, line(r))
				}
			}
			rest := play(t, longRun, "a\nb\nc\n", func(p *playing) { p.run.Options.From = &from })
			if rest.err != nil {
				t.Fatal(rest.err)
			}
			var got []string
			for _, r := range rest.all {
				// An include that is only looked into tells so.
				if p := r.Task.Place; p.Play == here.Play && batch[r.Host] == here.Batch && p.Path < start && r.Task.Action == "include_tasks" {
					continue
				}
				got = append(got, line(r))
			}
			slices.Sort(want)
			slices.Sort(got)
			if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
				t.Errorf("done:\n%s\nleft to do:\n%s", g, w)
			}
		})
	}
}

func line(r Result) string {
	return fmt.Sprintf("%d %s %s %s %s", r.Task.Place.Play, r.Host, r.Task.Place.Path, r.Task.Name, r.Status)
}

// Hosts that failed before take no further part.
func TestGoesOnWithout(t *testing.T) {
	p := play(t, longRun, "a\nb\nc\n", func(p *playing) { p.run.Options.From = &From{Play: 1, Lost: []string{"b"}} })
	p.says("PLAY b,c", "c *: changed", "c after: ok")
}
