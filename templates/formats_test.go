package templates

import (
	"encoding/xml"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// hostile are values that mean something to one format or another.
var hostile = []string{
	"web", "ip-172-19-0-2", "172.19.0.2", "d0:0d:0a:0b:0c:01", "eucactl 0badcafe sg-1",
	"$(reboot)", "`reboot`", "a b", "it's", `say "hi"`, `back\slash`, `back\`, "a;b", ";}", "a;} host x {", "line\nbreak",
	"tab\there", "cr\rlf\n", "nul\x00", "\x1b[2J", "</name><name>x", "<![CDATA[", "&amp;", "]]>", "<!-- -->", "{{ n }}",
	"{% if %}", "-j ACCEPT", "--dport", "! -d", "#comment", "-A INPUT", "*filter", "COMMIT", ":INPUT ACCEPT", "DOCKER-USER",
	"日本-web", "\xff\xfe", "\ufffe", "", " ", strings.Repeat("x", 300), strings.Repeat("日", 100),
	"/var/lib/x", "../../etc/passwd", "a/b", "%s%n", "a,b", "a|b", "a&&b", "a>b", "*", "?", "~", "!",
}

// TestHostileValues lists what each filter makes of each value.
func TestHostileValues(t *testing.T) {
	s := New()
	var out strings.Builder
	for _, f := range []string{"xml", "sh", "line", "dhcpd", "dhcpd('string')", "dhcpd('ip')", "dhcpd('mac')",
		"iptables", "iptables('chain')", "iptables('set')", "iptables('interface')", "iptables('text')", "iptables('odd')", "dhcpd('odd')"} {
		fmt.Fprintf(&out, "== %s\n", f)
		for _, v := range hostile {
			got, err := s.Eval("v|"+f, map[string]any{"v": v})
			if err != nil {
				fmt.Fprintf(&out, "%-34s refused\n", short(v))
				continue
			}
			fmt.Fprintf(&out, "%-34s %s\n", short(v), short(fmt.Sprint(got)))
		}
	}
	golden(t, "hostile.golden", out.String())
}

func short(s string) string {
	q := fmt.Sprintf("%+q", s)
	if len(q) > 32 {
		q = fmt.Sprintf("%s... (%d)", q[:24], len(s))
	}
	return q
}

func TestOnlyTextEntersFormats(t *testing.T) {
	s := New()
	for _, f := range []string{"xml", "sh", "line", "dhcpd", "iptables"} {
		for _, v := range []any{nil, []any{"a"}, map[string]any{}, true, 1.5} {
			if got, err := s.Eval("v|"+f, map[string]any{"v": v}); err == nil {
				t.Errorf("%v|%s: %v, no error", v, f, got)
			}
		}
		if _, err := s.Eval("v|"+f, nil); err == nil {
			t.Errorf("undefined|%s: no error", f)
		}
	}
}

// What xml lets through is read back unchanged, as text and as an attribute.
func FuzzXML(f *testing.F) {
	for _, v := range hostile {
		f.Add(v)
	}
	s := New()
	f.Fuzz(func(t *testing.T, v string) {
		doc, err := s.Value(`<a b="{{ v|xml }}" c='{{ v|xml }}'>{{ v|xml }}</a>`, map[string]any{"v": v})
		if err != nil {
			return
		}
		var got struct {
			B    string `xml:"b,attr"`
			C    string `xml:"c,attr"`
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal([]byte(doc.(string)), &got); err != nil {
			t.Fatalf("%q: %v", v, err)
		}
		if got.B != v || got.C != v || got.Text != v {
			t.Errorf("%q became %+q", v, got)
		}
	})
}

// What sh lets through is one word that sh reads back unchanged.
func TestShellReadsItsWords(t *testing.T) {
	s := New()
	for _, v := range hostile {
		word, err := s.Text("{{ v|sh }}", map[string]any{"v": v})
		if err != nil {
			if !strings.Contains(v, "\x00") {
				t.Errorf("%q: %v", v, err)
			}
			continue
		}
		for _, sh := range [][]string{{"dash"}, {"bash"}, {"busybox", "sh"}} {
			c := exec.Command(sh[0], append(sh[1:], "-c", "printf '%s.' "+word)...)
			out, err := c.Output()
			if err != nil || string(out) != v+"." {
				t.Errorf("%s: %q became %q, %v", sh[0], v, out, err)
			}
		}
	}
}
