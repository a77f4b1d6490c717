package inventory

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Whatever the bytes, Parse reads them or says where they are wrong; what it
// reads can be listed and selected from.
func FuzzParse(f *testing.F) {
	f.Add([]byte(Sample))
	for _, pattern := range []string{"testdata/good/*.yml", "testdata/errors/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			if a := txtar.Parse(data); len(a.Files) > 0 {
				data = a.Files[0].Data
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		inv, err := Parse("inventory.yml", data)
		if err != nil {
			checkProblems(t, err)
			return
		}
		if len(inv.Hosts()) == 0 || len(inv.Hosts()) > maxHosts || len(inv.Hosts()) != len(inv.listed) {
			t.Fatalf("%d hosts, %d listed", len(inv.Hosts()), len(inv.listed))
		}
		if _, err := inv.ListJSON(); err != nil {
			t.Fatal(err)
		}
		all, err := inv.Select("all")
		if err != nil || len(all) != len(inv.Hosts()) {
			t.Fatalf("all selects %d of %d hosts, %v", len(all), len(inv.Hosts()), err)
		}
		for _, h := range inv.Hosts() {
			if err := checkHostName(h.Name); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range inv.Clusters() {
			checkFuzzedCluster(t, c)
		}
	})
}

// checkFuzzedCluster holds for every cluster that Parse accepts.
func checkFuzzedCluster(t *testing.T, c Cluster) {
	t.Helper()
	n := c.Network
	if c.Frontend == nil || n.Mode == "" {
		t.Fatalf("%+v", c)
	}
	if n.Mode.Groups() && (!n.Subnet.IsValid() || n.AddrsPerNet < 4 || n.topVLAN() < firstVLAN || n.PrivInterface == "" || n.PubInterface == "" || len(n.DNS) == 0) {
		t.Fatalf("%+v", n)
	}
	for i, a := range n.PublicIPs {
		if i > 0 && !n.PublicIPs[i-1].Less(a) || n.Mode.Groups() && n.Subnet.Contains(a) {
			t.Fatalf("public address %s", a)
		}
	}
}

func FuzzSelect(f *testing.F) {
	for _, s := range []string{"all", "a:b:!c:&d", "node[0]", "w*[1:3]", "~re.ex", "[", "]", "!", "&", "a[-1]", "node[99999999999999999999]", "[!a]", "ü*", "a,b c", "~[a-", "\xff*", "n[[]", "e[^a]", `w[\]`} {
		f.Add(s)
	}
	inv, err := Load("testdata/good/two-clusters.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		hosts, err := inv.Select(pattern, pattern)
		if err != nil && (hosts != nil || err.Error() == "") {
			t.Fatalf("%v, %v", names(hosts), err)
		}
		if _, missed, err := inv.Match(pattern); err == nil && len(missed) > len(pattern) {
			t.Fatalf("%d names missed", len(missed))
		}
		seen := make(map[string]bool)
		for _, h := range hosts {
			if seen[h.Name] {
				t.Fatalf("%s twice", h.Name)
			}
			seen[h.Name] = true
		}
		if len(inv.Hosts()) != 49 {
			t.Fatal("the inventory changed")
		}
	})
}

func FuzzPublicIPs(f *testing.F) {
	for _, s := range []string{"203.0.113.1", "203.0.113.1-9", "203.0.113.0/24 !203.0.113.7", "!1.1.1.1", "0.0.0.0/0", "1.1.1.1-255.255.255.255", "223.255.255.255/32", "1.2.3.4/31", "-", "!", "1.2.3.4-", "::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ParsePublicIPs(splitWords(s))
		var item itemError
		if errors.As(err, &item) && item.index >= len(splitWords(s)) {
			t.Fatalf("no item %d", item.index)
		}
		if len(list) > maxPublicIPs || err != nil && strings.Contains(err.Error(), "\n") {
			t.Fatalf("%d addresses, %v", len(list), err)
		}
		for i, a := range list {
			if !a.Is4() || checkUsable(a) != nil || i > 0 && !list[i-1].Less(a) {
				t.Fatalf("%s at %d", a, i)
			}
		}
	})
}

// Whatever the bytes of an INI inventory, they are read or the lines that are wrong
// are named; what is read can be listed.
func FuzzINI(f *testing.F) {
	for _, pattern := range []string{"testdata/ansible/ini-*.txtar", "testdata/ansible-errors/ini-*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			a, err := txtar.ParseFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(a.Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzUsers(t, "hosts.prod", data)
	})
}

// FuzzLenient is FuzzINI for users' YAML and JSON.
func FuzzLenient(f *testing.F) {
	for _, pattern := range []string{"testdata/ansible/yaml-*.txtar", "testdata/ansible/json.txtar", "testdata/ansible-errors/yaml-*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			a, err := txtar.ParseFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(a.Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzUsers(t, "hosts.yml", data)
	})
}

func fuzzUsers(t *testing.T, name string, data []byte) {
	r := newUsersReader(name, nil)
	r.readData(name, data)
	inv, err := r.finishUsers(Sources{})
	if err != nil {
		checkProblems(t, err)
		return
	}
	text, err := inv.ListJSON()
	if err != nil || !json.Valid(text) {
		t.Fatalf("%s %v", text, err)
	}
	all, missed, err := inv.Match("all")
	if err != nil || len(all) != len(inv.Hosts()) || len(missed) > 0 {
		t.Fatalf("all matches %d of %d hosts, %v", len(all), len(inv.Hosts()), err)
	}
	for _, h := range all {
		if err := checkAnsibleHostName(h.Name); err != nil {
			t.Fatal(err)
		}
		if one, _, err := inv.Match(h.Name); err != nil || len(one) != 1 || one[0] != h {
			t.Fatalf("%s matches %v, %v", h.Name, names(one), err)
		}
		_, _ = h.Connect(h.Vars)
	}
}

// A text is a Python literal or a word, and never a panic.
func FuzzINIValue(f *testing.F) {
	for _, s := range []string{"5", "[1, 'a']", "{'a': (1,)}", "80,443", `"\x41"`, "0x_1f", "1e999", "--1", "{1", "b'\\xff'", "'a' 'b'", "5 # x", "set()", "..."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := iniValue(s)
		if err != nil {
			return
		}
		if _, err := json.Marshal(v); err != nil {
			t.Fatalf("%q is %#v: %v", s, v, err)
		}
	})
}
