package playbooks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"eucactl/templates"
)

func host() Host {
	return Host{Name: "h", Groups: []string{"web"}, Vars: map[string]any{
		"base": "from the inventory", "site": "site of {{ base }}", "raw": "{{ '{{' }} x }}",
	}}
}

func dialectIn() In {
	return In{Host: host(), Facts: map[string]string{"arch": "x86_64"}, Extra: map[string]any{"base": "-e"}}
}

func dialectSet() *templates.Set {
	return templates.New(fstest.MapFS{"motd.j2": {Data: []byte("hello {{ who }}\n")}}, templates.Builtin())
}

// TestErrors reads every playbook in testdata/errors, which all have mistakes.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, f := range files {
		name := filepath.Base(f)
		pb, err := Parse(os.DirFS("testdata/errors"), name)
		if err == nil {
			in := dialectIn()
			_, err = pb.Build(in, library(t), dialectSet())
		}
		if err == nil && name != "empty.yml" {
			t.Errorf("%s: no error", name)
		}
		fmt.Fprintf(&out, "== %s\n%v\n", name, err)
	}
	golden(t, "errors.golden", out.String())
}

// TestDialect builds every playbook in testdata/dialect.
func TestDialect(t *testing.T) {
	files, err := filepath.Glob("testdata/dialect/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		pb, err := Parse(os.DirFS("testdata/dialect"), name)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		p, err := pb.Build(dialectIn(), library(t), dialectSet())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		golden(t, filepath.Join("dialect", strings.TrimSuffix(name, ".yml")+".program"), listing(p))
	}
}
