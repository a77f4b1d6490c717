package playbooks

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestDebugVar: what debug shows of variables, as ansible-core 2.14 does.
func TestDebugVar(t *testing.T) {
	for arg, want := range map[string]string{
		"n": `5`, "f": `2.5`, "nul": `null`, "t": `true`, "s": `"abc"`, "m": `{"a":1,"b":null}`, "l": `[1,null]`, "e": `""`, "sn": `"5"`,
		"tmpl": `"6"`, "lst": `[1,2]`, "n + 1": `"6"`, "n == 5": `true`, "m.a": `"1"`, "m.b": `""`, "'lit'": `"lit"`,
		"nosuch": `"VARIABLE IS NOT DEFINED!"`,
	} {
		if got := debugged(t, arg); got != arg+" "+want {
			t.Errorf("%s: %s, not %s", arg, got, want)
		}
	}
	for arg, want := range map[string]string{
		"{{ n }}": `5 "VARIABLE IS NOT DEFINED!"`, "{{ t }}": `true "VARIABLE IS NOT DEFINED!"`, "{{ nul }}": `null "VARIABLE IS NOT DEFINED!"`,
		"{{ m }}": `<class 'dict'> "VARIABLE IS NOT DEFINED!"`, "{{ l }}": `<class 'list'> "VARIABLE IS NOT DEFINED!"`, "{{ called }}": `n 5`,
	} {
		if got := debugged(t, arg); got != want {
			t.Errorf("%s: %s, not %s", arg, got, want)
		}
	}
}

// debugged is what debug shows: a name and a value.
func debugged(t *testing.T, arg string) string {
	t.Helper()
	p := play(t, map[string]string{"site.yml": `
- hosts: all
  gather_facts: false
  vars: {n: 5, f: 2.5, nul: , t: yes, s: abc, m: {a: 1, b: null}, l: [1, null], e: "", sn: "5", tmpl: "{{ n + 1 }}", lst: "{{ [1,2] }}", called: n}
  tasks:
    - debug:
        var: "` + arg + `"
`}, "h1\n", nil)
	if p.err != nil {
		t.Fatal(p.err)
	}
	var out []string
	for name, v := range p.all[0].Fields {
		if name != "changed" && name != "failed" {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, name+" "+string(text))
		}
	}
	return strings.Join(out, ", ")
}
