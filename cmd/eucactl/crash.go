package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// crashes are points at which this process kills itself, so that tests see what is
// left of a controller that dies there. EUCACTL_CRASH names one: "before:N" and
// "after:N" are the N-th commit, "line:N" is the N-th report line.
type crashes struct {
	point string
	n     int64
	lines atomic.Int64
}

func crashPoints(spec string) *crashes {
	point, n, _ := strings.Cut(spec, ":")
	at, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		return &crashes{}
	}
	return &crashes{point: point, n: at}
}

func (c *crashes) commit(point string, n int) {
	if c.point == point && c.n == int64(n) {
		c.die()
	}
	if c.point == "count" {
		fmt.Fprintf(os.Stderr, "crash point %s:%d\n", point, n)
	}
}

func (c *crashes) line() {
	n := c.lines.Add(1)
	if c.point == "line" && c.n == n {
		c.die()
	}
	if c.point == "count" {
		fmt.Fprintf(os.Stderr, "crash point line:%d\n", n)
	}
}

func (c *crashes) die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until the signal is delivered
}
