package inventory

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"eucactl/vault"
)

// unpack writes the files of an archive into a new folder.
func unpack(t *testing.T, files []txtar.File) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for _, f := range files {
		name := filepath.Join(folder, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// sources reads the words of ansible-inventory's command line.
func sources(t *testing.T, args []string) (s Sources) {
	t.Helper()
	for i := 0; i+1 < len(args); i += 2 {
		switch value := args[i+1]; args[i] {
		case "-i":
			s.Paths = append(s.Paths, value)
		case "--playbook-dir":
			s.PlaybookDir = value
		case "--vault-password-file":
			s.Decrypt = decrypter(t, value)
		default:
			t.Fatal("unknown flag", args[i])
		}
	}
	return s
}

func decrypter(t *testing.T, passwordFile string) func([]byte) ([]byte, error) {
	t.Helper()
	password, err := os.ReadFile(passwordFile)
	if err != nil {
		t.Fatal(err)
	}
	return func(ciphertext []byte) ([]byte, error) {
		return vault.Decrypt(ciphertext, vault.Password{ID: vault.DefaultID, Text: strings.TrimSpace(string(password))})
	}
}

// Each file of testdata/ansible is a folder with an inventory; its first line is how
// it is named to ansible-inventory, which has to say the same about it as we do.
func TestOpenSameAsAnsible(t *testing.T) {
	files, err := filepath.Glob("testdata/ansible/*.txtar")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	var cases [][]string
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, append([]string{unpack(t, archive.Files)}, strings.Fields(string(archive.Comment))...))
	}
	theirs := printedByAnsible(t, "--list", cases)
	for i, c := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(files[i]), ".txtar"), func(t *testing.T) {
			t.Chdir(c[0])
			inv, err := Open(sources(t, c[1:]))
			if err != nil {
				t.Fatal(err)
			}
			ours, err := inv.ListJSON()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decoded(t, []byte(theirs[i])), decoded(t, ours)); diff != "" {
				t.Errorf("ansible-inventory (-) and we (+) differ:\n%s", diff)
			}
		})
	}
}

func TestGraphSameAsAnsible(t *testing.T) {
	var cases [][]string
	for _, name := range []string{"ini-groups", "ini-vars-before-group", "directory", "several"} {
		archive, err := txtar.ParseFile("testdata/ansible/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, append([]string{unpack(t, archive.Files)}, strings.Fields(string(archive.Comment))...))
	}
	theirs := printedByAnsible(t, "--graph", cases)
	for i, c := range cases {
		t.Chdir(c[0])
		inv, err := Open(sources(t, c[1:]))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := inv.Graph("all")
		if diff := cmp.Diff(strings.TrimSpace(theirs[i]), strings.TrimSpace(ours)); diff != "" || err != nil {
			t.Errorf("%v: ansible-inventory (-) and we (+) differ: %v\n%s", c, err, diff)
		}
	}
}

// printedByAnsible is what ansible-inventory prints in each case: a folder to be in,
// and arguments.
func printedByAnsible(t *testing.T, verb string, cases [][]string) (lists []string) {
	t.Helper()
	var all [][]string
	for _, c := range cases {
		all = append(all, append(slices.Clone(c), verb))
	}
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(ansiblePython(t), "testdata/list.py")
	cmd.Env, cmd.Stdin = ansibleEnv(t), bytes.NewReader(in)
	var told bytes.Buffer
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &lists)
	}
	if err != nil || len(lists) != len(cases) {
		t.Fatalf("%d lists for %d cases: %v\n%s", len(lists), len(cases), err, told.String())
	}
	return lists
}

// Each file of testdata/ansible-errors is a folder with an inventory and what Open
// says to it. What it says last is the part stderr.
func TestOpenErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/ansible-errors/*.txtar")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		file, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			last := len(archive.Files) - 1
			t.Chdir(unpack(t, archive.Files[:last]))
			_, err := Open(sources(t, strings.Fields(string(archive.Comment))))
			if err == nil {
				t.Fatal("accepted")
			}
			got := err.Error() + "\n"
			if *update {
				archive.Files[last].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[last].Data), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What Ansible warns of, or passes over in silence, is noted with its place.
func TestOpenNotes(t *testing.T) {
	t.Chdir(unpack(t, txtar.Parse([]byte(`
-- hosts --
web1 ansible_python_interpreter=/usr/bin/python3
web2 ansible_python_interpreter=/usr/bin/python3
[web]
web1
[web2]
web2
-- group_vars/web/a.yml --
x: 1
x: 2
-- group_vars/web.yml --
y: unread
-- more.yml --
web:
  host: {web3: }
`)).Files))
	inv, err := Open(Sources{Paths: []string{"hosts", "more.yml"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"hosts:1: ansible_python_interpreter has no effect: no Python is used on hosts",
		`more.yml:2: the key "host" in group web is skipped, as Ansible does; did you mean hosts?`,
		"hosts:5: web2 is a group here and a host at hosts:2; a pattern with that name means the host",
		"group_vars/web.yml:1: this is not read, as in Ansible: there is group_vars/web",
		`group_vars/web/a.yml:2: "x" is written twice, and this one counts; the first is at line 1`,
	}
	if diff := cmp.Diff(want, inv.Notes()); diff != "" {
		t.Error(diff)
	}
}
