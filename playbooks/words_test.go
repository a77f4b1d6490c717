package playbooks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Values of name=value are what Ansible's own splitter makes of them.
func TestWordsOfALine(t *testing.T) {
	for line, want := range map[string]map[string]string{
		`msg="{{ s.a }} {{ s.b|default("-") }}"`: {"msg": `{{ s.a }} {{ s.b|default("-") }}`},
		`msg="{{ s.b | default("a b") }}" x=1`:   {"msg": `{{ s.b | default("a b") }}`, "x": "1"},
		`msg='{{ s.b | default('a b') }}'`:       {"msg": `{{ s.b | default('a b') }}`},
		`msg="a \"quoted\" word"`:                {"msg": `a "quoted" word`},
		`msg="a\tb\\c" dest=/tmp/q`:              {"msg": "a\tb\\c", "dest": "/tmp/q"},
		`content="a b\n"`:                        {"content": "a b\n"},
		`regexp="^\s+x\d" line='it is'`:          {"regexp": `^\s+x\d`, "line": "it is"},
		`a=\x41\u00e9 b=''`:                      {"a": "Aé", "b": ""},
	} {
		words, ok := splitWords(line)
		if !ok {
			t.Errorf("%s is not whole", line)
		}
		got := map[string]string{}
		for _, w := range words {
			for i := range w {
				if w[i] == '=' {
					got[w[:i]] = wordValue(w[i+1:])
					break
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
	for _, line := range []string{`msg="open`, `msg={{ open`} {
		if _, ok := splitWords(line); ok {
			t.Errorf("%s is whole", line)
		}
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
