package playbooks

import (
	"testing"
)

func barsBob(p *playing) { p.bars = "bob" }

// TestRefusedUserFailsTasks: a user whom one cannot become is a failure of the tasks
// that are that user's, which the playbook can deal with, as in Ansible.
func TestRefusedUserFailsTasks(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  tasks:
    - block:
        - { name: mine, say: { text: one } }
        - { name: bob's, say: { text: two }, become: true, become_user: bob }
        - { name: not reached, say: { text: three } }
      rescue:
        - { name: bob's again, say: { text: four }, become: true, become_user: bob, ignore_errors: true, register: again }
        - { name: failed, say: { text: five }, when: again is failed }
      always:
        - { name: always, debug: { msg: "{{ ansible_failed_task.name }} {{ ansible_failed_result.msg }}" } }
    - { name: each, say: { text: "{{ item }}" }, loop: [a, b], become: true, become_user: bob, failed_when: false, changed_when: false }
    - name: both
      become: true
      become_user: bob
      block:
        - { name: last, say: { text: six } }
        - { name: never, say: { text: seven } }
`}, "h1\n", barsBob)
	p.says(
		"PLAY all",
		"h1 Gathering Facts: ok",
		"h1 mine: changed",
		"h1 bob's: failed no such user",
		"h1 bob's again: failed ignored no such user",
		"h1 failed: changed",
		"h1 always: ok bob's no such user",
		"h1 each: ok (a)",
		"h1 each: ok (b)",
		"h1 each: ok",
		"h1 last: failed no such user",
	)
	if s := p.stats["h1"]; s.Unreachable != 0 || s.Failed != 1 || s.Rescued != 1 || s.Ignored != 1 {
		t.Errorf("%+v", s)
	}
}

// TestRefusedUserOfThePlay: where it is the play's own user, there are no facts.
func TestRefusedUserOfThePlay(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  become: true
  become_user: "{{ whose }}"
  tasks:
    - block:
        - { name: first, say: { text: one } }
      rescue:
        - { name: rescue, say: { text: two }, become: false }
- hosts: all
  gather_facts: false
  tasks:
    - { name: next play, say: { text: three } }
`}, "h1 whose=bob\nh2 whose=ann\n", barsBob)
	p.says(
		"PLAY all",
		"h1 Gathering Facts: failed no such user",
		"h2 Gathering Facts: ok",
		"h2 first: changed",
		"PLAY all",
		"h2 next play: changed",
	)
	if s := p.stats["h1"]; s.Unreachable != 0 || s.Failed != 1 {
		t.Errorf("%+v", s)
	}
}

// TestRefusedUserAsksNothing: what a play asks before its first task is asked again as
// its own user, if the first task was another's.
func TestRefusedUserAsksNothing(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  tasks:
    - { name: bob's, say: { text: one }, become: true, become_user: bob, ignore_errors: true }
    - { name: mine, say: { text: "{{ ansible_system }}" }, register: r }
    - { name: system, debug: { msg: "{{ r.stdout }}" } }
  handlers:
    - { name: note, say: { text: noted } }
`}, "h1\n", barsBob)
	p.says(
		"PLAY all",
		"h1 Gathering Facts: ok",
		"h1 bob's: failed ignored no such user",
		"h1 mine: changed",
		"h1 system: ok Linux",
	)
}
