package inventory

import (
	"maps"
	"sort"
)

// mergeAll computes every host's groups and merged variables; false when a
// limit is passed.
func (r *reader) mergeAll() bool {
	all := r.inv.byGroup[allGroup]
	all.setDepths()
	merged, members := 0, 0
	for _, h := range r.inv.hosts {
		groups := r.groupsOf(h)
		if members += len(groups); members > maxMembership {
			r.problems.add(Position{r.inv.file, 1}, "hosts are in groups more than %d times", maxMembership)
			return false
		}
		if r.lenient {
			r.mergeUsers(h, groups)
		} else {
			r.checkCluster(h, groups)
			h.merge(groups)
		}
		if merged += len(h.merged); merged > maxVariables {
			r.problems.add(Position{r.inv.file, 1}, "the hosts have more than %d variables in all", maxVariables)
			return false
		}
		h.fill()
		if r.lenient {
			h.reached()
		}
	}
	for _, h := range r.inv.implicit {
		r.mergeUsers(h, []*Group{all})
		h.reached()
	}
	return true
}

// setDepths gives each group the length of the longest way to it from all.
func (g *Group) setDepths() {
	waiting := make(map[*Group]int)
	seen := map[*Group]bool{g: true}
	for queue := []*Group{g}; len(queue) > 0; queue = queue[1:] {
		for _, c := range queue[0].children {
			waiting[c]++
			if !seen[c] {
				seen[c] = true
				queue = append(queue, c)
			}
		}
	}
	for queue := []*Group{g}; len(queue) > 0; queue = queue[1:] {
		for _, c := range queue[0].children {
			c.depth = max(c.depth, queue[0].depth+1)
			if waiting[c]--; waiting[c] == 0 {
				queue = append(queue, c)
			}
		}
	}
}

// groupsOf lists all groups of a host in the order in which their variables
// apply: all, then by depth, priority and name.
func (r *reader) groupsOf(h *Host) []*Group {
	set := make(map[*Group]bool)
	for g := range h.direct {
		set[g] = true
		maps.Copy(set, g.findAncestors())
	}
	set[r.inv.byGroup[allGroup]] = true
	groups := make([]*Group, 0, len(set))
	for g := range set {
		groups = append(groups, g)
	}
	sort.Slice(groups, func(i, j int) bool {
		a, b := groups[i], groups[j]
		if a.depth != b.depth {
			return a.depth < b.depth
		}
		if a.priority != b.priority {
			return a.priority < b.priority
		}
		return a.Name < b.Name
	})
	return groups
}

func (h *Host) merge(groups []*Group) {
	h.begin(groups)
	maps.Copy(h.merged, h.own)
	h.finish()
}

// begin merges what the inventory itself says of the host's groups.
func (h *Host) begin(groups []*Group) {
	h.merged, h.Vars = make(map[string]variable), make(map[string]any)
	for _, g := range groups {
		if g.Name != allGroup {
			h.Groups = append(h.Groups, g.Name)
		}
		maps.Copy(h.merged, g.vars)
	}
	sort.Strings(h.Groups)
}

func (h *Host) finish() {
	for name, v := range h.merged {
		h.Vars[name] = v.value
	}
}

// checkCluster refuses a host that two groups put into two clusters. Ansible
// would take the group that comes last in the alphabet, which nobody means. A
// group may well override the groups above it.
func (r *reader) checkCluster(h *Host, groups []*Group) {
	if _, own := h.own["cluster"]; own {
		return
	}
	var deepest []*Group
	for i := len(groups) - 1; i >= 0; i-- {
		g := groups[i]
		v, sets := g.vars["cluster"]
		if !sets || v.parsed == nil || aboveAny(g, deepest) {
			continue
		}
		deepest = append(deepest, g)
		if last := deepest[0]; last.vars["cluster"].parsed != v.parsed {
			other := last.vars["cluster"]
			r.problems.addOnce("cluster", v.at, "host %s is in two clusters: %v by group %s here, %v by group %s at %s",
				h.Name, v.parsed, g.Name, other.parsed, last.Name, other.at)
			return
		}
	}
}

func aboveAny(g *Group, groups []*Group) bool {
	for _, below := range groups {
		if below.findAncestors()[g] {
			return true
		}
	}
	return false
}
