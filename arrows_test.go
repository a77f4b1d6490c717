package eucactl

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows is docs/ARCHITECTURE.md's diagram: each package and those of ours that it
// may import.
var arrows = map[string][]string{
	"cloud": nil, "ordered": nil, "spelling": nil, "tasks": {"ordered", "spelling"}, "facts": nil, "jinja": {"ordered", "spelling"}, "seed": nil, "images": nil, "vault": nil,
	"inventory":  {"cloud", "ordered", "spelling"},
	"templates":  {"jinja", "ordered"},
	"state":      {"cloud"},
	"plan":       {"cloud", "inventory"},
	"reach":      {"cloud", "facts", "inventory", "plan"},
	"preflight":  {"cloud", "facts", "inventory", "plan"},
	"playbooks":  {"templates", "tasks", "facts", "inventory", "ordered", "spelling"},
	"output":     {"playbooks", "ordered"},
	"remote":     {"inventory"},
	"controller": {"cloud", "tasks", "facts", "templates", "seed", "images", "inventory", "state", "plan", "reach", "preflight", "playbooks", "remote", "ordered"},

	"metadata": {"controller", "cloud"},

	"sim/policy": {"cloud", "state"},
	"sim/host":   {"tasks", "facts", "remote", "sim/policy"},
	"sim":        {"cloud", "tasks", "seed", "images", "inventory", "state", "plan", "remote", "controller", "sim/policy", "sim/host"},

	"cmd/eucactl": {"controller", "cloud", "inventory", "state", "remote", "metadata", "sim", "playbooks", "tasks", "templates", "output", "vault"},
}

// pure packages work on what they are given: they run nothing, dial nobody and
// neither read the clock nor roll dice.
var pure = []string{"cloud", "ordered", "spelling", "inventory", "plan", "jinja", "templates", "tasks", "facts", "reach", "preflight", "playbooks", "output", "seed", "vault"}

var impure = []string{"os/exec", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "golang.org/x/crypto/ssh"}

type listed struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) (all []listed) {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestArrows(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, "eucactl/")
		if name == "eucactl" || strings.HasPrefix(name, "e2e") {
			continue // tests and the lab may look at everything
		}
		allowed, known := arrows[name]
		if !known {
			t.Errorf("%s is in no arrow of docs/ARCHITECTURE.md", name)
		}
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, "eucactl/"); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which no arrow allows", name, ours)
			}
			if slices.Contains(pure, name) && slices.Contains(impure, i) {
				t.Errorf("%s is pure and imports %s", name, i)
			}
		}
	}
}

// TestPureClock looks for what imports do not show: the clock is read by a call.
func TestPureClock(t *testing.T) {
	for _, name := range pure {
		out, err := exec.Command("grep", "-rnE", `time\.(Now|Since|Until|Sleep|After)\(`, "--include=*.go", "--exclude=*_test.go", name).Output()
		if len(out) > 0 || err != nil && err.(*exec.ExitError).ExitCode() != 1 {
			t.Errorf("%s reads the clock: %s %v", name, out, err)
		}
	}
}
