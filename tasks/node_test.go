package tasks

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"eucactl/e2e/lab"
)

// The cloud and the machine of these tests.
const (
	testCloud   = "c10d0001"
	machineName = "i-0000000a"
	machineHome = "/var/lib/eucalyptus/instances/admin/i-0000000a"
)

// A node is a lab host with libvirtd and QEMU.
type node struct {
	t   testing.TB
	lab *lab.Lab
}

// openNode makes a lab of one host with libvirtd; it goes with the test.
func openNode(t testing.TB) node {
	t.Helper()
	n := node{t, openLab(t, lab.Options{})}
	n.startLibvirtd()
	return n
}

func (n node) startLibvirtd() {
	n.t.Helper()
	if err := n.lab.StartLibvirtd(labHost); err != nil {
		n.t.Fatal(err)
	}
	n.sh("i=0; until virsh -q list --all >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 100 ]; sleep 0.1; done")
}

func (n node) stopLibvirtd() {
	n.t.Helper()
	if err := n.lab.StopLibvirtd(labHost); err != nil {
		n.t.Fatal(err)
	}
}

// try runs a script on the node. Its PATH leaves out where killing shims may lie.
func (n node) try(script string, stdin ...byte) (string, error) {
	cmd := n.lab.Command(labHost, "/bin/sh", "-euc", "PATH=/usr/sbin:/usr/bin\n"+script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// sh runs a script on the node that must succeed.
func (n node) sh(script string, stdin ...byte) string {
	n.t.Helper()
	out, err := n.try(script, stdin...)
	if err != nil {
		n.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// await polls until a script succeeds; a guest may need that long to boot.
func (n node) await(script string) {
	n.t.Helper()
	for limit := time.Now().Add(90 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out, err := n.try(script)
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			n.t.Fatalf("%s: still not so: %v\n%s", script, err, out)
		}
	}
}

// shellOn is the command that makes a program's shell on the node.
func (n node) shellOn(sh shell) *exec.Cmd {
	switch sh.name {
	case "bash":
		return n.lab.Command(labHost, "/bin/bash", "-c", "exec -a sh /bin/bash -s")
	case "busybox":
		return n.lab.Command(labHost, "/bin/busybox", "sh", "-s")
	}
	return n.lab.Command(labHost, "/bin/dash", "-s")
}

// run sends a program to the node, puts what it needs, and reads the reply.
func (n node) run(sh shell, p *Program, check bool) Report {
	n.t.Helper()
	return n.runOn(n.shellOn(sh), p, check)
}

func (n node) runOn(cmd *exec.Cmd, p *Program, check bool) Report {
	n.t.Helper()
	text, err := p.Text(Env{Mark: testMark, Cloud: testCloud, Check: check})
	if err != nil {
		n.t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	go io.WriteString(in, text)
	defer in.Close()
	return reply(n.t, cmd, p, Hooks{OnNeed: func(sum string) {
		content, _ := p.Content(sum)
		n.sh("cat >/var/lib/eucactl/host/incoming/root/"+sum, []byte(content)...)
		fmt.Fprintf(in, "have %s\n", sum)
	}}, nil)
}

// words is all that a report's tasks said.
func words(r Report) string {
	var b strings.Builder
	for _, res := range r.Results {
		b.WriteString(res.Words)
	}
	return b.String()
}

func wantWords(t testing.TB, r Report, part string) {
	t.Helper()
	if !strings.Contains(words(r), part) {
		t.Errorf("the words do not contain %q:\n%s", part, words(r))
	}
}

// guestInit is the whole of the guest: it shows its seed and does what the kernel's
// command line says.
const guestInit = `#!/bin/sh
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
busybox mount -t sysfs sys /sys
exec </dev/ttyS0 >/dev/ttyS0 2>&1
for m in /modules/*; do busybox insmod "$m"; done
busybox mount -t vfat -o ro /dev/vdb /mnt && busybox cat /mnt/meta-data /mnt/user-data
echo "guest is up"
case $(busybox cat /proc/cmdline) in
*guest=off*) busybox poweroff -f ;;
*guest=crash*) echo c >/proc/sysrq-trigger ;;
esac
while :; do busybox sleep 1000; done
`

const guestModules = "virtio_pci virtio_blk fat vfat nls_cp437 nls_ascii"

// putGuest builds the guest's initramfs of busybox and the modules it needs to read
// its seed, on the node, and returns the kernel's path.
func (n node) putGuest() (kernel string) {
	n.t.Helper()
	n.sh("mkdir -p /root/g/bin /root/g/proc /root/g/dev /root/g/sys /root/g/mnt /root/g/modules; cat >/root/g/init", []byte(guestInit)...)
	return n.sh(`cd /root/g; chmod +x init; cp /bin/busybox bin/; ln -s busybox bin/sh
for k in /boot/vmlinuz-*-cloud-amd64; do :; done
i=10; for m in ` + guestModules + `; do
	modprobe -S "${k#/boot/vmlinuz-}" --show-depends $m
done | while read -r word file rest; do
	[ "$word" = insmod ] || continue
	case $(ls modules) in *_${file##*/}*) continue ;; esac
	cp $file modules/${i}_${file##*/}; i=$((i + 1))
done
find . | cpio --quiet -o -H newc | gzip -1 >/var/lib/eucalyptus/guest.gz; echo $k`)
}

// underSome runs a long test under one shell drawn by lot, or under every one with
// EUCACTL_SOAK.
func underSome(t *testing.T, f func(t *testing.T, sh shell)) {
	t.Helper()
	if os.Getenv("EUCACTL_SOAK") != "" {
		underEach(t, f)
		return
	}
	sh := shells[rand.IntN(len(shells))]
	t.Run(sh.name, func(t *testing.T) { f(t, sh) })
}
