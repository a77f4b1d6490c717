package tasks

import (
	"strings"
	"testing"
)

// fileTries are kinds about files that are killed at every command: whatever is
// left, the next run ends as any other, and nobody ever finds half a file.
var fileTries = []kindTry{
	{
		kindCall: kindCall{"file", "path", "/srv/k/a b/c", "state", "directory", "mode", "0750", "owner", "daemon"},
		bare:     `rm -rf /srv/k`,
		states:   []kindState{{"absent", `mkdir /srv/k`}},
	},
	{
		kindCall: kindCall{"file", "path", "/srv/k/l", "src", "target", "state", "link", "force", true},
		bare:     `rm -rf /srv/k; mkdir /srv/k`,
		states: []kindState{
			{"another link", `ln -s other /srv/k/l`},
			{"a file", `echo x >/srv/k/l`},
		},
	},
	{
		kindCall: kindCall{"copy", "dest", "/srv/k/f", "content", "one\ntwo\n", "mode", "0640", "group", "daemon"},
		bare:     `rm -rf /srv/k; mkdir /srv/k`,
		states: []kindState{
			{"another content", `echo old >/srv/k/f; chmod 640 /srv/k/f; chgrp daemon /srv/k/f`},
			{"absent", ``},
			{"another mode", `printf 'one\ntwo\n' >/srv/k/f; chmod 600 /srv/k/f`},
			{"a link", `ln -s /etc/passwd /srv/k/f`},
		},
		tools: []string{"/usr/bin/sha256sum"},
	},
	{
		kindCall: kindCall{"lineinfile", "path", "/srv/k/f", "regexp", `^(a)=\d`, "line", `\1=3`, "backrefs", true},
		bare:     `rm -rf /srv/k; mkdir /srv/k`,
		states:   []kindState{{"another line", `printf 'x\na=1\ny\n' >/srv/k/f`}},
		tools:    []string{"/usr/bin/awk", "/usr/bin/sed", "/usr/bin/tail"},
	},
	{
		kindCall: kindCall{"blockinfile", "path", "/srv/k/f", "block", "b\nc"},
		bare:     `rm -rf /srv/k; mkdir /srv/k`,
		states:   []kindState{{"no block", `printf 'x\n' >/srv/k/f`}},
		tools:    []string{"/usr/bin/awk", "/usr/bin/cmp"},
	},
	{
		kindCall: kindCall{"replace", "path", "/srv/k/f", "regexp", `^a$`, "replace", "b"},
		bare:     `rm -rf /srv/k; mkdir /srv/k`,
		states:   []kindState{{"a match", `printf 'x\na\n' >/srv/k/f`}},
		tools:    []string{"/usr/bin/sed", "/usr/bin/awk"},
	},
	{
		kindCall: kindCall{"ini_file", "path", "/srv/k/f", "section", "s", "option", "o", "value", "v"},
		bare:     `rm -rf /srv/k; mkdir /srv/k`,
		states:   []kindState{{"another value", `printf '[s]\no = x\n' >/srv/k/f`}},
		tools:    []string{"/usr/bin/awk"},
	},
}

func TestFileKinds(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		for _, k := range fileTries {
			k.proof = `cd /srv/k; find . ! -name '*.eucactl-new' -printf '%P %M %u:%g %l\n' | sort; find . -type f ! -name '*.eucactl-new' -exec cat {} +`
			h.try(k)
		}
	})
}

// A content that is sent beside the program arrives whole, and only when it is needed.
func TestCopyOfManyBytes(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		k := kindCall{"copy", "dest", "/srv/big", "content", strings.Repeat("\x00\xff\n", 50000)}
		h.wants(k, kindCheck, Would)
		h.wants(k, kindApply, Changed)
		h.wants(k, kindApply, OK)
		if got := h.do(`tr -d '\n' </srv/big | od -An -tx1 | sort -u | head -n 3; stat -c '%s %a' /srv/big`); !strings.HasSuffix(got, "150000 644\n") {
			t.Error(got)
		}
	})
}

