package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"eucactl/cloud"
	"eucactl/state"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"eucactl": main}) }

// sample is a cloud whose hosts nobody answers for: their ports are closed.
const sample = `all:
  vars:
    cluster: one
    vnet_mode: MANAGED-NOVLAN
    vnet_interface: eth0
    vnet_subnet: 10.50.0.0
    vnet_netmask: 255.255.0.0
    vnet_dns: 192.0.2.53
    vnet_addrspernet: 64
    vnet_publicips: 203.0.113.10-203.0.113.12
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_bridge: br0
    ansible_host: 127.0.0.1
  children:
    frontends: {hosts: {fe1: {ansible_port: 1}}}
    nodes: {hosts: {n1: {ansible_port: 2}, n2: {ansible_port: 3}}}
`

// The operator's words, without hosts. Beside testscript's own commands there are
//
//	exits CODE eucactl ARGS...  a run that ends with this code
//	report HOST...              the hosts answer: they are large and empty
//	hold DURATION               somebody holds the records, and does not serve
//	newest VAR                  sets VAR to the id of the newest instance
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("EUCACTL_STATE", filepath.Join(env.WorkDir, "cloud", "state"))
			return os.WriteFile(filepath.Join(env.WorkDir, "inventory.yml"), []byte(sample), 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "report": report, "hold": hold, "newest": newest},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	code, err := 0, ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// open opens the script's records, as their owner.
func open(ts *testscript.TestScript) *state.Store {
	s, err := state.Open(ts.Getenv("EUCACTL_STATE"), state.Options{})
	ts.Check(err)
	return s
}

func report(ts *testscript.TestScript, neg bool, args []string) {
	s := open(ts)
	now := time.Now()
	for _, host := range args {
		ts.Check(s.Observe(cloud.Seen{
			Host: host, Tried: now, At: now, Ran: true, PlanRev: s.Rev(), Facts: cloud.HostFacts{"arch": "x86_64"},
			Capacity: cloud.Capacity{Cores: 8, Memory: 8192, Disk: 100}, DomainsAt: now,
		}))
	}
	ts.Check(s.Close())
}

func hold(ts *testscript.TestScript, neg bool, args []string) {
	long, err := time.ParseDuration(args[0])
	ts.Check(err)
	s := open(ts)
	time.AfterFunc(long, func() { _ = s.Close() })
}

func newest(ts *testscript.TestScript, neg bool, args []string) {
	s := open(ts)
	var last cloud.Instance
	for _, in := range s.View().Instances() {
		if in.Rev >= last.Rev {
			last = in
		}
	}
	ts.Setenv(args[0], string(last.ID))
	ts.Check(s.Close())
}
