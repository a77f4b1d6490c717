package playbooks

import (
	"os"
	"path/filepath"
	"testing"
)

// A task with throttle is done by so many hosts at a time, and by all in the end.
func TestThrottle(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: before, say: {} }
    - name: one by one
      command: "sh -c 'mkdir DIR/busy || exit 1; sleep 0.05; rmdir DIR/busy; echo done >>DIR/all'"
      throttle: 1
    - { name: after, say: {} }
`}, "a\nb\nc\nd\n", func(p *playing) { p.run.Options.Forks = 10 })
	if p.err != nil {
		t.Fatal(p.err)
	}
	for host, s := range p.stats {
		if s.Failed > 0 || s.OK != 3 {
			t.Errorf("%s: %+v\n%s", host, s, p.inOrder())
		}
	}
	if text, err := os.ReadFile(filepath.Join(p.dir, "all")); err != nil || len(text) != 4*len("done\n") {
		t.Errorf("%q %v", text, err)
	}
}
