package playbooks

import "testing"

// TestRegisteredResults: what a result has in it, as ansible-core 2.14 registers it.
func TestRegisteredResults(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: loop, say: { text: "{{ item }}" }, loop: [a, b], when: item != 'a', loop_control: { index_var: i }, register: r }
    - { name: l1, debug: { msg: "{{ r.skipped }} {{ r.results | map(attribute='i') | list }} {{ r.results[1].ansible_index_var }} {{ r.results[0].item }}" } }
    - { name: loop, say: { rc: "{{ n }}" }, loop: [0, 1], loop_control: { loop_var: n, extended: true }, ignore_errors: true, register: r }
    - { name: l2, debug: { msg: "{{ r.skipped }} {{ r.results[1].n }} {{ r.results[1].ansible_loop.previtem }} {{ r.results[1].ansible_loop_var }}" } }
    - { name: none, say: {}, loop: [a], when: false, register: r }
    - { name: l3, debug: { msg: "{{ r.skipped }}" } }
    - { name: empty, say: {}, loop: [], register: r }
    - { name: l4, debug: { msg: "{{ r.skipped }} {{ r.skipped_reason }} {{ r.msg is defined }}" } }
    - { name: false, command: "false", failed_when: false, register: r }
    - { name: w1, debug: { msg: "{{ r.failed_when_result }}" } }
    - { name: true, command: "true", register: r }
    - { name: w2, debug: { msg: "<{{ r.msg }}> {{ r.failed_when_result is defined }}" } }
    - { name: file, copy: { content: x, dest: DIR/x }, register: r }
    - { name: d, debug: { msg: "{{ r.diff }}" } }
`}, "h1\n", nil)
	p.says("PLAY all", "h1 loop: skipped (a)", "h1 loop: changed (b)", "h1 loop: changed", "h1 l1: ok False [0, 1] i a",
		"h1 loop: changed (0)", "h1 loop: failed (1) ignored exit status 1", "h1 loop: failed ignored One or more items failed", "h1 l2: ok False 1 0 n",
		"h1 none: skipped (a)", "h1 none: skipped", "h1 l3: ok true", "h1 empty: skipped", "h1 l4: ok True No items in the list False",
		"h1 false: changed", "h1 w1: ok false", "h1 true: changed", "h1 w2: ok <> False", "h1 file: changed", "h1 d: ok []")
	for _, r := range p.all {
		if r.Item == "1" && (r.Fields["n"] != int64(1) || r.Fields["ansible_loop_var"] != "n") {
			t.Errorf("%v", r.Fields)
		}
	}
}

// TestChangedByFailed: a loop counts as changed if a command of it failed half-way.
func TestChangedByFailed(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: loop, command: "false", loop: [1], ignore_errors: true, register: r }
    - { name: said, debug: { msg: "{{ r.changed }} {{ r.results[0].changed }}" } }
`}, "h1\n", nil)
	p.says("PLAY all", "h1 loop: failed (1) ignored non-zero return code", "h1 loop: failed ignored One or more items failed", "h1 said: ok True True")
	if s := p.stats["h1"]; s.Changed != 1 || s.Ignored != 1 {
		t.Errorf("%+v", s)
	}
}
