package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"eucactl/e2e/lab"
)

// site is a lab with a cloud on it: hosts enrolled and looked at, images registered, tcp/22 and icmp permitted.
type site struct {
	*lab.Lab
	eucactl string // the program
	dir     string // its records
	key     string // of guests
	image   string // emi-...
}

// newSite makes a lab of one frontend, these many nodes and an outside client.
func newSite(b *testing.B, nodes int) *site {
	b.Helper()
	name := fmt.Sprintf("bench-%d-%d", os.Getpid(), nodes)
	b.Cleanup(func() {
		if err := lab.Down(name, ""); err != nil {
			b.Error(err)
		}
	})
	l, err := lab.Up(lab.Options{Name: name, Nodes: nodes})
	if err != nil {
		b.Fatal(err)
	}
	dir := folder(b)
	s := &site{Lab: l, dir: dir, eucactl: filepath.Join(dir, "eucactl"), key: filepath.Join(dir, "key.pem")}
	if out, err := exec.Command("go", "build", "-o", s.eucactl, "../../cmd/eucactl").CombinedOutput(); err != nil {
		b.Fatalf("build eucactl: %v\n%s", err, out)
	}
	s.settle(b)
	return s
}

// settle makes the cloud.
func (s *site) settle(b *testing.B) {
	images := s.Image()
	s.do(b, "hosts", "scan", "--yes")
	s.do(b, "reconcile")
	kernel := s.do(b, "-q", "register", "--type", "kernel", images.Kernel)
	ramdisk := s.do(b, "-q", "register", "--type", "ramdisk", images.Ramdisk)
	s.image = s.do(b, "-q", "register", "--kernel", kernel, "--ramdisk", ramdisk, images.Machine)
	s.do(b, "create-keypair", "bench", "-f", s.key)
	s.do(b, "authorize", "default", "-P", "tcp", "-p", "22")
	s.do(b, "authorize", "default", "-P", "icmp")
}

// do runs eucactl where the controller sits.
func (s *site) do(b *testing.B, args ...string) string {
	b.Helper()
	cmd := s.Command(".", append([]string{s.eucactl}, args...)...)
	cmd.Env = append(os.Environ(), "EUCACTL_STATE="+s.dir+"/cloud/state", "EUCACTL_INVENTORY="+s.Inventory())
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("eucactl %s: %v\n%s%s", strings.Join(args, " "), err, out, &words)
	}
	return strings.TrimSpace(string(out))
}

// on runs a script inside a host.
func (s *site) on(b *testing.B, host, script string, args ...string) string {
	b.Helper()
	out, err := s.Command(host, append([]string{"/bin/sh", "-ec", script, "sh"}, args...)...).CombinedOutput()
	if err != nil {
		b.Fatalf("%s: %v\n%s", host, err, out)
	}
	return string(out)
}
