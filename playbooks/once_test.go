package playbooks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A host that fails before a task with run_once neither leads it nor holds up the others.
func TestRunOnceAfterAFailure(t *testing.T) {
	for _, task := range []string{"{ say: {}, run_once: true }", "{ say: {}, run_once: true, delegate_to: c }", "{ add_host: { name: z } }"} {
		for range 20 {
			p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { command: "false", when: inventory_hostname == 'a' }
    - ` + task + `
    - { say: {} }
`}, "a\nb\nc\n", func(p *playing) { p.run.Options.Forks = 10 })
			if p.err != nil {
				t.Fatalf("%s: %v", task, p.err)
			}
			if p.stats["a"].Failed != 1 || p.stats["b"].OK+p.stats["c"].OK < 3 {
				t.Fatalf("%s: %+v", task, p.stats)
			}
		}
	}
}

// A handler is of its role, whoever made it part of the play: it has its defaults, its vars and its name.
func TestHandlersAreOfTheirRole(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml":                  "- hosts: all\n  gather_facts: false\n  roles: [b]\n",
		"roles/b/meta/main.yml":     "dependencies: [a]\n",
		"roles/b/tasks/main.yml":    "- { say: {} }\n",
		"roles/a/defaults/main.yml": "fallback: d\nboth: d\n",
		"roles/a/vars/main.yml":     "both: v\n",
		"roles/a/tasks/main.yml":    "- { say: {}, notify: ha }\n",
		"roles/a/handlers/main.yml": "- { name: ha, debug: { msg: \"{{ fallback }} {{ both }} {{ role_name }}\" } }\n",
	}, "a\n", nil)
	if p.err != nil {
		t.Fatal(p.err)
	}
	if got := strings.Join(p.inOrder(), "\n"); !strings.Contains(got, "d v a") {
		t.Error(got)
	}
}

// What reaches a file is what Ansible would have written.
func TestTextOfArguments(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml": `
- hosts: all
  gather_facts: false
  vars: { t: true, list: [1, true] }
  tasks:
    - copy: { content: "{{ t }}", dest: DIR/yes }
    - copy: { content: 12e5, dest: DIR/word }
    - copy: { content: "{{ list }}", dest: DIR/list }
    - lineinfile: { path: DIR/line, line: "{{ 1 > 2 }}", create: true }
    - blockinfile: { path: DIR/block, block: "{{ list }}", marker: "#{mark}", create: true }
    - template: { src: x.j2, dest: DIR/crlf, newline_sequence: "\\r\\n", output_encoding: utf8 }
    - set_fact: { "k_{{ item }}": "{{ item }}" }
      loop: [a, b]
    - copy: { content: "{{ k_a }}{{ k_b }}", dest: DIR/facts }
    - block:
        - { name: "one {{ t }}", command: "false" }
      rescue:
        - copy: { content: "{{ ansible_failed_task.name }}", dest: DIR/failed }
    - copy: { content: , dest: DIR/nothing }
`, "templates/x.j2": "a\nb\n",
	}, "h\n", nil)
	if p.err != nil || !strings.Contains(strings.Join(p.inOrder(), "\n"), "copy: failed site.yml:19: copy: src or content is missing") {
		t.Errorf("%v", p.err)
	}
	for name, want := range map[string]string{
		"yes": "True", "word": "12e5", "list": "[1, true]", "line": "False\n", "block": "#BEGIN\n[1, True]\n#END\n", "crlf": "a\r\nb\r\n", "facts": "ab", "failed": "one True",
	} {
		if got, err := os.ReadFile(filepath.Join(p.dir, name)); string(got) != want {
			t.Errorf("%s: %q, not %q (%v)", name, got, want, err)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(p.inOrder(), "\n"))
	}
}
