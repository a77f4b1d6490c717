package inventory

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Whatever the files hold, they become an inventory that its reader takes, or all
// that is wrong is said, in order, each with a line that there is.
func FuzzImport(f *testing.F) {
	for _, dir := range []string{"testdata/import", "testdata/import-errors"} {
		for _, file := range importCases(f, dir) {
			_, from := readImportCase(f, file)
			node := []byte(nil)
			if len(from.Nodes) > 0 {
				node = from.Nodes[0].Data
			}
			f.Add(from.Frontend[0].Data, node, byte(0))
			f.Add(from.Frontend[0].Data, node, byte(1))
		}
	}
	f.Fuzz(func(t *testing.T, frontend, node []byte, which byte) {
		from := Eucalyptus{Frontend: []ConfFile{{Name: "eucalyptus.conf", Data: frontend}}}
		if which&1 != 0 {
			from.Host = NamedHost{"fe1", "192.0.2.1"}
		}
		if which&2 != 0 {
			from.Hosts = []NamedHost{{"n1", "192.0.2.11"}, {"n2", ""}}
		}
		if len(node) > 0 && which&4 != 0 {
			from.Nodes = append(from.Nodes, ConfFile{Name: "node.conf", Data: node, Node: "n1"})
		}
		if len(node) > 0 && which&8 == 0 {
			from.Nodes = append(from.Nodes, ConfFile{Name: "node.conf", Data: node})
		}
		out, err := Import(from)
		if err != nil {
			checkImportProblems(t, from, err)
			return
		}
		inv, err := Parse("inventory.yml", out.YAML)
		if err != nil {
			t.Fatalf("its own reader refuses it: %v\n%s", err, out.YAML)
		}
		for _, c := range inv.Clusters() {
			checkFuzzedCluster(t, c)
		}
		for _, n := range out.Notes {
			if strings.ContainsAny(n, "\n\x00\x1b") {
				t.Errorf("unquoted control characters: %q", n)
			}
		}
	})
}

func checkImportProblems(t *testing.T, from Eucalyptus, err error) {
	t.Helper()
	var list *Errors
	if !errors.As(err, &list) {
		t.Fatalf("%v is no list of problems", err)
	}
	order := []string{"eucalyptus.conf", "node.conf"}
	count := map[string]int{order[0]: strings.Count(string(from.Frontend[0].Data), "\n") + 1}
	if len(from.Nodes) > 0 {
		count[order[1]] = strings.Count(string(from.Nodes[0].Data), "\n") + 1
	}
	last := Position{order[0], 1}
	for _, e := range list.List {
		if e.Where.Line < 1 || e.Where.Line > count[e.Where.File] {
			t.Errorf("no such place: %v", e)
		}
		if e.Where.File == last.File && e.Where.Line < last.Line || slices.Index(order, e.Where.File) < slices.Index(order, last.File) {
			t.Errorf("not in order: %v", e)
		}
		if strings.ContainsAny(e.Message, "\n\x00\x1b") {
			t.Errorf("unquoted control characters: %q", e.Message)
		}
		last = e.Where
	}
}
