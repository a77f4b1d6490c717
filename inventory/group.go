package inventory

import "maps"

// Group is a group of hosts and of other groups.
type Group struct {
	Name  string
	Where Position       // where the file first mentions it
	Vars  map[string]any // as written in the group itself

	children  []*Group
	parents   []*Group
	hosts     []*Host
	vars      map[string]variable
	depth     int
	priority  int
	ancestors map[*Group]bool // computed once all groups are read
}

// Children are the names of the groups directly in this one.
func (g *Group) Children() []string {
	var names []string
	for _, c := range g.children {
		names = append(names, c.Name)
	}
	return names
}

// DirectHosts are the hosts that the group itself lists.
func (g *Group) DirectHosts() []*Host { return append([]*Host(nil), g.hosts...) }

// Hosts are the hosts of the group, then those of its children, then those of
// their children, each once.
func (g *Group) Hosts() []*Host {
	var hosts []*Host
	seen, known := make(map[*Host]bool), map[*Group]bool{g: true}
	for queue := []*Group{g}; len(queue) > 0; queue = queue[1:] {
		for _, h := range queue[0].hosts {
			if !seen[h] {
				seen[h] = true
				hosts = append(hosts, h)
			}
		}
		for _, c := range queue[0].children {
			if !known[c] {
				known[c] = true
				queue = append(queue, c)
			}
		}
	}
	return hosts
}

func (g *Group) hasHost(h *Host) bool { return h.direct[g] }

func (g *Group) hasChild(c *Group) bool {
	for _, p := range c.parents {
		if p == g {
			return true
		}
	}
	return false
}

// findAncestors computes all groups above this one.
func (g *Group) findAncestors() map[*Group]bool {
	if g.ancestors != nil {
		return g.ancestors
	}
	g.ancestors = make(map[*Group]bool)
	for _, p := range g.parents {
		g.ancestors[p] = true
		maps.Copy(g.ancestors, p.findAncestors())
	}
	return g.ancestors
}

// reaches says whether to is this group or below it.
func (g *Group) reaches(to *Group) bool {
	seen := map[*Group]bool{g: true}
	for queue := []*Group{g}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to {
			return true
		}
		for _, c := range queue[0].children {
			if !seen[c] {
				seen[c] = true
				queue = append(queue, c)
			}
		}
	}
	return false
}
