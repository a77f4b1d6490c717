package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// gateSocket is where somebody may listen who wants to be asked before any program runs on this host.
const gateSocket = "/run/gate"

// gate stands for a program by its name, in a folder that the search path has first: when somebody listens, it says
// what is about to run, and waits. Told "k" it kills its process group, which is the whole shell program that it is a
// command of; told anything else, or nobody being there, it becomes the program.
func gate(name string) error {
	if ask(strings.Join(append([]string{name}, os.Args[1:]...), " ")) == 'k' {
		_ = unix.Kill(0, unix.SIGKILL)
	}
	for _, dir := range []string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"} {
		if unix.Access(dir+name, unix.X_OK) == nil {
			return unix.Exec(dir+name, os.Args, os.Environ())
		}
	}
	return fmt.Errorf("no %s behind it", name)
}

// ask returns the answer's first byte, 0 for none.
func ask(words string) byte {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	if unix.Connect(fd, &unix.SockaddrUnix{Name: gateSocket}) != nil {
		return 0
	}
	if _, err := unix.Write(fd, []byte(words[:min(len(words), 4096)])); err != nil {
		return 0
	}
	answer := make([]byte, 1)
	for {
		if _, err := unix.Read(fd, answer); err != unix.EINTR {
			return answer[0]
		}
	}
}
