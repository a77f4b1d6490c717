package playbooks_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"eucactl/inventory"
	"eucactl/output"
	"eucactl/playbooks"
	"eucactl/tasks"
	"eucactl/templates"

	"github.com/google/go-cmp/cmp"
)

var askAnsible = flag.Bool("ansible", false, "run ansible-playbook again and record what it says")

// Every folder of testdata/agree is a playbook: what it tells and does here is what
// it tells and does under ansible-playbook, whose words are recorded beside it (with
// -ansible they are recorded anew).
func TestAgreesWithAnsible(t *testing.T) {
	dirs, err := filepath.Glob("testdata/agree/*/site.yml")
	if err != nil || len(dirs) < 40 {
		t.Fatalf("%d playbooks, %v", len(dirs), err)
	}
	for _, site := range dirs {
		dir := filepath.Dir(site)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			record := filepath.Join(dir, "ansible.txt")
			if *askAnsible {
				if err := os.WriteFile(record, []byte(ansibleSays(t, dir)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(record)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Split(normal(string(want)), "\n"), strings.Split(normal(weSay(t, dir)), "\n")); d != "" {
				t.Errorf("(-ansible +ours):\n%s", d)
			}
		})
	}
}

// options are the words of a playbook's file options, if there is one: -e and the
// like, one a line. %s is the folder that the playbook works in.
func options(t *testing.T, dir, work string) []string {
	t.Helper()
	out := []string{"-e", "dir=" + work}
	data, err := os.ReadFile(filepath.Join(dir, "options"))
	if err != nil {
		return out
	}
	return append(out, strings.Fields(strings.ReplaceAll(string(data), "%s", work))...)
}

// hosts are three names for this machine.
const hosts = `[web]
h1 number=1
h2 number=2
[db]
h3 number=3
[all:vars]
ansible_connection=local
ansible_python_interpreter=/usr/bin/python3
site=here
`

