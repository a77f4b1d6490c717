package playbooks

import (
	"strings"
	"testing"
)

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

// Handlers of roles run before the play's own, those of included ones after; of those
// that are called alike the ones that were loaded last are who is meant.
func TestHandlersInOrder(t *testing.T) {
	files := map[string]string{
		"roles/r/tasks/main.yml":    "- { name: task, say: {}, notify: [same, first, topic] }\n",
		"roles/r/handlers/main.yml": "- { name: same, say: {} }\n- { name: first, say: {} }\n- { name: hears, say: {}, listen: topic }\n",
	}
	own := `
  handlers:
    - { name: own, say: {} }
    - { name: same, say: {} }
    - { name: same, say: { rc: 1 } }
    - { name: hears too, say: {}, listen: topic }
`
	files["site.yml"] = "- hosts: all\n  gather_facts: false\n  roles: [r]\n  tasks: [{ name: t, say: {}, notify: own }]" + own
	play(t, files, "a\n", nil).says("PLAY all", "a r : task: changed", "a t: changed",
		"a r : first: changed", "a r : hears: changed", "a own: changed", "a same: changed", "a hears too: changed")
	for kind, included := range map[string][]string{"import_role": nil, "include_role": {"a include: none"}} {
		files["site.yml"] = "- hosts: all\n  gather_facts: false\n  tasks: [{ name: include, " + kind + ": { name: r } }]" + own
		play(t, files, "a\n", nil).says(append(append([]string{"PLAY all"}, included...), "a r : task: changed",
			"a hears too: changed", "a r : same: changed", "a r : first: changed", "a r : hears: changed")...)
	}
}

// Each instance of a role has its handlers, with what it is given. By its name that of
// the last is called, all of them hear what they listen to.
func TestHandlersOfInstances(t *testing.T) {
	files := map[string]string{
		"roles/r/tasks/main.yml":    "- { name: task, debug: { msg: \"{{ x }}\" }, changed_when: true, notify: [h, topic] }\n",
		"roles/r/handlers/main.yml": "- { name: h, debug: { msg: \"{{ x }}\" } }\n- { name: hears, debug: { msg: \"{{ x }}\" }, listen: topic }\n",
	}
	start := "- hosts: all\n  gather_facts: false\n"
	for _, roles := range []string{
		"  roles: [{ role: r, x: 1 }, { role: r, x: 2 }]\n",
		"  roles: [{ role: r, vars: { x: 1 } }, { role: r, vars: { x: 2 } }]\n",
		"  tasks: [{ import_role: { name: r }, vars: { x: 1 } }, { import_role: { name: r }, vars: { x: 2 } }]\n",
	} {
		files["site.yml"] = start + roles
		play(t, files, "a\n", nil).says("PLAY all", "a r : task: changed", "a r : task: changed",
			"a r : hears: ok 1", "a r : h: ok 2", "a r : hears: ok 2")
	}
	files["site.yml"] = start + "  tasks: [{ name: i, include_role: { name: r }, vars: { x: 1 } }, { name: i, include_role: { name: r }, vars: { x: 2 } }]\n"
	play(t, files, "a\n", nil).says("PLAY all", "a i: none", "a r : task: changed", "a i: none", "a r : task: changed",
		"a r : h: ok 1", "a r : hears: ok 1", "a r : h: ok 2", "a r : hears: ok 2")
}

// A role runs again if its tags or conditions are others.
func TestRolesRunAgain(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml": `
- hosts: all
  gather_facts: false
  roles: [{ role: r, tags: x }, { role: r, tags: y }, r, { role: r, tags: x }, { role: r, when: 1 == 1 }, { role: r, become: false }]
`,
		"roles/r/tasks/main.yml": "- { name: task, say: {} }\n",
	}, "a\n", nil)
	p.says("PLAY all", "a r : task: changed", "a r : task: changed", "a r : task: changed", "a r : task: changed")
}

// Roles are parents of those that they include; those that a play's roles depend on are
// the play's.
func TestNamesOfRoles(t *testing.T) {
	tell := "- { name: tell, debug: { msg: \"{{ ansible_parent_role_names | default('-') }} {{ ansible_dependent_role_names }} {{ ansible_play_role_names }} {{ ansible_role_names }}\" } }\n"
	p := play(t, map[string]string{
		"site.yml":              "- hosts: all\n  gather_facts: false\n  roles: [a]\n  tasks: [{ include_role: { name: c, public: true } }]\n",
		"roles/a/meta/main.yml": "dependencies: [b]\n", "roles/b/tasks/main.yml": tell,
		"roles/a/tasks/main.yml": "- { name: in a, include_role: { name: c } }\n", "roles/c/tasks/main.yml": "- { import_role: { name: d } }\n",
		"roles/d/tasks/main.yml": tell,
	}, "h\n", nil)
	p.says("PLAY all",
		"h b : tell: ok - ['b'] ['a'] ['b', 'a']",
		"h in a: none",
		"h d : tell: ok ['c', 'a'] ['b'] ['a', 'd'] ['b', 'a', 'd']",
		"h include_role : c: none",
		"h d : tell: ok ['c'] ['b'] ['a', 'd', 'c'] ['b', 'a', 'd', 'c']",
	)
}

// Handlers have what is around their role where it is used, and nothing of what is
// around the task that has them run.
func TestHandlersHaveTheirRolesKeywords(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml": `
- hosts: all
  gather_facts: false
  roles: [{ role: r, when: which == 'a', vars: { which: a } }, { role: r, when: which == 'a', vars: { which: b } }]
  tasks:
    - { name: task, say: {}, notify: [topic, own] }
    - vars: { which: flush }
      ignore_errors: true
      when: which == 'flush'
      block: [{ meta: flush_handlers }]
  handlers: [{ name: own, say: { rc: 1 } }]
`,
		"roles/r/handlers/main.yml": "- { name: hears, debug: { msg: \"{{ which }}\" }, listen: topic }\n",
	}, "a\n", nil)
	p.says("PLAY all", "a task: changed", "a meta: none", "a r : hears: ok a", "a r : hears: skipped", "a own: failed exit status 1")
}

// A play sees the variables of what its roles depend on too.
func TestVariablesOfDependencies(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml": `
- hosts: all
  gather_facts: false
  roles: [a]
  tasks: [{ name: tell, debug: { msg: "{{ d }} {{ v }} {{ both }}" } }]
`,
		"roles/a/meta/main.yml": "dependencies: [b]\n", "roles/b/meta/main.yml": "dependencies: [c]\n",
		"roles/a/defaults/main.yml": "both: a\n", "roles/b/defaults/main.yml": "both: b\nd: b\n", "roles/c/vars/main.yml": "v: c\n",
	}, "h\n", nil)
	p.says("PLAY all", "h tell: ok b c a")
}
