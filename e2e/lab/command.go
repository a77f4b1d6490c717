package lab

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// hostEnv is what a login shell of root on a host begins with.
var hostEnv = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh", "LANG=C.UTF-8",
}

// pipeDelay is how long the output of an ended program is still read: a daemon that it left behind may hold the pipe
// open for ever.
const pipeDelay = 5 * time.Second

// Command prepares a program to run inside a host, as root in /; "." means the lab's own namespace, where the
// controller sits: the machine's files, the caller's environment and folder, but the lab's network. The command's
// exit code is the program's. A host that is down gives a command that fails to start. On a host with its own kernel a
// program that a signal ended has the exit code 128+n, and goes on when the command is killed.
func (l *Lab) Command(host string, args ...string) *exec.Cmd {
	if host == "." {
		space := "--net=" + filepath.Join(netnsDir, l.Name)
		cmd := exec.Command("nsenter", append([]string{space, "--"}, args...)...)
		cmd.WaitDelay = pipeDelay
		return cmd
	}
	pid, alive := l.process(host)
	if !alive {
		cmd := exec.Command("nsenter")
		cmd.Err = errors.New("lab " + l.Name + ": host " + host + " is down")
		return cmd
	}
	if h, err := l.Host(host); err == nil && h.ownKernel() {
		cmd := l.throughDoor(host, args)
		cmd.WaitDelay = pipeDelay
		return cmd
	}
	cmd := exec.Command("nsenter", append([]string{
		"--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--",
	}, args...)...)
	cmd.Env = hostEnv
	cmd.WaitDelay = pipeDelay
	return cmd
}
