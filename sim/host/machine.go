// Package host is a model of a Linux host, behind remote.Conn. It reads the real
// text of a program, obeys its manifest as tasks/prelude.sh does, and does to its
// own state what each kind's file does to a host. It refuses, in words, whatever it
// has no model of; it runs no shell, reads no clock and rolls no dice of its own.
package host

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"eucactl/tasks"
)

// Options say what a machine is born with.
type Options struct {
	Kinds               *tasks.Library
	Node                bool             // has libvirt, QEMU and the operator's bridge Bridge (up)
	Bridge              string           // br0
	Interfaces          []string         // with one address of the operator's own each
	Cores, Memory, Disk int              // Memory in MiB, Disk in GiB
	NewID               func() string    // 8 hex digits, for boot ids
	Now                 func() time.Time // for the boot facts; nil: 1970
	Facts               string           // what facts.HostScript prints; "": the model's own
	// Trusting believes that uploads are what they are said to be: nobody has their
	// content, and all that is kept of it is its length.
	Trusting bool
	Preload  string // what the operator preloads with firewall_policy: flush; put in place at each boot
	Alone    bool   // without the machines of others
	Obeys    string // "CLOUD TOKEN" of whoever ran programs on it before
}

// A Machine is one host. Its methods may be called from several goroutines.
type Machine struct {
	mu   sync.Mutex
	name string
	o    Options

	boot   string // boot id
	booted time.Time
	kernel int // of its release, the number that upgrades move
	files  tree
	lock   hostLock
	pids   int

	sysctls      map[string]string
	managed      map[string]bool // the sysctls that programs spoke of
	links        map[string]*link
	sets         map[string]*set
	tables       map[string]*table
	bridgeTables map[string]string // nftables' tables of the bridge family, as loaded
	stale        stale
	flows        []Flow
	neighbour    map[netip.Addr]string // who is known, and on which device
	daemons      map[int]*daemon
	services     map[string]*service
	domains      map[string]*domain
	logs         map[string]runLog // of domains, also of those that are gone
	foreign      foreign

	own       map[string]kind // registered ones
	scripts   map[string]answer
	waiting   []*latecomer
	destroyed []string
	runs      int
	done      string
	onCommand func(kind, what string)
	onReboot  func()
}

// A kind is what the model has of a word of the vocabulary. Its functions return
// exit statuses, as the sh functions of the same names do.
type kind struct {
	check func(p *process, args []string) int
	apply func(p *process, args []string) int
	diff  func(p *process, args []string) string
}

// hostLock is flock's view of the lock file.
type hostLock struct {
	owner  *process
	shared map[*process]bool
}

// New makes a machine on which nothing was ever done, with things of others on it.
func New(name string, o Options) *Machine {
	m := &Machine{
		name: name, o: o, kernel: 1, files: newTree(), pids: 1000,
		sysctls: map[string]string{}, managed: map[string]bool{}, links: map[string]*link{},
		sets: map[string]*set{}, tables: map[string]*table{}, neighbour: map[netip.Addr]string{},
		daemons: map[int]*daemon{}, services: map[string]*service{}, domains: map[string]*domain{}, logs: map[string]runLog{},
		own: map[string]kind{}, scripts: map[string]answer{}, bridgeTables: map[string]string{},
	}
	m.lock.shared = map[*process]bool{}
	m.bootUp()
	m.settle()
	return m
}

// Register gives the machine a kind of a test's own. A nil check makes it an act.
func (m *Machine) Register(name string, check, apply func(args []string) int) {
	k := kind{apply: func(p *process, args []string) int {
		return p.act(name, func() int { return apply(args) })
	}}
	if check != nil {
		k.check = func(_ *process, args []string) int { return check(args) }
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.own[name] = k
}

// kind finds what the model has of a kind.
func (m *Machine) kind(name string) (kind, bool) {
	if k, ok := m.own[name]; ok {
		return k, true
	}
	return kinds(name)
}

// Reboot loses what a kernel does not keep; what others set up comes back as it was.
func (m *Machine) Reboot() {
	m.reboot()
	if m.onReboot != nil {
		m.onReboot()
	}
}

func (m *Machine) reboot() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done = ""
	m.files.removeBelow("/run")
	m.sysctls, m.managed = map[string]string{}, map[string]bool{}
	m.links, m.sets, m.tables = map[string]*link{}, map[string]*set{}, map[string]*table{}
	m.stale = nil
	m.flows, m.neighbour, m.bridgeTables = nil, map[netip.Addr]string{}, map[string]string{}
	m.daemons = map[int]*daemon{}
	for _, name := range slices.Sorted(maps.Keys(m.services)) {
		m.services[name].stop()
	}
	for _, name := range slices.Sorted(maps.Keys(m.domains)) {
		m.domains[name].hostDown(m, name)
	}
	m.bootUp()
	m.restore()
}

// Upgrade moves a fact that programs are rendered with: the kernel's release.
func (m *Machine) Upgrade() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kernel++
}

func (m *Machine) bootUp() {
	id := "00000000"
	if m.o.NewID != nil {
		id = m.o.NewID()
	}
	m.boot = id + "-0000-4000-8000-0000" + id
	m.booted = m.now()
}

func (m *Machine) now() time.Time {
	if m.o.Now == nil {
		return time.Unix(0, 0)
	}
	return m.o.Now()
}

// Folders are the names of the machine folders that carry our owner mark, whichever cloud's.
func (m *Machine) Folders() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, dir := range m.files.twoBelow(instancesDir) {
		if _, name, ok := strings.Cut(m.files.firstLine(dir+"/owner"), " "); ok && name == base(dir) {
			names = append(names, name)
		}
	}
	return names
}

// Destroyed are the machines whose domain was undefined or whose folder was removed
// by programs, in order.
func (m *Machine) Destroyed() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.destroyed)
}

// Runs counts the programs that passed lock and fence.
func (m *Machine) Runs() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs
}

// Token is "CLOUD TOKEN", which the fence holds.
func (m *Machine) Token() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.token()
}

func (m *Machine) token() string { return m.files.firstLine(hostDir + "/fence") }

// OnCommand has f called after each command of a program that changed the host.
func (m *Machine) OnCommand(f func(kind, what string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.onCommand = f
}

// OnReboot has f called after each Reboot.
func (m *Machine) OnReboot(f func()) { m.onReboot = f }

// Done is the Token of the last program that reached its end with no task failed,
// unsettled or blocked, "" if there was none since the birth, a reboot or a wreck.
func (m *Machine) Done() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done
}

// The places on a host; tests of the prelude set others.
const (
	hostDir      = "/var/lib/eucactl/host"
	runDir       = "/run/eucalyptus/net"
	instancesDir = "/var/lib/eucalyptus/instances"
)
