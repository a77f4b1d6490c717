package inventory

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const plainSite = `lone
2001:db8::1
[web]
web[01:10].example.com
[db]
db1
db2
db-a
[app:children]
web
db
[east]
web01.example.com
db1
[empty]
[nodes]
db2
`

// opened reads one inventory file of a user's.
func opened(t *testing.T, name, text string) *Inventory {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	inv, err := Open(Sources{Paths: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestMatchSameAsAnsible(t *testing.T) {
	retry := filepath.Join(t.TempDir(), "site.retry")
	if err := os.WriteFile(retry, []byte("db1\n\nweb02.example.com\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	patterns := []string{
		"all", "*", "web", "app", "app:!db", "app:&east", "web,db", "web:db", "!web", "&east", "all:!web:!db", "~db[12]", "~.*example", "~web0[1-3]",
		"web[0]", "web[-1]", "web[0:2]", "web[1:]", "web[8:20]", "web[20:30]", "empty[0]", "empty", "db-*", "db?", "*.example.com", "web0[13]*", "[!w]*",
		"nobody", "nobody:web", "web:!nobody", "web:&nobody", "localhost", "localhost:db1", "2001:db8::1", "db1,2001:db8::1", "all,!2001:db8::1",
		"ungrouped", "lone web01.example.com", "web[0]:db[-1]", "nodes", "app[3:4]", "e*", "nob*",
		"all -l web", "web -l app:!web0*", "all -l db1,db2", "all -l db:&east", "all -l @" + retry, "all -l @" + retry + ",!db1", "db -l @" + retry,
		"all -l !web", "localhost -l localhost", "web -l web[0],web[2]",
	}
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte(plainSite), 0o644); err != nil {
		t.Fatal(err)
	}
	inv, err := Open(Sources{Paths: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	var theirs [][]string
	out := runAnsible(t, ansiblePython(t), append([]string{"testdata/patterns.py", file}, patterns...)...)
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	for i, words := range patterns {
		pattern, limit, limited := strings.Cut(words, " -l ")
		var limits []string
		if limited {
			limits = []string{limit}
		}
		ours, missed, err := inv.Match(pattern, limits...)
		if err != nil {
			t.Errorf("%s: %v; ansible has %v", words, err, theirs[i])
			continue
		}
		if diff := cmp.Diff(theirs[i], names(ours)); diff != "" {
			t.Errorf("%s: ansible (-) and we (+) differ:\n%s", words, diff)
		}
		if got, want := fmt.Sprint(missed), strings.Contains(words, "nob"); (got != "[]") != want {
			t.Errorf("%s: missed %s", words, got)
		}
	}
}

// Where the strict Select refuses, so that no cloud's verb runs on hosts that were
// not meant, Match does what Ansible does; what Ansible refuses it refuses too.
func TestMatchErrors(t *testing.T) {
	inv := opened(t, "hosts", plainSite)
	empty := filepath.Join(t.TempDir(), "empty.retry")
	if err := os.WriteFile(empty, []byte("\n# nobody\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ pattern, limit, want string }{
		{"", "", "the host pattern is empty; all means every host"},
		{"web[10]", "", `host pattern "web[10]": web has 10 hosts`},
		{"web[-11]", "", `host pattern "web[-11]": web has 10 hosts`},
		{"web", "nobody", `limit "nobody" matches no host`},
		{"web", "@none.retry", `limit "@none.retry": open none.retry: no such file or directory`},
		{"web", "@" + empty, "the file names no host"},
		{"web", "@/", "is a directory"},
		{"~web(?=1)", "", "invalid or unsupported Perl syntax"},
	} {
		var limits []string
		if tt.limit != "" {
			limits = append(limits, tt.limit)
		}
		if _, _, err := inv.Match(tt.pattern, limits...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s -l %s: %v, want %s", tt.pattern, tt.limit, err, tt.want)
		}
	}
	if _, err := inv.Select("nobody"); err == nil {
		t.Error("Select took nobody")
	}
}

func TestLocalhost(t *testing.T) {
	inv := opened(t, "hosts", "web1\n[all:vars]\nx=1\n[web]\nweb1\n[web:vars]\ny=1\n")
	h, ok := inv.Host("localhost")
	if !ok || h.Connection != Local || h.Vars["x"] != int64(1) || h.Vars["y"] != nil || len(h.Groups) != 0 {
		t.Errorf("%+v", h)
	}
	if all, _, err := inv.Match("all"); err != nil || len(all) != 1 {
		t.Error(names(all), err)
	}
	listed := opened(t, "hosts", "127.0.0.1 z=1\n")
	if h, ok = listed.Host("localhost"); !ok || h.Name != "127.0.0.1" || h.Connection != SSH {
		t.Errorf("%+v", h)
	}
	cloud, err := Parse("inventory.yml", []byte(Sample))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := cloud.Host("localhost"); ok {
		t.Error("the cloud has a host that nobody listed")
	}
}
