package tasks

import (
	"strings"
	"testing"
)

const webServer = "http://127.0.0.1:8099"

// TestWebByWget: a host without curl asks by GNU's wget, or by busybox's, which refuses
// what it cannot do.
func TestWebByWget(t *testing.T) {
	for _, sh := range shells {
		t.Run(sh.name, func(t *testing.T) {
			h := newKindHost(t, sh)
			h.do(readCases(t, "testdata/kinds/uri.yml")[0].Host.Setup)
			h.do(`mv /usr/bin/curl /usr/bin/curl.hidden; mkdir /case`)
			h.fetchedByWget()
			if sh.name == "busybox" { // its shell has a wget built in
				h.refusedByBusybox()
				return
			}
			h.askedByWget()
			h.do(`mv /usr/bin/wget /usr/bin/wget.hidden`)
			words := h.wants(kindCall{"get_url", "url", webServer + "/f", "dest", "/case/none"}, kindApply, Failed)
			if !strings.Contains(words, "neither curl nor wget") {
				t.Error(words)
			}
		})
	}
}

func (h *kindHost) fetchedByWget() {
	h.t.Helper()
	get := kindCall{"get_url", "url", webServer + "/to/f", "dest", "/case/f"}
	h.wants(get, kindCheck, Would)
	h.wants(get, kindApply, Changed)
	h.wants(get, kindApply, OK)
	h.wants(kindCall{"get_url", "url", webServer + "/named", "dest", "/case"}, kindApply, Changed)
	if got := h.do(`cat /case/f "/case/its name"`); got != "hello\nnamed" {
		h.t.Errorf("got %q", got)
	}
	words := h.wants(kindCall{"get_url", "url", webServer + "/none", "dest", "/case/none"}, kindApply, Failed)
	if !strings.Contains(words, "HTTP Error 404: ") {
		h.t.Error(words)
	}
	h.wants(kindCall{"get_url", "url", "http://127.0.0.1:1/", "dest", "/case/none"}, kindApply, Failed)
	if got := h.one(kindCall{"uri", "url", webServer + "/to/text", "return_content", true}, kindApply); got.Outcome != OK ||
		got.Data["content"] != "grün\n" || got.Data["status"] != "200" || got.Data["url"] != webServer+"/text" || got.Data["redirected_json"] != "true" {
		h.t.Errorf("%+v", got)
	}
}

func (h *kindHost) askedByWget() {
	h.t.Helper()
	got := h.one(kindCall{
		"uri", "url", webServer + "/echo", "method", "PUT", "body", map[string]any{"a": 1}, "body_format", "json",
		"headers", map[string]any{"X-Two": "a=b"}, "return_content", true,
	}, kindApply)
	want := `{"method": "PUT", "body": "{\"a\":1}", "headers": {"Content-Type": "application/json", "X-Two": "a=b", "User-Agent": "ansible-httpget", "Authorization": null}}`
	if got.Outcome != OK || got.Data["content"] != want {
		h.t.Errorf("%s %s\n%s", got.Outcome, got.Words, got.Data["content"])
	}
	if got := h.one(kindCall{"uri", "url", webServer + "/status/404", "status_code", 404, "return_content", true}, kindApply); got.Data["content"] != "as asked" {
		h.t.Errorf("%+v", got)
	}
	if got := h.one(kindCall{"uri", "url", webServer + "/to/text", "follow_redirects", "none", "status_code", 302}, kindApply); got.Outcome != OK {
		h.t.Errorf("%+v", got)
	}
	if got := h.one(kindCall{"uri", "url", webServer + "/private", "user", "me", "password", `pa::"ss`}, kindApply); got.Outcome != OK {
		h.t.Errorf("%+v", got)
	}
}

func (h *kindHost) refusedByBusybox() {
	h.t.Helper()
	for _, more := range []kindCall{
		{"method", "POST", "body", "x"},
		{"headers", map[string]any{"X-Two": "a"}},
		{"user", "me", "password", "secret"},
		{"follow_redirects", "none"},
		{"validate_certs", false},
	} {
		words := h.wants(append(kindCall{"uri", "url", webServer + "/echo"}, more...), kindApply, Failed)
		if !strings.Contains(words, "install curl first") {
			h.t.Errorf("%v: %s", more, words)
		}
	}
}

// TestWebSecrets: nobody reads a password or a header in the words of a command.
func TestWebSecrets(t *testing.T) {
	h := newKindHost(t, shells[0])
	h.do(readCases(t, "testdata/kinds/uri.yml")[0].Host.Setup)
	spy := `for c in curl wget sed awk grep tr; do
		printf '#!/bin/dash\nprintf "%%s\\n" "$0 $*" >>/srv/words\nPATH=/usr/bin exec ${0##*/} "$@"\n' >/usr/local/sbin/$c
		chmod +x /usr/local/sbin/$c
	done`
	h.do(spy)
	ask := kindCall{"uri", "url", webServer + "/private", "user", "me", "password", `pa::"ss`, "headers", map[string]any{"X-Two": "hush"}}
	h.wants(ask, kindApply, OK)
	h.do(`mv /usr/bin/curl /usr/bin/curl.hidden; rm /usr/local/sbin/curl`)
	h.wants(ask, kindApply, OK)
	said := h.do(`cat /srv/words`)
	if !strings.Contains(said, "/curl ") || !strings.Contains(said, "/wget ") {
		t.Fatalf("nobody was listened to: %s", said)
	}
	for _, secret := range []string{"pa::", "hush"} {
		if strings.Contains(said, secret) {
			t.Errorf("%q is in\n%s", secret, said)
		}
	}
}
