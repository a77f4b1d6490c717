package inventory

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ansibleEnv keeps the machine's own Ansible settings out of the comparison.
func ansibleEnv(t *testing.T) []string {
	t.Helper()
	home := t.TempDir()
	config := filepath.Join(home, "ansible.cfg")
	if err := os.WriteFile(config, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "HOME="+home, "ANSIBLE_CONFIG="+config, "ANSIBLE_LOCALHOST_WARNING=False",
		"ANSIBLE_LOCAL_TEMP="+home, "LC_ALL=C.UTF-8")
}

func runAnsible(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Stderr = ansibleEnv(t), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v (these tests compare with ansible-core, which has to be installed)", name, args, err)
	}
	return out
}

func goodFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/good/*.yml")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	return files
}

func load(t *testing.T, file string) *Inventory {
	t.Helper()
	inv, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// A host, a group or a variable means to us what it means to Ansible.
func TestSameAsAnsibleInventory(t *testing.T) {
	for _, file := range goodFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ours, err := load(t, file).ListJSON()
			if err != nil {
				t.Fatal(err)
			}
			theirs := runAnsible(t, "ansible-inventory", "-i", file, "--list")
			if diff := cmp.Diff(decoded(t, theirs), decoded(t, ours)); diff != "" {
				t.Errorf("ansible-inventory (-) and we (+) differ:\n%s", diff)
			}
		})
	}
}

func TestHostJSONSameAsAnsible(t *testing.T) {
	const file = "testdata/good/rich.yml"
	ours, err := load(t, file).HostJSON("web1")
	if err != nil {
		t.Fatal(err)
	}
	theirs := runAnsible(t, "ansible-inventory", "-i", file, "--host", "web1")
	if diff := cmp.Diff(decoded(t, theirs), decoded(t, ours)); diff != "" {
		t.Error(diff)
	}
}

func decoded(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return v
}

func TestSelectSameAsAnsible(t *testing.T) {
	cases := map[string][]string{
		"testdata/good/two-clusters.yml": {
			"all", "*", "nodes", "frontends", "east-fe", "e*", "e0?", "nodes[0]", "nodes[-1]", "nodes[1:3]", "nodes[38:]",
			"nodes:!big", "nodes:&west", "west:!nodes", "!nodes", "&east:!nodes", "nodes,frontends", "nodes:frontends:&west:!wc",
			"~e0[12]", "~(east|west)-", "w[!a]", "w[a-c]", "storage:big", "frontends[0:1]", "nodes[0]:nodes[1]", "west-fe,east-fe", "e0[1]*",
			"east[0:0]", "!w*", "wa, wb ,wc", "big[3]:!e04",
		},
		"testdata/good/rich.yml": {
			"all", "ungrouped", "deep", "deeper", "aaa:zzz", "web1", "db-*", "*.example.com", "~db-[ab]", "10.0.0.1", "10.0.*", "common:&merged", "*:!deep", "empty", "r?c*",
		},
	}
	for file, patterns := range cases {
		inv := load(t, file)
		var theirs [][]string
		out := runAnsible(t, ansiblePython(t), append([]string{"testdata/patterns.py", file}, patterns...)...)
		if err := json.Unmarshal(out, &theirs); err != nil {
			t.Fatal(err)
		}
		for i, pattern := range patterns {
			ours, err := inv.Select(pattern)
			if err != nil {
				t.Errorf("%s: %v; ansible has %v", pattern, err, theirs[i])
				continue
			}
			if diff := cmp.Diff(theirs[i], names(ours)); diff != "" {
				t.Errorf("%s: ansible (-) and we (+) differ:\n%s", pattern, diff)
			}
		}
	}
}

// ansiblePython is the Python that Ansible is installed for.
func ansiblePython(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ansible-inventory")
	if err != nil {
		t.Fatalf("%v (these tests compare with ansible-core, which has to be installed)", err)
	}
	script, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(script), "\n")
	words := strings.Fields(strings.TrimPrefix(first, "#!"))
	if !strings.HasPrefix(first, "#!") || len(words) == 0 {
		t.Fatalf("%s is no script", path)
	}
	return words[len(words)-1]
}

func names(hosts []*Host) []string {
	list := []string{}
	for _, h := range hosts {
		list = append(list, h.Name)
	}
	return list
}
