package plan

import (
	"regexp"
	"strings"
	"testing"
)

func TestChainName(t *testing.T) {
	hashed := HashedChain("sg-00000001")
	if !regexp.MustCompile(`^EUCA-g-[0-9a-f]{16}$`).MatchString(hashed) || hashed == HashedChain("sg-00000002") {
		t.Errorf("%s", hashed)
	}
	for _, test := range []struct{ user, group, want string }{
		{"admin", "default", "admin-default"},
		{"a", "b-c", "a-b-c"}, // no user can be a-b: users have no dash
		{"x", strings.Repeat("g", 26), "x-" + strings.Repeat("g", 26)},
		{"x", strings.Repeat("g", 27), hashed},
		{strings.Repeat("u", 64), strings.Repeat("g", 255), hashed},
		{"admin", "$(reboot)", hashed},
		{"admin", "a b", hashed},
		{"admin", "a\nb", hashed},
		{"admin", "web\n", hashed},
		{"admin", `"`, hashed},
		{"admin", "'", hashed},
		{"admin", "{{ 7*7 }}", hashed},
		{"admin", "grüße", hashed},
		{"admin", "x/y", hashed},
		{"DOCKER", "USER", hashed},
		{"EUCA", "FORWARD", hashed},
		{"EUCA", "g-0123456789abcdef", hashed},
		{"KUBE", "SERVICES", hashed},
		{"ufw", "user-forward", hashed},
		{"f2b", "sshd", hashed},
		{"ts", "input", hashed},
		{"cali", "INPUT", hashed},
		{"neutron", "filter-top", hashed},
		{"ufwx", "user", "ufwx-user"},
		{"docker", "user", "docker-user"},
		{"INPUT", "INPUT", "INPUT-INPUT"},
		{"taken", "by", hashed},
	} {
		got := ChainName(test.user, test.group, "sg-00000001", func(s string) bool { return s == "taken-by" })
		if got != test.want {
			t.Errorf("%q %q: %s, want %s", test.user, test.group, got, test.want)
		}
		if len(got) > 28 {
			t.Errorf("%s is longer than iptables can bear", got)
		}
	}
	if name := SetName("sg-1a2b3c4d"); name != "EUCA-sg-1a2b3c4d" || len(name) > 31 {
		t.Error(name)
	}
}