func inventoryOf(t *testing.T, dir string) string {
	t.Helper()
	own := filepath.Join(dir, "hosts")
	text := hosts
	if data, err := os.ReadFile(own); err == nil {
		text = string(data)
	}
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// ansibleSays is what ansible-playbook prints, and what is in the folder afterwards.
func ansibleSays(t *testing.T, dir string) string {
	t.Helper()
	home, work := t.TempDir(), t.TempDir()
	config := filepath.Join(home, "ansible.cfg")
	if err := os.WriteFile(config, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-i", inventoryOf(t, dir), "site.yml"}, options(t, dir, work)...)
	cmd := exec.Command("ansible-playbook", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+home, "ANSIBLE_CONFIG="+config, "ANSIBLE_LOCALHOST_WARNING=False", "LC_ALL=C.UTF-8",
		"ANSIBLE_NOCOLOR=1", "ANSIBLE_DEPRECATION_WARNINGS=False", "ANSIBLE_INVENTORY_UNPARSED_WARNING=False", "ANSIBLE_RETRY_FILES_ENABLED=False")
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	return named(string(out), dir, work) + tree(t, work)
}

// weSay is what the same playbook prints here.
func weSay(t *testing.T, dir string) string {
	t.Helper()
	work := t.TempDir()
	abs, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Open(inventory.Sources{Paths: []string{inventoryOf(t, dir)}, PlaybookDir: abs})
	if err != nil {
		t.Fatal(err)
	}
	lib, err := tasks.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	o := given(t, options(t, dir, work))
	src := &playbooks.Source{Files: os.DirFS("/"), Rooted: true, Home: "/root", Extra: o.Extra}
	src.Reach.Lookups = map[string]templates.Lookup{"env": func(terms []any, _ map[string]any) ([]any, error) {
		var out []any
		for _, name := range terms {
			out = append(out, os.Getenv(fmt.Sprint(name)))
		}
		return out, nil
	}}
	pb, err := src.Load(filepath.Join(abs, "site.yml"))
	if err != nil {
		return err.Error()
	}
	run := playbooks.Run{
		Playbook: pb, Inventory: inv, Library: lib, Options: o, Runner: playbooks.NewMachines(t),
		Events: output.InOrder(output.NewAnsible(&out, output.Look{Diff: o.Diff})),
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, err := run.Do(ctx); err != nil {
		fmt.Fprintln(&out, "ERROR!", err)
	}
	return named(out.String(), dir, work) + tree(t, work)
}

// given are the options that words mean.
func given(t *testing.T, words []string) (o playbooks.Options) {
	t.Helper()
	o.Extra, o.Forks = map[string]any{}, 5
	for i := 0; i < len(words); i++ {
		value := func() string { i++; return words[i] }
		switch words[i] {
		case "-e":
			key, v, _ := strings.Cut(value(), "=")
			o.Extra[key] = v
		case "--tags":
			o.Tags = strings.Split(value(), ",")
		case "--skip-tags":
			o.SkipTags = strings.Split(value(), ",")
		case "--limit":
			o.Limit = []string{value()}
		case "--start-at-task":
			o.StartAtTask = value()
		case "--check":
			o.Check = true
		case "--force-handlers":
			o.ForceHandlers = true
		default:
			t.Fatalf("unknown option %q", words[i])
		}
	}
	return o
}

var (
	stars   = regexp.MustCompile(`(?m) \*{3,}$`)
	details = regexp.MustCompile(`(?m)^((?:fatal|failed): \[[^\]]*\](?: \(item=.*?\))?(?:: [A-Z !]+)? =>) (?:\{\n(?: .*\n)*\}|.*$)`)
	noise   = regexp.MustCompile(`(?m)^(?:\[(?:WARNING|DEPRECATION WARNING)\]: (?:.+\n)+|An exception occurred during task execution.*\n)`)
)

// named has names for the folders.
func named(text, dir, work string) string {
	abs, _ := filepath.Abs(dir)
	return strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(text, work, "WORK"), abs, "HERE")) + "\n"
}

// normal leaves out what may differ: stars, folders, and what fails with which words
// beyond its message.
func normal(text string) string {
	text = stars.ReplaceAllString(text, "")
	text = noise.ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, " (check mode: what it would change cannot be foretold)", "")
	text = regexp.MustCompile(`TASK \[meta\]\n(?:skipping: .*\n)*\n?`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`(?m)^NO MORE HOSTS LEFT\n\n?`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`(?m)[ \t]+$`).ReplaceAllString(text, "")
	text = details.ReplaceAllString(text, "$1")
	text = regexp.MustCompile(`\n{3,}`).ReplaceAllString(text, "\n\n")
	var parts []string
	for part := range strings.SplitSeq(text, "\n\n") {
		parts = append(parts, sorted(part))
	}
	return strings.TrimSpace(strings.Join(parts, "\n\n")) + "\n"
}

var (
	begins   = regexp.MustCompile(`^(?:ok|changed|skipping|fatal|failed|included|FAILED - RETRYING): \[?([^\] ]+)`)
	forHosts = regexp.MustCompile(`^included: (.*) for ([^=]*?)( => .*)?$`)
)

// sorted puts the results of a task in the order of the hosts, which under Ansible
// is that of who was first.
func sorted(part string) string {
	var head []string
	type block struct {
		host  string
		lines []string
	}
	var blocks []block
	add := func(host, line string) { blocks = append(blocks, block{host, []string{line}}) }
	for line := range strings.SplitSeq(part, "\n") {
		if m := forHosts.FindStringSubmatch(line); m != nil {
			for _, h := range strings.Split(m[2], ", ") {
				add(h, "included: "+m[1]+" for "+h+m[3])
			}
			continue
		}
		if m := begins.FindStringSubmatch(line); m != nil {
			add(m[1], line)
		} else if len(blocks) == 0 {
			head = append(head, line)
		} else {
			b := &blocks[len(blocks)-1]
			b.lines = append(b.lines, line)
		}
	}
	slices.SortStableFunc(blocks, func(a, b block) int { return strings.Compare(a.host, b.host) })
	for _, b := range blocks {
		head = append(head, b.lines...)
	}
	return strings.Join(head, "\n")
}

// tree is what is in a folder.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s", strings.TrimPrefix(path, dir+"/"), info.Mode())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", strings.ReplaceAll(string(data), dir, "WORK"))
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
