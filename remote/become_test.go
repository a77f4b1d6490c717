package remote

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestCommand(t *testing.T) {
	for want, target := range map[string]Target{
		"exec /bin/sh -s":  {User: "ops"},
		"exec /bin/sh -s ": {User: "root", Become: true},
		"exec env LC_ALL=C sudo -n -u root /bin/sh -s":       {User: "ops", Become: true},
		"exec env LC_ALL=C sudo -n -u www-data /bin/sh -s":   {User: "root", Become: true, BecomeUser: "www-data"},
		`exec env LC_ALL=C sudo -n -u 'a'\''; b' /bin/sh -s`: {User: "ops", Become: true, BecomeUser: "a'; b"},
	} {
		if got := Command(target); got != strings.TrimSpace(want) {
			t.Errorf("%+v: %s\nwant %s", target, got, want)
		}
	}
}

// startSudoHost runs sshd where the users ops (sudo without a password), hand
// (with one) and lost (not in sudoers) exist: in a mount namespace of its own,
// so this machine never has them.
func startSudoHost(t *testing.T) *sshd {
	t.Helper()
	dir := t.TempDir()
	passwd := string(must(os.ReadFile("/etc/passwd"))(t))
	for i, name := range []string{"ops", "hand", "lost"} {
		passwd += name + ":*:" + []string{"61001", "61002", "61003"}[i] + ":65534::/:/bin/sh\n"
	}
	check(t, os.WriteFile(filepath.Join(dir, "passwd"), []byte(passwd), 0o644))
	check(t, os.WriteFile(filepath.Join(dir, "sudoers"), []byte("ops ALL=(ALL) NOPASSWD: ALL\nhand ALL=(ALL) ALL\nroot ALL=(ALL) ALL\n"), 0o440))
	script := filepath.Join(dir, "enter")
	check(t, os.WriteFile(script, []byte(`set -e
mount --make-rprivate /
mount --bind `+dir+`/passwd /etc/passwd
mount --bind `+dir+`/sudoers /etc/sudoers
exec "$@"
`), 0o600))
	return startSSHD(t, "", "unshare", "-m", "/bin/sh", script)
}

func TestBecome(t *testing.T) {
	s := startSudoHost(t)
	for _, tc := range []struct {
		user, becomeUser string
		become           bool
		says, err        string
	}{
		{"ops", "", true, "0\n", ""},
		{"ops", "", false, "61001\n", ""},
		{"ops", "lost", true, "61003\n", ""},
		{"root", "", true, "0\n", ""},
		{"root", "ops", true, "61001\n", ""},
		{"hand", "", true, "", "sudo on fe1 asks user hand for a password; allow NOPASSWD or set ansible_become: false"},
		{"lost", "", true, "", "sudo on fe1"},
		{"ops", "nosuch", true, "", "sudo on fe1 knows no user nosuch; set ansible_become_user"},
	} {
		t.Run(tc.user+" "+tc.becomeUser, func(t *testing.T) {
			target := s.target()
			target.User, target.Become, target.BecomeUser = tc.user, tc.become, tc.becomeUser
			c := must(newDialer(t, s.host.line(s.addr)).Dial(soon(t), target))(t)
			defer c.Close()
			sess := must(c.Run(soon(t)))(t)
			defer sess.Close()
			_, werr := io.WriteString(sess, "id -u; exit\n")
			got, rerr := io.ReadAll(sess)
			err := sess.Wait()
			if string(got) != tc.says || (err == nil) != (tc.err == "") || rerr != nil {
				t.Fatalf("said %q, Write %v, Read %v, Wait %v", got, werr, rerr, err)
			}
			var e *BecomeError
			if err != nil && (!errors.As(err, &e) || !strings.HasPrefix(err.Error(), tc.err) || e.Stderr == "") {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// A program that ran and then says something like sudo is not a become failure.
func TestBecomeFailureOnlyBeforeOutput(t *testing.T) {
	s := startServer(t, func(s *server) {
		s.exec = func(_ string, ch ssh.Channel) {
			_, _ = io.WriteString(ch, "report\n")
			_, _ = io.WriteString(ch.Stderr(), "sudo: a password is required\n")
			exit(ch, 1)
		}
	})
	target := s.target()
	target.Become, target.BecomeUser = true, "ops"
	c := must(newDialer(t, s.host.line(s.addr)).Dial(soon(t), target))(t)
	defer c.Close()
	sess := must(c.Run(soon(t)))(t)
	defer sess.Close()
	must(io.ReadAll(sess))(t)
	var e *ExitError
	if err := sess.Wait(); !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
}

func TestBecomeFailureWords(t *testing.T) {
	target := Target{Name: "node1", User: "ops", Become: true}
	for _, tc := range []struct {
		status       int
		stderr, want string
	}{
		{1, "sudo: a password is required\n", "asks user ops for a password"},
		{1, "sudo: a terminal is required to read the password", "asks user ops for a password"},
		{1, "ops is not in the sudoers file.\n", "does not let user ops become root"},
		{1, "Sorry, user ops is not allowed to execute '/bin/sh -s' as root on node1.\n", "does not let user ops become root"},
		{1, "sudo: sorry, you must have a tty to run sudo\n", "remove requiretty"},
		{127, "env: 'sudo': No such file or directory\n", "sudo is not installed on node1"},
		{1, "sudo: /etc/sudoers is world writable\n", "sudo on node1 failed for user ops: sudo: /etc/sudoers is world writable"},
		{1, "some other trouble\n", ""},
	} {
		err := becomeFailure(target, tc.status, tc.stderr)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %q", tc.stderr, err, tc.want)
		}
	}
}
