package playbooks

import "testing"

// TestConditionsThatCannotBeEvaluated fail their task, which ignore_errors ignores.
func TestConditionsThatCannotBeEvaluated(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: loop, say: { text: x }, loop: "{{ nope }}", ignore_errors: true }
    - { name: failed, say: { text: x }, failed_when: nope, ignore_errors: true }
    - { name: changed, say: { text: x }, changed_when: nope, ignore_errors: true }
    - { name: until, say: { text: x }, until: nope, retries: 1, delay: 0, ignore_errors: true }
    - { name: here, debug: { msg: x }, failed_when: nope, ignore_errors: true }
    - { name: goes on, say: { text: x } }
    - { name: stops, say: { text: x }, failed_when: nope }
    - { name: never, say: { text: x } }
`}, "h1\n", nil)
	p.says("PLAY all",
		`h1 loop: failed ignored site.yml:5: loop: "nope" is undefined`,
		`h1 failed: failed ignored site.yml:6: failed_when: "nope" is undefined`,
		`h1 changed: failed ignored site.yml:7: changed_when: "nope" is undefined`,
		`h1 until: failed ignored site.yml:8: until: "nope" is undefined`,
		`h1 here: failed ignored site.yml:9: failed_when: "nope" is undefined`,
		"h1 goes on: changed",
		`h1 stops: failed site.yml:11: failed_when: "nope" is undefined`)
	if s := p.stats["h1"]; s.Ignored != 5 || s.Failed != 1 || s.Changed != 3 || s.OK != 6 {
		t.Errorf("%+v", s)
	}
}
