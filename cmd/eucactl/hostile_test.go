package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"eucactl/cloud"
)

// hostile are words that mean something to sh, XML, Jinja2, iptables, dhcpd, YAML or a
// terminal, or are longer than anybody expects.
var hostile = []string{
	"$(reboot)", "`reboot`", "; reboot", "&& reboot", "| reboot", "> /etc/passwd", `'`, `"`, `\`, `'"'"'; reboot #`, "a\nb", "a\r\nb", "a\tb", "\n", "", " ", " a", "a ",
	"]]>", "<name>x</name>", "&amp;", "&lt;", "<!--", "{{ 7*7 }}", "{% for x in y %}", "{# #}", "{{ lookup('pipe', 'reboot') }}", "${IFS}", "%s%n", "*", "?", "~", "!",
	"DOCKER-USER", "EUCA-FORWARD", "-j ACCEPT", "--help", "-", "--", "-A INPUT -j DROP", "} host x { fixed-address 1.2.3.4; ", "# comment", "null", "true", "yes", "1e3", "0x10", "- x", "a: b",
	"../../etc/passwd", "/", ".", "..", "a/b", "\x1b[2J", "\x7f", "\u009b31m", "\u202e", "\ufeff", "\uffff", "\u2028", "grüße", "名前", "\U0001f600", "\xff\xfe", "a\x80",
	strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 300), strings.Repeat("é", 128),
}

// desk is where one user works: an own inventory and own records.
type desk struct {
	t   *testing.T
	env map[string]string
}

func newDesk(t *testing.T) *desk {
	dir := t.TempDir()
	inventory := filepath.Join(dir, "inventory.yml")
	if err := os.WriteFile(inventory, []byte(sample), 0o644); err != nil {
		t.Fatal(err)
	}
	d := &desk{t, map[string]string{"EUCACTL_STATE": filepath.Join(dir, "state"), "EUCACTL_INVENTORY": inventory}}
	owner, err := d.app(nil, io.Discard).open(context.Background()) // commands come in through its socket: that is quicker
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := owner.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *desk) app(out, err io.Writer) *app {
	return &app{
		in: strings.NewReader(""), out: out, err: err, user: cloud.Admin, lockTimeout: time.Minute,
		environ: func(name string) (string, bool) { v, ok := d.env[name]; return v, ok },
	}
}

// run is one command, in this process.
func (d *desk) run(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = d.app(&out, &err).execute(context.Background(), args)
	return code, out.String(), err.String()
}

// Every word is taken exactly as it is, in all formats, or refused in EC2's words; and
// nothing that is printed steers a terminal or breaks a row.
func TestHostileWords(t *testing.T) {
	d := newDesk(t)
	key := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(key, []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIZhx29jKgEDx6JbFyqYIzgJ4CNqUxbvCFS4pA2PkqHC\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(image, make([]byte, 512), 0o644); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, use := range []struct {
		what   string
		do     func(word string) []string
		show   string // the command that lists it
		list   string // in its answer
		field  string
		fallen string // what an empty word becomes
	}{
		{"user name", func(s string) []string { return []string{"create-user", "--", s} }, "describe-users", "users", "name", ""},
		{"group name", func(s string) []string { return []string{"create-group", "--", s} }, "describe-group", "groups", "name", ""},
		{"group description", func(s string) []string { n++; return []string{"create-group", "-d", s, fmt.Sprintf("described-%d", n)} }, "describe-group", "groups", "description", ""},
		{"key name", func(s string) []string { return []string{"import-keypair", "-f", key, "--", s} }, "describe-keypairs", "key_pairs", "name", ""},
		{"image name", func(s string) []string { return []string{"register", image, "--name", s} }, "describe-images", "images", "name", "image"},
		{"architecture", func(s string) []string { return []string{"register", image, "--arch", s} }, "describe-images", "images", "arch", "x86_64"},
	} {
		var taken []string
		for _, word := range hostile {
			code, out, words := d.run(use.do(word)...)
			plain(t, use.what, word, out+words)
			switch {
			case code == 0 && words == "":
				if word == "" {
					word = use.fallen
				}
				taken = append(taken, word)
			case code == 1 && strings.HasPrefix(words, "eucactl: error (InvalidParameterValue): ") && strings.Count(words, "\n") == 1:
			default:
				t.Errorf("%s %q: exit %d, %q, %q", use.what, word, code, out, words)
			}
			if len(words) > 400 {
				t.Errorf("%s %q: %d bytes of error", use.what, word, len(words))
			}
		}
		d.shows(use.show, use.list, use.field, taken)
	}
}

// shows checks that a list has the words, exactly, in JSON and YAML alike, and that
// its rows are harmless.
func (d *desk) shows(command, list, field string, words []string) {
	d.t.Helper()
	_, rows, _ := d.run(command)
	plain(d.t, command, "", rows)
	for format, decode := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml": yaml.Unmarshal} {
		code, out, errs := d.run(command, "-o", format)
		var all map[string][]map[string]any
		if err := decode([]byte(out), &all); code != 0 || err != nil {
			d.t.Fatalf("%s -o %s: exit %d, %v, %s", command, format, code, err, errs)
		}
		has := map[any]bool{}
		for _, one := range all[list] {
			has[one[field]] = true
		}
		for _, word := range words {
			if !has[word] {
				d.t.Errorf("%s -o %s has no %q", command, format, word)
			}
		}
	}
}

