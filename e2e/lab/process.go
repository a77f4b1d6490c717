package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Alive says whether the host runs.
func (l *Lab) Alive(host string) bool {
	_, alive := l.process(host)
	return alive
}

// Root is a host's file system as this machine sees it while the host is up: its /run and /tmp too. One that has its own
// kernel shows it to nobody.
func (l *Lab) Root(host string) (string, error) {
	if err := l.shared(host); err != nil {
		return "", err
	}
	pid, alive := l.process(host)
	if !alive {
		return "", fmt.Errorf("lab %s: host %s is down", l.Name, host)
	}
	return "/proc/" + strconv.Itoa(pid) + "/root", nil
}

// process returns the host's process 1 as the machine numbers it, 0 if it was never started, and whether it runs. The
// recorded start time tells it from a later process with the same number.
func (l *Lab) process(host string) (pid int, alive bool) {
	text, err := os.ReadFile(filepath.Join(l.hostDir(host), "pid"))
	if err != nil {
		return 0, false
	}
	var started string
	if _, err := fmt.Sscan(string(text), &pid, &started); err != nil {
		return 0, false
	}
	return pid, started == startTime(pid)
}

// startTime is field 22 of /proc/PID/stat, "" for a process that is gone or a zombie.
func startTime(pid int) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The command name may hold anything, also parentheses.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

// killInside kills every process in the lab's named network namespaces except this one and its ancestors, and returns
// when they are gone. A host's process 1 takes along what moved to a namespace of its own.
func (l *Lab) killInside(spaces []string) error {
	inodes := map[uint64]bool{}
	for _, name := range spaces {
		addInode(inodes, filepath.Join(netnsDir, name))
	}
	// A namespace that lost its name is found by the host's recorded process.
	for _, h := range l.hosts {
		if pid, alive := l.process(h.Name); alive && slices.Contains(spaces, l.Net(h.Name)) {
			addInode(inodes, "/proc/"+strconv.Itoa(pid)+"/ns/net")
		}
	}
	// Whatever went wrong with the records, the machine's own processes are not a lab's.
	var machine syscall.Stat_t
	if err := syscall.Stat("/proc/1/ns/net", &machine); err == nil {
		delete(inodes, machine.Ino)
	}
	if len(inodes) == 0 {
		return nil
	}
	spared := lineage()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		pids := inside(inodes, spared)
		if len(pids) == 0 {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("processes %v of %s do not die", pids, strings.Join(spaces, ", "))
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("kill %d: %w", pid, err)
			}
		}
	}
}

// addInode notes which namespace a file stands for.
func addInode(inodes map[uint64]bool, path string) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err == nil {
		inodes[st.Ino] = true
	}
}

// inside lists the processes whose network namespace is one of those.
func inside(inodes map[uint64]bool, spared map[int]bool) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || spared[pid] {
			continue
		}
		var st syscall.Stat_t
		// A zombie has no namespaces any more, so it does not count.
		if syscall.Stat("/proc/"+e.Name()+"/ns/net", &st) == nil && inodes[st.Ino] {
			pids = append(pids, pid)
		}
	}
	return pids
}

// lineage is this process and its ancestors: a test that runs inside the lab's namespace may take the lab down.
func lineage() map[int]bool {
	pids := map[int]bool{}
	for pid := os.Getpid(); pid > 0 && !pids[pid]; {
		pids[pid] = true
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			break
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 {
			break
		}
		pid, _ = strconv.Atoi(fields[1])
	}
	return pids
}
