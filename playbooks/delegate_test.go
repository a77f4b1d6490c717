package playbooks

import "testing"

// TestSetupOfAnotherHost: facts of the host that the task is delegated to are the
// task's own host's, unless delegate_facts leaves them where they are from.
func TestSetupOfAnotherHost(t *testing.T) {
	for delegated, want := range map[string]string{"true": "h1 setup: ok,h1 seen: ok Linux nofact", "false": "h1 setup: ok,h1 seen: ok nofact Linux"} {
		t.Run(delegated, func(t *testing.T) {
			p := play(t, map[string]string{"site.yml": `
- hosts: h1
  gather_facts: false
  tasks:
    - { name: setup, setup: , delegate_to: h2, delegate_facts: ` + delegated + ` }
    - { name: seen, debug: { msg: "{{ hostvars['h2'].ansible_system | default('nofact') }} {{ ansible_system | default('nofact') }}" } }
`}, "h1\nh2\n", nil)
			got := p.inOrder()
			if p.err != nil || len(got) != 3 || got[1]+","+got[2] != want {
				t.Errorf("%v %q", p.err, got)
			}
			if p.stages["h1"] != 0 || p.stages["h2"] != 1 {
				t.Errorf("asked: %v", p.stages)
			}
		})
	}
}
