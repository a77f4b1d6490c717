package playbooks

import (
	"slices"
	"testing"
)

// TestGatheredAsThePlay: facts that are asked for before any task has run are asked for
// with the connection and as the user of the play.
func TestGatheredAsThePlay(t *testing.T) {
	for _, task := range []string{`debug: { msg: "{{ ansible_system }}" }`, "setup: { filter: ansible_system }"} {
		p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: ` + map[bool]string{true: "true", false: "false"}[task[0] == 'd'] + `
  remote_user: ann
  connection: local
  tasks:
    - ` + task + "\n"}, "h1\n", nil)
		if p.err != nil {
			t.Fatal(p.err)
		}
		if len(p.logins) != 1 || slices.ContainsFunc(p.logins, func(l Login) bool { return l.User != "ann" || l.Connection != "local" }) {
			t.Errorf("%s: %+v", task, p.logins)
		}
	}
}

// TestSetupFilter: setup with a filter makes known what it names, and nothing else.
func TestSetupFilter(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { setup: { filter: ansible_kern* }, register: r }
    - debug: { msg: "{{ r.ansible_facts.keys() | list }} {{ ansible_kernel is defined }} {{ ansible_hostname is defined }} {{ ansible_facts.hostname is defined }}" }
    - { setup: { filter: [hostname] } }
    - debug: { msg: "{{ ansible_kernel is defined }} {{ ansible_hostname is defined }}" }
`}, "h1\n", nil)
	p.says("PLAY all", "h1 setup: ok", "h1 debug: ok ['ansible_kernel', 'ansible_kernel_version'] True False False",
		"h1 setup: ok", "h1 debug: ok True True")
}
