package templates

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var backticked = regexp.MustCompile("`([^`]+)`")

// documented are the names in the first column of the table under a heading.
func documented(t *testing.T, heading string) (names []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/playbooks-templates.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("no heading %s", heading)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		for _, m := range backticked.FindAllStringSubmatch(strings.Split(line, "|")[1], -1) {
			names = append(names, m[1])
		}
	}
	return slices.Sorted(slices.Values(names))
}

// The page lists what there is, and nothing else.
func TestPageListsAll(t *testing.T) {
	s := New()
	lookups := slices.Concat(slices.Collect(maps.Keys(s.lookups())), slices.Collect(maps.Keys(hooks)))
	for heading, names := range map[string][]string{
		"Filters":   slices.Collect(maps.Keys(s.env.Filters)),
		"Tests":     slices.Collect(maps.Keys(s.env.Tests)),
		"Lookups":   lookups,
		"Functions": slices.Collect(maps.Keys(s.env.Globals)),
	} {
		if d := cmp.Diff(slices.Sorted(slices.Values(names)), documented(t, heading)); d != "" {
			t.Errorf("%s (-code +page):\n%s", heading, d)
		}
	}
}
