// Package e2e tells stories: the real eucactl against real hosts (e2e/lab) and real guests. A story is a testscript in
// stories/*.txtar, written in the operator's words; its first lines say what it tells and, as "# proves A40 A43", which
// lines of the acceptance list. Each story has a lab and records of its own, both gone afterwards.
//
//	go test -count=1 ./e2e -run Stories/isolation -v
//	go test ./e2e -run Stories/isolation -testwork       (keeps the work directory, never the lab)
//
// Beside testscript's own commands (exec, stdout, stderr, grep, cmp, env, wait ...) a story has these programs. As the
// first word of a line they run to their end and may be preceded by "!"; with exec they also run in the background
// ("exec guest i-1 sleep 9 &name&", "wait name"), and inside "sh -c" they are found like any other.
//
//	lab up --nodes 1          makes the story's hosts fe1, node1 ... and client; without it there are none
//	lab host kill node1       likewise boot, reboot, add; lab sshd stop node1; lab libvirtd stop node1: see bin/lab help
//	eucactl ARGS...           where the controller sits, with the lab's inventory and the story's records
//	on HOST CMD ARGS...       a program inside a host, as root; "." is the controller's place
//	at HOST CMD ARGS...       a program of this machine with the host's network only: at client probe knock tcp:1.2.3.4:80
//	guest IP CMD...           ssh to a guest's public address from the outside client, with $KEY
//	guest ID|PRIVATE CMD...   the same from the frontend, to the private address: no group's rules are asked there
//
// And these, which are the story-teller's own:
//
//	setup PERMISSION...       enrols the hosts, reconciles, registers the lab's images as $EKI, $ERI and $EMI (which has
//	                          e2e/probe in it), makes the key pair "lab" ($KEY, $KEY.pub), and authorizes each
//	                          PERMISSION (tcp:22, udp:7-9, icmp) in the group default
//	run NAME ARGS...          eucactl run-instances $EMI -k lab --wait ARGS..., and sets $NAME, $NAME_IP (private) and
//	                          $NAME_PUBLIC of the guest; several NAMEs with commas are as many guests of one call
//	wait-for 20s CMD...       tries until it succeeds; "wait-for 20s ! CMD..." until it fails
//	capture VAR CMD...        sets VAR to what the program prints, without the last newline
//	exits CODE CMD...         runs a program that is to end with this exit code
//	later DURATION            makes all that the records remember so much older
//	idle                      $EMI is from now on an image whose guests only halt: up at once, and no load
//
// The environment: $LAB its name, $LABDIR its directory (disk/HOST/upper is a host's disk), $EUCACTL_STATE,
// $EUCACTL_INVENTORY.
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"eucactl/e2e/lab"
)

// labs is where the labs' directories are, next to the guest images that they share.
const labs = "/var/tmp/eucactl-lab"

func TestStories(t *testing.T) {
	tools := build(t)
	sweep(t)
	testscript.Run(t, testscript.Params{
		Dir:                "stories",
		RequireUniqueNames: true,
		Setup:              func(env *testscript.Env) error { return begin(env, tools) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"eucactl": program("eucactl"), "lab": program("lab"), "on": program("on"), "at": program("at"), "guest": program("guest"),
			"setup": setup, "run": run, "wait-for": waitFor, "capture": capture,
			"exits": exits, "later": later, "idle": idle,
		},
	})
}

// begin gives a story its environment and its programs; the lab's name is that of this process and the story.
func begin(env *testscript.Env, tools string) error {
	story := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	name := fmt.Sprintf("story%d-%.16s", os.Getpid(), story)
	dir := filepath.Join(labs, name)
	env.Defer(func() {
		if err := lab.Down(name, ""); err != nil {
			env.T().Log(err)
			env.T().FailNow()
		}
	})
	bin := filepath.Join(env.WorkDir, ".bin")
	if err := writePrograms(bin, tools, name); err != nil {
		return err
	}
	env.Setenv("PATH", bin+":"+tools+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("TOOLS", tools)
	env.Setenv("LAB", name)
	env.Setenv("LABDIR", dir)
	env.Setenv("KEY", filepath.Join(env.WorkDir, ".key"))
	env.Setenv("EUCACTL_STATE", filepath.Join(env.WorkDir, ".cloud", "state"))
	env.Setenv("EUCACTL_INVENTORY", filepath.Join(dir, "inventory.yml"))
	return nil
}

// writePrograms writes what a story calls by name. They are shell, so that a story's own shell lines find them too.
func writePrograms(bin, tools, name string) error {
	inside := "nsenter --net=/run/netns/" + name
	for program, text := range map[string]string{
		"eucactl": "exec " + inside + " -- " + tools + `/eucactl "$@"`,
		"lab":     "exec " + tools + `/lab --name "$LAB" "$@"`,
		"on":      "exec " + tools + `/lab --name "$LAB" exec "$@"`,
		"at":      `net=/run/netns/$LAB.$1; shift; exec nsenter --net="$net" -- "$@"`,
		"guest":   guestProgram,
	} {
		if err := os.MkdirAll(bin, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// guestProgram borrows a host's network alone: the key and ssh are this machine's.
const guestProgram = `host=client address=$1
shift
case $address in
i-*)
	host=fe1
	address=$(cat "$HOME/.guests/$address" 2>/dev/null ||
		eucactl describe-instances --all "$address" | awk -F '\t' '$1 == "INSTANCE" { print $5 }')
	;;
10.*) host=fe1 ;;
esac
exec at $host ssh -i "$KEY" -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=5 \
	-o ServerAliveInterval=5 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "root@$address" "$@"`

// sweep removes the labs and tools of test processes that died.
func sweep(t *testing.T) {
	for pattern, remove := range map[string]func(path string) error{
		filepath.Join(labs, "story*"): func(path string) error { return lab.Down(filepath.Base(path), "") },
		"/var/tmp/eucactl-tools*":     os.RemoveAll,
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			pid, err := strconv.Atoi(regexp.MustCompile(`[0-9]+`).FindString(filepath.Base(path)))
			if err != nil || syscall.Kill(pid, 0) == nil {
				continue
			}
			if err := remove(path); err != nil {
				t.Error(err)
			}
		}
	}
}
