package playbooks

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What hosts say of the run is added up; what they say of themselves stays theirs.
func TestSetStats(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - set_stats: { data: { count: 2, names: ["{{ inventory_hostname }}"], by: { "x": 1 }, odd: 1 } }
    - set_stats: { data: { odd: text, by: { "y": 2, deep: { b: 1 } } } }
    - set_stats: { data: { by: { deep: { a: 1 } } } }
    - { set_stats: { data: { hidden: 1 } }, no_log: true }
    - set_stats: { data: { mine: "{{ inventory_hostname }}" }, per_host: true }
    - set_stats: { data: { last: 1 } }
    - set_stats: { data: { last: 5 }, aggregate: false }
`}, "a\nb\n", func(p *playing) { p.run.Options.Forks = 1 })
	if p.err != nil {
		t.Fatal(p.err)
	}
	want := Custom{
		"":  {"count": int64(4), "names": []any{"a", "b"}, "by": map[string]any{"x": int64(1), "y": int64(2), "deep": map[string]any{"a": int64(1), "b": int64(1)}}, "odd": int64(2), "last": int64(5)},
		"a": {"mine": "a"}, "b": {"mine": "b"},
	}
	if names, ok := p.custom[""]["names"].([]any); ok && len(names) == 2 && names[0] == "b" {
		want[""]["names"] = []any{"b", "a"} // hosts do not wait for each other
	}
	if last := p.custom[""]["last"]; last == int64(6) {
		want[""]["last"] = last // the other host's first task came last
	}
	if diff := cmp.Diff(want, p.custom); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An argument of a kind that runs here is never ignored: a value that is not supported is told with its place.
func TestUnsupportedValuesAreRefused(t *testing.T) {
	for task, want := range map[string]string{
		"include_vars: { file: x.yml, hash_behaviour: merge }":         "site.yml:4: include_vars: hash_behaviour can only be replace here, not merge",
		"template: { src: x, dest: /x, output_encoding: latin-1 }":     "site.yml:4: template: output_encoding can only be utf-8 here, not latin-1",
		"copy: { src: x, dest: /x, local_follow: false }":              "site.yml:4: copy: local_follow can only be true here, not false",
		"copy: { src: x, dest: /x, decrypt: no }":                      "site.yml:4: copy: decrypt can only be true here, not false",
		"import_role: { name: r, apply: { tags: x } }":                 `"apply"`,
		"include_role: { name: r, rolespec_validate: false }":          "site.yml:4: include_role: rolespec_validate can only be true here, not false",
		`import_role: { name: r, rolespec_validate: "{{ false }}" }`:   "rolespec_validate can only be true here",
		"include_vars: { dir: vars, ignore_files: 'x b.t.t' }":         "",
		"copy: { src: x, dest: /x, local_follow: }":                    "",
		`copy: { src: x, dest: /x, decrypt: "{{ 1 == 2 }}" }`:          "copy: decrypt can only be true here, not false",
		"include_vars: { dir: vars }":                                  "does not have a valid extension: yaml, yml, json",
		"include_vars: { dir: vars, ignore_unknown_extensions: true }": "",
	} {
		p := play(t, map[string]string{"site.yml": "- hosts: all\n  gather_facts: false\n  tasks:\n    - " + task + "\n", "files/x": "", "vars/a.yml": "a: 1", "vars/b.txt": "", "roles/r/tasks/main.yml": "[]"},
			"a\n", func(*playing) {})
		said := strings.Join(p.inOrder(), "\n")
		if p.err != nil {
			said = p.err.Error()
		}
		if !strings.Contains(said, want) || want == "" && p.stats["a"].Failed > 0 {
			t.Errorf("%s: %s", task, said)
		}
	}
}
