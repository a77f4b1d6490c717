package jinja

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func testEnv(files map[string]string) *Env {
	e := &Env{Filters: Filters(), Tests: Tests(), Globals: Globals(), Steps: 1 << 20}
	e.Load = func(name string, _ *Template) (*Template, error) {
		source, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("template %s: %w", name, fs.ErrNotExist)
		}
		return Parse(name, source, Options{})
	}
	return e
}

func render(t *testing.T, e *Env, source string, o Options) string {
	t.Helper()
	tmpl, err := Parse("test.j2", source, o)
	if err != nil {
		return "error: " + err.Error()
	}
	out, err := tmpl.Render(e, map[string]any{"n": 3, "l": []string{"a", "b"}, "d": map[string]any{"b": 1, "a": "x"}})
	if err != nil {
		return "error: " + err.Error()
	}
	return out
}

// What Python's jinja2 with trim_blocks made of the same templates.
func TestTemplates(t *testing.T) {
	e := testEnv(map[string]string{
		"base":   "<{% block a %}base a{% endblock %}|{% block b %}base b{% endblock %}>",
		"middle": "{% extends 'base' %}{% block b %}middle {{ super() }}{% endblock %}",
		"lib":    "{% macro hi(who, mark='!') %}hi {{ who }}{{ mark }}{% endmacro %}{% set version = 7 %}{% macro needs() %}{{ n }}{% endmacro %}",
		"part":   "part {{ n }} {{ here | default('-') }}",
	})
	for source, want := range map[string]string{
		"a\n{% if n %}\nb\n{% endif %}\nc\n":                                    "a\nb\nc",
		"a {%- if n -%} b {%- endif -%} c":                                      "abc",
		"  {% if n %}x{% endif %}\n y":                                          "  x y",
		"{# c #}\nx":                                                            "x",
		"{% raw %}{{ n }}{% endraw %}":                                          "{{ n }}",
		"{% for x in l %}{{ loop.index }}{{ x }}{% endfor %}":                   "1a2b",
		"{% for x in [] %}{% else %}none{% endfor %}":                           "none",
		"{% for x in range(5) if x is odd %}{{ x }}{{ loop.last }}{% endfor %}": "1False3True",
		"{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}":               "a=x;b=1;",
		"{% for x in range(9) %}{% if x == 2 %}{% continue %}{% elif x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}": "013",
		"{% for x in [1, [2, [3]]] recursive %}{{ loop(x) if x is not number else x }}{% endfor %}":                      "123",
		"{% for x in 'abc' %}{{ loop.cycle('x', 'y') }}{{ loop.previtem | default('-') }}{% endfor %}":                   "x-yaxb",
		"{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}":                                            "1",
		"{% set ns = namespace(x=1) %}{% for i in [1] %}{% set ns.x = 2 %}{% endfor %}{{ ns.x }}":                        "2",
		"{% set x %}a{{ n }}{% endset %}{{ x | upper }}":                                                                 "A3",
		"{% set a, b = 1, 2 %}{{ a }}{{ b }}":                                                                            "12",
		"{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}":                                                                "3",
		"{% macro m(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }}{{ m(1, 3, 4, c=5) }}":      "12(){}13(4,){'c': 5}",
		"{% macro m() %}[{{ caller(1) }}]{% endmacro %}{% call(x) m() %}x={{ x }}{% endcall %}":                          "[x=1]",
		"{% filter upper | replace('A', 'b') %}a{{ n }}{% endfilter %}":                                                  "b3",
		"{% extends 'base' %}ignored{% block a %}mine{% endblock %}":                                                     "<mine|base b>",
		"{% extends 'middle' %}{% block b %}top {{ super() }}{% endblock %}":                                             "<base a|top middle base b>",
		"{% import 'lib' as lib %}{{ lib.hi('you') }}{{ lib.version }}":                                                  "hi you!7",
		"{% from 'lib' import hi as hello, version %}{{ hello('me', mark='?') }}{{ version }}":                           "hi me?7",
		"{% from 'lib' import needs with context %}{{ needs() }}":                                                        "3",
		"{% set here = 1 %}{% include 'part' %}":                                                                         "part 3 1",
		"{% include ['nothing', 'part'] %}":                                                                              "part 3 -",
		"{% include 'nothing' ignore missing %}x":                                                                        "x",
		"{% set x = l %}{% set y = x.append('c') %}{{ x }}{{ l }}":                                                       "['a', 'b', 'c']['a', 'b']",
		"{{ d.update({'c': 2}) }}{{ d }}":                                                                                "{'a': 'x', 'b': 1, 'c': 2}",
		"{{ 'a' 'b' }}{{ 1 < 2 < 3 }}{{ 7 // -2 }}{{ -7 % 3 }}{{ 2 ** 3 }}{{ 1 / 2 }}":                                   "abTrue-428" + "0.5",
		"{{ [none, true, 1.0, 'it\\'s', \"a'b\\\"c\"] }}":                                                                "[None, True, 1.0, \"it's\", 'a\\'b\"c']",
		"{{ cycler('a', 'b').next() }}{% set j = joiner() %}{{ j() }}x{{ j() }}y":                                        "ax, y",
		"{{ 'x' if n else 'y' if l else 'z' }}":                                                                          "x",
		"{{ ('a' if not n else 'b') | upper }}":                                                                          "B",
		"{{ l[::-1] }}{{ 'hello'[1:3] }}{{ l[-1] }}":                                                                     "['b', 'a']elb",
	} {
		if got := render(t, e, source, Options{}); got != want {
			t.Errorf("%s\n got %q\nwant %q", source, got, want)
		}
	}
	if got := render(t, e, "a\n  {% if n %}\n  b\n  {% endif %}\nc", Options{LstripBlocks: true}); got != "a\n  b\nc" {
		t.Errorf("lstrip_blocks: %q", got)
	}
	if got := render(t, e, "[[ n ]]<% if n %>\nx<% endif %>", Options{VariableStart: "[[", VariableEnd: "]]", BlockStart: "<%", BlockEnd: "%>"}); got != "3x" {
		t.Errorf("delimiters: %q", got)
	}
}

