package templates

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func sample() map[string]any {
	return map[string]any{
		"n": int64(64), "big": int64(1) << 60, "s": "x", "l": []any{int64(1), "b"},
		"m":                map[string]any{"b": int64(1), "a": nil},
		"waiting":          Undefined("the variable waiting cannot be had yet"),
		"template_in_data": "{{ n }}",
	}
}

func TestExpressions(t *testing.T) {
	s := New(fstest.MapFS{"self.j2": {Data: []byte("{{ lookup('template', 'self.j2') }}")}}, Builtin())
	data, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for expr := range strings.Lines(string(data)) {
		expr = strings.TrimSuffix(expr, "\n")
		v, err := s.Value(expr, sample())
		if err != nil {
			fmt.Fprintf(&out, "%s\n    error: %v\n", expr, err)
			continue
		}
		j, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
		}
		fmt.Fprintf(&out, "%s\n    %T %s\n", expr, v, j)
	}
	golden(t, "expressions.golden", out.String())
}

func TestErrorsNameFileAndLine(t *testing.T) {
	s := New(fstest.MapFS{
		"undefined.j2": {Data: []byte("one\n{% for x in l %}\n  {{ x }}\n  {% if n %}\n    {{ nope }}\n  {% endif %}\n{% endfor %}\n")},
		"syntax.j2":    {Data: []byte("one\ntwo {{ n | }}\n")},
		"open.j2":      {Data: []byte("one\n{% if n %}\ntwo\n")},
		"format.j2":    {Data: []byte("<a>\n<b c=\"{{ bad|xml }}\"/>\n")},
		"outer.j2":     {Data: []byte("one\n{{ lookup('template', 'format.j2') }}\n")},
	})
	vars := sample()
	vars["bad"] = "a\x00b"
	var out strings.Builder
	for _, name := range []string{"undefined.j2", "syntax.j2", "open.j2", "format.j2", "outer.j2", "missing.j2"} {
		_, err := s.Render(name, vars)
		fmt.Fprintln(&out, err)
	}
	golden(t, "errors.golden", out.String())
}

func TestUserTemplatesComeFirst(t *testing.T) {
	s := New(nil, fstest.MapFS{"flows.j2": {Data: []byte("mine\n")}}, Builtin())
	got, err := s.Render("flows.j2", nil)
	if err != nil || got != "mine\n" {
		t.Errorf("got %q, %v", got, err)
	}
	got, err = s.Render("sets.j2", map[string]any{"sets": []any{}})
	if err != nil || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestEvalAndTruth(t *testing.T) {
	s := New()
	for expr, want := range map[string]bool{
		"n == 64": true, "l": true, "[]": false, "''": false, "'false'": true, "none": false, "m.a is none": true,
		"s in ['x'] and not l == []": true, " n > 3\n": true,
	} {
		got, err := s.Truth(expr, sample())
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", expr, got, err)
		}
	}
	for _, expr := range []string{"nope", "n ==", "", "n }} {{ n", "n }}{% if n %}{% endif %}{{ n", "1 2"} {
		if v, err := s.Eval(expr, sample()); err == nil {
			t.Errorf("%q: %v, no error", expr, v)
		}
	}
}

func TestCondition(t *testing.T) {
	s := New()
	var out strings.Builder
	for _, expr := range []string{
		"x is changed", "x is not changed", "not x is changed", "x is failed", "x is skipped", "x is success",
		"x is changed and n == 64", "x is changed and n == 3", "n == 64 or x is changed", "n == 3 or x is changed",
		"n == 3 or (x is changed or y is failed) and z is succeeded",
		"(x is changed and y is changed) or z is failed",
		"not (x is changed or y is failed)", "not (x is changed and y is failed)",
		"x.changed", "not y.failed and x.changed", "x.changed == true", "x is defined", "x is undefined", "x.stdout == 'a'", "x", "x is foo", "x is changed('a')",
		"q is changed", "x is changed and nope", "n == 3 and nope", "n == 64 or nope", "n", "not n", "nope",
		"'a' if x is changed else 'b'", "x is changed if n else false",
	} {
		vars := sample()
		vars["x"] = Undefined("x is a result")
		c, err := s.Condition(expr, vars, func(name string) bool { return name == "x" || name == "y" || name == "z" })
		fmt.Fprintf(&out, "%-62s %+v", expr, c)
		if err != nil {
			fmt.Fprintf(&out, " error: %v", err)
		}
		out.WriteString("\n")
	}
	golden(t, "conditions.golden", out.String())
}

func TestManyAtOnce(t *testing.T) {
	s := New(Builtin())
	want, err := s.Render("rules.j2", map[string]any{"table": bigTable(3, 3)})
	if err != nil {
		t.Fatal(err)
	}
	fresh := New(Builtin())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				got, err := fresh.Render("rules.j2", map[string]any{"table": bigTable(3, 3)})
				if err != nil || got != want {
					t.Errorf("%v: %q", err, got)
				}
				if v, err := fresh.Value("{{ [n, n] | map('string') | join }}", sample()); err != nil || v != "6464" {
					t.Errorf("%v, %v", v, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzValue(f *testing.F) {
	data, err := os.ReadFile("testdata/expressions.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		f.Add(line)
	}
	s := NewWith(Options{Steps: 1 << 18}, Builtin())
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 {
			return
		}
		v, err := s.Value(text, sample())
		if err == nil && !isPlain(v) {
			t.Errorf("%q is %T", text, v)
		}
		_, _ = s.Condition(text, sample(), func(name string) bool { return name == "x" })
	})
}
