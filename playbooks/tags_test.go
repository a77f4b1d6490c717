package playbooks

import (
	"strings"
	"testing"
)

// TestSelected has what ansible-playbook 2.14 says.
func TestSelected(t *testing.T) {
	for _, c := range []struct{ tags, skip, want string }{
		{"tagged", "", "always always,a a"},
		{"tagged,never", "", "never never,a always always,a a"},
		{"tagged,a", "", "never,a always always,a a"},
		{"all", "", "none always always,a a"},
		{"", "tagged", "none"},
		{"", "a", "none always"},
		{"", "all", "always always,a"},
		{"", "all,always", ""},
		{"", "always", "none a"},
		{"", "untagged", "always always,a a"},
	} {
		o := Options{Tags: splitCommas(c.tags), SkipTags: splitCommas(c.skip)}
		var got []string
		for _, name := range []string{"none", "never", "never,a", "always", "always,a", "a"} {
			if o.selected(splitCommas(strings.TrimPrefix(name, "none"))) {
				got = append(got, name)
			}
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("--tags %q --skip-tags %q: %q, want %q", c.tags, c.skip, text, c.want)
		}
	}
}
