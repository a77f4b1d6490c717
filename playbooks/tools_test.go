package playbooks

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"eucactl/tasks"
)

// programs builds the built-in program of each plan in testdata.
func program(t *testing.T, name string, groups ...string) *tasks.Program {
	t.Helper()
	pb, err := Parse(Builtin(), Site)
	if err != nil {
		t.Fatal(err)
	}
	in := In{Host: Host{Name: name, Groups: groups}, Plan: planOf(t, name), Facts: map[string]string{"arch": "x86_64"}}
	p, err := pb.Build(in, library(t), Templates(nil))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// contents are what the tasks of a kind carry, by their first argument.
func contents(p *tasks.Program, kind string) map[string]string {
	out := map[string]string{}
	for i, task := range p.Tasks {
		if task.Kind == kind {
			out[task.Args[0]], _ = p.After(i)
		}
	}
	return out
}

func run(t *testing.T, stdin string, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Stdin = strings.NewReader(stdin)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s\n%s", name, strings.Join(args, " "), err, out, stdin)
	}
}

func TestDhcpdTakesItsConfiguration(t *testing.T) {
	dir := t.TempDir()
	for _, conf := range contents(program(t, "frontend", "frontends"), "dhcpd") {
		path := filepath.Join(dir, "dhcpd.conf")
		if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
			t.Fatal(err)
		}
		c := exec.Command("dhcpd", "-t", "-q", "-cf", path, "-lf", "/dev/null")
		out, err := c.CombinedOutput()
		if err != nil || strings.Contains(string(out), "WARNING") {
			t.Errorf("dhcpd -t: %v\n%s", err, out)
		}
	}
}

func TestIptablesTakesTheRules(t *testing.T) {
	p := program(t, "frontend", "frontends")
	sets := strings.Builder{}
	for _, content := range contents(p, "ipsets_shrink") {
		for line := range strings.Lines(content) {
			words := strings.Fields(line)
			sets.WriteString("create " + words[0] + " " + words[1] + "\n")
			for _, m := range words[2:] {
				sets.WriteString("add " + words[0] + " " + m + "\n")
			}
		}
	}
	for table, content := range contents(p, "chains") {
		for _, tool := range []string{"iptables-nft-restore", "iptables-legacy-restore"} {
			script := "ipset restore <<'E'\n" + sets.String() + "E\n" + tool + " --test --noflush <<'E'\n*" + table + "\n"
			for line := range strings.Lines(content) {
				if !strings.HasPrefix(line, "hook ") {
					script += line
				}
			}
			run(t, script+"COMMIT\nE\n", "unshare", "-n", "sh", "-e")
		}
	}
}

func TestLibvirtTakesTheDomains(t *testing.T) {
	for name, xml := range contents(program(t, "node", "nodes"), "domain") {
		path := filepath.Join(t.TempDir(), name+".xml")
		if err := os.WriteFile(path, []byte(xml), 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, xml, "virt-xml-validate", path, "domain")
	}
}
