package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"eucactl/e2e/lab"
)

// folder is a new one on the machine's disk, gone with the benchmark: /tmp may be memory, where a sync is free.
func folder(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("/var/tmp", fmt.Sprintf("eucactl-bench-%d-", os.Getpid()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}

// left is how labs and folders of benchmarks are named.
var left = regexp.MustCompile(`bench-([0-9]+)-`)

// sweep removes what benchmarks left that were killed.
func sweep() error {
	labs, err := dead("/var/tmp/eucactl-lab/bench-*")
	for _, dir := range labs {
		err = errors.Join(err, lab.Down(filepath.Base(dir), ""))
	}
	folders, failed := dead("/var/tmp/eucactl-bench-*")
	err = errors.Join(err, failed)
	for _, dir := range folders {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// dead lists the paths that are named for a process that is gone.
func dead(pattern string) (list []string, err error) {
	paths, err := filepath.Glob(pattern)
	for _, path := range paths {
		m := left.FindStringSubmatch(filepath.Base(path))
		if m == nil {
			continue
		}
		if pid, err := strconv.Atoi(m[1]); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			list = append(list, path)
		}
	}
	return list, err
}
