package inventory

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The hosts and clusters of each good inventory, as a file beside it.
//
// proves E6 E7
func TestGolden(t *testing.T) {
	for _, file := range goodFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := summary(load(t, file))
			golden := strings.TrimSuffix(file, ".yml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func summary(inv *Inventory) string {
	var b strings.Builder
	for _, h := range inv.Hosts() {
		fmt.Fprintf(&b, "%s (%s) at %s:%d user %q key %q become %v as %s by %s", h.Name, h.Where, h.Address, h.Port, h.User, h.KeyFile, h.Become, h.BecomeUser, h.Connection)
		fmt.Fprintf(&b, "; frontend %v node %v storage %v of %s; groups %s", h.Frontend, h.IsNode, h.Storage, h.Cluster, strings.Join(h.Groups, " "))
		if h.IsNode {
			fmt.Fprintf(&b, "; %+v", h.Node)
		}
		b.WriteByte('\n')
	}
	for _, c := range inv.Clusters() {
		network, err := json.MarshalIndent(c.Network, "", "  ")
		fmt.Fprintf(&b, "cluster %s: frontend %s, nodes %v, storage %v\n%s %v\n", c.Name, c.Frontend.Name, names(c.Nodes), names(c.Storage), network, err)
	}
	for _, n := range inv.Notes() {
		fmt.Fprintln(&b, n)
	}
	return b.String()
}

func TestSample(t *testing.T) {
	inv, err := Parse("inventory.yml", []byte(Sample))
	if err != nil {
		t.Fatal(err)
	}
	c, ok := inv.Cluster(DefaultCluster)
	if !ok || c.Frontend.Name != "fe1" || len(c.Nodes) != 2 || c.Nodes[1].Node.Bridge != "br0" {
		t.Errorf("%+v", c)
	}
	if c.Network.Subnet != netip.MustParsePrefix("10.20.0.0/16") || len(c.Network.PublicIPs) != 11 {
		t.Errorf("%+v", c.Network)
	}
	if got := inv.hosts[0].Vars["vnet_addrspernet"]; got != int64(64) {
		t.Errorf("%T %v is no int64 64", got, got)
	}
}

func TestAccessors(t *testing.T) {
	inv := load(t, "testdata/good/rich.yml")
	h, ok := inv.Host("web1")
	if !ok || !h.Is("deep") || !h.Is("all") || h.Is("common") {
		t.Errorf("%+v", h)
	}
	if at, ok := h.WhereVar("shape"); !ok || at.String() != "testdata/good/rich.yml:33" {
		t.Error(at, ok)
	}
	g, ok := inv.Group("deeper")
	if !ok || !cmp.Equal(g.Children(), []string{"deepest", "aaa"}) || len(g.DirectHosts()) != 0 || len(g.Hosts()) != 8 {
		t.Error(g.Children(), names(g.Hosts()))
	}
	if _, ok := inv.Host("nobody"); ok {
		t.Error("found nobody")
	}
	if _, ok := inv.Cluster("none"); ok {
		t.Error("found a cluster")
	}
	if inv.Groups()[0].Name != "all" || inv.File() != "testdata/good/rich.yml" {
		t.Error(inv.Groups()[0].Name, inv.File())
	}
	if _, err := inv.HostJSON("web2"); err == nil || !strings.Contains(err.Error(), "did you mean web1?") {
		t.Error(err)
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big.yml")
	if err := os.WriteFile(big, []byte("all: "+strings.Repeat("#", maxFileSize)), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.yml"): "no such file",
		dir:                            "is a directory; name one YAML file",
		big:                            "big.yml:1: the file is larger than 2 MiB",
		"/dev/null":                    "/dev/null:1: the file is empty; an inventory has at least one group with hosts",
	} {
		if _, err := Load(path); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestFind(t *testing.T) {
	tests := []struct {
		flag, env string
		there     []string
		want, err string
	}{
		{"a.yml", "b.yml", []string{"a.yml", "b.yml", "./inventory.yml"}, "a.yml", ""},
		{"", "b.yml", []string{"b.yml", "./inventory.yml"}, "b.yml", ""},
		{"", "", []string{"./inventory.yml", "/etc/eucactl/inventory.yml"}, "./inventory.yml", ""},
		{"", "", []string{"/etc/eucactl/inventory.yml"}, "/etc/eucactl/inventory.yml", ""},
		{"a.yml", "b.yml", []string{"b.yml"}, "", "inventory a.yml, named by -i: no such file"},
		{"", "b.yml", []string{"./inventory.yml"}, "", "inventory b.yml, named by EUCACTL_INVENTORY: no such file"},
		{"", "", nil, "", "no inventory: -i and EUCACTL_INVENTORY name none, and there is no ./inventory.yml and no /etc/eucactl/inventory.yml; to begin, write one like this:\n\n" + Sample},
	}
	for _, tt := range tests {
		getenv := func(name string) string {
			if name != "EUCACTL_INVENTORY" {
				t.Errorf("asked for %s", name)
			}
			return tt.env
		}
		exists := func(path string) bool { return strings.Contains(" "+strings.Join(tt.there, " ")+" ", " "+path+" ") }
		got, err := Find(tt.flag, getenv, exists)
		message := ""
		if err != nil {
			message = err.Error()
		}
		if got != tt.want || message != tt.err {
			t.Errorf("%+v: %q, %v", tt, got, err)
		}
	}
}

func TestSelectErrors(t *testing.T) {
	inv := load(t, "testdata/good/two-clusters.yml")
	const file = "testdata/good/two-clusters.yml"
	for pattern, want := range map[string]string{
		"":                           "the host pattern is empty; all means every host",
		" , ":                        "the host pattern is empty; all means every host",
		"nodse":                      `"nodse" is neither a host nor a group of ` + file + "; did you mean nodes?",
		"all:!east-fee":              `"east-fee" is neither a host nor a group of ` + file + "; did you mean east-fe?",
		"all:&nobody":                `"nobody" is neither a host nor a group of ` + file + "; its groups are all, ungrouped, frontends, nodes, big, storage, east, west",
		"e[0]":                       `"e" is neither a host nor a group of ` + file + "; its groups are all, ungrouped, frontends, nodes, big, storage, east, west",
		"x*":                         `"x*" matches no host and no group of ` + file,
		"~x":                         `"~x" matches no host and no group of ` + file,
		"!":                          `host pattern "!": a name has to follow the !`,
		"nodes:&":                    `host pattern "nodes:&": a name has to follow the &`,
		"nodes[":                     `host pattern "nodes[" has a [ without a ]`,
		"nodes]":                     `host pattern "nodes]" has a ] without a [`,
		"nodes[46]":                  `host pattern "nodes[46]": nodes has 46 hosts`,
		"nodes[-47]":                 `host pattern "nodes[-47]": nodes has 46 hosts`,
		"nodes[3:2]":                 `host pattern "nodes[3:2]" picks no host; nodes has 46`,
		"nodes[99:]":                 `host pattern "nodes[99:]" picks no host; nodes has 46`,
		"nodes[1-3]":                 `host pattern "nodes[1-3]": write [1:3] for the hosts from one to the other`,
		"~(":                         "host pattern \"~(\": error parsing regexp: missing closing ): `^(?:()`",
		"w[z-a]":                     "host pattern \"w[z-a]\": error parsing regexp: invalid character class range: `z-a`",
		"nodes[9999999999999999999]": `host pattern "nodes[9999999999999999999]": nodes has 46 hosts`,
	} {
		if _, err := inv.Select(pattern); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", pattern, err, want)
		}
	}
}

func TestSelectLimit(t *testing.T) {
	inv := load(t, "testdata/good/two-clusters.yml")
	tests := []struct {
		pattern string
		limit   []string
		want    []string
		err     string
	}{
		{"nodes", []string{"west"}, []string{"wa", "wb", "wc", "wd", "we", "wf"}, ""},
		{"nodes", []string{"west", "!w[b-f]"}, []string{"wa"}, ""},
		{"frontends", []string{"nodes"}, []string{}, ""},
		{"nodes:!nodes", nil, []string{}, ""},
		{"all:!x*", []string{"wa"}, []string{"wa"}, ""},
		{"nodes", []string{"wset"}, nil, `limit: "wset" is neither a host nor a group of testdata/good/two-clusters.yml; did you mean west?`},
		{"nodes", []string{"west:!west"}, nil, `limit "west:!west" matches no host`},
		{"nodes", []string{"@retry"}, nil, `limit "@retry": open retry: no such file or directory`},
	}
	for _, tt := range tests {
		got, err := inv.Select(tt.pattern, tt.limit...)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		if err != nil || !cmp.Equal(names(got), tt.want) {
			t.Errorf("%+v: %v, %v", tt, names(got), err)
		}
	}
	if len(inv.hosts) != 49 {
		t.Errorf("selecting changed the inventory: %d hosts", len(inv.hosts))
	}
}

// Inventories of any shape are refused or read within seconds.
func TestLimits(t *testing.T) {
	var aliases, edges, vars, members strings.Builder
	aliases.WriteString("all:\n  hosts:\n    h:\n      x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&aliases, "      x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d, ", i-1), 10), ", "))
	}
	for i := range 150 {
		fmt.Fprintf(&edges, "g%d:\n  children:\n", i)
		for j := i + 1; j < 150; j++ {
			fmt.Fprintf(&edges, "    g%d:\n", j)
		}
	}
	vars.WriteString("all:\n  vars:\n")
	for i := range 1000 {
		fmt.Fprintf(&vars, "    x_number_%d: 1\n", i)
	}
	vars.WriteString("  hosts:\n    node[1:10000]:\n")
	for i := range 100 {
		fmt.Fprintf(&members, "g%d:\n  hosts:\n    node[1:9999]:\n", i)
	}
	groups := strings.Builder{}
	for i := range 2000 {
		fmt.Fprintf(&groups, "g%d:\n", i)
	}
	publics := strings.Builder{}
	publics.WriteString("all:\n  vars: {vnet_mode: SYSTEM, vnet_bridge: br0}\nfrontends:\n  hosts:\n")
	for i := range 900 {
		fmt.Fprintf(&publics, "    fe%d: {cluster: c%d, vnet_publicips: 11.%d.0.0/16}\n", i, i, i%256)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"aliases":   {aliases.String(), "more than 1000000 values after following all aliases"},
		"edges":     {edges.String(), "groups have more than 10000 children in all"},
		"variables": {vars.String(), "the hosts have more than 500000 variables in all"},
		"members":   {members.String(), "hosts are listed in groups more than 500000 times"},
		"groups":    {groups.String(), "more than 1000 groups"},
		"publics":   {publics.String(), "the clusters have more than 262144 public addresses in all"},
		"deep":      {strings.Repeat("a: {children: {", 3000), "not YAML"},
		"nested":    {"all: {vars: {x: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}}", "nested more than 100 deep"},
	} {
		begin := time.Now()
		_, err := Parse("inventory.yml", []byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %.500v", name, err)
		}
		took := time.Since(begin)
		t.Logf("%s: %s", name, took)
		if took > time.Minute {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// The largest inventory in the limits.
func TestTenThousandHosts(t *testing.T) {
	text := strings.ReplaceAll(Sample, "node1:\n          ansible_host: 192.0.2.11", "node[0001:9998]:")
	text = strings.ReplaceAll(text, "node2:", "x:")
	begin := time.Now()
	inv, err := Parse("inventory.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Hosts()) != 10000 || len(inv.Clusters()[0].Nodes) != 9999 || inv.hosts[1].Name != "node0001" {
		t.Error(len(inv.Hosts()), inv.hosts[1].Name)
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("took %s", took)
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	text := "all:\n  hosts:\n"
	for i := range 80 {
		text += fmt.Sprintf("    \"bad %d\":\n", i)
	}
	_, err := Parse("inventory.yml", []byte(text))
	if err == nil || !strings.HasSuffix(err.Error(), "\nand 30 more") || strings.Count(err.Error(), "\n") != 50 {
		t.Error(err)
	}
	checkProblems(t, err)
}
