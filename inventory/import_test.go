package inventory

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// Each file of testdata/import and testdata/import-errors is an installation of
// Eucalyptus (its hosts, and its files: those called node... are the nodes'), and
// what becomes of it: an inventory and notes, or problems.
//
// proves A90 A101 A102 E1 E6 E7 E14
func TestImport(t *testing.T) {
	for _, file := range importCases(t, "testdata/import") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, from := readImportCase(t, file)
			out, err := Import(from)
			if err != nil {
				t.Fatalf("refused:\n%v", err)
			}
			compareImport(t, file, archive, "inventory.yml", string(out.YAML))
			compareImport(t, file, archive, "notes", lines(out.Notes))
			inv, err := Parse("inventory.yml", out.YAML)
			if err != nil {
				t.Fatalf("its own reader refuses it:\n%v", err)
			}
			if diff := cmp.Diff(networks(out.Inventory), networks(inv), sameAddress); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the guide says in two ways, or wrongly, is told with its place and with what
// was probably meant.
//
// proves A90 A100 E2 E3 E4 E5 E6
func TestImportErrors(t *testing.T) {
	for _, file := range importCases(t, "testdata/import-errors") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, from := readImportCase(t, file)
			out, err := Import(from)
			if err == nil {
				t.Fatalf("accepted:\n%s", out.YAML)
			}
			compareImport(t, file, archive, "problems", err.Error()+"\n")
		})
	}
}

// What is written is an inventory for Ansible too.
func TestImportSameAsAnsible(t *testing.T) {
	for _, name := range []string{"managed-novlan", "static"} {
		_, from := readImportCase(t, filepath.Join("testdata/import", name+".txtar"))
		out, err := Import(from)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "inventory.yml")
		if err := os.WriteFile(file, out.YAML, 0o600); err != nil {
			t.Fatal(err)
		}
		ours, err := load(t, file).ListJSON()
		if err != nil {
			t.Fatal(err)
		}
		theirs := runAnsible(t, "ansible-inventory", "-i", file, "--list")
		if diff := cmp.Diff(decoded(t, theirs), decoded(t, ours)); diff != "" {
			t.Errorf("%s: ansible-inventory (-) and we (+) differ:\n%s", name, diff)
		}
	}
}

// A file may name more nodes than an inventory takes, and more that has no effect
// than anybody wants to be told.
func TestImportLimits(t *testing.T) {
	many, odd := strings.Builder{}, strings.Builder{}
	for i := range maxHosts + 1 {
		fmt.Fprintf(&many, " n%d", i)
	}
	for i := range maxProblems + 7 {
		fmt.Fprintf(&odd, "X%d=1\n", i)
	}
	conf := func(text string) Eucalyptus {
		return Eucalyptus{Frontend: []ConfFile{{Name: "conf", Data: []byte("VNET_MODE=SYSTEM VNET_BRIDGE=br0\n" + text)}}}
	}
	_, err := Import(conf(`NODES="` + many.String() + `"`))
	if err == nil || err.Error() != "conf:2: more than 10000 hosts" {
		t.Error(err)
	}
	if _, err := Import(conf(strings.Repeat("#", maxFileSize))); err == nil || err.Error() != "conf:1: the file is larger than 2 MiB; is it a eucalyptus.conf?" {
		t.Error(err)
	}
	out, err := Import(conf(odd.String()))
	if err != nil || len(out.Notes) != maxProblems+1 || !strings.HasPrefix(out.Notes[maxProblems], "and ") {
		t.Fatal(err, out)
	}
}

func importCases(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal(dir, files, err)
	}
	return files
}

// readImportCase reads the parts of a case that are input.
func readImportCase(t testing.TB, file string) (*txtar.Archive, Eucalyptus) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var from Eucalyptus
	for _, part := range archive.Files {
		base := strings.TrimSuffix(part.Name, ".conf")
		node, one := strings.CutPrefix(base, "node-")
		switch {
		case part.Name == "hosts":
			readImportHosts(&from, string(part.Data))
		case base == part.Name:
		case one:
			from.Nodes = append(from.Nodes, ConfFile{Name: part.Name, Data: part.Data, Node: node})
		case strings.HasPrefix(base, "node"):
			from.Nodes = append(from.Nodes, ConfFile{Name: part.Name, Data: part.Data})
		default:
			from.Frontend = append(from.Frontend, ConfFile{Name: part.Name, Data: part.Data})
		}
	}
	return archive, from
}

func readImportHosts(from *Eucalyptus, text string) {
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		word, value, _ := strings.Cut(line, " ")
		name, address, _ := strings.Cut(value, "=")
		switch word {
		case "frontend":
			from.Host = NamedHost{name, address}
		case "node":
			from.Hosts = append(from.Hosts, NamedHost{name, address})
		case "cluster":
			from.Cluster = value
		case "user":
			from.User = value
		}
	}
}

// compareImport compares a golden part of a case, or writes it anew.
func compareImport(t *testing.T, file string, archive *txtar.Archive, part, got string) {
	t.Helper()
	var golden *txtar.File
	for i := range archive.Files {
		if archive.Files[i].Name == part {
			golden = &archive.Files[i]
		}
	}
	if golden == nil {
		archive.Files = append(archive.Files, txtar.File{Name: part})
		golden = &archive.Files[len(archive.Files)-1]
	}
	if *update {
		golden.Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(golden.Data), got); diff != "" {
		t.Errorf("%s:\n%s", part, diff)
	}
}

func lines(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}

func networks(inv *Inventory) (list []Network) {
	for _, c := range inv.Clusters() {
		list = append(list, c.Network)
	}
	return list
}

var sameAddress = cmp.Exporter(func(reflect.Type) bool { return true })
