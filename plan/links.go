package plan

import (
	"net/netip"
	"slices"

	"eucactl/cloud"
	"eucactl/inventory"
)

// edge is a cluster as its frontend sees it, looked up once.
type edge struct {
	r        Records
	mark     string
	cluster  inventory.Cluster
	settings cloud.Settings
	networks []cloud.Network
	subnets  map[cloud.NetworkID]cloud.Subnet
	members  []member
	groups   []cloud.Group // those with members here, by id
	inGroup  map[cloud.GroupID][]netip.Addr
	slices   map[cloud.GroupID][]netip.Prefix // networks in which a group has members
	publics  []cloud.Address
}

// member is an instance that traffic may reach.
type member struct {
	cloud.Instance
	port cloud.Port
}

func newEdge(r Records, cluster inventory.Cluster, s cloud.Settings, cloudID string) *edge {
	e := &edge{
		r: r, mark: "eucactl " + cloudID, cluster: cluster, settings: s,
		networks: r.NetworksIn(cluster.Name), subnets: map[cloud.NetworkID]cloud.Subnet{},
		inGroup: map[cloud.GroupID][]netip.Addr{}, slices: map[cloud.GroupID][]netip.Prefix{}, publics: r.AddressesIn(cluster.Name),
	}
	for _, n := range e.networks {
		e.subnets[n.ID], _ = r.SubnetOf(n.ID)
	}
	instances := r.InstancesIn(cluster.Name)
	e.members = make([]member, 0, len(instances))
	for _, in := range instances {
		if in.Want != cloud.Running {
			continue
		}
		port, _ := r.Port(in.Port)
		e.members = append(e.members, member{in, port})
		for _, g := range in.Groups {
			e.inGroup[g] = append(e.inGroup[g], port.IP)
			if net := e.subnets[port.Network].CIDR; !slices.Contains(e.slices[g], net) {
				e.slices[g] = append(e.slices[g], net)
			}
		}
	}
	for id, ips := range e.inGroup {
		slices.SortFunc(ips, netip.Addr.Compare)
		if g, ok := r.Group(id); ok {
			e.groups = append(e.groups, g)
		}
	}
	slices.SortFunc(e.groups, func(a, b cloud.Group) int { return compare(a.ID, b.ID) })
	return e
}

func compare[T ~string](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// addresses are the gateways and public addresses that must be on the frontend,
// and by name those that must not.
func (e *edge) addresses() (present, absent []Address) {
	for _, n := range e.networks {
		sub := e.subnets[n.ID]
		a := Address{e.dev(n), netip.PrefixFrom(sub.Gateway, sub.CIDR.Bits())}
		if !n.Gone {
			present = append(present, a)
		} else if !e.tagged() { // else it goes with its interface
			absent = append(absent, a)
		}
	}
	for _, p := range e.publics {
		a := Address{e.cluster.Network.PubInterface, netip.PrefixFrom(p.IP, 32)}
		if p.Instance != "" {
			present = append(present, a)
		} else {
			absent = append(absent, a)
		}
	}
	for _, dev := range e.guestDevs() {
		present = append(present, Address{dev, netip.PrefixFrom(metadataAddress(), 32)})
	}
	return present, absent
}

// sets are the private addresses of each group's members. A group that a rule
// names as source has a set even while it has no members.
func (e *edge) sets() (sets []Set) {
	ids := map[cloud.GroupID]bool{}
	for _, g := range e.groups {
		ids[g.ID] = true
		for _, p := range g.Rules {
			if src, ok := e.source(p); ok {
				ids[src] = true
			}
		}
	}
	for id := range ids {
		sets = append(sets, Set{Name: SetName(id), Type: "hash:ip", Members: e.inGroup[id]})
	}
	slices.SortFunc(sets, func(a, b Set) int { return compare(a.Name, b.Name) })
	return sets
}

// source is the group that a permission lets in, if it exists.
func (e *edge) source(p cloud.Permission) (cloud.GroupID, bool) {
	if p.CIDR.IsValid() {
		return "", false
	}
	g, ok := e.r.GroupNamed(p.Source.User, p.Source.Name)
	return g.ID, ok
}

// translations are the public addresses in use and what is behind them.
func (e *edge) translations() (list []Translation) {
	for _, m := range e.members {
		if m.Public.IsValid() {
			list = append(list, Translation{m.Public, m.port.IP})
		}
	}
	slices.SortFunc(list, func(a, b Translation) int { return a.Public.Compare(b.Public) })
	return list
}

// flows says which addresses live, so that tracked flows of others can be ended. An
// address lives until it is released: a guest that was terminated on a silent node
// may still use it.
func (e *edge) flows() Flows {
	f := Flows{Nat: e.translations(), Pool: e.cluster.Network.PublicIPs}
	for _, n := range e.networks {
		if !n.Gone {
			f.Live = append(f.Live, e.subnets[n.ID].Gateway)
		}
		for _, p := range e.r.PortsOf(n.ID) {
			f.Live = append(f.Live, p.IP)
		}
	}
	slices.SortFunc(f.Live, netip.Addr.Compare)
	for _, g := range e.groups {
		for _, p := range g.Rules {
			if whom, ok := e.whom(p); ok {
				f.Permits = append(f.Permits, Permit{SetName(g.ID), p.Protocol, p.From, p.To, whom})
			}
		}
	}
	return f
}

// whom is the source of a permission, if it can be a guest.
func (e *edge) whom(p cloud.Permission) (string, bool) {
	if p.CIDR.IsValid() {
		return p.CIDR.Masked().String(), p.CIDR.Overlaps(e.settings.Subnet)
	}
	id, ok := e.source(p)
	return SetName(id), ok
}
