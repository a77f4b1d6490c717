package eucactl

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/STATUS.md's last column")

var (
	provesLine = regexp.MustCompile(`(?m)^\s*(?:#|//) proves ((?:[AE]\d+[ ,]*)+)`)
	anID       = regexp.MustCompile(`[AE]\d+`)
	statusRow  = regexp.MustCompile(`^\| ([AE]\d+) \| (.*) \| (.*) \|$`)
)

// TestStatus holds docs/STATUS.md to what tests say that they prove: an id is proven
// by the files with "# proves ID", and every other one says "not yet" and what is
// missing. -update rewrites the column.
func TestStatus(t *testing.T) {
	proofs := map[string][]string{}
	for _, dir := range []string{"e2e", "plan", "controller", "inventory", "tasks", "images", "metadata"} {
		collect(t, dir, proofs)
	}
	text, err := os.ReadFile("docs/STATUS.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	known := map[string]bool{}
	for i, line := range lines {
		m := statusRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		id, what, says := m[1], m[2], m[3]
		known[id] = true
		want := strings.Join(proofs[id], ", ")
		if want == "" && !strings.HasPrefix(says, "not yet") {
			want = "not yet: no test names it"
		} else if want == "" {
			want = says
		}
		if says != want && !*update {
			t.Errorf("%s: STATUS.md says %q, the tests say %q (go test . -update)", id, says, want)
		}
		lines[i] = "| " + id + " | " + what + " | " + want + " |"
	}
	for id := range proofs {
		if !known[id] {
			t.Errorf("%v prove %s, which is not in STATUS.md", proofs[id], id)
		}
	}
	if *update {
		if err := os.WriteFile("docs/STATUS.md", []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func collect(t *testing.T, dir string, proofs map[string][]string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".txtar") && !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range provesLine.FindAllStringSubmatch(string(text), -1) {
			for _, id := range anID.FindAllString(m[1], -1) {
				if !slices.Contains(proofs[id], path) {
					proofs[id] = append(proofs[id], path)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
