package playbooks

import (
	"slices"
	"testing"
)

// Variables of vars_prompt are asked for once, but not those that -e gives; what is
// typed for a private one is hidden from then on.
func TestPrompts(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  vars_prompt:
    - { name: word, prompt: "the word?" }
    - { name: colour, default: blue, private: false }
    - { name: given }
  tasks:
    - debug: { msg: "{{ word }} {{ colour }} {{ given }}" }
- hosts: all
  gather_facts: false
  vars_prompt:
    - name: word
  tasks:
    - debug: { msg: "{{ word }}" }
`}, "a\nb\n", func(p *playing) {
		p.answers = []string{"s3cret", ""}
		p.run.Options.Extra = map[string]any{"given": "by -e"}
	})
	p.says("PLAY all", "a debug: ok s3cret blue by -e", "b debug: ok s3cret blue by -e", "PLAY all", "a debug: ok s3cret", "b debug: ok s3cret")
	if len(p.asked) != 2 || p.asked[0].Text != "the word?" || !p.asked[0].Private || p.asked[1].Private {
		t.Errorf("asked %+v", p.asked)
	}
	if !slices.Contains(p.run.secrets(), "s3cret") || slices.Contains(p.run.secrets(), "blue") {
		t.Errorf("secrets %q", p.run.secrets())
	}
}

// Where nobody can be asked there are the defaults, and a warning.
func TestNobodyToAsk(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  vars_prompt:
    - { name: colour, default: blue }
    - { name: number, default: 5 }
    - { name: word }
  tasks:
    - debug: { msg: "{{ colour }} {{ number | type_debug }} {{ word }} {{ word is none }}" }
    - pause: { prompt: "go on?" }
`}, "a\n", func(p *playing) { p.nobody = true })
	p.says("WARNING Not prompting as we are not in interactive mode", "PLAY all",
		"WARNING Not waiting for response to prompt as stdin is not interactive", "a debug: ok blue str None False", "a pause: ok")
}

// With --step a task is done that yes is said to, for all hosts; c asks no more.
func TestStep(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: one, say: {} }
    - { name: two, say: {} }
    - { name: three, say: {} }
    - { name: four, say: {} }
`}, "a\nb\n", func(p *playing) {
		p.answers = []string{"y", "n", "c"}
		p.run.Options.Step = true
	})
	p.says("PLAY all", "a one: changed", "b one: changed", "a three: changed", "b three: changed", "a four: changed", "b four: changed")
	if len(p.asked) != 3 {
		t.Errorf("asked %+v", p.asked)
	}
}

// A pause concerns all hosts of the batch at once, and all know what was typed.
func TestPause(t *testing.T) {
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  tasks:
    - { name: wait, pause: { prompt: "go on?" }, register: x }
    - debug: { msg: "{{ x.user_input }}" }
`}, "a\nb\n", func(p *playing) { p.answers = []string{"yes"} })
	if p.err != nil {
		t.Fatal(p.err)
	}
	if len(p.asked) != 1 {
		t.Errorf("asked %+v", p.asked)
	}
	told := p.inOrder()
	for _, want := range []string{"a debug: ok yes", "b debug: ok yes"} {
		if !slices.Contains(told, want) {
			t.Errorf("%q is missing of %q", want, told)
		}
	}
}
