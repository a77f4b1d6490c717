package playbooks

import "testing"

// TestLoopOverMapping: a with_ loop over a mapping goes through its keys; a mapping in
// a list is an item.
func TestLoopOverMapping(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  vars: { m: { k1: v1, k2: v2 } }
  tasks:
    - { name: keys, debug: { msg: "{{ item }}" }, with_items: "{{ m }}" }
    - { name: written, debug: { msg: "{{ item }}" }, with_items: { x: 1 } }
    - { name: inside, debug: { msg: "{{ item.k1 }}" }, with_items: ["{{ m }}"] }
    - { name: nested, debug: { msg: "{{ item[0] }}" }, with_nested: "{{ m }}" }
    - { name: together, debug: { msg: "{{ item | join(' ') }}" }, with_together: "{{ m }}" }
    - { name: indexed, debug: { msg: x }, with_indexed_items: "{{ m }}", ignore_errors: true }
    - { name: dict, debug: { msg: "{{ item.value }}" }, with_dict: { x: 1 } }
`}, "h1\n", nil)
	p.says("PLAY all", "h1 keys: ok (k1) k1", "h1 keys: ok (k2) k2", "h1 keys: ok All items completed",
		"h1 written: ok (x) x", "h1 written: ok All items completed",
		"h1 inside: ok ({'k1': 'v1', 'k2': 'v2'}) v1", "h1 inside: ok All items completed",
		"h1 nested: ok (['k1', 'k2']) k1", "h1 nested: ok All items completed",
		"h1 together: ok (['k1', 'k2']) k1 k2", "h1 together: ok All items completed",
		"h1 indexed: failed ignored site.yml:11: with_indexed_items needs a list, not a mapping",
		"h1 dict: ok ({'key': 'x', 'value': 1}) 1", "h1 dict: ok All items completed")
}
