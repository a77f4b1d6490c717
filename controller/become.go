package controller

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"eucactl/playbooks"
	"eucactl/remote"
)

// The ways of becoming somebody else.
const (
	sudo = "sudo"
	su   = "su"
)

// mostWelcome is how many lines may come before a shell is there: a banner of
// sudo's, or of the user's own shell.
const mostWelcome = 200

var userName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$`)

// become makes the innermost shell one of that user: consecutive stages of one
// user share it. It reads the same input, so nothing is sent to it before it said
// that it is there: the shell around it would read that too early.
func (h *hostShell) become(user string, l playbooks.Login) error {
	if h.child != "" && h.child != user {
		if err := h.leave(); err != nil {
			return err
		}
	}
	if user == h.base || user == h.child {
		return nil
	}
	if !userName.MatchString(user) {
		return fmt.Errorf("become_user %q is no user's name", user)
	}
	mark := "@" + h.w.NewID("") + h.w.NewID("")
	h.say(h.command(user, mark, l))
	return h.welcome(user, mark, l)
}

// command starts the inner shell and says so, and what became of it in the end.
// The lock's descriptor stays outside.
func (h *hostShell) command(user, mark string, l playbooks.Login) string {
	script := quoted(`printf '\n` + mark + ` in\n'; exec /bin/sh -s`)
	as := " -H -u " + user + " /bin/sh"
	how := "LC_ALL=C sudo -n" + as
	switch {
	case h.base == "root":
		how = "su -s /bin/sh " + user
	case l.Password != "":
		how = "LC_ALL=C sudo -S -p " + quoted("\n"+mark+" password\n") + as
	}
	return how + " -c " + script + ` 2>&1 9>&-; printf '\n` + mark + ` out %s\n' $?`
}

// welcome waits until the inner shell is there.
func (h *hostShell) welcome(user, mark string, l playbooks.Login) error {
	var words []string
	for range mostWelcome {
		line, err := h.reply.ReadString('\n')
		if err != nil {
			return h.lost(err)
		}
		line = strings.TrimRight(line, "\r\n")
		switch rest, ours := strings.CutPrefix(line, mark+" "); {
		case ours && rest == "in":
			h.child, h.outer, h.begun = user, h.begun, false
			return nil
		case ours && rest == "password":
			if len(words) > 0 && strings.Contains(words[len(words)-1], "try again") {
				_, _ = io.WriteString(h.s, "\x04")
				return h.refused(user, "the password is wrong")
			}
			h.say(l.Password)
		case ours:
			return h.refused(user, strings.Join(words, "; "))
		case line != "":
			words = append(words, line)
		}
	}
	return h.refused(user, "it says too much")
}

// leave ends the inner shell, and waits until the one around it reads again.
func (h *hostShell) leave() error {
	h.say("exit 0")
	for range mostWelcome {
		line, err := h.reply.ReadString('\n')
		if err != nil {
			return h.lost(err)
		}
		if leftShell.MatchString(strings.TrimRight(line, "\r\n")) {
			h.child, h.begun = "", h.outer
			return nil
		}
	}
	return h.lost(fmt.Errorf("the shell of %s does not end", h.child))
}

var leftShell = regexp.MustCompile(`^@[0-9a-f]{16} out \d+$`)

func (h *hostShell) lost(err error) error {
	return &remote.LostError{Host: h.host, Address: h.host, Err: err}
}

func (h *hostShell) refused(user, words string) error {
	if words == "" {
		words = "no words"
	}
	return &remote.BecomeError{
		Host: h.host, User: h.login, BecomeUser: user, Stderr: words,
		Reason: fmt.Sprintf("%s: user %s cannot become %s: %s", h.host, h.login, user, words),
	}
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
