package playbooks

import (
	"regexp"
	"slices"
	"testing"

	"eucactl/tasks"
)

// Whatever a playbook may call has something said about it, and about each of its parameters.
func TestKindsHaveDocs(t *testing.T) {
	lib, err := tasks.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]KindDoc{}
	var names []string
	for _, d := range KindDocs() {
		docs[d.Name] = d
		names = append(names, d.Name)
	}
	if !slices.IsSorted(names) {
		t.Errorf("not in order: %v", names)
	}
	for name, k := range localKinds {
		if _, err := lib.Kind(name); err == nil {
			continue // the library says it
		}
		d, ok := docs[name]
		if !ok {
			t.Errorf("nothing is said about %s", name)
		}
		for _, p := range k.params {
			if !regexp.MustCompile(`\b` + p + `\b`).MatchString(d.Doc) {
				t.Errorf("%s: nothing is said about %s", name, p)
			}
		}
	}
}
