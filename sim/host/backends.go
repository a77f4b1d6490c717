package host

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// stale is what the back end of iptables that is not in use still holds: every packet
// meets it as well.
type stale map[string]*table

// switchBackend is update-alternatives: what was there stays in force, out of sight.
func (m *Machine) switchBackend() {
	m.stale, m.tables = stale(m.tables), map[string]*table{}
	for name := range builtins {
		m.tables[name] = newTable(name)
	}
}

// ours are the chains of a table with a cloud's mark.
func (t *table) ours(cloud string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(t.chains)) {
		if rules := t.chains[name]; len(rules) > 0 && marked(rules[0].text, cloud) {
			names = append(names, name)
		}
	}
	return names
}

// gone is what shall be left of the other back end.
func (s stale) gone(cloud, flush string) stale {
	next := stale{}
	for name, t := range s {
		if slices.Contains(strings.Fields(flush), name) {
			next[name] = newTable(name)
			continue
		}
		next[name] = t.clone()
		next[name].forget(t.ours(cloud))
	}
	return next
}

func checkChainsGone(p *process, args []string) int {
	if p.dead("iptables") {
		return p.words(2, "chains_gone: iptables -V failed (1): apt-get install iptables")
	}
	for name, t := range p.m.stale.gone(p.cloud, args[0]) {
		if t.save(name) != p.m.stale[name].save(name) {
			return 1
		}
	}
	return 0
}

func applyChainsGone(p *process, args []string) int {
	next := p.m.stale.gone(p.cloud, args[0])
	p.do("iptables-restore of the other back end", func() { p.m.stale = next })
	return 0
}

// forget empties chains, and deletes them with the plain jumps to them where no rule of
// others leads there.
func (t *table) forget(names []string) {
	for _, name := range names {
		t.chains[name] = nil
	}
	for _, name := range names {
		used := false
		for chain, rules := range t.chains {
			_, builtin := t.policy[chain]
			t.chains[chain] = slices.DeleteFunc(slices.Clone(rules), func(r *rule) bool {
				return builtin && r.text == "-A "+chain+" -j "+name
			})
			used = used || slices.ContainsFunc(t.chains[chain], func(r *rule) bool { return r.target == name })
		}
		if !used {
			delete(t.chains, name)
		}
	}
}

// dump is a line for each chain, as of the tables in use.
func (s stale) dump(add func(format string, args ...any)) {
	for name, t := range s {
		for chain, rules := range t.chains {
			add("stale %s %s %s", name, chain, strings.Join(append([]string{t.policy[chain]}, texts(rules)...), "\n\t"))
		}
	}
}

// other is what the section firewall says of it.
func (s stale) other() string {
	n := 0
	for _, name := range []string{"filter", "nat"} {
		if t := s[name]; t != nil {
			for _, rules := range t.chains {
				n += len(rules)
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("other legacy %d\n", n)
}
