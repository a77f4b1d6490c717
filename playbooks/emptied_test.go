package playbooks

import "testing"

// TestDifferenceOfEmptied: a file that is emptied loses all its lines.
func TestDifferenceOfEmptied(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - copy: { content: "a\n", dest: DIR/file }
    - copy: { content: "", dest: DIR/file }
`}, "h1\n", func(p *playing) { p.run.Options.Diff = true })
	p.says("PLAY all", "h1 copy: changed", "h1 copy: changed")
	d := p.all[1].Diffs
	if len(d) != 1 || d[0].Before != "a\n" || d[0].After != "" || d[0].Prepared != "" {
		t.Errorf("%+v", d)
	}
}
