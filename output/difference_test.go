package output

import (
	"testing"

	"eucactl/playbooks"
)

// TestNoNewlineAtEnd: a last line without its newline is a line like the others, and
// is told of below it, as Ansible and diff -u do.
func TestNoNewlineAtEnd(t *testing.T) {
	const mark = "\\ No newline at end of file\n"
	for _, c := range []struct{ before, after, want string }{
		{"", "a\nb", "@@ -0,0 +1,2 @@\n+a\n+b\n" + mark},
		{"a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n" + mark + "+b\n"},
		{"a\nb\n", "a\nc", "@@ -1,2 +1,2 @@\n a\n-b\n+c\n" + mark},
		{"a\nc", "x\nc", "@@ -1,2 +1,2 @@\n-a\n+x\n c\n" + mark},
		{"x\nc", "", "@@ -1,2 +0,0 @@\n-x\n-c\n" + mark},
		{"", "x", "@@ -0,0 +1 @@\n+x\n" + mark},
		{"1\n2\n3\n4\n5", "0\n2\n3\n4\n5", "@@ -1,4 +1,4 @@\n-1\n+0\n 2\n 3\n 4\n"},
	} {
		got := difference(playbooks.Diff{Before: c.before, After: c.after}, false)
		if want := "--- before\n+++ after\n" + c.want + "\n"; got != want {
			t.Errorf("%q, %q:\n%s\nwanted:\n%s", c.before, c.after, got, want)
		}
	}
}
