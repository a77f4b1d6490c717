package playbooks

import "testing"

// TestOthersAreSeenAsOfTheTask: what another host set is waited for where it is behind,
// and is not seen before its time where it is ahead.
func TestOthersAreSeenAsOfTheTask(t *testing.T) {
	for name, c := range map[string]struct {
		tasks string
		want  []string
	}{
		"set_fact is waited for": {`
    - { name: slow, shell: sleep 0.3, when: inventory_hostname == 'h2', changed_when: false }
    - { name: result, say: { text: "{{ inventory_hostname }}" }, register: r }
    - { name: set, set_fact: { sf: "{{ r.stdout }}" } }
    - { name: all, debug: { msg: "{% for h in ansible_play_hosts %}{{ hostvars[h].sf | default('MISSING') }} {% endfor %}" } }
`, []string{"h1 slow: skipped", "h2 slow: ok", "h1 result: changed", "h2 result: changed", "h1 set: ok", "h2 set: ok",
			"h1 all: ok h1 h2 ", "h2 all: ok h1 h2 "}},
		"what comes later is not seen": {`
    - { name: set, set_fact: { v: 1 } }
    - { name: result, say: { text: one }, register: r }
    - { name: slow, shell: sleep 0.3, when: inventory_hostname == 'h1', changed_when: false }
    - { name: seen, debug: { msg: "{{ hostvars.h2.v }} {{ hostvars.h2.r.stdout }}" } }
    - { name: set again, set_fact: { v: 2 } }
    - { name: result again, say: { text: two }, register: r }
    - { name: seen again, debug: { msg: "{{ hostvars.h2.v }} {{ hostvars.h2.r.stdout }}" } }
`, []string{"h1 set: ok", "h2 set: ok", "h1 result: changed", "h2 result: changed", "h1 slow: ok", "h2 slow: skipped",
			"h1 seen: ok 1 one", "h2 seen: ok 1 one", "h1 set again: ok", "h2 set again: ok",
			"h1 result again: changed", "h2 result again: changed", "h1 seen again: ok 2 two", "h2 seen again: ok 2 two"}},
		"the result of run_once": {`
    - { name: first, say: { text: old }, register: l }
    - { name: slow, shell: sleep 0.3, when: inventory_hostname == 'h2', changed_when: false }
    - { name: once, say: { text: new }, run_once: true, register: l }
    - { name: seen, debug: { msg: "{{ hostvars.h2.l.stdout }} {{ hostvars.h1.l.stdout }}" } }
`, []string{"h1 first: changed", "h2 first: changed", "h1 slow: skipped", "h2 slow: ok", "h1 once: changed",
			"h1 seen: ok new new", "h2 seen: ok new new"}},
		"in a file that is included": {`
    - { name: slow, shell: sleep 0.3, when: inventory_hostname == 'h2', changed_when: false }
    - { name: more, include_tasks: "{{ 'more' }}.yml" }
    - { name: seen, debug: { msg: "{{ hostvars.h2.more }}" } }
`, []string{"h1 slow: skipped", "h2 slow: ok", "h1 more: included", "h2 more: included", "h1 set in it: ok", "h2 set in it: ok",
			"h1 seen: ok h2", "h2 seen: ok h2"}},
		"a condition waits": {`
    - { name: slow, shell: sleep 0.3, when: inventory_hostname == 'h2', changed_when: false }
    - { name: set, set_fact: { sf: x } }
    - { name: seen, debug: { msg: seen }, when: hostvars.h2.sf is defined }
`, []string{"h1 slow: skipped", "h2 slow: ok", "h1 set: ok", "h2 set: ok", "h1 seen: ok seen", "h2 seen: ok seen"}},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, map[string]string{
				"site.yml": "- hosts: all\n  gather_facts: false\n  tasks:" + c.tasks,
				"more.yml": `- { name: set in it, set_fact: { more: "{{ inventory_hostname }}" } }`,
			}, "h1\nh2\n", nil).says(append([]string{"PLAY all"}, c.want...)...)
		})
	}
}

// TestOthersInTheNextPlay: a play begins with what the one before it ended with.
func TestOthersInTheNextPlay(t *testing.T) {
	play(t, map[string]string{"site.yml": `
- hosts: h2
  gather_facts: false
  tasks:
    - { name: a, set_fact: { v: 1 } }
    - { name: b, say: { text: one }, register: r }
    - { name: c, set_fact: { v: 2 } }
- hosts: h1
  gather_facts: false
  tasks:
    - { name: seen, debug: { msg: "{{ hostvars.h2.v }} {{ hostvars.h2.r.stdout }}" } }
`}, "h1\nh2\n", nil).says("PLAY h2", "h2 a: ok", "h2 b: changed", "h2 c: ok", "PLAY h1", "h1 seen: ok 2 one")
}

// TestOthersHaveNoneOfThePlay: hostvars are what a host has by itself.
func TestOthersHaveNoneOfThePlay(t *testing.T) {
	play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  vars: { port: 80, only: x }
  tasks:
    - { name: seen, debug: { msg: "{{ hostvars.h1.port }} {{ port }} {{ hostvars.h1.only | default('none') }} {{ hostvars.h1.inventory_hostname }}" } }
`}, "h1 port=8080\n", nil).says("PLAY all", "h1 seen: ok 8080 80 none h1")
}
