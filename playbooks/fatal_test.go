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

// TestHostsOfThePlay: those that failed are not among them, whoever is further on.
func TestHostsOfThePlay(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  serial: 2
  tasks:
    - { name: before, debug: { msg: "{{ ansible_play_hosts | join }} {{ ansible_play_batch | join }}" } }
    - { name: slow, shell: "sleep 0.3; exit 1", when: inventory_hostname == 'h1' }
    - { name: after, debug: { msg: "{{ ansible_play_hosts | join }} {{ ansible_play_batch | join }} {{ ansible_play_hosts_all | join }}" } }
- hosts: all
  gather_facts: false
  tasks:
    - { name: next, debug: { msg: "{{ ansible_play_hosts | join }} {{ ansible_play_hosts_all | join }}" } }
`}, "h1\nh2\nh3\n", nil)
	p.says("PLAY all", "h1 before: ok h1h2h3 h1h2", "h2 before: ok h1h2h3 h1h2", "h1 slow: failed non-zero return code", "h2 slow: skipped",
		"h2 after: ok h2h3 h2 h1h2h3",
		"PLAY all", "h3 before: ok h2h3 h3", "h3 slow: skipped", "h3 after: ok h2h3 h3 h1h2h3",
		"PLAY all", "h2 next: ok h2h3 h1h2h3", "h3 next: ok h2h3 h1h2h3")
}

// TestGroupByIsKnownToTheNextTask of all hosts.
func TestGroupByIsKnownToTheNextTask(t *testing.T) {
	play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: slow, shell: sleep 0.3, when: inventory_hostname == 'h2', changed_when: false }
    - { name: group, group_by: { key: "g_{{ inventory_hostname }}" }, changed_when: false }
    - { name: seen, debug: { msg: "{{ groups['g_h2'] | join }}" } }
`}, "h1\nh2\n", nil).says("PLAY all", "h1 slow: skipped", "h2 slow: ok", "h1 group: ok", "h2 group: ok", "h1 seen: ok h2", "h2 seen: ok h2")
}

// TestEndBatchGoesOn with the next batch and play, although a host failed.
func TestEndBatchGoesOn(t *testing.T) {
	play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  serial: 2
  tasks:
    - { name: fails, say: { text: x, rc: "{{ 1 if inventory_hostname == 'h2' else 0 }}" } }
    - meta: end_batch
    - { name: never, say: { text: x } }
- hosts: all
  gather_facts: false
  tasks:
    - { name: next, say: { text: x } }
`}, "h1\nh2\nh3\n", nil).says("PLAY all", "h1 fails: changed", "h2 fails: failed exit status 1", "h1 meta: none", "PLAY all", "h3 fails: changed", "h3 meta: none",
		"PLAY all", "h1 next: changed", "h3 next: changed")
}

// TestClearHostErrors lets hosts that failed take part in the next play.
func TestClearHostErrors(t *testing.T) {
	play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: fails, say: { text: x, rc: "{{ 1 if inventory_hostname == 'h2' else 0 }}" } }
    - meta: clear_host_errors
- hosts: all
  gather_facts: false
  tasks:
    - { name: next, say: { text: x } }
`}, "h1\nh2\n", nil).says("PLAY all", "h1 fails: changed", "h2 fails: failed exit status 1", "h1 meta: none",
		"PLAY all", "h1 next: changed", "h2 next: changed")
}

// TestLostHostsAreNotCounted as failed by max_fail_percentage.
func TestLostHostsAreNotCounted(t *testing.T) {
	play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  max_fail_percentage: 10
  tasks:
    - { name: first, say: { text: x } }
    - { name: second, say: { text: x } }
`}, "h1\nh2\n", func(p *playing) { p.gone["h1"] = "no route" }).says("PLAY all", "h1 first: unreachable no route", "h2 first: changed", "h2 second: changed")
}
