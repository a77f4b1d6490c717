package state

import "eucactl/cloud"

var groups = &table[cloud.Group]{name: "group", buries: true, indexes: map[string]func(*cloud.Group) []string{
	"owner": func(v *cloud.Group) []string { return []string{v.Owner} },
	"name":  func(v *cloud.Group) []string { return []string{both(v.Owner, v.Name)} },
	"chain": func(v *cloud.Group) []string { return []string{v.Chain} },
}}

// Group finds a security group by id.
func (tx *Tx) Group(id cloud.GroupID) (cloud.Group, bool) { return groups.get(tx, string(id)) }

// GroupNamed finds a user's group by its name.
func (tx *Tx) GroupNamed(owner, name string) (cloud.Group, bool) {
	return groups.one(tx, "name", both(owner, name))
}

// GroupByChain finds the group that has the iptables chain.
func (tx *Tx) GroupByChain(chain string) (cloud.Group, bool) { return groups.one(tx, "chain", chain) }

// Groups lists all groups.
func (tx *Tx) Groups() []cloud.Group { return groups.all(tx) }

// GroupsOf lists a user's groups.
func (tx *Tx) GroupsOf(owner string) []cloud.Group { return groups.list(tx, "owner", owner) }

// PutGroup adds or replaces a group.
func (tx *Tx) PutGroup(v cloud.Group) { groups.put(tx, v) }

// DeleteGroup removes a group and buries its id.
func (tx *Tx) DeleteGroup(id cloud.GroupID) { groups.delete(tx, string(id)) }
