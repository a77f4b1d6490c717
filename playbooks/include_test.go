package playbooks

import "testing"

// A role that is included with public shows its defaults, its vars and those of the
// include to what follows, if it was included at all.
func TestIncludedRolesArePublic(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  vars: { v: play }
  tasks:
    - { name: late, say: {}, changed_when: inventory_hostname == 'a', register: late }
    - { name: include, include_role: { name: p, public: true }, vars: { given: i, both: i }, when: late is changed }
    - { name: after, debug: { msg: "{{ d | default('-') }} {{ v }} {{ given | default('-') }} {{ both | default('-') }}" } }
    - { name: private, include_role: { name: q }, vars: { secret: i } }
    - { name: last, debug: { msg: "{{ qd | default('-') }} {{ secret | default('-') }}" } }
- hosts: all
  gather_facts: false
  tasks:
    - { name: next, debug: { msg: "{{ d | default('-') }}" } }
`,
		"roles/p/defaults/main.yml": "d: default\n",
		"roles/p/vars/main.yml":     "v: role\nboth: role\n",
		"roles/p/tasks/main.yml":    "- { name: in, debug: { msg: \"{{ both }}\" } }\n",
		"roles/q/defaults/main.yml": "qd: default\n",
		"roles/q/tasks/main.yml":    "- { name: in, debug: { msg: \"{{ qd }}\" }, changed_when: true, notify: hq }\n",
		"roles/q/handlers/main.yml": "- { name: hq, debug: { msg: \"{{ secret }}\" } }\n",
	}, "a\nb\n", nil)
	p.says(
		"PLAY all",
		"a late: changed",
		"b late: ok",
		"a include: none",
		"b include: skipped",
		"a p : in: ok i",
		"a after: ok default role i role",
		"b after: ok - play - -",
		"a private: none",
		"b private: none",
		"a q : in: changed",
		"b q : in: changed",
		"a last: ok - -",
		"b last: ok - -",
		"a q : hq: ok i",
		"b q : hq: ok i",
		"PLAY all",
		"a next: ok -",
		"b next: ok -",
	)
}

// A file that is included may import a role, which gives the play its handlers and
// its variables.
func TestIncludedFilesImportRoles(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml":                  "- hosts: all\n  gather_facts: false\n  tasks: [{ name: i, include_tasks: more.yml }, { name: after, debug: { msg: \"{{ d }}\" } }]\n",
		"more.yml":                  "- import_role: { name: r }\n",
		"roles/r/defaults/main.yml": "d: default\n",
		"roles/r/tasks/main.yml":    "- { name: task, say: {}, notify: h }\n",
		"roles/r/handlers/main.yml": "- { name: h, say: {} }\n",
	}, "a\n", nil)
	p.says("PLAY all", "a i: included", "a r : task: changed", "a after: ok default", "a r : h: changed")
}
