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
