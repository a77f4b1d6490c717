package playbooks

import "testing"

// A host that fails before a task with run_once neither leads it nor holds up the others.
func TestRunOnceAfterAFailure(t *testing.T) {
	for _, task := range []string{"{ say: {}, run_once: true }", "{ say: {}, run_once: true, delegate_to: c }", "{ add_host: { name: z } }"} {
		for range 20 {
			p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { command: "false", when: inventory_hostname == 'a' }
    - ` + task + `
    - { say: {} }
`}, "a\nb\nc\n", func(p *playing) { p.run.Options.Forks = 10 })
			if p.err != nil {
				t.Fatalf("%s: %v", task, p.err)
			}
			if p.stats["a"].Failed != 1 || p.stats["b"].OK+p.stats["c"].OK < 3 {
				t.Fatalf("%s: %+v", task, p.stats)
			}
		}
	}
}
