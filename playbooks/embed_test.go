package playbooks

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"eucactl/templates"
)

// What was ejected builds the same programs as what is built in.
func TestEjectedIsTheSame(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mine")
	if err := Eject(dir); err != nil {
		t.Fatal(err)
	}
	pb, err := Parse(os.DirFS(dir), Site)
	if err != nil {
		t.Fatal(err)
	}
	in := In{Host: Host{Name: "fe1", Groups: []string{"frontends"}}, Plan: planOf(t, "frontend"), Facts: map[string]string{"arch": "x86_64"}}
	p, err := pb.Build(in, library(t), Templates(os.DirFS(dir)))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "frontend.program", listing(p))
	names, err := fs.Glob(templates.Builtin(), "*.j2")
	if err != nil || len(names) == 0 {
		t.Fatal(err)
	}
	for _, n := range names {
		if _, err := os.Stat(filepath.Join(dir, TemplatesIn, n)); err != nil {
			t.Error(err)
		}
	}
	if err := Eject(dir); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("ejected over a user's files: %v", err)
	}
}

func TestEditedFileWins(t *testing.T) {
	mine := fstest.MapFS{
		"node.yml":           {Data: []byte("- hosts: nodes\n  tasks:\n    - rendered: { path: /x, content: \"{{ lookup('template', 'flows.j2') }}\" }\n")},
		"templates/flows.j2": {Data: []byte("edited")},
	}
	pb, err := Parse(Overlay(mine, nil, Builtin()), Site)
	if err != nil {
		t.Fatal(err)
	}
	p, err := pb.Build(In{Host: Host{Name: "n", Groups: []string{"nodes"}}}, library(t), Templates(mine))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := p.After(0); len(p.Tasks) != 1 || got != "edited" {
		t.Errorf("%s", listing(p))
	}
}

func TestTags(t *testing.T) {
	play := fstest.MapFS{"p.yml": {Data: []byte(`
- hosts: all
  tasks:
    - { name: plain, rendered: { path: /x, content: x } }
    - { name: a, rendered: { path: /x, content: x }, tags: a }
    - { name: ab, rendered: { path: /x, content: x }, tags: "a, b", notify: h }
    - { name: always, rendered: { path: /x, content: x }, tags: always }
    - { name: never, rendered: { path: /x, content: x }, tags: [never, n] }
    - tags: c
      block:
        - { name: c, rendered: { path: /x, content: x } }
  handlers:
    - { name: h, rendered: { path: /x, content: x } }
`)}}
	pb, err := Parse(play, "p.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tags, skip []string
		want       string
	}{
		{nil, nil, "plain a ab always c h"},
		{[]string{"a"}, nil, "a ab always h"},
		{[]string{"b", "c"}, nil, "ab always c h"},
		{[]string{"n"}, nil, "always never"},
		{[]string{"all"}, []string{"a"}, "plain always c"},
		{[]string{"untagged"}, nil, "plain always"},
		{[]string{"tagged"}, []string{"always", "never"}, "a ab c h"},
	} {
		p, err := pb.Build(In{Host: host(), Tags: c.tags, SkipTags: c.skip}, library(t), templates.New())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, task := range p.Tasks {
			names = append(names, task.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("tags %v without %v: %s, want %s", c.tags, c.skip, got, c.want)
		}
	}
}
