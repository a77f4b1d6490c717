package playbooks

import (
	"slices"
	"testing"
)

// A task's facts are asked for in the stage in which it still stands: the host is
// asked once more, not twice.
func TestFactsOfTasks(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- name: learning
  hosts: all
  gather_facts: false
  vars: { shown: "{{ ansible_facts.services.ssh.state }}" }
  tasks:
    - { name: before, debug: { msg: "{{ ansible_facts.services is defined }} {{ packages }}" } }
    - { name: learns, teach: { facts: { services: { ssh: { state: running } }, packages: [a], ansible_own: 1 } }, register: r }
    - { name: keeps, keep: { file: DIR/x, content: x } }
    - { name: asks, debug: { msg: "{{ shown }} {{ services.ssh.state }} {{ packages }} {{ ansible_own }} {{ ansible_facts.own }}" } }
    - { name: registered, debug: { msg: "{{ r.ansible_facts.packages }}" } }
    - { name: replaces, teach: { facts: { packages: [b] } } }
    - { name: conditional, debug: { msg: "{{ ansible_facts['packages'] }}" }, when: "'b' in packages" }
    - { name: itself, debug: { msg: "{{ hostvars[inventory_hostname].packages }} {{ hostvars[inventory_hostname].ansible_facts.packages }}" } }
- name: the next
  hosts: all
  gather_facts: false
  tasks:
    - { name: still, debug: { msg: "{{ packages }}" } }
    - { name: forgets, meta: clear_facts }
    - { name: inventory, debug: { msg: "{{ packages }} {{ services is defined }}" } }
`}, "h1 packages=inventory\n", nil)
	p.says("PLAY learning", "h1 before: ok False inventory", "h1 learns: ok", "h1 keeps: changed",
		"h1 asks: ok running running ['a'] 1 1", "h1 registered: ok [a]", "h1 replaces: ok", "h1 conditional: ok [b]", "h1 itself: ok ['b'] ['b']",
		"PLAY the next", "h1 still: ok [b]", "h1 forgets: none", "h1 inventory: ok inventory False")
	if want := []string{"h1: teach keep", "h1: teach"}; !slices.Equal(p.sent, want) {
		t.Errorf("sent %q, wanted %q", p.sent, want)
	}
}

// What is nearer than the host's facts hides them, as in Ansible, and so does not wait.
func TestNearerThanFacts(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- name: nearer
  hosts: all
  gather_facts: false
  vars: { services: play }
  tasks:
    - { name: learns, teach: { facts: { services: fact, inventory_hostname: fact, packages: "{{ '{{ services }}' }}" } } }
    - { name: ours, keep: { file: "DIR/{{ services }}/{{ inventory_hostname }}", content: x } }
    - { name: text, debug: { msg: "{{ services }} {{ packages }}" } }
`}, "h1\n", nil)
	p.says("PLAY nearer", "h1 learns: ok", "h1 ours: changed", "h1 text: ok play {{ services }}")
	if want := []string{"h1: teach keep"}; !slices.Equal(p.sent, want) {
		t.Errorf("sent %q, wanted %q", p.sent, want)
	}
}

// Tasks that fail or do not run teach nothing, and hosts do not say how they are reached.
func TestFactsThatDoNotCount(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- name: nothing
  hosts: all
  gather_facts: false
  tasks:
    - { name: keeps, keep: { file: DIR/x, content: x }, register: kept }
    - { name: fails, teach: { facts: { one: 1 }, rc: 1 }, ignore_errors: true }
    - { name: is left out, teach: { facts: { two: 2 } }, when: kept is not changed }
    - { name: reaches, teach: { facts: { ansible_host: 192.0.2.1, ansible_become_password: x, "not a name": 3 } } }
    - { name: says, debug: { msg: "{{ one | default('none') }} {{ two | default('none') }} {{ ansible_host }} {{ ansible_become_password is defined }} {{ ansible_facts.host }}" } }
    - { name: judged, teach: { facts: { four: 4 } }, changed_when: four == 4 and ansible_facts.host == '192.0.2.1' and ansible_facts.four == 4 }
    - { name: until, teach: { facts: { five: 5 } }, until: five is defined, retries: 2, delay: 0 }
    - { name: before it, say: { text: x }, changed_when: six is defined }
    - { name: behind, teach: { facts: { six: 6 } } }
`}, "h1 ansible_host=198.51.100.1\n", nil)
	p.says("PLAY nothing", "h1 keeps: changed", "h1 fails: failed ignored exit status 1", "h1 is left out: skipped", "h1 reaches: ok",
		"h1 says: ok none none 198.51.100.1 False 192.0.2.1", "h1 judged: changed", "h1 until: ok",
		"h1 before it: ok", "h1 behind: ok")
}

// Facts of one host are seen by others through hostvars, by all if the task runs once
// for all, and by the host that it was delegated to if they are to be that one's.
func TestFactsOfOthers(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- name: others
  hosts: all
  gather_facts: false
  tasks:
    - { name: keeps, keep: { file: "DIR/{{ inventory_hostname }}/x", content: x } }
    - { name: learns, teach: { facts: { packages: "{{ inventory_hostname }}" } } }
    - { name: sees, debug: { msg: "{{ hostvars.h2.ansible_facts.packages }} {{ hostvars.h1.packages }}" } }
    - { name: once, teach: { facts: { services: "{{ inventory_hostname }}" } }, run_once: true }
    - { name: all, debug: { msg: "{{ services }}" } }
    - { name: theirs, teach: { facts: { users: them } }, delegate_to: h2, delegate_facts: true, when: inventory_hostname == 'h1' }
    - { name: delegated, debug: { msg: "{{ hostvars.h2.users }} {{ hostvars.h1.users | default('none') }}" }, when: inventory_hostname == 'h1' }
`}, "h1\nh2\n", nil)
	p.says("PLAY others", "h1 keeps: changed", "h2 keeps: changed", "h1 learns: ok", "h2 learns: ok", "h1 sees: ok h2 h1", "h2 sees: ok h2 h1",
		"h1 once: ok", "h1 all: ok h1", "h2 all: ok h1", "h1 theirs: ok", "h2 theirs: skipped", "h1 delegated: ok them none", "h2 delegated: skipped")
}
