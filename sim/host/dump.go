package host

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"eucactl/tasks"
)

// describe is a file in short, nothing if there is none.
func (t tree) describe(path string) string {
	f := t[path]
	switch {
	case f == nil:
		return "missing"
	case f.link != "":
		return "link to " + f.link
	case f.dir:
		return fmt.Sprintf("folder %o %s", f.mode, f.owner)
	case len(f.data) <= 100 && strings.IndexByte(f.data, 0) < 0:
		return fmt.Sprintf("%o %s %q", f.mode, f.owner, f.data)
	}
	return fmt.Sprintf("%o %s %s", f.mode, f.owner, tasks.Sum(f.data)[:12])
}

func (s *set) describe() string {
	if s == nil {
		return "missing"
	}
	return s.kind + " " + strings.Join(slices.Sorted(maps.Keys(s.members)), " ")
}

func (d *domain) describe() string {
	if d == nil {
		return "missing"
	}
	text := fmt.Sprintf("persistent=%v next=%.12s %s (%s)", d.persistent, d.next.sum, d.state, d.reason)
	if d.active() {
		text += fmt.Sprintf(" live=%.12s", d.live.sum)
	}
	return text
}

// Dump is a canonical text of everything: what eucactl manages and what is
// foreign, a line each, sorted, but for the rules of a chain. Left out is what
// differs between two machines that are the same for their users: lock, fence,
// marks that hold boot or process ids, uploads and files that are not in their
// place yet, consoles, and promote_secondaries.
func (m *Machine) Dump() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for path, f := range m.files {
		if !m.passing(path) && (!f.dir || strings.HasPrefix(path, instancesDir+"/")) {
			add("file %s %s", path, m.files.describe(path))
		}
	}
	for path, value := range m.sysctls {
		if !strings.HasSuffix(path, "/promote_secondaries") {
			add("sysctl %s=%s", path, value)
		}
	}
	for dev, l := range m.links {
		add("link %s up=%v %s %s %s", dev, l.up, l.alias, l.master, strings.Join(slices.Sorted(slices.Values(l.addresses)), " "))
	}
	for name, s := range m.sets {
		add("set %s %s", name, s.describe())
	}
	for name, t := range m.tables {
		for chain, rules := range t.chains {
			add("chain %s %s %s", name, chain, strings.Join(append([]string{t.policy[chain]}, texts(rules)...), "\n\t"))
		}
	}
	for _, f := range m.flows {
		add("flow %v", f)
	}
	m.dumpRest(add)
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n" + m.foreignText()
}

func (m *Machine) dumpRest(add func(format string, args ...any)) {
	m.stale.dump(add)
	for a, dev := range m.neighbour {
		add("neighbour %s %s", a, dev)
	}
	for _, d := range m.daemons {
		add("dhcpd %s %s %s %s %.12s", d.path, d.user, d.interfaces, d.conf, tasks.Sum(d.text))
	}
	for name, text := range m.bridgeTables {
		add("antispoof %s %.12s", name, tasks.Sum(text))
	}
	for name, s := range m.services {
		add("service %s %v", name, s.running)
	}
	for name, d := range m.domains {
		add("domain %s %s", name, d.describe())
	}
}

// passing tells of files that say nothing to users.
func (m *Machine) passing(path string) bool {
	if dir, name := dirOf(path), base(path); strings.HasPrefix(path, instancesDir+"/") {
		return name == "started" || name == "console.log" || inTheMaking(name)
	} else if strings.HasPrefix(path, hostDir) {
		return path == hostDir+"/fence" || path == hostDir+"/dhcpd" || dir == hostDir+"/chains" || dir == hostDir+"/preload" || dir == hostDir+"/services" || dir == hostDir+"/links" ||
			dir == hostDir+"/blobs.tmp" || strings.HasPrefix(path, hostDir+"/incoming") || inTheMaking(name)
	}
	if strings.HasPrefix(path, runDir+"/") {
		return inTheMaking(base(path)) || strings.HasSuffix(path, ".leases")
	}
	return path == "/run/eucactl.lock" || strings.HasSuffix(path, ".eucactl-new")
}

func inTheMaking(name string) bool {
	return strings.HasSuffix(name, ".new") || strings.HasSuffix(name, ".try") || strings.HasSuffix(name, ".old")
}

// Clone is a deep copy, without connections, waiting programs and OnCommand.
func (m *Machine) Clone() *Machine {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clone()
}

// CloneFor is a clone that asks others for ids and for the time.
func (m *Machine) CloneFor(newID func() string, now func() time.Time) *Machine {
	c := m.Clone()
	c.o.NewID, c.o.Now = newID, now
	return c
}

func (m *Machine) clone() *Machine {
	c := &Machine{
		name: m.name, o: m.o, boot: m.boot, booted: m.booted, kernel: m.kernel, pids: m.pids, foreign: m.foreign,
		runs: m.runs, done: m.done, files: maps.Clone(m.files), sysctls: maps.Clone(m.sysctls), managed: maps.Clone(m.managed),
		flows: slices.Clone(m.flows), neighbour: maps.Clone(m.neighbour), destroyed: slices.Clone(m.destroyed),
		own: maps.Clone(m.own), scripts: maps.Clone(m.scripts), bridgeTables: maps.Clone(m.bridgeTables), logs: maps.Clone(m.logs),
		links: map[string]*link{}, sets: map[string]*set{}, tables: map[string]*table{},
	}
	c.lock.shared = map[*process]bool{}
	for name, l := range m.links {
		one := *l
		one.addresses = slices.Clone(l.addresses)
		c.links[name] = &one
	}
	for name, s := range m.sets {
		c.sets[name] = &set{s.kind, maps.Clone(s.members)}
	}
	for name, t := range m.tables {
		c.tables[name] = t.clone()
	}
	for name, t := range m.stale {
		if c.stale == nil {
			c.stale = stale{}
		}
		c.stale[name] = t.clone()
	}
	c.daemons, c.services, c.domains = copies(m.daemons), copies(m.services), copies(m.domains)
	return c
}

func copies[K comparable, V any](from map[K]*V) map[K]*V {
	to := make(map[K]*V, len(from))
	for key, v := range from {
		one := *v
		to[key] = &one
	}
	return to
}
