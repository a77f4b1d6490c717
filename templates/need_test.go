package templates

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func pending() map[string]any {
	return map[string]any{
		"x": Need("x"), "yes": true, "no": false, "l": []any{int64(1), Need("l")},
		"hostvars":      map[string]any{"other": map[string]any{"x": Need("other"), "y": int64(1)}},
		"ansible_facts": map[string]any{"distribution": Need("facts")},
	}
}

// What uses a value that is not known yet says what it needs.
func TestNeedsAreFound(t *testing.T) {
	s := New()
	for expr, want := range map[string]string{
		"x": "x", "x.stdout": "x", "x['stdout']": "x", "x | default('a')": "x", "x.stdout | default('a')": "x", "x is defined": "x",
		"x is not defined": "x", "x is none": "x", "not x": "x", "yes and x": "x", "no or x": "x", "x and no": "x", "x == 1": "x", "1 == x": "x",
		"1 in x": "x", "x in [1]": "x", "x | upper": "x", "x | to_json": "x", "'a' | replace('a', x)": "x", "[1, x]": "x", "{'a': x}": "x",
		"[1, x] | join": "x", "l": "l", "l | join(',')": "l", "l[1]": "l", "l | to_json": "l", "hostvars['other']['x']": "other",
		"hostvars.other.x | default(1)": "other", "hostvars['other'] | combine({})": "other", "ansible_facts.distribution == 'Debian'": "facts",
		"ansible_facts['distribution'] is defined": "facts", "range(x)": "x", "1 if x else 2": "x", "x if yes else 2": "x", "x ~ 'a'": "x",
	} {
		v, err := s.Eval(expr, pending())
		var need *Needed
		if !errors.As(err, &need) || need.What != want {
			t.Errorf("%s: %v, %v", expr, v, err)
		}
	}
	for text, want := range map[string]string{
		"a {{ x }}": "x", "a {{ l }}": "l", "a {{ hostvars }}": "other", "{% set y = x %}{{ y }}": "x", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(x) }}": "x", "{{ [x] | map('upper') }}": "x", "{{ l | map('string') }}": "l", "{{ [hostvars.other] | selectattr('x', 'defined') }}": "other", "{{ l | select }}": "l", "{{ l[:2] | join }}": "l",
		"{{ [1, 2][:x] }}": "x", "{{ '%s' % x }}": "x", "{{ '{}'.format(x) }}": "x", "{{ ','.join([x]) }}": "x", "{{ x + 1 }}": "x", "{{ l | max }}": "l", "{{ l | to_yaml }}": "l",
		"{% if x %}{% endif %}": "x", "{% for a in x %}{% endfor %}": "x", "{% for a in l %}{{ a }}{% endfor %}": "l",
		"{% for a in [1] if x %}{% endfor %}": "x",
	} {
		v, err := s.Value(text, pending())
		var need *Needed
		if !errors.As(err, &need) || need.What != want {
			t.Errorf("%s: %v, %v", text, v, err)
		}
	}
	files := New(fstest.MapFS{"a.j2": {Data: []byte("1\n{{ x }}\n")}})
	_, err := files.Render("a.j2", pending())
	var need *Needed
	if !errors.As(err, &need) || need.What != "x" {
		t.Errorf("a template: %v", err)
	}
}

// What is not evaluated needs nothing.
func TestNeedsOfOthersAreNot(t *testing.T) {
	s := New()
	for expr, want := range map[string]any{
		"no and x": false, "l | length": int64(2), "yes | default(x)": true, "yes | ternary(1, x)": int64(1), "[1, x] | length": int64(2), "yes or x": true, "1 if yes else x": int64(1), "l[0]": int64(1), "hostvars.other.y": int64(1),
		"ansible_facts is defined": true, "hostvars | length": int64(1), "'other' in hostvars": true,
	} {
		v, err := s.Eval(expr, pending())
		if err != nil || v != want {
			t.Errorf("%s: %v, %v", expr, v, err)
		}
	}
}

func TestOmit(t *testing.T) {
	s := New()
	for _, expr := range []string{"{{ omit }}", "{{ nope | default(omit) }}", "{{ '' | default(omit, true) }}", "{{ true | ternary(omit, 1) }}"} {
		if v, err := s.Value(expr, nil); err != nil || v != (Omitted{}) {
			t.Errorf("%s: %v, %v", expr, v, err)
		}
	}
	args := map[string]any{"a": Omitted{}, "b": int64(1), "c": map[string]any{"d": Omitted{}}, "e": []any{Omitted{}, map[string]any{"f": Omitted{}}}}
	want := map[string]any{"b": int64(1), "c": map[string]any{}, "e": []any{map[string]any{}}}
	if d := cmp.Diff(want, Given(args)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
