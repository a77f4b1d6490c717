package inventory

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// unpack writes the files of an archive into a new folder and goes there.
func unpack(t *testing.T, archive *txtar.Archive) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range archive.Files {
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
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
			s.Decrypt = ansibleVault(t, value)
		default:
			t.Fatal("unknown flag", args[i])
		}
	}
	return s
}

// ansibleVault decrypts with Ansible's own tool.
func ansibleVault(t *testing.T, passwordFile string) func([]byte) ([]byte, error) {
	env := ansibleEnv(t)
	return func(ciphertext []byte) ([]byte, error) {
		cmd := exec.Command("ansible-vault", "decrypt", "--vault-password-file", passwordFile, "--output", "-")
		cmd.Env, cmd.Stdin = env, strings.NewReader(string(ciphertext))
		return cmd.Output()
	}
}

// Each file of testdata/ansible is a folder with an inventory; its first line is how
// it is named to ansible-inventory, which has to say the same about it as we do.
func TestOpenSameAsAnsible(t *testing.T) {
	files, err := filepath.Glob("testdata/ansible/*.txtar")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			unpack(t, archive)
			args := strings.Fields(string(archive.Comment))
			inv, err := Open(sources(t, args))
			if err != nil {
				t.Fatal(err)
			}
			ours, err := inv.ListJSON()
			if err != nil {
				t.Fatal(err)
			}
			theirs := runAnsible(t, "ansible-inventory", append(args, "--list")...)
			if diff := cmp.Diff(decoded(t, theirs), decoded(t, ours)); diff != "" {
				t.Errorf("ansible-inventory (-) and we (+) differ:\n%s", diff)
			}
		})
	}
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
			unpack(t, &txtar.Archive{Files: archive.Files[:last]})
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
