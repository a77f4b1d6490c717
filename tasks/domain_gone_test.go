package tasks

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

func TestDomainGoneFolders(t *testing.T) {
	n := openNode(t)
	m := testMachine(n)
	underEach(t, func(t *testing.T, sh shell) {
		n := n
		n.t = t
		gone := func(dir string, check bool) Report {
			t.Helper()
			p := program(t)
			call(t, p, "domain_gone", "name", m.name, "dir", dir)
			return n.run(sh, p, check)
		}
		for _, c := range []struct{ name, script, dir string }{
			{"another cloud's", "echo 0badc10d i-0000000a >owner", machineHome},
			{"another machine's", "echo " + testCloud + " i-0000000b >owner", machineHome},
			{"nobody's", "echo precious >disk", machineHome},
			{"nobody's, hidden", "echo precious >.disk", machineHome},
			{"nobody's, with half an owner", "echo precious >disk; : >owner.new", machineHome},
			{"a link", "cd ..; rmdir i-0000000a; mkdir i-0000000b; echo " + testCloud + " i-0000000a >i-0000000b/owner; ln -s i-0000000b i-0000000a", machineHome},
			{"another folder", "echo " + testCloud + " i-0000000a >owner", "/var/lib/eucalyptus/instances/admin"},
			{"a way around", "echo " + testCloud + " i-0000000a >owner", "/var/lib/eucalyptus/instances/admin/../admin/i-0000000a"},
		} {
			n.sh("rm -rf /var/lib/eucalyptus/instances; mkdir -p " + machineHome + "; cd " + machineHome + "; " + c.script)
			before := n.sh("ls -lR --full-time /var/lib/eucalyptus/instances")
			for _, check := range []bool{true, false} {
				r := gone(c.dir, check)
				if outcomes(r) != "failed" {
					t.Fatalf("%s: %s", c.name, outcomes(r))
				}
				wantWords(t, r, "it is left alone")
			}
			if after := n.sh("ls -lR --full-time /var/lib/eucalyptus/instances"); after != before {
				t.Errorf("%s was touched:\n%s", c.name, after)
			}
		}
		n.sh("rm -rf /var/lib/eucalyptus/instances; mkdir -p " + machineHome) // cut before it had an owner
		want(t, gone(machineHome, true), "would")
		want(t, gone(machineHome, false), "changed")
		want(t, gone(machineHome, false), "ok")
		n.sh("mkdir -p " + machineHome + "; : >" + machineHome + "/owner.new") // or while it got one
		want(t, gone(machineHome, true), "would")
		want(t, gone(machineHome, false), "changed")
		want(t, gone(machineHome, false), "ok")
		n.sh("mkdir -p " + machineHome + "/more; echo x >" + machineHome + "/.hidden; echo " + testCloud + " i-0000000a >" + machineHome + "/owner")
		want(t, gone(machineHome, false), "changed")
		want(t, gone(machineHome, false), "ok")
	})
}

// virshKill kills the program in front of one of its commands. Those below timeout
// have a process group of their own, hence two.
const virshKill = `#!/bin/dash
read -r n </usr/local/kill/left
echo $((n - 1)) >/usr/local/kill/left
if [ "$n" -le 1 ]; then
	read -r group </usr/local/kill/group
	kill -9 -- "-$group"
	kill -9 0
fi
PATH=/usr/local/bin:/usr/sbin:/usr/bin exec "${0##*/}" "$@"
`

// cut runs a program that is killed in front of its k-th command from now on, and
// tells whether it ended before that.
func (n node) cut(sh shell, p *Program, k int) (whole bool) {
	n.t.Helper()
	n.sh(fmt.Sprintf("mkdir -p /usr/local/kill; echo %d >/usr/local/kill/left; cat >/usr/local/kill/shim; chmod +x /usr/local/kill/shim", k), []byte(virshKill)...)
	n.sh("for c in " + strings.ReplaceAll(killCommands, "\n", " ") + " rmdir timeout; do ln -sf /usr/local/kill/shim /usr/local/sbin/$c; done")
	inner := n.shellOn(sh)
	i := 0
	for inner.Args[i] != "--" { // what follows runs on the node
		i++
	}
	start := "echo $$ >/usr/local/kill/group; exec \"$@\""
	cmd := n.lab.Command(labHost, append([]string{"/usr/bin/setsid", "/bin/dash", "-c", start, "sh"}, inner.Args[i+1:]...)...)
	r := n.runOn(cmd, p, false)
	n.sh("rm -f /usr/local/sbin/*")
	return r.Done
}

// killStep is how many commands lie between two kills; EUCACTL_SOAK tries them all.
func killStep(sh shell) int {
	switch {
	case os.Getenv("EUCACTL_SOAK") != "":
		return 1
	case sh.name == "dash":
		return 4
	}
	return 11
}

func TestMachineKilledHalfWay(t *testing.T) {
	n := openNode(t)
	m := testMachine(n)
	underEach(t, func(t *testing.T, sh shell) {
		n := n
		n.t = t
		step := killStep(sh)
		start := 1 + rand.IntN(step)
		last := 0
		for k := start; ; k += step {
			n.sh("rm -rf /var/lib/eucactl")
			whole := n.cut(sh, m.program(t), k)
			r := n.run(sh, m.program(t), false)
			if got := strings.ReplaceAll(outcomes(r), "changed", "ok"); got != allOK {
				t.Fatalf("killed at %d, then %s\n%s", k, outcomes(r), words(r))
			}
			want(t, n.run(sh, m.program(t), false), allOK)
			n.sh("virsh -q domstate " + m.name + " | grep -qx running")
			n.cut(sh, m.gone(t), k)
			r = n.run(sh, m.gone(t), false)
			if got := strings.ReplaceAll(outcomes(r), "changed", "ok"); got != "ok" {
				t.Fatalf("removal killed at %d, then %s\n%s", k, outcomes(r), words(r))
			}
			if out := n.sh("virsh -q list --all; ls /var/lib/eucalyptus/instances/admin"); out != "" {
				t.Fatalf("removal killed at %d leaves %s", k, out)
			}
			if last = k; whole {
				break
			}
		}
		t.Logf("killed in front of every %d. command from %d to %d", step, start, last-step)
	})
}
