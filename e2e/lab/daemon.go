package lab

import (
	"fmt"
	"strings"
)

// The daemons of a host that can be stopped and started apart from it. Stopping one ends the daemon alone: sessions
// that sshd has open and guests that libvirtd has started go on.
const (
	stopDaemon = `pid=$(cat "$1" 2>/dev/null) || exit 0; kill "$pid" 2>/dev/null || exit 0
i=0; while kill -0 "$pid" 2>/dev/null; do i=$((i + 1)); [ $i -lt 200 ] || kill -9 "$pid"; sleep 0.05; done; rm -f "$1"`
	// sshd writes its process id when it listens; libvirtd returns when it does.
	startSSHD = `[ -s /run/sshd.pid ] && kill -0 "$(cat /run/sshd.pid)" 2>/dev/null || { rm -f /run/sshd.pid; /usr/sbin/sshd -E /var/log/sshd.log; }
i=0; until [ -s /run/sshd.pid ]; do i=$((i + 1)); [ $i -lt 400 ] || { tail -n 3 /var/log/sshd.log >&2; exit 1; }; sleep 0.05; done`
	startLibvirt = `[ -s /run/libvirtd.pid ] && kill -0 "$(cat /run/libvirtd.pid)" 2>/dev/null || { virtlogd -d 2>/dev/null; libvirtd -d; }`
)

// StopSSHD closes a host's port 22 to new connections.
func (l *Lab) StopSSHD(host string) error { return l.shell(host, stopDaemon, "/run/sshd.pid") }

// StartSSHD opens it again.
func (l *Lab) StartSSHD(host string) error { return l.shell(host, startSSHD) }

// StopLibvirtd stops a node's libvirtd.
func (l *Lab) StopLibvirtd(host string) error { return l.shell(host, stopDaemon, "/run/libvirtd.pid") }

// StartLibvirtd starts it again.
func (l *Lab) StartLibvirtd(host string) error { return l.shell(host, startLibvirt) }

func (l *Lab) shell(host, script string, args ...string) error {
	words, err := l.Command(host, append([]string{"/bin/sh", "-c", script, "sh"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", host, err, strings.TrimSpace(string(words)))
	}
	return nil
}
