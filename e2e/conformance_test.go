package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"eucactl/e2e/lab"
)

// side is one of two labs of fresh hosts that are named and wired alike, and the
// program that runs playbooks there.
type side struct {
	t    *testing.T
	lab  *lab.Lab
	dir  string   // of the playbooks: a copy, alike on both sides
	argv []string // the program and what it always wants
	env  []string
}

// TestConformance runs playbooks as Ansible's users write them with ansible-playbook
// and with eucactl, each on two fresh hosts: the hosts end alike, each task counts
// alike, and in the second run nothing changes.
func TestConformance(t *testing.T) {
	theirs, ours := newSides(t)
	seen := map[string]bool{}
	// A playbook that broke off leaves the hosts unlike: that is not the next one's fault.
	unlike := func(t *testing.T) (fresh []string) {
		for _, line := range differences(theirs.hosts(t), ours.hosts(t)) {
			if !seen[line] {
				fresh = append(fresh, line)
			}
			seen[line] = true
		}
		return fresh
	}
	for _, name := range []string{"files", "handlers", "loops", "blocks", "roles", "secrets", "serial", "delegate",
		"commands", "facts", "includes", "fetching", "services", "accounts"} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					unlike(t)
				}
			}()
			for _, run := range []string{"first", "second"} {
				want, got := playBoth(t, theirs, ours, name)
				if diff := cmp.Diff(want.tasks, got.tasks); diff != "" {
					t.Errorf("%s run: tasks count otherwise (-ansible +eucactl):\n%s\n%s\n%s", run, diff, want.text, got.text)
				}
				if diff := cmp.Diff(want.recap, got.recap); diff != "" {
					t.Errorf("%s run: recap (-ansible +eucactl):\n%s", run, diff)
				}
				for _, line := range unlike(t) {
					t.Errorf("after the %s run %s", run, line)
				}
				if run == "second" && !unchanged(got.recap) {
					t.Errorf("the second run changed something:\n%s", got.text)
				}
			}
		})
	}
}

// playBoth runs a playbook on both sides at once: Ansible is what takes time.
func playBoth(t *testing.T, theirs, ours *side, name string) (want, got played) {
	t.Helper()
	var wantErr, gotErr error
	var both sync.WaitGroup
	both.Go(func() { want, wantErr = theirs.play(name) })
	both.Go(func() { got, gotErr = ours.play(name) })
	both.Wait()
	if err := errors.Join(wantErr, gotErr); err != nil {
		t.Fatal(err)
	}
	return want, got
}

func unchanged(recap map[string]string) bool {
	for _, counts := range recap {
		if !strings.Contains(counts, "changed=0") {
			return false
		}
	}
	return true
}

func newSides(t *testing.T) (theirs, ours *side) {
	sweep(t)
	tool := filepath.Join(t.TempDir(), "eucactl")
	command(t, "go", "build", "-o", tool, "../cmd/eucactl")
	sides := []*side{{t: t}, {t: t}}
	for i, s := range sides {
		o := lab.Options{Name: fmt.Sprintf("story%d-play%d", os.Getpid(), i), Hosts: []string{"t1", "t2"}, Systemd: true}
		t.Cleanup(func() {
			if err := lab.Down(o.Name, ""); err != nil {
				t.Error(err)
			}
		})
		var err error
		if s.lab, err = lab.Up(o); err != nil {
			t.Fatal(err)
		}
		s.dir = filepath.Join(t.TempDir(), "playbooks")
		if err := os.CopyFS(s.dir, os.DirFS("conformance")); err != nil {
			t.Fatal(err)
		}
		s.env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C.UTF-8")
	}
	theirs, ours = sides[0], sides[1]
	secret(t, sides)
	archives(t, sides)
	for _, s := range sides {
		s.prepare()
	}
	theirs.argv = []string{"ansible-playbook"}
	theirs.env = append(theirs.env, "ANSIBLE_PIPELINING=1", "ANSIBLE_HOST_KEY_CHECKING=0", "ANSIBLE_NOCOLOR=1", "ANSIBLE_FORKS=20", "ANSIBLE_TIMEOUT=60",
		"ANSIBLE_SSH_ARGS=-o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null",
		"ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3", "ANSIBLE_DEPRECATION_WARNINGS=0")
	ours.argv = []string{tool, "playbook"}
	ours.env = append(ours.env, "EUCACTL_STATE="+filepath.Join(t.TempDir(), "state"))
	scan := ours.lab.Command(".", tool, "-i", ours.lab.Inventory(), "hosts", "scan", "--yes")
	scan.Env = ours.env
	if out, err := scan.CombinedOutput(); err != nil {
		t.Fatalf("hosts scan: %v\n%s", err, out)
	}
	return theirs, ours
}

