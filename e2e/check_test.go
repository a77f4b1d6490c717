package e2e

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"eucactl/controller"
)

// TestCheck wrecks hosts in 200 seeded ways. `reconcile --check` leaves each as it is, to the byte, and says what reconcile
// would do: whatever that changes was said, and whatever was said it changes, or fails to. Afterwards the hosts are
// what they were before the wreck, and a further reconcile says only ok.
func TestCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "check", 2)
	random := dice(t)
	w.must("run-instances", w.image, "-n", "2", "--wait")
	w.must("authorize", "default", "-P", "tcp", "-p", "22", "--wait")
	want := w.settled()
	n := 200
	if !soak() {
		n = 8
	}
	for i := range n {
		hits := w.aim(random)
		w.strike(hits)
		w.checked(hits, want)
		if t.Failed() {
			t.Fatalf("wreck %d: %v", i, hits)
		}
	}
}

// checked compares what a check says with what reconcile then does.
func (w *world) checked(hits []hit, want []string) {
	w.t.Helper()
	before := w.bytes()
	said := w.reconcile("--check")
	if diff := cmp.Diff(before, w.bytes()); diff != "" {
		w.t.Errorf("--check changed something (-before +after):\n%s", diff)
	}
	done := w.reconcile()
	for _, h := range said.Hosts {
		w.honest(h, done.Hosts[slices.IndexFunc(done.Hosts, func(d controller.HostReport) bool { return d.Host == h.Host })])
	}
	if w.heal(hits) {
		if a := w.run("reconcile"); a.code != 0 {
			w.t.Errorf("reconcile of what was healed: %d\n%s%s", a.code, a.out, a.err)
		}
	}
	if diff := cmp.Diff(want, w.settled()); diff != "" {
		w.t.Errorf("it is not as before the wreck (-want +got):\n%s", diff)
	}
}

// honest: what was done is a part of what was said, and what was said was done or failed.
func (w *world) honest(said, done controller.HostReport) {
	w.t.Helper()
	would, did := outcomes(said), outcomes(done)
	defer func() {
		if w.t.Failed() {
			w.t.Logf("said: %+v\ndone: %+v", said, done)
		}
	}()
	for task, outcome := range did {
		if outcome == "changed" && would[task] != "would" && would[task] != "unknown" {
			w.t.Errorf("%s: %q was changed, and --check had said %q", said.Host, task, would[task])
		}
	}
	blocked := 0
	for task, outcome := range would {
		if outcome == "unknown" || outcome == "changed" {
			w.t.Errorf("%s: --check says %q of %q", said.Host, outcome, task)
		}
		is := did[task]
		// What waits for something that failed is left as it is: so many as the report says were skipped.
		if outcome == "would" && is == "" && done.Failed > 0 && blocked < done.Skipped {
			blocked++
			continue
		}
		if outcome == "would" && is != "changed" && is != "failed" && is != "unsettled" {
			w.t.Errorf("%s: --check said that it would change %q, and it became %q", said.Host, task, is)
		}
	}
}

// outcomes by task, "" for ok and skipped; the first of several rounds.
func outcomes(r controller.HostReport) map[string]string {
	by := map[string]string{}
	for _, task := range r.Tasks {
		if by[task.Name] == "" {
			by[task.Name] = task.Outcome
		}
	}
	return by
}

// kernel prints what of a host is not on its disk.
const kernel = `
iptables-save | sed 's/ \[[0-9:]*\]$//; /^#/d'
ipset save | sort
ip -4 -o addr show
virsh -q list --all 2>&1
for id in $(virsh -q list --all --name 2>/dev/null); do virsh -q dumpxml $id; done
for s in ip_forward conf/all/send_redirects conf/eth0/send_redirects; do cat /proc/sys/net/ipv4/$s; done
pgrep -a 'dhcpd|qemu'
find /run /tmp -path /run/lab -prune -o -path /run/sudo -prune -o -type f ! -name eucactl.lock -printf '%p %M %u %s %T@\n' | sort
`

// loginsOwn are files in which the host's own sshd notes that somebody came, and libvirt's daemons what they and emulators do.
var loginsOwn = regexp.MustCompile(`^var/log/(sshd\.log|wtmp|btmp|lastlog|libvirt/(libvirtd|virtlogd|qemu/[^/]+)\.log)$`)

// bytes is all of every host, as lines: its disk with names, modes, owners, times and sums, and its kernel's tables.
func (w *world) bytes() (lines []string) {
	w.t.Helper()
	for _, host := range w.hosts() {
		for _, line := range strings.Split(w.on(host, kernel), "\n") {
			lines = append(lines, host+": "+line)
		}
		upper := w.lab.Upper(host)
		err := filepath.WalkDir(upper, func(path string, d fs.DirEntry, err error) error {
			rel, _ := filepath.Rel(upper, path)
			if err != nil || loginsOwn.MatchString(rel) {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			line := fmt.Sprintf("%s: /%s %s %d", host, rel, info.Mode(), info.ModTime().UnixNano())
			if info.Mode().IsRegular() {
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				line += fmt.Sprintf(" %x", sha256.Sum256(text))
			}
			lines = append(lines, line)
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return lines
}
