package playbooks

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Values of name=value are what Ansible's own splitter makes of them.
func TestWordsOfALine(t *testing.T) {
	for line, want := range map[string]map[string]string{
		`msg="{{ s.a }} {{ s.b|default("-") }}"`: {"msg": `{{ s.a }} {{ s.b|default("-") }}`},
		`msg="{{ s.b | default("a b") }}" x=1`:   {"msg": `{{ s.b | default("a b") }}`, "x": "1"},
		`msg='{{ s.b | default('a b') }}'`:       {"msg": `{{ s.b | default('a b') }}`},
		`msg="a \"quoted\" word"`:                {"msg": `a "quoted" word`},
		`msg="a\tb\\c" dest=/tmp/q`:              {"msg": "a\tb\\c", "dest": "/tmp/q"},
		`content="a b\n"`:                        {"content": "a b\n"},
		`regexp="^\s+x\d" line='it is'`:          {"regexp": `^\s+x\d`, "line": "it is"},
		`a=\x41\u00e9 b=''`:                      {"a": "Aé", "b": ""},
	} {
		words, ok := splitWords(line)
		if !ok {
			t.Errorf("%s is not whole", line)
		}
		got := map[string]string{}
		for _, w := range words {
			for i := range w {
				if w[i] == '=' {
					got[w[:i]] = wordValue(w[i+1:])
					break
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
	for _, line := range []string{`msg="open`, `msg={{ open`} {
		if _, ok := splitWords(line); ok {
			t.Errorf("%s is whole", line)
		}
	}
}
