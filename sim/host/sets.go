package host

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// set is an ipset.
type set struct {
	kind    string
	members map[string]bool
}

// wantedSet is a line of a task's content.
type wantedSet struct {
	name, kind string
	members    []string
}

var (
	setName    = regexp.MustCompile(`^EUCA-[A-Za-z0-9_.-]+$`)
	setKind    = regexp.MustCompile(`^[a-z]+:[a-z,]+$`)
	setMember  = regexp.MustCompile(`^[0-9A-Za-z.:,/][0-9A-Za-z.:,/-]*$`)
	knownKinds = []string{"hash:ip", "hash:net", "hash:mac"}
)

// wantedSets reads a content and refuses what it must not be.
func wantedSets(p *process, sum string) (list []wantedSet, rc int) {
	if p.dead("ipset") {
		return nil, p.words(2, "ipset save failed (1), so the sets of this host are unknown")
	}
	text, ok := p.blob(sum)
	if !ok {
		return nil, p.words(2, "ipsets: the sets to compare with arrived incomplete")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		if len(w) < 2 || !setName.MatchString(w[0]) || len(w[0]) > 31 || !setKind.MatchString(w[1]) {
			rc = p.words(2, "ipsets: not a line of sets: "+strings.TrimSuffix(line, "\n"))
			continue
		}
		if seen[w[0]] {
			rc = p.words(2, "ipsets: set "+w[0]+" is listed twice")
		}
		seen[w[0]] = true
		one := wantedSet{w[0], w[1], w[2:]}
		rc = max(rc, one.fits(p))
		list = append(list, one)
	}
	return list, rc
}

// fits refuses bad members, and a set that exists with another type.
func (w wantedSet) fits(p *process) (rc int) {
	for _, member := range w.members {
		if !setMember.MatchString(member) {
			rc = p.words(2, "ipsets: bad member "+member+" of set "+w.name)
		}
	}
	if now := p.m.sets[w.name]; now != nil && now.kind != w.kind {
		rc = p.words(2, fmt.Sprintf("ipsets: set %s exists with type %s, wanted is %s", w.name, now.kind, w.kind))
	}
	return rc
}

// setsShrink are the commands that make missing sets and take members away.
func setsShrink(p *process, list []wantedSet) (todo []func(), missing string) {
	for _, w := range list {
		now := p.m.sets[w.name]
		if now == nil {
			if !slices.Contains(knownKinds, w.kind) {
				missing = w.kind
			}
			todo = append(todo, func() { p.m.sets[w.name] = &set{kind: w.kind, members: map[string]bool{}} })
			continue
		}
		for member := range now.members {
			if !slices.Contains(w.members, member) {
				todo = append(todo, func() { delete(now.members, member) })
			}
		}
	}
	return todo, missing
}

func checkSetsShrink(p *process, args []string) int {
	list, rc := wantedSets(p, args[0])
	if rc != 0 {
		return rc
	}
	todo, _ := setsShrink(p, list)
	return oneIf(len(todo) > 0)
}

func applySetsShrink(p *process, args []string) int {
	list, rc := wantedSets(p, args[0])
	if rc != 0 {
		return rc
	}
	todo, missing := setsShrink(p, list)
	if missing != "" {
		return p.words(1, "ipset: Syntax error: unknown settype "+missing)
	}
	p.restoreSets(todo)
	return 0
}

// restoreSets is one ipset restore.
func (p *process) restoreSets(todo []func()) {
	if len(todo) == 0 {
		return
	}
	p.do("ipset restore", func() {
		for _, f := range todo {
			f()
		}
	})
}

// setsGrow are the commands that add members; lost names a set that is not there.
func setsGrow(p *process, list []wantedSet) (todo []func(), lost string) {
	for _, w := range list {
		now := p.m.sets[w.name]
		for _, member := range w.members {
			if now == nil {
				lost = w.name
				todo = append(todo, func() {})
			} else if !now.members[member] {
				todo = append(todo, func() { now.members[member] = true })
			}
		}
	}
	return todo, lost
}

func checkSetsGrow(p *process, args []string) int {
	list, rc := wantedSets(p, args[0])
	if rc != 0 {
		return rc
	}
	todo, _ := setsGrow(p, list)
	return oneIf(len(todo) > 0)
}

func applySetsGrow(p *process, args []string) int {
	list, rc := wantedSets(p, args[0])
	if rc != 0 {
		return rc
	}
	todo, lost := setsGrow(p, list)
	if lost != "" {
		return p.words(1, "ipset: The set with the given name does not exist: "+lost)
	}
	p.restoreSets(todo)
	return 0
}

// setsGone are our sets that a content does not name: those free to go, and those
// that rules still name.
func setsGone(p *process, sum string) (free, used []string, rc int) {
	if p.dead("ipset") {
		return nil, nil, p.words(2, "ipset list failed (1), so the sets of this host are unknown")
	}
	text, ok := p.blob(sum)
	if !ok {
		return nil, nil, p.words(2, "ipsets: the sets to compare with arrived incomplete")
	}
	keep := map[string]bool{}
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name != "" && !setName.MatchString(name) {
			rc = p.words(2, "ipsets: not a line of sets: "+strings.TrimSpace(line))
		}
		keep[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(p.m.sets)) {
		switch {
		case !strings.HasPrefix(name, "EUCA-") || keep[name]:
		case p.m.references(name) > 0:
			used = append(used, name)
		default:
			free = append(free, name)
		}
	}
	return free, used, rc
}

func checkSetsGone(p *process, args []string) int {
	free, used, rc := setsGone(p, args[0])
	if rc != 0 {
		return rc
	}
	return oneIf(len(free)+len(used) > 0)
}

func applySetsGone(p *process, args []string) int {
	free, used, rc := setsGone(p, args[0])
	if rc != 0 {
		return rc
	}
	var todo []func()
	for _, name := range free {
		todo = append(todo, func() { delete(p.m.sets, name) })
	}
	p.restoreSets(todo)
	if len(used) > 0 {
		return p.words(1, "sets that rules still use, see iptables-save: "+strings.Join(used, " "))
	}
	return 0
}
