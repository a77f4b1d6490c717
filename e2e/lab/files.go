package lab

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// opsUID is the unprivileged login's user and group number on every host.
const opsUID = 2000

// sshdConfig leaves MaxStartups and MaxSessions at their defaults, as on a host that nobody prepared. PAM is off: it
// adds a dozen forks to each login and nothing that the lab tests.
const sshdConfig = `HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
LogLevel VERBOSE
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
`

// qemuConf lets QEMU run inside a namespace host, which has no cgroups and no security driver.
const qemuConf = `user = "root"
group = "root"
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
`

// dhcpdConf gives a few addresses of the private network to whoever asks.
const dhcpdConf = `authoritative;
subnet 10.40.0.0 netmask 255.255.255.0 {
  range 10.40.0.210 10.40.0.229;
  option routers 10.40.0.1;
}
`

// file is one of a host's own.
type file struct {
	path string
	text string
	mode os.FileMode
}

// writeFiles gives a host its name, keys, users and daemons' settings.
func (l *Lab) writeFiles(h Host, upper string) error {
	id := l.uuid(h, "machine")
	private, public, err := newKey("root@" + h.Name)
	if err != nil {
		return err
	}
	files := []file{
		{"etc/hostname", h.Name + "\n", 0o644},
		{"etc/hosts", "127.0.0.1 localhost\n127.0.1.1 " + h.Name + "\n", 0o644},
		{"etc/resolv.conf", "", 0o644},
		{"etc/machine-id", hex.EncodeToString(id[:]) + "\n", 0o444},
		{"etc/ssh/ssh_host_ed25519_key", string(private), 0o600},
		{"etc/ssh/ssh_host_ed25519_key.pub", string(public), 0o644},
		{"etc/ssh/sshd_config", sshdConfig, 0o644},
		{"etc/libvirt/qemu.conf", qemuConf, 0o600},
		{"etc/sudoers.d/ops", "ops ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440},
	}
	if h.Role == DHCP {
		files = append(files, file{"etc/dhcp/dhcpd.conf", dhcpdConf, 0o644}, file{"var/lib/dhcp/dhcpd.leases", "", 0o644})
	}
	for _, f := range files {
		if err := writeInside(upper, f.path, []byte(f.text), f.mode); err != nil {
			return err
		}
	}
	if err := hideHostKeys(upper); err != nil {
		return err
	}
	return writeUsers(upper)
}

// hideHostKeys covers the machine's own private keys with overlay whiteouts.
func hideHostKeys(upper string) error {
	keys, err := filepath.Glob("/etc/ssh/ssh_host_*_key*")
	if err != nil {
		return err
	}
	for _, key := range keys {
		if !strings.Contains(key, "ed25519") {
			if err := whiteout(filepath.Join(upper, key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeUsers gives root the plain shell and adds ops, who may do everything by sudo without a password.
func writeUsers(upper string) error {
	edits := []struct {
		path string
		mode os.FileMode
		line string
	}{
		{"etc/passwd", 0o644, fmt.Sprintf("ops:x:%d:%d:ops:/home/ops:/bin/sh\n", opsUID, opsUID)},
		{"etc/group", 0o644, fmt.Sprintf("ops:x:%d:\n", opsUID)},
		{"etc/shadow", 0o640, "ops:*:19000:0:99999:7:::\n"},
	}
	for _, e := range edits {
		text, err := os.ReadFile("/" + e.path)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "ops:") {
				continue
			}
			if e.path == "etc/passwd" && strings.HasPrefix(line, "root:") {
				line = "root:x:0:0:root:/root:/bin/sh\n"
			}
			out.WriteString(line)
		}
		out.WriteString(e.line)
		if err := writeInside(upper, e.path, out.Bytes(), e.mode); err != nil {
			return err
		}
	}
	return nil
}

// authorize writes the controller's public key for root and ops. It is done at every boot, so a test that locked
// itself out gets back in.
func (l *Lab) authorize(h Host) error {
	key, err := os.ReadFile(l.Key() + ".pub")
	if err != nil {
		return err
	}
	for _, user := range []struct {
		home string
		id   int
		mode os.FileMode
	}{{"root", 0, 0o700}, {"home/ops", opsUID, 0o755}} {
		home := filepath.Join(l.Upper(h.Name), user.home)
		ssh := filepath.Join(home, ".ssh")
		if err := os.MkdirAll(ssh, 0o700); err != nil {
			return err
		}
		file := filepath.Join(ssh, "authorized_keys")
		if err := os.WriteFile(file, key, 0o600); err != nil {
			return err
		}
		for _, path := range []string{home, ssh, file} {
			if err := os.Chown(path, user.id, user.id); err != nil {
				return err
			}
		}
		if err := os.Chmod(home, user.mode); err != nil {
			return err
		}
	}
	return nil
}

// whiteout hides a file of the lower layer: a character device 0:0 is the overlay's sign for "removed".
func whiteout(path string) error {
	if err := unix.Mknod(path, unix.S_IFCHR, 0); err != nil {
		return &os.PathError{Op: "mknod", Path: path, Err: err}
	}
	return nil
}

func writeInside(upper, path string, text []byte, mode os.FileMode) error {
	full := filepath.Join(upper, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(full, text, mode); err != nil {
		return err
	}
	return os.Chmod(full, mode)
}
