package inventory

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

const growing = `
-- hosts --
web1 a=host
[web]
web1
[prod:children]
web
[web:vars]
b=web
-- group_vars/os_Debian.yml --
a: group
c: debian
-- group_vars/all.yml --
d: all
ansible_pipelining: true
-- host_vars/new.yml --
e: new
ansible_remote_tmp: /tmp
-- play/group_vars/os_Debian.yml --
c: play
`

// What joins while a playbook runs is what it would be had it been written down.
func TestWith(t *testing.T) {
	t.Chdir(unpack(t, txtar.Parse([]byte(growing)).Files))
	from := Sources{Paths: []string{"hosts"}, PlaybookDir: "play"}
	before, err := Open(from)
	if err != nil {
		t.Fatal(err)
	}
	was := described(before)
	grown := before
	for _, step := range []struct {
		host   string
		groups []string
	}{{"web1", []string{"os_Debian"}}, {"new", []string{"web", "os_Debian", "fresh"}}, {"lone", nil}, {"new", []string{"web"}}, {"localhost", []string{"fresh"}}} {
		if grown, err = grown.With(step.host, step.groups); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(was, described(before)); diff != "" {
		t.Errorf("the inventory changed:\n%s", diff)
	}
	data, err := os.ReadFile("hosts")
	if err != nil {
		t.Fatal(err)
	}
	written := "lone\nlocalhost ansible_connection=local\n" + string(data) + "[os_Debian]\nweb1\nnew\n[web]\nnew\n[fresh]\nnew\nlocalhost\n"
	if err := os.WriteFile("hosts", []byte(written), 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := Open(from)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(described(want), described(grown)); diff != "" {
		t.Errorf("written down (-) and joined (+):\n%s", diff)
	}
	if h, _ := grown.Host("new"); h.Vars["c"] != "play" || h.Vars["e"] != "new" || h.Vars["b"] != "web" || h.Vars["d"] != "all" {
		t.Error(h.Vars)
	}
}

// described is what an inventory says, orders apart.
func described(inv *Inventory) map[string]any {
	out := map[string]any{}
	for _, h := range inv.Hosts() {
		out["host "+h.Name] = []any{h.Groups, maps.Clone(h.Vars), h.Connection, h.Address}
	}
	for _, g := range inv.Groups() {
		out["group "+g.Name] = []any{slices.Sorted(slices.Values(names(g.Hosts()))), slices.Sorted(slices.Values(g.Children()))}
	}
	return out
}

func TestWithErrors(t *testing.T) {
	inv := opened(t, "hosts", "web1\n[web]\nweb1\n")
	for _, tt := range []struct {
		host   string
		groups []string
		want   string
	}{
		{"", nil, "is not a host name"},
		{"a b", nil, "is not a host name"},
		{"web2", []string{""}, "is not a group name"},
		{"web2", []string{"../x"}, "is not a group name"},
	} {
		if _, err := inv.With(tt.host, tt.groups); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q in %q: %v", tt.host, tt.groups, err)
		}
	}
	cloud, err := Parse("inventory.yml", []byte(Sample))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cloud.With("more", nil); err == nil {
		t.Error("the cloud took in a host")
	}
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte("h[1:10000]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if inv, err = Open(Sources{Paths: []string{path}}); err != nil {
		t.Fatal(err)
	}
	if _, err := inv.With("more", nil); err == nil || !strings.Contains(err.Error(), "more than 10000 hosts") {
		t.Error(err)
	}
	if text, err := inv.ListJSON(); err != nil || !json.Valid(text) {
		t.Error(err)
	}
}
