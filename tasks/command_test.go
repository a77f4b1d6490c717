package tasks

import (
	"strings"
	"testing"
)

func TestPing(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		for _, e := range []Env{hostEnv(t), {Mark: testMark, Check: true}} {
			p := program(t)
			call(t, p, "ping")
			call(t, p, "ping", "data", "a\nb ")
			call(t, p, "ping", "data", "crash")
			r := run(t, sh, p, e)
			want(t, r, "ok ok failed")
			if r.Results[0].Data["ping"] != "pong" || r.Results[1].Data["ping"] != "a\nb " {
				t.Errorf("%+v", r)
			}
		}
	})
}

// TestScript has the script sent only when it is to run.
func TestScript(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(`mkdir /root/t; echo text >/root/t/in`)
		const text = "#!/bin/sh\npwd\nprintf '<%s>' \"$@\"\necho err >&2\ntouch ~/t/x\numask\n[ \"$1\" != fail ] || exit 10\n"
		big := text + strings.Repeat("#", lazyInline)
		one := func(named ...any) kindCall {
			return append(kindCall{"script", "name", "a script", "content", text}, named...)
		}
		h.wants(one(), kindCheck, Unknown)
		h.wants(one("creates", "t/x"), kindCheck, Would)
		h.wants(one("creates", "~/t/in"), kindApply, OK)
		if got := h.do(`ls /root/t`); strings.Contains(got, "x") {
			t.Fatal(got)
		}
		r := h.one(one("args", `a "b  c" $HOME`), kindApply)
		if r.Outcome != Changed || r.Data["stdout"] != "/root\n<a><b  c></root>0022\n" || r.Data["stderr"] != "err\n" || r.Data["rc_json"] != "0" {
			t.Errorf("%+v", r)
		}
		if r = h.one(one("content", big, "creates", "y", "chdir", "~/t"), kindApply); r.Outcome != Changed || !strings.HasPrefix(r.Data["stdout"], "/root/t\n<>") {
			t.Errorf("%+v", r)
		}
		if r = h.one(one("args", "fail"), kindApply); r.Outcome != Failed || r.Data["rc_json"] != "10" || !strings.Contains(r.Words, "err") {
			t.Errorf("%+v", r)
		}
		if r = h.one(one("executable", "cat"), kindApply); r.Data["stdout"] != text {
			t.Errorf("%+v", r)
		}
		if left := h.do(`find /var/lib/eucactl -name '*script*'`); left != "" {
			t.Errorf("left behind: %s", left)
		}
	})
}

func TestRaw(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		raw := kindCall{"raw", "cmd", "echo a | tr a b; echo err >&2; touch /root/x; pwd"}
		h.wants(raw, kindCheck, Unknown)
		r := h.one(raw, kindApply)
		if r.Outcome != Changed || r.Data["stdout"] != "b\n/root\n" || r.Data["stderr"] != "err\n" {
			t.Errorf("%+v", r)
		}
		r = h.one(kindCall{"raw", "free_form", "kill -9 $$"}, kindApply)
		if r.Outcome != Failed || r.Data["rc_json"] != "137" {
			t.Errorf("%+v", r)
		}
	})
}

// What a command leaves running neither holds the run up nor speaks in it.
func TestShellLeavesADaemon(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		r := h.one(kindCall{"shell", "cmd", "(sleep 20; echo late; sleep 100) & echo early"}, kindApply)
		if r.Outcome != Changed || r.Data["stdout"] != "early" {
			t.Errorf("%+v", r)
		}
		if d := r.Data["delta"]; !strings.HasPrefix(d, "0:00:0") {
			t.Errorf("took %s", d)
		}
	})
}
