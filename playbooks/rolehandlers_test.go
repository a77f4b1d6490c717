package playbooks

import (
	"strings"
	"testing"
)

// A handler is of its role, whoever made it part of the play: it has its defaults, its vars and its name.
func TestHandlersAreOfTheirRole(t *testing.T) {
	p := play(t, map[string]string{
		"site.yml":                  "- hosts: all\n  gather_facts: false\n  roles: [b]\n",
		"roles/b/meta/main.yml":     "dependencies: [a]\n",
		"roles/b/tasks/main.yml":    "- { say: {} }\n",
		"roles/a/defaults/main.yml": "fallback: d\nboth: d\n",
		"roles/a/vars/main.yml":     "both: v\n",
		"roles/a/tasks/main.yml":    "- { say: {}, notify: ha }\n",
		"roles/a/handlers/main.yml": "- { name: ha, debug: { msg: \"{{ fallback }} {{ both }} {{ role_name }}\" } }\n",
	}, "a\n", nil)
	if p.err != nil {
		t.Fatal(p.err)
	}
	if got := strings.Join(p.inOrder(), "\n"); !strings.Contains(got, "d v a") {
		t.Error(got)
	}
}