// plain checks that nothing but text, tabs and newlines is printed.
func plain(t *testing.T, what, word, printed string) {
	t.Helper()
	if i := strings.IndexFunc(printed, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }); i >= 0 {
		t.Errorf("%s %q: it prints %q", what, word, printed[i:])
	}
}

// Where an id, an address or a user is asked for, no word does anything but be refused.
func TestHostileIDs(t *testing.T) {
	d := newDesk(t)
	d.run("allocate-address", "--no-wait")
	_, before, _ := d.run("state", "export")
	for _, word := range append(hostile, "i-12345678\n", "i-1234567g", "i-123456789", "I-", "emi-12345678 ", "i-12345678; reboot", "203.0.113.10 ", "203.0.113.10/32", "::ffff:203.0.113.10") {
		for _, args := range [][]string{
			{"terminate-instances", "--", word}, {"get-console-output", "--", word}, {"deregister", "--", word},
			{"associate-address", "--", "203.0.113.10", word}, {"release-address", "--", word},
			{"delete-group", "--", word}, {"authorize", "default", "-p", word}, {"authorize", "default", "-P", "icmp", "-t", word},
			{"authorize", "default", "-p", "22", "--cidr=" + word, "--check"}, {"authorize", "default", "-p", "22", "--source-group=" + word, "--check"},
			{"describe-availability-zones", "--", word}, {"describe-users", "--as=" + word}, {"plan", "--", word}, {"hosts", "take-over", "--", word}, {"modify-instance-type", "--cpus=1", "--", word},
		} {
			if joined := strings.Join(args, " "); strings.HasPrefix(joined, "authorize default") && (word == "" || strings.Contains(joined, "--cidr=203.0.113.10/32")) {
				continue // as if it were not given; a good one
			}
			code, out, words := d.run(args...)
			plain(t, strings.Join(args, " "), word, out+words)
			if code != 1 || !strings.HasPrefix(words, "eucactl: error") {
				t.Errorf("%q: exit %d, %q, %q", args, code, out, words)
			}
		}
	}
	if _, after, _ := d.run("state", "export"); after != before {
		t.Errorf("something was recorded:\n%s\n%s", before, after)
	}
}

// Every command has help with an example, and every example's flags exist.
func TestHelp(t *testing.T) {
	d := newDesk(t)
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := strings.Fields(cmd.CommandPath())[1:]
		if cmd.Name() == "help" || cmd.Name() == "completion" {
			return
		}
		code, out, words := d.run(append(path, "--help")...)
		if code != 0 || words != "" || !strings.Contains(out, "Usage:") {
			t.Errorf("%v --help: exit %d, %s%s", path, code, out, words)
		}
		if cmd.Short == "" {
			t.Errorf("%v has no line of its own", path)
		}
		if !cmd.HasSubCommands() {
			checkExamples(t, cmd)
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
}

func checkExamples(t *testing.T, cmd *cobra.Command) {
	t.Helper()
	if cmd.Example == "" {
		t.Errorf("%s has no example", cmd.CommandPath())
	}
	for line := range strings.Lines(cmd.Example) {
		args := strings.Fields(strings.NewReplacer("'", "", "\"", "").Replace(line))
		if len(args) == 0 || args[0] != "eucactl" {
			t.Errorf("%s: example %q", cmd.CommandPath(), line)
			continue
		}
		if i := strings.Index(line, " > "); i >= 0 {
			args = strings.Fields(line[:i])
		}
		found, rest, err := (&app{}).root().Find(args[1:])
		if err != nil {
			t.Errorf("example %q: %v", line, err)
			continue
		}
		if err := found.ParseFlags(rest); err != nil {
			t.Errorf("example %q: %v", line, err)
		}
	}
}

// The same request gives the same bytes, in every format.
func TestOutputIsStable(t *testing.T) {
	d := newDesk(t)
	for _, user := range []string{"zoe", "bob", "alice"} {
		d.run("create-user", user)
	}
	for _, args := range [][]string{{"describe-users"}, {"describe-group"}, {"describe-instance-types"}, {"describe-availability-zones", "-v"}, {"hosts", "list"}, {"state", "log"}, {"state", "export"}, {"plan", "fe1"}, {"inventory", "--list"}} {
		for _, format := range []string{"", "json", "yaml"} {
			with := append([]string{"-o", format}, args...)
			_, first, _ := d.run(with...)
			_, second, _ := d.run(with...)
			if first != second || first == "" {
				t.Errorf("%v:\n%s\n%s", with, first, second)
			}
		}
	}
}
