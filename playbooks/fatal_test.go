package playbooks

import "testing"

// TestRunOnceThatFailsIsRescuedEverywhere: what failed for all is rescued by all.
func TestRunOnceThatFailsIsRescuedEverywhere(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - { name: once, say: { text: x, rc: 1 }, run_once: true }
        - { name: not reached, say: { text: x } }
      rescue:
        - { name: rescue, say: { text: x } }
      always:
        - { name: always, say: { text: x } }
    - { name: after, say: { text: x } }
- hosts: all
  gather_facts: false
  tasks:
    - { name: next, say: { text: x } }
`}, "h1\nh2\n", nil)
	p.says(
		"PLAY all", "h1 once: failed exit status 1",
		"h1 rescue: changed", "h2 rescue: changed", "h1 always: changed", "h2 always: changed",
		"h1 after: changed", "h2 after: changed",
		"PLAY all", "h1 next: changed", "h2 next: changed",
	)
	if a, b := p.stats["h1"], p.stats["h2"]; a.Failed != 0 || a.Rescued != 1 || b.Failed != 0 || b.Rescued != 0 {
		t.Errorf("%+v %+v", a, b)
	}
}

// TestAlwaysRunsWhenAPlayIsBrokenOff, on all hosts, and nothing after it.
func TestAlwaysRunsWhenAPlayIsBrokenOff(t *testing.T) {
	for name, task := range map[string]string{
		"run_once":            `{ name: fails, say: { text: x, rc: 1 }, run_once: true }`,
		"any_errors_fatal":    `{ name: fails, say: { text: x, rc: "{{ 1 if inventory_hostname == 'h1' else 0 }}" }, any_errors_fatal: true }`,
		"max_fail_percentage": `{ name: fails, say: { text: x, rc: "{{ 1 if inventory_hostname == 'h1' else 0 }}" } }`,
	} {
		t.Run(name, func(t *testing.T) {
			p := play(t, map[string]string{"site.yml": `
- hosts: h1:h2
  gather_facts: false
  max_fail_percentage: 40
  tasks:
    - block:
        - ` + task + `
        - { name: not reached, say: { text: x } }
      always:
        - { name: always, say: { text: x } }
    - { name: after, say: { text: x } }
- hosts: all
  gather_facts: false
  tasks:
    - { name: next, say: { text: x } }
`}, "h1\nh2\nh3\n", nil)
			want := []string{"PLAY h1:h2", "h1 fails: failed exit status 1"}
			if name != "run_once" {
				want = append(want, "h2 fails: changed")
			}
			p.says(append(want, "h1 always: changed", "h2 always: changed")...)
		})
	}
}

// TestAlwaysAfterARescueThatFails runs also where a failure is one of all.
func TestAlwaysAfterARescueThatFails(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - block:
        - { name: fails, say: { text: x, rc: "{{ 1 if inventory_hostname == 'h1' else 0 }}" } }
      rescue:
        - { name: rescue, say: { text: x, rc: 2 } }
      always:
        - { name: always, say: { text: x } }
    - { name: after, say: { text: x } }
`}, "h1\nh2\n", nil)
	p.says("PLAY all", "h1 fails: failed exit status 1", "h2 fails: changed", "h1 rescue: failed exit status 2",
		"h1 always: changed", "h2 always: changed")
}
