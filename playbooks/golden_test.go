package playbooks

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"eucactl/tasks"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// planOf reads a plan as `eucactl plan HOST -o json` prints it.
func planOf(t testing.TB, name string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return whole(m).(map[string]any)
}

func whole(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			panic(err)
		}
		return n
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = whole(v[k])
		}
	}
	return v
}

func library(t testing.TB) *tasks.Library {
	t.Helper()
	lib, err := tasks.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

// listing is a program for people: each task, then the contents they name.
func listing(p *tasks.Program) string {
	var b strings.Builder
	var sums []string
	for i, t := range p.Tasks {
		fmt.Fprintf(&b, "%d %s\n   [%s] %s", i, t.Name, t.Guard, t.Kind)
		for _, a := range t.Args {
			if _, ok := p.Content(a); ok && !slices.Contains(sums, a) {
				sums = append(sums, a)
			}
			if tasks.IsSum(a) {
				a = a[:12]
			}
			fmt.Fprintf(&b, " %q", a)
		}
		if t.IgnoreErrors {
			b.WriteString(" (errors ignored)")
		}
		b.WriteString("\n")
	}
	for _, s := range sums {
		c, _ := p.Content(s)
		fmt.Fprintf(&b, "--- %s\n%s", s[:12], c)
	}
	return b.String()
}

func TestBuiltinPrograms(t *testing.T) {
	pb, err := Parse(Builtin(), Site)
	if err != nil {
		t.Fatal(err)
	}
	set := Templates(nil)
	for name, groups := range map[string][]string{
		"frontend": {"frontends"}, "frontend-empty": {"frontends"}, "frontend-idle": {"frontends"}, "frontend-left": {"frontends"},
		"node": {"nodes"}, "node-idle": {"nodes"}, "both-idle": {"frontends", "nodes"},
	} {
		in := In{Host: Host{Name: name, Groups: groups}, Plan: planOf(t, name), Facts: map[string]string{"arch": "x86_64"}}
		p, err := pb.Build(in, library(t), set)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		golden(t, name+".program", listing(p))
	}
}
