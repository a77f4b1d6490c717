package inventory

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"eucactl/spelling"
)

// Ansible's two groups that exist in every inventory.
const (
	allGroup       = "all"
	ungroupedGroup = "ungrouped"
)

// reader builds an Inventory from a YAML document. It first takes down groups,
// hosts and variables as written (this file), then merges the variables
// (merge.go), and then checks what hosts and clusters need (cluster.go). That of
// Open is lenient: it takes what Ansible takes, of any number of files (open.go).
type reader struct {
	inv        *Inventory
	document   *document
	problems   *problems
	lenient    bool
	decrypt    func([]byte) ([]byte, error) // of ansible-vault; nil: no password
	beside     []*varsFolders               // the folders of variables beside each source
	play       *varsFolders                 // those beside the playbook
	notes      []Error
	vocabulary vocabulary
	checked    map[string]error // what checkName said
	members    int              // pairs of a host and a group listing it
	hostVars   int              // variables set by hosts themselves
	edges      int              // pairs of a group and its child
	publicIPs  int              // public addresses of all clusters
	full       bool             // a limit is passed: no more hosts or groups are taken in
}

func newReader(file string) *reader {
	p := &problems{}
	r := &reader{
		inv:        &Inventory{file: file, byName: make(map[string]*Host), byGroup: make(map[string]*Group)},
		document:   &document{file: file, problems: p},
		problems:   p,
		vocabulary: newVocabulary(),
		checked:    make(map[string]error),
	}
	top := Position{file, 1}
	r.addChild(r.group(allGroup, top), r.group(ungroupedGroup, top), top)
	return r
}

func (r *reader) note(at Position, format string, args ...any) {
	if len(r.inv.notes) < maxProblems {
		n := Error{at, fmt.Sprintf(format, args...)}
		r.notes, r.inv.notes = append(r.notes, n), append(r.inv.notes, n.Error())
	}
}

// stop notes that the inventory is beyond a limit; the rest is not taken in.
func (r *reader) stop(format string, args ...any) {
	r.problems.add(Position{r.inv.file, 1}, format, args...)
	r.full = true
}

func (r *reader) read(data []byte) *Inventory {
	root := r.document.root(data)
	if root == nil {
		return nil
	}
	r.readTop(root)
	r.finishGroups()
	r.checkGroupNames()
	if r.full || !r.mergeAll() {
		return nil
	}
	if len(r.inv.hosts) == 0 && r.problems.none() {
		r.problems.add(Position{r.inv.file, 1}, "no host in the whole inventory")
	}
	r.readClusters()
	return r.inv
}

// readTop reads the top of the file, whose keys are groups.
func (r *reader) readTop(root *yaml.Node) {
	root = target(root)
	if root.Kind != yaml.MappingNode {
		r.problems.add(r.document.at(root), "an inventory is a mapping of groups; begin with \"all:\" or the name of a group")
		return
	}
	for _, p := range r.document.pairs(root, 0) {
		switch p.key {
		case "hosts", "vars", "children":
			if _, known := r.inv.byGroup[p.key]; !known {
				r.problems.add(p.at, "%s stands at the top of the file where groups stand; put it below a group, for instance below \"all:\"", p.key)
			}
			continue
		case "plugin":
			r.problems.add(p.at, "this configures an inventory plugin; write out what it finds: ansible-inventory -i %s --list --yaml", r.document.file)
			continue
		}
		r.readGroup(p, nil, 1)
	}
}

// readGroup reads one group and what is below it into its parent.
func (r *reader) readGroup(p pair, parent *Group, depth int) {
	if r.full {
		return
	}
	g := r.namedGroup(p.key, p.at)
	if g == nil {
		return
	}
	if parent != nil {
		r.addChild(parent, g, p.at)
	}
	if isNull(p.value) {
		return
	}
	n := target(p.value)
	if n.Kind != yaml.MappingNode {
		r.problems.add(p.at, "group %s is %s; it has to be a mapping with hosts, vars or children", g.Name, nodeKind(n))
		return
	}
	for _, section := range r.document.pairs(n, depth) {
		r.readSection(g, section, depth+1)
	}
}

func (r *reader) readSection(g *Group, p pair, depth int) {
	sections := []string{"hosts", "vars", "children"}
	switch p.key {
	case "hosts":
		for _, h := range r.entries(g, p, depth) {
			r.readHosts(g, h, depth+1)
		}
	case "vars":
		for _, v := range r.entries(g, p, depth) {
			r.readGroupVar(g, v)
		}
	case "children":
		for _, c := range r.entries(g, p, depth) {
			r.readGroup(c, g, depth+1)
		}
	default:
		hint := didYouMean(p.key, sections)
		if hint == "" {
			hint = "; a variable goes below vars, a group below children, a host below hosts"
		}
		if r.lenient {
			r.note(p.at, "the key %s in group %s is skipped, as Ansible does%s", shown(p.key), g.Name, hint)
			return
		}
		r.problems.add(p.at, "unknown key %s in group %s%s", shown(p.key), g.Name, hint)
	}
}

