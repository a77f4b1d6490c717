package playbooks

import "testing"

// TestUntilAndFailedWhen: where failed_when says whether a task failed, tries that are
// used up do not, though what it registered says so.
func TestUntilAndFailedWhen(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: never, say: { rc: 3 }, until: r.rc == 0, retries: 2, delay: 0, failed_when: false, register: r }
    - { name: says, debug: { msg: "{{ r.attempts }} {{ r is failed }} {{ r.failed_when_result }}" } }
    - { name: asked, debug: { msg: yes }, when: r is failed }
    - block:
        - { name: not saved, say: { rc: 3 }, until: r.rc == 0, retries: 1, delay: 0, failed_when: false }
      rescue:
        - { name: rescue, say: {} }
    - { name: each, say: { rc: "{{ item }}" }, loop: [0, 3], until: r is changed and r.rc == 1, retries: 1, delay: 0, failed_when: r.rc == 4, register: r }
    - { name: said, debug: { msg: "{{ r is failed }} {{ r.results[1].failed }} {{ r.msg }}" } }
    - { name: fails, say: { rc: 4 }, until: r.rc == 0, retries: 1, delay: 0, failed_when: r.rc == 4, register: r }
`}, "h1\n", nil)
	p.says("PLAY all", "h1 never: waiting", "h1 never: waiting", "h1 never: changed", "h1 says: ok 2 True False", "h1 asked: ok true",
		"h1 not saved: waiting", "h1 not saved: changed",
		"h1 each: waiting", "h1 each: changed (0)", "h1 each: waiting", "h1 each: changed (3)", "h1 each: changed", "h1 said: ok True True One or more items failed",
		"h1 fails: waiting", "h1 fails: failed exit status 4")
}
