package tasks

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestParseKind(t *testing.T) {
	k, err := parseKind("vlan", `#!/bin/sh
# vlan dev tag=10 mtu? name= content:lazy
#
# A VLAN interface.
#   Looks at: /sys
check_vlan() { :; }
apply_vlan() { :; }
diff_other() { :; }
`)
	if err != nil {
		t.Fatal(err)
	}
	wanted := []Param{{Name: "dev", Required: true}, {Name: "tag", Default: "10"}, {Name: "mtu"}, {Name: "name"}, {Name: "content", Required: true, Lazy: true}}
	if d := cmp.Diff(wanted, k.Params); d != "" {
		t.Error(d)
	}
	if k.Doc != "A VLAN interface.\n  Looks at: /sys" || !k.HasCheck || k.HasRead || k.HasDiff {
		t.Errorf("%+v", k)
	}
}

func TestOverlayRefuses(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"rendered.sh", "# rendered\ncheck_rendered() { :; }\napply_rendered() { :; }\n", "built-in kind"},
		{"x.sh", "# y\napply_x() { :; }\n", "first line"},
		{"x.sh", "apply_x() { :; }\n", "first line"},
		{"x.sh", "", "first line"},
		{"x.sh", "# x\ncheck_x() { :; }\n", "apply_x() is missing"},
		{"x.sh", "# x\n# with: nosuch\napply_x() { :; }\n", `with: no such task kind: "nosuch"`},
		{"x.sh", "# x a a\napply_x() { :; }\n", "named twice"},
		{"x.sh", "# x A\napply_x() { :; }\n", "parameter"},
		{"x-y.sh", "# x-y\napply_x-y() { :; }\n", "name"},
		{"x.sh", "# x\napply_x() { :; }\n}\nreboot\n", "3:1"},
		{"x.sh", "# x\napply_x() { echo 'open; }\n", "without closing quote"},
		{"x.sh", "# x\napply_x() { :\x00; }\n", "NUL"},
		{"x.sh", "# x\nsay() { :; }\napply_x() { :; }\n", "say() is a function of the built-in prelude.sh already"},
		{"x.sh", "# x\nsay ()\n{ :; }\napply_x() { :; }\n", "say() is a function of the built-in prelude.sh already"},
		{"x.sh", "# x\n  result () { :; }\napply_x() { :; }\n", "result() is a function of the built-in prelude.sh already"},
		{"x.sh", "# x\nattrs_look() { :; }\napply_x() { :; }\n", "attrs_look() is a function of the built-in parts/attrs.sh already"},
	} {
		l, err := Builtin()
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Overlay(fstest.MapFS{c.file: {Data: []byte(c.text)}}, "library")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "library/"+c.file) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

func TestOverlayLeavesTheBuiltinsAlone(t *testing.T) {
	p := program(t, "act.sh", act)
	if _, err := p.Kinds.Kind("act"); err != nil {
		t.Error(err)
	}
	l, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Kind("act"); err == nil {
		t.Error("a user's kind is everybody's")
	}
	if _, err := l.Kind("prelude"); err == nil {
		t.Error("the prelude is a kind")
	}
	if _, err := l.Kind("renderd"); err == nil || !strings.Contains(err.Error(), `did you mean "rendered"?`) {
		t.Error(err)
	}
}

func TestArgs(t *testing.T) {
	const all = "# all path mode=0644 list= flag=false content:lazy upload? last=x\napply_all() { :; }\n"
	l := program(t, "all.sh", all).Kinds
	sum, image := Sum("text"), Sum("image")
	for _, c := range []struct {
		named map[string]any
		want  []string
	}{
		{map[string]any{"path": "/a", "content": "text"}, []string{"/a", "0644", "", "false", sum, "", "x"}},
		{map[string]any{"path": "/a", "content": "text", "last": nil, "flag": true}, []string{"/a", "0644", "", "true", sum, "", "x"}},
		{map[string]any{"path": "/a", "content": "text", "list": []any{"a", int64(64), true, 2}}, []string{"/a", "0644", "a 64 true 2", "false", sum, "", "x"}},
		{map[string]any{"path": "/a", "content": "text", "list": []string{"a", "b"}, "last": ""}, []string{"/a", "0644", "a b", "false", sum, "", ""}},
		{map[string]any{"path": "/a", "content": "text", "list": []any{}, "last": int64(-1)}, []string{"/a", "0644", "", "false", sum, "", "-1"}},
		{map[string]any{"path": "/a", "content": "text", "mode": 0o755, "last": 64.0}, []string{"/a", "0755", "", "false", sum, "", "64"}},
		{map[string]any{"path": "/a", "content": "text", "mode": "2755", "upload": image}, []string{"/a", "2755", "", "false", sum, image, "x"}},
	} {
		args, blobs, err := l.Args("all", c.named)
		if err != nil {
			t.Errorf("%v: %v", c.named, err)
			continue
		}
		if d := cmp.Diff(c.want, args); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(Blob{Sum: sum, Content: "text", Lazy: true}, blobs[0]); d != "" {
			t.Error(d)
		}
	}
}

// A kind may call another one's functions, whoever else needs them, and parts.
func TestWith(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		p := program(t,
			"b.sh", "# b\n# with: c\n# Says so.\nb_says() { c_says; }\napply_b() { b_says; }\n",
			"a.sh", "# a\n# with: b c attrs\napply_a() { attrs_path /x; b_says; }\n",
			"c.sh", "# c\n# with: a\nc_says() { result word hello; }\napply_c() { c_says; }\n")
		call(t, p, "a")
		r := run(t, sh, p, hostEnv(t))
		want(t, r, "changed")
		if r.Results[0].Data["word"] != "hello" {
			t.Error(r.Results[0].Data)
		}
	})
}

func TestArgsRefuses(t *testing.T) {
	const all = "# all path mode=0644 list= content upload=\napply_all() { :; }\n"
	l := program(t, "all.sh", all).Kinds
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"modes", "0644", `no parameter "modes"; did you mean "mode"? (parameters: path, mode=0644, list=, content, upload=)`},
		{"zzzzzz", "1", `no parameter "zzzzzz" (`},
		{"path", nil, "path is missing"},
		{"content", nil, "content is missing"},
		{"path", "relative", "absolute"},
		{"path", int64(1), "absolute"},
		{"mode", "u+x", "octal"},
		{"mode", "0888", "octal"},
		{"mode", 644.5, "octal"},
		{"list", []any{"a b"}, `item 1, "a b", is empty or contains blanks`},
		{"list", []any{"a", ""}, "item 2"},
		{"list", []any{[]any{"a"}}, "a list in a list"},
		{"list", []any{map[string]any{}}, "item 1: must be text"},
		{"list", map[string]any{"a": 1}, "must be text"},
		{"list", uint64(1 << 63), "a number"},
		{"list", "a\x00b", "NUL"},
		{"content", int64(1), "must be text"},
		{"upload", "abc", "sha256"},
	} {
		named := map[string]any{"path": "/a", "content": "text"}
		named[c.name] = c.value
		_, _, err := l.Args("all", named)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "all") {
			t.Errorf("%s=%v: %v, want %s", c.name, c.value, err, c.want)
		}
	}
}