func TestMistakesSayWhere(t *testing.T) {
	e := testEnv(map[string]string{"bad": "one\n{{ nope }}\n", "self": "{% include 'self' %}"})
	for source, want := range map[string]string{
		"\n{{ nope }}":                  `test.j2:2: "nope" is undefined in "{{ nope }}"`,
		"{{ 'a' + 1 }}":                 `test.j2:1: "a" + 1: these cannot be reckoned together in "{{ 'a' + 1 }}"`,
		"{{ [] | frist }}":              `test.j2:1: there is no filter "frist", did you mean "first"? in "{{ [] | frist }}"`,
		"{% fro x in l %}":              `test.j2:1: "fro" is no statement, did you mean "from"? in "{% fro x in l %}"`,
		"{{ n is bolean }}":             `test.j2:1: there is no test "bolean", did you mean "boolean"? in "{{ n is bolean }}"`,
		"{% include 'bad' %}":           `bad:2: "nope" is undefined in "{{ nope }}"`,
		"{% include 'none' %}":          `test.j2:1: template none: file does not exist in "{% include 'none' %}"`,
		"{% include 'self' %}":          `self:1: evaluated more than 100 deep in "{% include 'self' %}"`,
		"{{ l | join(sepp=1) }}":        `test.j2:1: filter join: it takes no argument "sepp" in "{{ l | join(sepp=1) }}"`,
		"{{ 9223372036854775807 + 1 }}": `test.j2:1: the number is too large in "{{ 9223372036854775807 + 1 }}"`,
		"{% for x in l %}":              `test.j2:1: "endfor" is missing in "{% for x in l %}"`,
		"{{ n":                          `test.j2:1: "}}" is missing in "{{ n"`,
	} {
		if got := render(t, e, source, Options{}); got != "error: "+want {
			t.Errorf("%s\n got %s\nwant error: %s", source, got, want)
		}
	}
}

// What would take too long, or too much room, is an error.
func TestBounds(t *testing.T) {
	e := testEnv(nil)
	for _, source := range []string{
		"{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
		"{{ 'a' * 1000000000 }}", "{{ [0] * 1000000000 }}", "{{ '%1000000000d' % 1 }}", "{{ '{:1000000000}'.format(1) }}",
		"{{ 'a' | center(1000000000) }}", "{{ 'a' | indent(1000000000) }}", "{{ [1] | batch(1000000000, 0) }}", "{{ [1] | slice(1000000000) }}",
		"{% set x = [1, 2] %}" + strings.Repeat("{% set x = [x, x] %}", 60) + "{{ x }}",
		"{% set x = 'ab' %}" + strings.Repeat("{% set x = x ~ x %}", 60),
		"{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
		"{{ " + "{{ " + strings.Repeat("-", 100000) + "1 }}", "{{ a" + strings.Repeat("[0]", 100000) + " }}",
		strings.Repeat("{% if n %}", 10000), "{{ range(0, 9223372036854775807, 1) }}", "{{ ('abc' * 100000).replace('', 'x' * 1000) }}",
	} {
		if got := render(t, e, source, Options{}); !strings.HasPrefix(got, "error: ") {
			t.Errorf("%.60s: no error", source)
		}
	}
}

func TestLiteral(t *testing.T) {
	for text, want := range map[string]string{
		"[1, 'a', {'b': -2.5}]": "[1, 'a', {'b': -2.5}]", "{'a': (1,)}": "{'a': (1,)}", "True": "True", "[None]": "[None]",
		"[true, null]": "[True, None]", "[x]": "", "[none]": "", "[1 + 1]": "[2]", "[01]": "", "[2 ** 3]": "", "{'a'}": "", "['a'": "", "[-'a']": "",
	} {
		v, ok := Literal(text)
		got := ""
		if ok {
			got = Str(v)
		}
		if got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// No template panics, and what goes wrong says where.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{% for k, v in d.items() recursive %}{{ loop.cycle(k, v) }}{% else %}{% endfor %}", "{% macro m(a, *b) %}{% endmacro %}",
		"{% call(x) m() %}{% endcall %}", "{% set ns = namespace(a=1) %}{% set ns.a = l.append(1) %}", "{%- raw -%} {{ {%+ endraw +%}",
		"{{ '%-5.2f|%(a)s' % d }}{{ '{0[a]!r:>{1}}'.format(d, 5) }}", "{% include ['a', 'b'] ignore missing without context %}",
		"{% extends 'a' %}{% block b scoped required %}{{ super() }}{% endblock b %}", "{{ l | map('upper') | sort(reverse=true) | batch(2, 'x') }}",
		"{{ d | dictsort(by='value') | groupby(0) }}", "{{ 'a b-c' | wordwrap(1) | truncate(5, true, '', 0) | indent(2, true) }}"} {
		f.Add(s)
	}
	e := testEnv(map[string]string{"a": "{% block b %}{% endblock %}"})
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 300 {
			return
		}
		tmpl, err := Parse("x", source, Options{})
		if err == nil {
			_, err = tmpl.Render(e, map[string]any{"n": 3, "l": []any{"a", int64(1)}, "d": map[string]any{"a": 1, "b": "c"}})
		}
		var own *Error
		if err != nil && (!errors.As(err, &own) || strings.Contains(own.Message, "cannot be evaluated")) {
			t.Errorf("%q: %v", source, err)
		}
	})
}
