package remote

import (
	"strings"
	"time"
)

// Target says how to reach a host, in the inventory's words. Empty fields are
// filled from ssh_config, then from the Dialer.
type Target struct {
	Name         string   // the inventory's name, used in messages
	Address      string   // ansible_host; empty means Name
	Port         int      // ansible_port; 0 means ssh_config's, then 22
	User         string   // ansible_user
	KeyFiles     []string // ansible_ssh_private_key_file
	Become       bool     // ansible_become
	BecomeUser   string   // ansible_become_user; empty means root
	HostKeyAlias string   // the name its host keys are pinned under, instead of the address
	Local        bool     // ansible_connection: local

	ConnectTimeout time.Duration // ansible_timeout; 0 means the Dialer's
}

func (t Target) host() string {
	if t.Address != "" {
		return t.Address
	}
	return t.Name
}

func (t Target) name() string {
	if t.Name != "" {
		return t.Name
	}
	return t.Address
}

func (t Target) becomeUser() string {
	if t.BecomeUser != "" {
		return t.BecomeUser
	}
	return "root"
}

// becomes tells whether the program runs as somebody else than the login user.
func (t Target) becomes() bool { return t.Become && t.User != t.becomeUser() }

// argv is the shell that reads the program. sudo's language is pinned, because
// its complaint is recognised by its words and the login may set another one.
func (t Target) argv() []string {
	sh := []string{"/bin/sh", "-s"}
	if !t.becomes() {
		return sh
	}
	return append([]string{"env", "LC_ALL=C", "sudo", "-n", "-u", t.becomeUser()}, sh...)
}

// Command is the one command line that Run hands to the login shell of t.User.
// exec spares a process, and is understood by every login shell.
func Command(t Target) string {
	words := t.argv()
	for i, w := range words {
		words[i] = quote(w)
	}
	return "exec " + strings.Join(words, " ")
}

// quote makes w one word of a shell command line.
func quote(w string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/-_.=", r)
	}
	if w != "" && strings.TrimFunc(w, plain) == "" {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
