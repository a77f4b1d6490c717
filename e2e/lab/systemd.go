package lab

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// A host whose process 1 is systemd has a part of the machine's tree of control groups for itself, named like its
// network namespace. The tree is mounted where nobody else sees it: machines have theirs in several places, or none.
const (
	joinGroup = `mount -t cgroup2 cgroup2 /mnt && mkdir -p "/mnt/$0" && echo 0 >"/mnt/$0/cgroup.procs" && umount /mnt && exec "$@"`
	// A process that was killed is in its group for a moment longer.
	leaveGroup = `mount -t cgroup2 cgroup2 /mnt || exit; i=0
while [ -d "/mnt/$0" ] && ! find "/mnt/$0" -depth -type d -exec rmdir {} + 2>/dev/null; do
	i=$((i + 1)); [ $i -lt 400 ] || { cat "/mnt/$0/cgroup.events"; exit 1; }; sleep 0.05; done`
)

// groupCommand is the beginning of a command, to which joinGroup takes another command.
func (l *Lab) groupCommand(h Host, script string) []string {
	return []string{"unshare", "--mount", "/bin/sh", "-c", script, l.Net(h.Name)}
}

// leaveGroup removes what is left of a dead host's control groups.
func (l *Lab) leaveGroup(h Host) error {
	if !h.Systemd {
		return nil
	}
	args := l.groupCommand(h, leaveGroup)
	if words, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("control groups of %s: %w: %s", h.Name, err, strings.TrimSpace(string(words)))
	}
	return nil
}

// systemdReady looks for the socket on which systemd takes orders from root.
func systemdReady(pid int) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(pid) + "/root/run/systemd/private")
	return err == nil
}
