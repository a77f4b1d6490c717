package tasks

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"eucactl/e2e/lab"
)

// A kindHost is a lab host on which kinds are tried for real.
type kindHost struct {
	t   testing.TB
	lab *lab.Lab
	sh  shell
	env []string // of what is started there
}

const labHost = "h1"

var labs atomic.Int32

// openLab makes a lab of one host that is as o says; it goes with the test.
func openLab(t testing.TB, o lab.Options) *lab.Lab {
	t.Helper()
	o.Name = fmt.Sprintf("kinds-%d-%d", os.Getpid(), labs.Add(1))
	o.Dir = filepath.Join(t.TempDir(), "lab")
	o.Hosts = []string{labHost}
	t.Cleanup(func() {
		if err := lab.Down(o.Name, o.Dir); err != nil {
			t.Error(err)
		}
	})
	l, err := lab.Up(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// newKindHost makes a host whose /bin/sh is sh; it goes with the test. Busybox
// comes with all its applets in place of the usual tools. Tests with such hosts of
// their own run side by side: they mostly wait.
func newKindHost(t testing.TB, sh shell) *kindHost {
	t.Helper()
	if alone, ok := t.(interface{ Parallel() }); ok {
		alone.Parallel()
	}
	return kindHostIn(openLab(t, lab.Options{}), t, sh)
}

func kindHostIn(l *lab.Lab, t testing.TB, sh shell) *kindHost {
	t.Helper()
	h := &kindHost{t: t, lab: l, sh: sh}
	h.do(`ln -sf $(readlink -f $0) /usr/bin/sh; mkdir -p /usr/local/bin /usr/local/sbin /usr/local/kill`, sh.path)
	if sh.name == "busybox" {
		h.do(`for a in $(busybox --list); do case $a in sh|busybox|ip) ;; *) ln -s /usr/bin/busybox /usr/local/bin/$a;; esac; done`)
	}
	return h
}

// at is a command on the host, with everything it starts in a group of its own.
func (h *kindHost) at(name string, args ...string) *exec.Cmd {
	cmd := h.lab.Command(labHost, append([]string{name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = append(append(cmd.Env, h.env...), "PATH=/usr/sbin:/usr/bin") // a program finds the killing shims, a test does not
	return cmd
}

// do runs a script of the test itself, which must succeed, and returns its words.
func (h *kindHost) do(script string, args ...string) string {
	h.t.Helper()
	out, err := h.at("/bin/dash", append([]string{"-ec", script}, args...)...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s\n%s%v", script, out, err)
	}
	return string(out)
}

// kindCall is one task of a kind: its name, then name and value of arguments.
type kindCall []any

func (k kindCall) program(t testing.TB) *Program {
	t.Helper()
	p := program(t)
	call(t, p, k[0].(string), k[1:]...)
	return p
}

var (
	kindApply = Env{Mark: testMark, Cloud: "c10d0001"}
	kindCheck = Env{Mark: testMark, Cloud: "c10d0001", Check: true}
)

// run sends a program with this one task to the host's /bin/sh.
func (h *kindHost) run(k kindCall, e Env) Report {
	h.t.Helper()
	return h.runAll(k.program(h.t), e)
}

func (h *kindHost) runAll(p *Program, e Env) Report {
	h.t.Helper()
	text, err := p.Text(e)
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := h.at("/bin/sh", "-s")
	// A real pipe: a program that is killed leaves nobody waiting for input.
	in, w, err := os.Pipe()
	if err != nil {
		h.t.Fatal(err)
	}
	defer in.Close()
	defer w.Close()
	cmd.Stdin = in
	go io.WriteString(w, text)
	return reply(h.t, cmd, p, Hooks{OnNeed: func(sum string) { h.upload(p, sum, w) }}, nil)
}

// upload plays the controller's part.
func (h *kindHost) upload(p *Program, sum string, answer io.Writer) {
	content, ok := p.Content(sum)
	if !ok {
		fmt.Fprintf(answer, "lack %s not held by this test\n", sum)
		return
	}
	put := h.at("/bin/dash", "-c", `cat >"$0"`, "/var/lib/eucactl/host/incoming/root/"+sum)
	put.Stdin = strings.NewReader(content)
	if out, err := put.CombinedOutput(); err != nil {
		h.t.Errorf("upload: %s%v", out, err)
	}
	fmt.Fprintf(answer, "have %s\n", sum)
}

// wants runs k and compares its outcome; it returns the task's words.
func (h *kindHost) wants(k kindCall, e Env, outcome Outcome) string {
	h.t.Helper()
	r := h.one(k, e)
	if r.Outcome != outcome {
		h.t.Fatalf("%v: got %s, want %s\n%s", k[0], r.Outcome, outcome, r.Words)
	}
	return r.Words
}

// one runs one task and returns its result.
func (h *kindHost) one(k kindCall, e Env) Result {
	h.t.Helper()
	r := h.run(k, e)
	if len(r.Results) != 1 || !r.Done {
		h.t.Fatalf("%v: %+v", k, r)
	}
	return r.Results[0]
}

// A kindState is a script that brings a bare host into a state.
type kindState struct{ name, script string }

// A kindTry is what every kind has to withstand.
type kindTry struct {
	kindCall
	bare   string      // script: makes the host forget all of it
	states []kindState // in each, the task is not so
	proof  string      // script: prints what is the same at the end, whatever it was
	tools  []string    // without one of these it fails; paths of commands
	dead   string      // script: the daemon behind it is dead
}

// files lists what a check must not change.
const files = `/usr/bin/find /run /tmp /var/lib -printf '%p %y %s %m %u %T@\n' | sort`

// try runs all of it.
func (h *kindHost) try(k kindTry) {
	h.t.Helper()
	var proof string
	for i, s := range k.states {
		h.do(k.bare + "\n" + s.script)
		before := h.do(files + "\n" + k.proof)
		h.wants(k.kindCall, kindCheck, Would)
		if diff := cmp.Diff(before, h.do(files+"\n"+k.proof)); diff != "" {
			h.t.Fatalf("%s: check changed the host:\n%s", s.name, diff)
		}
		h.wants(k.kindCall, kindApply, Changed)
		if i == 0 {
			proof = h.do(k.proof)
		}
		h.proves(k, s.name, proof)
		h.killed(k, s, proof, i == 0)
	}
	for _, tool := range k.tools {
		h.without(k, tool)
	}
	if k.dead != "" {
		h.do(k.bare + "\n" + k.states[0].script + "\n" + k.dead)
		h.wants(k.kindCall, kindCheck, Failed)
		h.wants(k.kindCall, kindApply, Failed)
	}
}

// proves: a second run says ok, and nothing moved by it.
func (h *kindHost) proves(k kindTry, state, proof string) {
	h.t.Helper()
	if diff := cmp.Diff(proof, h.do(k.proof)); diff != "" {
		h.t.Fatalf("%s: another end:\n%s", state, diff)
	}
	h.wants(k.kindCall, kindApply, OK)
	h.wants(k.kindCall, kindCheck, OK)
	if diff := cmp.Diff(proof, h.do(k.proof)); diff != "" {
		h.t.Fatalf("%s: ok, but something changed:\n%s", state, diff)
	}
}

// killCommands are those in front of which a program may be killed.
const killCommands = `awk cat chmod chown conntrack cp cut dhcpd git grep head ip ipset iptables-restore iptables-save
	iptables-legacy-restore iptables-legacy-save iptables-nft-restore iptables-nft-save
	ln mkdir mv nft readlink rm sed sha256sum sleep sort stat tail touch tr wc systemctl service
	virsh qemu-img dd tar truncate getent useradd usermod chpasswd`

// killShim counts down, and kills the whole program instead of running its
// command when the count is over.
const killShim = `#!/bin/dash
read -r n </usr/local/kill/left
echo $((n - 1)) >/usr/local/kill/left
[ "$n" -gt 1 ] || kill -9 0
PATH=/usr/local/bin:/usr/sbin:/usr/bin exec "${0##*/}" "$@"
`

// killed ends the program with kill -9 in front of its first command, then of
// its second, and so on until it survives; the next run must always repair it.
// Without EUCACTL_SOAK it is a sample, denser where that is asked for.
func (h *kindHost) killed(k kindTry, s kindState, proof string, dense bool) {
	h.t.Helper()
	step := 15
	if os.Getenv("EUCACTL_SOAK") != "" {
		step = 1
	} else if dense {
		step = 2
	} else if h.sh.name != "dash" {
		return
	}
	start := 1 + rand.IntN(step)
	for n := start; ; n += step {
		if n > 200 {
			h.t.Fatalf("%s: still killed after %d commands", s.name, n)
		}
		h.do(k.bare + "\n" + s.script)
		h.do(fmt.Sprintf(`echo %d >/usr/local/kill/left; for c in $1; do
			printf '%%s' "$0" >/usr/local/sbin/$c; chmod +x /usr/local/sbin/$c; done`, n), killShim, killCommands)
		r := h.run(k.kindCall, kindApply)
		h.do(`rm -f /usr/local/sbin/*`)
		if r.Done {
			h.t.Logf("%s, %s: killed in front of every %d. command from %d to %d", k.kindCall[0], s.name, step, start, n-step)
			return
		}
		r = h.run(k.kindCall, kindApply)
		if len(r.Results) != 1 || r.Results[0].Outcome != Changed && r.Results[0].Outcome != OK {
			h.t.Fatalf("%s: after a kill in front of command %d: %+v", s.name, n, r)
		}
		h.proves(k, fmt.Sprintf("%s, killed at %d", s.name, n), proof)
	}
}

// without hides a command. What cannot be told must not be taken for absent.
func (h *kindHost) without(k kindTry, tool string) {
	h.t.Helper()
	if h.sh.name == "busybox" && h.do(`busybox --list | grep -cx "${0##*/}" || :`, tool) != "0\n" {
		return // its shell has the command built in
	}
	h.do(k.bare + "\n" + k.states[0].script)
	h.do(`mv $0 $0.hidden`, tool)
	words := h.wants(k.kindCall, kindCheck, Failed)
	h.wants(k.kindCall, kindApply, Failed)
	h.do(`mv $0.hidden $0`, tool)
	if words == "" {
		h.t.Fatalf("without %s it fails without a word", tool)
	}
}
