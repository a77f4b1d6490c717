package inventory

import (
	"reflect"

	"gopkg.in/yaml.v3"
)

// readHosts reads one key below hosts, which may be a range of hosts.
func (r *reader) readHosts(g *Group, p pair, depth int) {
	if r.full {
		return
	}
	names, port, err := r.expand(p.key)
	if err != nil {
		r.problems.add(p.at, "%v", err)
		return
	}
	r.addHosts(g, names, port, p.at, r.readHostVars(p, names[0], depth))
}

// expand lists the hosts that a word stands for, and the port that follows them.
func (r *reader) expand(word string) (names []string, port int, err error) {
	if r.lenient {
		if word, port, err = cutPort(word); err != nil {
			return nil, 0, err
		}
	}
	names, err = expandHosts(word, maxHosts)
	return names, port, err
}

// addHosts puts hosts with their variables into a group. As in Ansible, a port
// behind the name counts where the host is met first.
func (r *reader) addHosts(g *Group, names []string, port int, at Position, vars []namedVariable) {
	if r.members += len(names); r.members > maxMembership {
		r.stop("hosts are listed in groups more than %d times", maxMembership)
		return
	}
	if r.hostVars += len(names) * len(vars); r.hostVars > maxVariables {
		r.stop("the hosts have more than %d variables in all", maxVariables)
		return
	}
	for _, name := range names {
		_, known := r.inv.byName[name]
		h := r.host(name, at)
		if h == nil {
			return
		}
		r.addHost(g, h)
		if port != 0 && !known {
			r.setHostVar(h, "ansible_port", variable{value: int64(port), at: at})
		}
		for _, v := range vars {
			r.setHostVar(h, v.name, v.variable)
		}
	}
}

type namedVariable struct {
	name string
	variable
}

func (r *reader) readHostVars(p pair, host string, depth int) []namedVariable {
	if isNull(p.value) {
		return nil
	}
	n := target(p.value)
	if n.Kind != yaml.MappingNode {
		r.problems.add(p.at, "host %s is %s; it has to be a mapping of its variables, or nothing", p.key, nodeKind(n))
		return nil
	}
	var vars []namedVariable
	for _, entry := range r.document.variables(n, depth) {
		if entry.key == groupPriority && !r.lenient {
			r.problems.add(entry.at, "%s belongs to a group, not to host %s", groupPriority, host)
			continue
		}
		if v, ok := r.variable(entry); ok {
			vars = append(vars, namedVariable{entry.key, v})
		}
	}
	return vars
}

func (r *reader) setHostVar(h *Host, name string, v variable) {
	if first, again := h.own[name]; again && !r.lenient && !reflect.DeepEqual(first.value, v.value) {
		r.problems.add(v.at, "%s of host %s is set to another value already, at %s", name, h.Name, first.at)
		return
	}
	if h.own == nil {
		h.own = make(map[string]variable)
	}
	h.own[name] = v
}

// host finds a host or makes it; nil when its name is bad or there are too many.
func (r *reader) host(name string, at Position) *Host {
	if r.full {
		return nil
	}
	if h, ok := r.inv.byName[name]; ok {
		return h
	}
	check := checkHostName
	if r.lenient {
		check = checkAnsibleHostName
	}
	if err := check(name); err != nil {
		r.problems.add(at, "%v", err)
		return nil
	}
	if len(r.inv.byName) >= maxHosts {
		r.stop("more than %d hosts", maxHosts)
		return nil
	}
	h := &Host{Name: name, Where: at, direct: make(map[*Group]bool)}
	r.inv.byName[name] = h
	r.inv.listed = append(r.inv.listed, h)
	return h
}

func (r *reader) addHost(g *Group, h *Host) {
	if g.hasHost(h) {
		return
	}
	h.direct[g] = true
	g.hosts = append(g.hosts, h)
}