// What a check would change is shown, in lines where there is no content to compare.
func TestFileDiffs(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(`printf 'one\ntwo\n' >/srv/f; printf '[s]\no = 1\n' >/srv/ini`)
		e := kindCheck
		e.Diff = true
		for _, c := range []struct {
			call kindCall
			want []string
		}{
			{kindCall{"copy", "dest", "/srv/f", "content", "three\n"}, []string{"one\ntwo\n"}},
			{kindCall{"lineinfile", "path", "/srv/f", "regexp", "^t", "line", "three"}, []string{"-two\n", "+three\n", " one\n"}},
			{kindCall{"lineinfile", "path", "/srv/new", "line", "three", "create", true}, []string{"+three\n"}},
			{kindCall{"blockinfile", "path", "/srv/f", "block", "b"}, []string{"+# BEGIN ANSIBLE MANAGED BLOCK\n", "+b\n"}},
			{kindCall{"replace", "path", "/srv/f", "regexp", "w", "replace", "o"}, []string{"-two\n", "+too\n"}},
			{kindCall{"ini_file", "path", "/srv/ini", "section", "s", "option", "o", "value", "2"}, []string{"-o = 1\n", "+o = 2\n"}},
		} {
			r := h.run(c.call, e)
			want(t, r, "would")
			for _, line := range c.want {
				if !strings.Contains(r.Results[0].Before, line) {
					t.Errorf("%v: %q is not in %q", c.call[0], line, r.Results[0].Before)
				}
			}
		}
	})
}

// TestNoSecretInArguments: whoever lists the processes of a host does not read what a
// task writes into a file.
func TestNoSecretInArguments(t *testing.T) {
	h := newKindHost(t, shells[0])
	const secret = "opensesame"
	h.do(`printf 'key=old\n' >/srv/f; printf '[s]\n' >/srv/ini; mkdir -p /root/.ssh
		for c in $(cd /usr/bin; ls awk gawk mawk sed grep tr tail head cut cat cmp diff stat chmod chown mv rm ln mkdir sha256sum printf); do
			printf '%s\n' '#!/bin/dash' 'printf "%s\n" "$0" "$@" >>/srv/argv' 'PATH=/usr/sbin:/usr/bin exec "${0##*/}" "$@"' >/usr/local/sbin/$c
			chmod 755 /usr/local/sbin/$c
		done`)
	p := program(t)
	for _, k := range []kindCall{
		{"copy", "dest", "/srv/c", "content", secret},
		{"lineinfile", "path", "/srv/f", "regexp", "^key=(old)", "line", `key=\1` + secret, "backrefs", true},
		{"lineinfile", "path", "/srv/f", "line", secret},
		{"lineinfile", "path", "/srv/f", "search_string", secret, "line", secret + "2"},
		{"blockinfile", "path", "/srv/f", "block", secret},
		{"replace", "path", "/srv/f", "regexp", secret + "2", "replace", secret + "3"},
		{"ini_file", "path", "/srv/ini", "section", "s", "option", "o", "value", secret},
	} {
		call(t, p, k[0].(string), k[1:]...)
	}
	e := kindApply
	e.Diff = true
	r := h.runAll(p, e)
	want(t, r, strings.TrimSpace(strings.Repeat("changed ", len(p.Tasks))))
	if got := h.do(`grep -c . /srv/argv; grep ` + secret + ` /srv/argv || :`); strings.Contains(got, secret) || strings.HasPrefix(got, "0") {
		t.Error(got)
	}
}

// What is not text is not edited, and what an editor would lose of it stays.
func TestFilesWithNUL(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		for _, k := range []kindCall{
			{"lineinfile", "path", "/srv/f", "line", "x"},
			{"blockinfile", "path", "/srv/f", "block", "x"},
			{"replace", "path", "/srv/f", "regexp", "a", "replace", "b"},
			{"ini_file", "path", "/srv/f", "section", "s", "option", "o", "value", "v"},
		} {
			h.do(`printf 'a\000b\n' >/srv/f`)
			if w := h.wants(k, kindApply, Failed); !strings.Contains(w, "NUL") {
				t.Errorf("%v: %s", k[0], w)
			}
			if got := h.do(`od -An -c /srv/f`); strings.Join(strings.Fields(got), " ") != `a \0 b \n` {
				t.Errorf("%v: %s", k[0], got)
			}
		}
	})
}
