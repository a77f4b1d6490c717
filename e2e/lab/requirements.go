package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// programs the lab cannot do without, and the Debian packages that bring them.
var programs = []struct{ name, pkg string }{
	{"ip", "iproute2"}, {"nsenter", "util-linux"}, {"unshare", "util-linux"}, {"setsid", "util-linux"},
	{"pivot_root", "util-linux"}, {"/usr/sbin/sshd", "openssh-server"}, {"sudo", "sudo"},
}

// requirements says in one sentence what is missing.
func requirements() error {
	if os.Geteuid() != 0 {
		return errors.New("the lab makes network namespaces and mounts: run it as root")
	}
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p.name); err != nil {
			missing = append(missing, p.pkg)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the lab needs packages that are not installed: apt-get install %s", strings.Join(missing, " "))
	}
	return nil
}
