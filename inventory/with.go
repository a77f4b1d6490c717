package inventory

import (
	"errors"
	"maps"
	"slices"
)

// With gives an inventory of users' playbooks that also has the host, in these
// groups: what is not there is made, and its group_vars and host_vars are read. The
// inventory itself does not change, and what it gave out stays as it is.
func (inv *Inventory) With(name string, groups []string) (*Inventory, error) {
	if inv.users == nil {
		return nil, errors.New("the cloud's inventory takes in no more hosts")
	}
	r := &reader{inv: inv.copied(), problems: &problems{}, vocabulary: newVocabulary(), checked: make(map[string]error)}
	r.lenient, r.decrypt = true, inv.users.decrypt
	at := Position{inv.file, 1}
	h := r.host(name, at)
	if implicit, ok := inv.localhost(name); ok && h != nil && h.own == nil {
		h.own = implicit.own
	}
	for _, group := range groups {
		if g := r.namedGroup(group, at); g != nil && h != nil {
			r.addHost(g, h)
		}
	}
	r.finishGroups()
	if err := r.problems.err(); err != nil {
		return nil, err
	}
	r.readMore(inv, h.Name, groups)
	all := r.inv.byGroup[allGroup]
	all.setDepths()
	h.Groups, h.locked = nil, nil
	r.mergeUsers(h, r.groupsOf(h))
	h.fill()
	h.reached()
	if err := r.problems.err(); err != nil {
		return nil, err
	}
	r.inv.users = r.places()
	return r.inv, nil
}

// readMore reads the variables of a host and of groups that were not there before.
func (r *reader) readMore(before *Inventory, host string, groups []string) {
	var newHosts, newGroups []string
	if _, known := before.byName[host]; !known {
		newHosts = []string{host}
	}
	for _, g := range groups {
		if _, known := before.byGroup[g]; !known {
			newGroups = append(newGroups, g)
		}
	}
	more := func(f *varsFolders) *varsFolders {
		if f == nil || len(newHosts)+len(newGroups) == 0 {
			return f
		}
		f = &varsFolders{f.dir, maps.Clone(f.groups), maps.Clone(f.hosts)}
		r.readNames(f, newGroups, newHosts)
		return f
	}
	for _, f := range before.users.beside {
		r.beside = append(r.beside, more(f))
	}
	r.play = more(before.users.play)
}

// places is where an inventory of users' playbooks finds variables of what joins
// it later.
type places struct {
	decrypt func([]byte) ([]byte, error)
	beside  []*varsFolders
	play    *varsFolders
}

func (r *reader) places() *places { return &places{r.decrypt, r.beside, r.play} }

// copied is the inventory with hosts and groups of its own, which may be changed.
// Variables are shared: they are replaced, never changed.
func (inv *Inventory) copied() *Inventory {
	out := *inv
	out.notes, out.secrets = slices.Clip(inv.notes), slices.Clip(inv.secrets)
	hosts, groups := make(map[*Host]*Host, len(inv.listed)), make(map[*Group]*Group, len(inv.groups))
	out.listed = make([]*Host, len(inv.listed))
	out.byName = make(map[string]*Host, len(inv.listed))
	for i, h := range inv.listed {
		c := *h
		hosts[h], out.listed[i], out.byName[h.Name] = &c, &c, &c
	}
	out.groups = make([]*Group, len(inv.groups))
	out.byGroup = make(map[string]*Group, len(inv.groups))
	for i, g := range inv.groups {
		c := *g
		groups[g], out.groups[i], out.byGroup[g.Name] = &c, &c, &c
	}
	for _, g := range out.groups {
		g.children, g.parents, g.hosts = mapped(g.children, groups), mapped(g.parents, groups), mapped(g.hosts, hosts)
		g.ancestors = nil
	}
	for _, h := range out.listed {
		direct := make(map[*Group]bool, len(h.direct))
		for g := range h.direct {
			direct[groups[g]] = true
		}
		h.direct = direct
	}
	out.hosts = mapped(inv.hosts, hosts)
	return &out
}

func mapped[T any](list []*T, to map[*T]*T) []*T {
	out := make([]*T, len(list))
	for i, item := range list {
		out[i] = to[item]
	}
	return out
}
