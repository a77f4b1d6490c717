package playbooks

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReachedTemplates: what a template includes, imports or extends sees what the
// template itself would see.
func TestReachedTemplates(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml": `
- hosts: all
  vars: { pv: play, which: inc.j2 }
  tasks:
    - template: { src: "{{ item }}.j2", dest: "DIR/{{ item }}.{{ inventory_hostname }}" }
      loop: [main, nested, imported, extended, computed, looked]
    - { name: inline, debug: { msg: "{% include 'inc.j2' %}" } }
`,
		"templates/inc.j2":      "{{ pv }} {{ inventory_hostname }} {{ groups.web|join(',') }} {{ ansible_play_hosts|join(',') }} {{ ansible_play_batch|length }} {{ hostvars.b.x }} {{ group_names[0] }} {{ ansible_facts.kernel == ansible_kernel }} {{ vars.inventory_hostname }}",
		"templates/main.j2":     `{% include "inc.j2" %}`,
		"templates/nested.j2":   `{% if true %}{% include ["nope.j2", "main.j2"] %} {{ hostvars.a.x }}{% endif %}`,
		"templates/imported.j2": `{% from "macros.j2" import m with context %}{{ m() }}`,
		"templates/macros.j2":   `{% macro m() %}{{ inventory_hostname }} {{ ansible_system }}{% endmacro %}`,
		"templates/extended.j2": `{% extends "base.j2" %}{% block b %}{{ pv }}{% endblock %}`,
		"templates/base.j2":     `{{ inventory_hostname }} {{ ansible_facts.system }} {% block b %}{% endblock %}`,
		"templates/computed.j2": `{% set f = which %}{% include f %} {{ ansible_check_mode }}`,
		"templates/looked.j2":   `{{ lookup("template", "main.j2") }} {{ lookup("template", which) }}`,
	}, "[web]\na x=1\nb x=2\n", nil)
	inc := func(h string) string { return "play " + h + " a,b a,b 2 2 web True " + h }
	p.says("PLAY all", "a Gathering Facts: ok", "b Gathering Facts: ok",
		"a template: changed (main)", "a template: changed (nested)", "a template: changed (imported)", "a template: changed (extended)",
		"a template: changed (computed)", "a template: changed (looked)", "a template: changed",
		"b template: changed (main)", "b template: changed (nested)", "b template: changed (imported)", "b template: changed (extended)",
		"b template: changed (computed)", "b template: changed (looked)", "b template: changed",
		"a inline: ok "+inc("a"), "b inline: ok "+inc("b"))
	for name, want := range map[string]string{
		"main.b": inc("b"), "nested.b": inc("b") + " 1", "imported.a": "a Linux", "extended.a": "a Linux play",
		"computed.a": inc("a") + " False", "looked.b": inc("b") + " " + inc("b"),
	} {
		if got, err := os.ReadFile(filepath.Join(p.dir, name)); string(got) != want {
			t.Errorf("%s: %q, not %q (%v)", name, got, want, err)
		}
	}
}

// TestFactsOfReachedTemplates: facts that only an included template names come with
// the first program.
func TestFactsOfReachedTemplates(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml":          "- hosts: all\n  tasks:\n    - template: { src: main.j2, dest: DIR/out }\n",
		"templates/main.j2": `{% include "inc.j2" %}`,
		"templates/inc.j2":  `{{ ansible_kernel }}`,
	}, "a\n", nil)
	p.says("PLAY all", "a Gathering Facts: ok", "a template: changed")
	r := &p.run
	if got := r.factsIn(&r.Playbook.Plays[0]); len(got) != 1 || got[0] != "kernel" {
		t.Errorf("%v", got)
	}
}