// entries lists what is below hosts, vars or children. One host or child may
// also be written as a single word.
func (r *reader) entries(g *Group, p pair, depth int) []pair {
	if isNull(p.value) {
		return nil
	}
	n := target(p.value)
	switch {
	case n.Kind == yaml.MappingNode && p.key == "vars":
		return r.document.variables(n, depth)
	case n.Kind == yaml.MappingNode:
		return r.document.pairs(n, depth)
	case n.Kind == yaml.ScalarNode && p.key != "vars":
		if key, ok := r.document.key(n); ok {
			return []pair{{key: key, at: r.document.at(n)}}
		}
		return nil
	case n.Kind == yaml.SequenceNode && p.key != "vars":
		r.problems.add(p.at, "%s of group %s is a list; it has to be a mapping: write \"name:\" instead of \"- name\"", p.key, g.Name)
		return nil
	}
	r.problems.add(p.at, "%s of group %s is %s; it has to be a mapping", p.key, g.Name, nodeKind(n))
	return nil
}

func nodeKind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "the word " + shown(n.Value)
}

// namedGroup is group for a name that somebody wrote: nil also when it is bad.
func (r *reader) namedGroup(name string, at Position) *Group {
	check := checkGroupName
	if r.lenient {
		check = checkAnsibleGroupName
	}
	if err := check(name); err != nil {
		r.problems.add(at, "%v", err)
		return nil
	}
	return r.group(name, at)
}

// group finds a group or makes it; nil when there are too many.
func (r *reader) group(name string, at Position) *Group {
	if g, ok := r.inv.byGroup[name]; ok {
		return g
	}
	if len(r.inv.groups) >= maxGroups {
		r.stop("more than %d groups", maxGroups)
		return nil
	}
	g := &Group{Name: name, Where: at, Vars: make(map[string]any), vars: make(map[string]variable), priority: 1}
	r.inv.byGroup[name] = g
	r.inv.groups = append(r.inv.groups, g)
	return g
}

func (r *reader) addChild(parent, child *Group, at Position) {
	if r.full || parent.hasChild(child) {
		return
	}
	if r.edges++; r.edges > maxEdges {
		r.stop("groups have more than %d children in all", maxEdges)
		return
	}
	if parent.Name == ungroupedGroup || child.Name == ungroupedGroup && parent.Name != allGroup {
		r.problems.add(at, "ungrouped is Ansible's own group of hosts that are in no other; it has neither children nor parents")
		return
	}
	if child.reaches(parent) {
		r.problems.add(at, "group %s cannot be below %s: that is below %s already, or it is the same", child.Name, parent.Name, child.Name)
		return
	}
	parent.children = append(parent.children, child)
	child.parents = append(child.parents, parent)
}

func (r *reader) readGroupVar(g *Group, p pair) {
	if v, ok := r.variable(p); ok {
		r.setGroupVar(g, p.key, v)
	}
}

func (r *reader) setGroupVar(g *Group, name string, v variable) {
	if name == groupPriority {
		if n, ok := v.parsed.(int); ok {
			g.priority = n
		}
		return
	}
	if first, again := g.vars[name]; again && !r.lenient && !reflect.DeepEqual(first.value, v.value) {
		r.problems.add(v.at, "%s of group %s is set to another value already, at %s", name, g.Name, first.at)
		return
	}
	g.vars[name], g.Vars[name] = v, v.value
}

// finishGroups does what Ansible does after reading: groups without a parent
// are children of all, hosts without a group are in ungrouped and no others.
func (r *reader) finishGroups() {
	all, ungrouped := r.inv.byGroup[allGroup], r.inv.byGroup[ungroupedGroup]
	for _, g := range r.inv.groups {
		if g != all && len(g.parents) == 0 {
			r.addChild(all, g, g.Where)
		}
	}
	var left []*Host
	for _, h := range ungrouped.hosts {
		if elsewhere(h, all, ungrouped) {
			delete(h.direct, ungrouped)
			continue
		}
		left = append(left, h)
	}
	ungrouped.hosts = left
	for _, h := range r.inv.listed {
		if !elsewhere(h, all, ungrouped) {
			r.addHost(ungrouped, h)
		}
	}
	if !r.full {
		r.inv.hosts = all.Hosts()
	}
}

func elsewhere(h *Host, all, ungrouped *Group) bool {
	for g := range h.direct {
		if g != all && g != ungrouped {
			return true
		}
	}
	return false
}

// checkGroupNames refuses groups named like a host, and those whose name is all
// but that of a role which nobody has.
func (r *reader) checkGroupNames() {
	roles := []string{FrontendsGroup, NodesGroup, StorageGroup}
	for _, g := range r.inv.groups {
		h, ok := r.inv.byName[g.Name]
		if ok && r.lenient {
			r.note(g.Where, "%s is a group here and a host at %s; a pattern with that name means the host", g.Name, h.Where)
		}
		if r.lenient {
			continue
		}
		if ok {
			r.problems.add(g.Where, "%s is a group here and a host at %s; a pattern could not tell them apart", g.Name, h.Where)
		}
		for _, role := range roles {
			_, exists := r.inv.byGroup[role]
			digits := strings.ContainsAny(g.Name, "0123456789")
			if !exists && !digits && spelling.Distance(strings.ToLower(g.Name), role) <= 2 {
				r.problems.add(g.Where, "group %s gives its hosts no role; did you mean %s?", g.Name, role)
			}
		}
	}
}
