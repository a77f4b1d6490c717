package playbooks

import "testing"

func TestOneStageForAllThatIsForetold(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- name: first
  hosts: all
  gather_facts: false
  tasks:
    - { name: a, keep: { file: DIR/a, content: x }, register: a, notify: h }
    - { name: b, keep: { file: DIR/b, content: x }, when: a is changed }
    - { name: c, keep: { file: DIR/c, content: x }, when: a is not changed or a is failed }
    - { name: d, debug: { msg: hello } }
  handlers:
    - { name: h, keep: { file: DIR/h, content: x } }
`}, "h1\n", nil)
	p.says("PLAY first", "h1 a: changed", "h1 b: changed", "h1 c: skipped", "h1 d: ok hello", "h1 h: changed")
	t.Log(p.sent, p.told.stats)
}

// two hosts, of which one fails half-way.
func TestHostsGoTheirOwnWays(t *testing.T) {
	files := map[string]string{"site.yml": `
- name: own ways
  hosts: all
  tasks:
    - { name: first, keep: { file: "DIR/{{ inventory_hostname }}/first", content: x } }
    - { name: fails on h2, say: { text: hello, rc: "{{ 3 if inventory_hostname == 'h2' else 0 }}" }, register: said }
    - { name: tells, debug: { msg: "{{ said.stdout }} {{ said.rc }} {{ said is changed }}" } }
    - { name: last, keep: { file: "DIR/{{ inventory_hostname }}/last", content: x } }
- name: the rest
  hosts: all
  gather_facts: false
  tasks:
    - { name: again, debug: { msg: "{{ said.stdout_lines[0] }}" } }
`}
	p := play(t, files, "h1\nh2\n", nil)
	p.says("PLAY own ways",
		"h1 Gathering Facts: ok", "h2 Gathering Facts: ok",
		"h1 first: changed", "h2 first: changed",
		"h1 fails on h2: changed", "h2 fails on h2: failed exit status 3",
		"h1 tells: ok hello 0 True", "h1 last: changed",
		"PLAY the rest", "h1 again: ok hello")
}

func TestBlocks(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- name: blocks
  hosts: all
  gather_facts: false
  tasks:
    - name: saved
      block:
        - { name: fails, say: { rc: 1 } }
        - { name: never, say: { text: x } }
      rescue:
        - { name: rescued, debug: { msg: "{{ ansible_failed_task.name }} {{ ansible_failed_result.rc }}" } }
      always:
        - { name: always, say: { text: x, changes: false } }
    - name: fine
      block:
        - { name: works, say: { text: x } }
      rescue:
        - { name: not needed, say: { text: x } }
    - name: lost
      block:
        - { name: fails again, say: { rc: 1 } }
      always:
        - { name: still, say: { text: x, changes: false } }
    - { name: not reached, say: { text: x } }
`}, "h1\n", nil)
	p.says("PLAY blocks", "h1 fails: failed exit status 1", "h1 rescued: ok fails 1", "h1 always: ok", "h1 works: changed",
		"h1 fails again: failed exit status 1", "h1 still: ok")
	if s := p.told.stats["h1"]; s != (Stats{OK: 4, Changed: 1, Failed: 1, Rescued: 1}) {
		t.Errorf("%+v", s)
	}
}
