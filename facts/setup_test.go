package facts

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// setupHere asks this machine under a shell.
func setupHere(t *testing.T, sh []string, names []string) map[string]any {
	t.Helper()
	cmd := exec.Command(sh[0], append(sh[1:], "-c", SetupScript(names))...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", sh, err)
	}
	return ReadSetup(string(out))
}

// moving are facts that are another moment's when they are asked for again, or that
// say who asks.
var moving = []string{
	"date_time", "env", "uptime_seconds", "loadavg", "memfree_mb", "memory_mb", "swapfree_mb", "mounts", "python", "devices",
	"distribution_file_path", "distribution_file_variety", "distribution_file_parsed", "lsb", "form_factor", "processor_nproc", "kernel_version",
	"python_version", "fqdn", // of Ansible's own interpreter, and as Python resolves it
	"virtualization_tech_guest", "virtualization_tech_host",
}

// What Ansible's setup says of this machine is what ours says.
func TestSetupAgreesWithAnsible(t *testing.T) {
	out, err := exec.Command("ansible", "localhost", "-m", "setup", "-o").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(out), "=> ")
	var answer struct {
		Facts map[string]any `json:"ansible_facts"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	got := setupHere(t, []string{"/bin/dash"}, SetupNames())
	for name, theirs := range answer.Facts {
		name = strings.TrimPrefix(name, "ansible_")
		if !IsSetup(name) || slices.Contains(moving, name) {
			continue
		}
		a, _ := json.Marshal(comparable(theirs))
		b, _ := json.Marshal(comparable(got[name]))
		if string(a) != string(b) {
			t.Errorf("%s:\nansible: %.600s\nours:    %.600s", name, a, b)
		}
	}
}

// comparable leaves out what is not said here of an interface, and the order of lists.
func comparable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"pciid", "speed", "module"} {
			delete(v, key)
		}
	case []any:
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return v
}

// The same is read under all shells that hosts have.
func TestSetupUnderEachShell(t *testing.T) {
	want := setupHere(t, []string{"/bin/dash"}, SetupNames())
	for _, sh := range [][]string{{"/bin/bash"}, {"/bin/busybox", "sh"}} {
		got := setupHere(t, sh, SetupNames())
		for _, name := range SetupNames() {
			if slices.Contains(moving, name) {
				continue
			}
			if a, b := fmt.Sprint(want[name]), fmt.Sprint(got[name]); a != b {
				t.Errorf("%v: %s: %s, dash says %s", sh, name, b, a)
			}
		}
	}
}

// Only what is asked for is looked at.
func TestSetupAsksForWhatIsRead(t *testing.T) {
	script := SetupScript([]string{"distribution"})
	if !strings.Contains(script, "os-release") || strings.Contains(script, "ip -o") || strings.Contains(script, "cpuinfo") {
		t.Errorf("asked: %s", script)
	}
	if got := setupHere(t, []string{"/bin/dash"}, []string{"eth0"}); got["interfaces"] == nil {
		t.Errorf("an interface comes with all: %v", got)
	}
}

// FuzzReadSetup looks for answers that crash the reader.
func FuzzReadSetup(f *testing.F) {
	for _, p := range setupParts() {
		f.Add(setupMark + p.name + "\na b c d e f g\n1: lo: <UP>\n== route\n")
	}
	f.Fuzz(func(_ *testing.T, text string) { ReadSetup(text) })
}