// secret makes the vault files, by Ansible's own tool.
func secret(t *testing.T, sides []*side) {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("conformance\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inline := vault(t, "of one line", "encrypt_string", "--vault-password-file", password, "--stdin-name", "inline")
	_, inline, _ = strings.Cut(inline, "inline: ")
	file := vault(t, "db_password: it's secret\n", "encrypt", "--vault-password-file", password, "--output", "-", "-")
	for _, s := range sides {
		s.replace("secrets.yml", "@INLINE@", strings.ReplaceAll(strings.TrimSpace(inline), "\n", "\n    "))
		for name, text := range map[string]string{"vars/secret.yml": file, "password": "conformance\n"} {
			if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func vault(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("ansible-vault", args...)
	cmd.Stdin = strings.NewReader(stdin)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ansible-vault %v: %v\n%s", args, err, words.String())
	}
	return string(out)
}

func (s *side) replace(name, old, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(data, []byte(old), []byte(text)), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// played is what a run showed: for each task, how often each word came, and the
// recap of each host.
type played struct {
	text  string
	tasks []string
	recap map[string]string
}

var (
	banner = regexp.MustCompile(`^(PLAY|TASK|RUNNING HANDLER) \[(.*)\] \*+$`)
	result = regexp.MustCompile(`^(ok|changed|skipping|failed|fatal|included|FAILED - RETRYING|\.\.\.ignoring)\b`)
	recap  = regexp.MustCompile(`^(\S+)\s+: (ok=.*\S)\s*$`)
)

// play runs a playbook, which has to succeed.
func (s *side) play(name string) (played, error) {
	args := append(slices.Clone(s.argv), "-i", filepath.Join(s.dir, "inventory.ini"), "-i", s.lab.Inventory(),
		"--vault-password-file", filepath.Join(s.dir, "password"), filepath.Join(s.dir, name+".yml"))
	cmd := s.lab.Command(".", args...)
	cmd.Env, cmd.Dir = s.env, s.dir
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return played{}, fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, out, words.String())
	}
	return read(string(out)), nil
}

// read counts what each task shows; a task without results is none, and facts are
// gathered by eucactl only where something reads one.
func read(text string) played {
	p := played{text: text, recap: map[string]string{}}
	title, counts := "", map[string]int{}
	end := func() {
		var words []string
		for _, w := range slices.Sorted(maps.Keys(counts)) {
			words = append(words, fmt.Sprintf("%s=%d", w, counts[w]))
		}
		if len(words) > 0 && !strings.HasSuffix(title, "[Gathering Facts]") {
			p.tasks = append(p.tasks, title+": "+strings.Join(words, " "))
		}
		counts = map[string]int{}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := banner.FindStringSubmatch(line); m != nil {
			end()
			title = m[1] + " [" + m[2] + "]"
		} else if m := recap.FindStringSubmatch(line); m != nil {
			p.recap[m[1]] = m[2]
		} else if m := result.FindStringSubmatch(line); m != nil {
			counts[m[1]] += hostsOn(line)
		}
	}
	end()
	return p
}

// hostsOn counts the hosts that a line is about: several only where files are included,
// which Ansible gathers in one line and eucactl tells host by host.
func hostsOn(line string) int {
	_, names, included := strings.Cut(line, " for ")
	if !included || !strings.HasPrefix(line, "included: ") {
		return 1
	}
	names, _, _ = strings.Cut(names, " => ")
	return len(strings.Split(names, ", "))
}
