package inventory

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Inventories of any shape are refused or read within seconds.
func TestOpenLimits(t *testing.T) {
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	var groups, vars, edges strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&groups, "[g%d]\n", i)
	}
	for i := range 200 {
		fmt.Fprintf(&vars, "x%d=%d\n", i, i)
	}
	for i := range 200 {
		fmt.Fprintf(&edges, "[g%d]\n", i)
	}
	for i := range 200 {
		fmt.Fprintf(&edges, "[g%d:children]\n", i)
		for j := i + 1; j < 200; j++ {
			fmt.Fprintf(&edges, "g%d\n", j)
		}
	}
	for name, tt := range map[string]struct{ text, want string }{
		"hosts":    {"a[1:9999]\nb[1:9999]\n", "more than 10000 hosts"},
		"range":    {"a[1:99999999]\n", "stands for more than 10000 hosts"},
		"groups":   {groups.String(), "more than 1000 groups"},
		"edges":    {edges.String(), "groups have more than 10000 children in all"},
		"vars":     {"a[1:9999]\n[all:vars]\n" + vars.String(), "the hosts have more than 500000 variables in all"},
		"nested":   {"a x=" + deep + "\n", "nested more than 100 deep"},
		"large":    {strings.Repeat("# long enough\n", maxFileSize/10), "the file is larger than 2 MiB"},
		"problems": {strings.Repeat("a b\n", 1000), "and 950 more"},
	} {
		begin := time.Now()
		path := filepath.Join(t.TempDir(), "hosts")
		if err := os.WriteFile(path, []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Sources{Paths: []string{path}}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %.300v", name, err)
		}
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// A folder that leads back to itself ends, and so does one of variables.
func TestOpenLoops(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"hosts.d", "group_vars/all"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(".", filepath.Join(dir, sub, "again")); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Sources{Paths: []string{dir}})
		if err == nil || !strings.Contains(err.Error(), "folders are nested more than 20 deep") {
			t.Error(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "hosts.d")); err != nil {
			t.Fatal(err)
		}
	}
}

// Ten thousand hosts in ten groups, with variables beside them, are read in seconds.
func TestOpenTenThousandHosts(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for i := range 10 {
		fmt.Fprintf(&text, "[g%d]\nhost[%04d:%04d] x=%d\n", i, i*1000, i*1000+999, i)
	}
	files := map[string]string{"hosts": text.String(), "group_vars/all.yml": "a: 1\n", "group_vars/g3.yml": "b: 1\n", "host_vars/host3333.yml": "c: 1\n"}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	inv, err := Open(Sources{Paths: []string{filepath.Join(dir, "hosts")}})
	if err != nil {
		t.Fatal(err)
	}
	h, ok := inv.Host("host3333")
	if !ok || len(inv.Hosts()) != 10000 || fmt.Sprint(h.Vars) != "map[a:1 b:1 c:1 x:3]" {
		t.Error(len(inv.Hosts()), h.Vars)
	}
	t.Log(time.Since(begin))
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
}
