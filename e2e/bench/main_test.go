// Package bench measures eucactl against floors: the least that anybody would have to do for the same outcome, done
// by hand in the same run, in turn with ours. It prints one table and judges nothing.
//
//	make bench
//	go test -run '^$' -bench Plan -benchtime 1x ./e2e/bench      (one of RunInstances, Reconcile, State, Plan, Firewall, Playbook, Hosts)
//
// Hosts and guests are a lab's (e2e/lab); its state directories are on the machine's disk, below /var/tmp.
package bench

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// figures is what this run measured.
var figures table

func TestMain(m *testing.M) {
	if err := sweep(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	before := load()
	code := m.Run()
	if len(figures.rows) > 0 {
		fmt.Printf("\non %d cores, load %s before and %s after; medians, with the least and the most in brackets\n", runtime.NumCPU(), before, load())
	}
	if err := figures.print(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// load is what else the machine had to do: the average over a minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}
