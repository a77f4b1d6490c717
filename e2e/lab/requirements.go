package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// program is one that must be installed, and the Debian package that brings it.
type program struct{ name, pkg string }

var (
	hostPrograms = []program{
		{"ip", "iproute2"}, {"bridge", "iproute2"}, {"nsenter", "util-linux"}, {"/usr/sbin/sshd", "openssh-server"},
		{"sudo", "sudo"}, {"/usr/lib/openssh/sftp-server", "openssh-sftp-server"},
	}
	kernelPrograms = []program{
		{"linux.uml", "user-mode-linux"}, {"mke2fs", "e2fsprogs"}, {"ssh", "openssh-client"}, {"/bin/busybox", "busybox-static"},
		{"modprobe", "kmod"},
	}
	cloudPrograms = []program{
		{"libvirtd", "libvirt-daemon-system"}, {"virtlogd", "libvirt-daemon-system"}, {"virsh", "libvirt-clients"},
		{"qemu-system-x86_64", "qemu-system-x86"}, {"dhcpd", "isc-dhcp-server"}, {"mke2fs", "e2fsprogs"},
	}
)

// requirements says in one sentence what is missing.
func requirements(programs []program) error {
	if os.Geteuid() != 0 {
		return errors.New("the lab makes network namespaces and mounts: run it as root")
	}
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p.name); err != nil && !slices.Contains(missing, p.pkg) {
			missing = append(missing, p.pkg)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the lab needs packages that are not installed: apt-get install %s", strings.Join(missing, " "))
	}
	return nil
}
