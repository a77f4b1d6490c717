package plan

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/inventory"
)

// Order is a launch whose parts were looked up and found valid: what remains is to
// choose. IDs holds one id for each instance up to Max, and enough for the rest.
type Order struct {
	Instance cloud.Instance // what all of them have in common
	IDs      []cloud.InstanceID
	MACs     []string // random and locally administered, for SYSTEM: as many
	Min, Max int
	Ports    []cloud.PortID
	Network  cloud.NetworkID // for the group's network, should it become active
	Subnet   cloud.SubnetID
	Private  bool // no public address
}

// placement is the state of one Place: what it chose so far, over the records.
type placement struct {
	Records
	cluster inventory.Cluster
	out     Changes
	cloud   cloud.Cloud
	net     cloud.Network
	subnet  cloud.Subnet
	free    map[string]cloud.Capacity
	claimed map[string]bool
}

// Place chooses node, network, addresses and MAC of as many instances as fit, at
// least order.Min. Its errors are EC2's.
func Place(r Records, cluster inventory.Cluster, order Order) (Changes, error) {
	p := &placement{Records: r, cluster: cluster, claimed: map[string]bool{}, free: Free(r, cluster)}
	p.cloud, _ = r.Cloud()
	if err := p.settings(); err != nil {
		return Changes{}, err
	}
	if err := p.join(order); err != nil {
		return Changes{}, err
	}
	for i := range order.Max {
		err := p.one(order, i)
		if err != nil && i < order.Min {
			return Changes{}, short(err, order, i)
		}
		if err != nil {
			break
		}
	}
	p.out.Cloud = &p.cloud
	p.out.Networks = []cloud.Network{p.net}
	p.out.Subnets = []cloud.Subnet{p.subnet}
	return p.out, nil
}

// short adds to a refusal how many there would have been room for.
func short(err error, order Order, placed int) error {
	var refused *cloud.Error
	if placed == 0 || !errors.As(err, &refused) {
		return err
	}
	return cloud.Errorf(refused.Code, "%d asked, room for %d: %s; take what there is with -n 1-%d", order.Min, placed, refused.Message, order.Max)
}

// settings copies the inventory's network settings into the cloud's record with
// the cluster's first instance, and refuses an inventory that differs later.
func (p *placement) settings() error {
	want := SettingsOf(p.cluster)
	have, ok := p.cloud.Networks[p.cluster.Name]
	if !ok || len(InUse(p.Records, p.cluster.Name)) == 0 {
		want.Left = leftBehind(have, want)
		networks := map[string]cloud.Settings{}
		maps.Copy(networks, p.cloud.Networks)
		networks[p.cluster.Name] = want
		p.cloud.Networks = networks
		return nil
	}
	if diff := SettingsDiff(have, want); len(diff) > 0 {
		return cloud.Errorf("InvalidState", "the inventory's network settings of %s differ from those its instances were placed with: %s", p.cluster.Name, strings.Join(diff, "; "))
	}
	return nil
}

// SettingsOf are the parts of a cluster's settings that records depend on.
func SettingsOf(c inventory.Cluster) cloud.Settings {
	n := c.Network
	return cloud.Settings{
		Mode: string(n.Mode), Subnet: n.Subnet, AddrsPerNet: n.AddrsPerNet, DNS: n.DNS,
		PubInterface: n.PubInterface, PrivInterface: n.PrivInterface, Frontend: frontendName(c),
	}
}

// leftBehind are the interfaces that a frontend led guests by under what it had, and
// does not under what is wanted. (Those of VLANs went with their groups; but guests
// that were on eth0 itself are by now on eth0.10, or nobody's.)
func leftBehind(have, want cloud.Settings) []string {
	if have.Frontend != want.Frontend {
		return nil
	}
	left := slices.Clone(have.Left)
	if inventory.Mode(have.Mode).Groups() {
		left = append(left, have.PrivInterface)
	}
	stays := inventory.Mode(want.Mode) == inventory.ManagedNoVLAN || have.Mode == want.Mode && inventory.Mode(want.Mode).Groups()
	left = slices.DeleteFunc(left, func(dev string) bool { return stays && dev == want.PrivInterface })
	slices.Sort(left)
	return slices.Compact(left)
}

func frontendName(c inventory.Cluster) string {
	if c.Frontend == nil {
		return ""
	}
	return c.Frontend.Name
}

// SettingsDiff says in words what an inventory would change under living records.
// Name servers may change: hosts are simply brought to them. A frontend or an
// interface may not: what was put on the old one would be orphaned there.
func SettingsDiff(have, want cloud.Settings) (diff []string) {
	for _, s := range []struct{ name, was, is string }{
		{"vnet_mode", have.Mode, want.Mode},
		{"vnet_subnet", have.Subnet.String(), want.Subnet.String()},
		{"vnet_addrspernet", fmt.Sprint(have.AddrsPerNet), fmt.Sprint(want.AddrsPerNet)},
		{"the frontend", have.Frontend, want.Frontend},
		{"vnet_privinterface", have.PrivInterface, want.PrivInterface},
		{"vnet_pubinterface", have.PubInterface, want.PubInterface},
	} {
		if s.was != s.is {
			diff = append(diff, fmt.Sprintf("%s is %s, was %s", s.name, s.is, s.was))
		}
	}
	return diff
}

// InUse lists what a cluster holds that its settings must not change under:
// instances that were not released, public addresses, networks.
func InUse(r Records, cluster string) (list []string) {
	for _, in := range r.InstancesIn(cluster) {
		if in.Released.IsZero() {
			list = append(list, string(in.ID))
		}
	}
	for _, a := range r.AddressesIn(cluster) {
		list = append(list, a.IP.String())
	}
	for _, n := range r.NetworksIn(cluster) {
		of := string(n.ID)
		if g, ok := r.Group(n.Group); ok {
			of += " of group " + g.Name
		}
		list = append(list, of)
	}
	return list
}

// one places one instance or leaves everything as it was.
func (p *placement) one(order Order, i int) error {
	in := order.Instance.Clone()
	in.ID, in.LaunchIndex, in.Cluster, in.Port = order.IDs[i], i, p.cluster.Name, order.Ports[i]
	node, err := p.node(in.Type)
	if err != nil {
		return err
	}
	public, err := p.public(order)
	if err != nil {
		return err
	}
	mac, ip, err := p.plug(order, i)
	if err != nil {
		return err
	}
	in.Host, in.Public = node, public
	p.take(node, in.Type)
	p.uplink(node)
	if ip.IsValid() {
		p.claim(ipClaim(p.net.ID, ip), string(in.ID))
	}
	p.claim(macClaim(mac), string(in.ID))
	p.out.Ports = append(p.out.Ports, cloud.Port{ID: in.Port, Network: p.net.ID, Subnet: p.subnet.ID, Instance: in.ID, MAC: mac, IP: ip})
	if public.IsValid() {
		p.claim(PublicClaim(public), string(in.ID))
		p.out.Addresses = append(p.out.Addresses, cloud.Address{IP: public, Cluster: p.cluster.Name, Owner: in.Owner, Instance: in.ID})
		p.cloud = WithLastPublic(p.cloud, p.cluster.Name, public)
	}
	p.cloud = withLastNode(p.cloud, p.cluster.Name, node)
	p.out.Instances = append(p.out.Instances, in)
	return nil
}

// node is the next one after the last chosen (ROUNDROBIN) with room for the type.
func (p *placement) node(t cloud.InstanceType) (string, error) {
	names := nodeNames(p.cluster)
	start := slices.Index(names, p.cloud.LastNode[p.cluster.Name]) + 1
	for i := range names {
		name := names[(start+i)%len(names)]
		if free, ok := p.free[name]; ok && fits(free, t) {
			return name, nil
		}
	}
	if len(p.free) == 0 {
		return "", cloud.Errorf("InsufficientInstanceCapacity", "no node of %s has reported: run eucactl reconcile", p.cluster.Name)
	}
	return "", cloud.Errorf("InsufficientInstanceCapacity", "no node of %s has room for a %s (%d cores, %d MiB, %d GiB)", p.cluster.Name, t.Name, t.Cores, t.Memory, t.Disk)
}

func fits(free cloud.Capacity, t cloud.InstanceType) bool {
	return free.Cores >= t.Cores && free.Memory >= t.Memory && free.Disk >= t.Disk
}

func (p *placement) take(node string, t cloud.InstanceType) {
	p.free[node] = less(p.free[node], t)
}

func less(c cloud.Capacity, t cloud.InstanceType) cloud.Capacity {
	return cloud.Capacity{Cores: c.Cores - t.Cores, Memory: c.Memory - t.Memory, Disk: c.Disk - t.Disk}
}

// public is the next free address of the pool, or none if the cluster has no pool.
func (p *placement) public(order Order) (netip.Addr, error) {
	if order.Private || !p.cluster.Network.Mode.Groups() || len(p.cluster.Network.PublicIPs) == 0 {
		return netip.Addr{}, nil
	}
	return NextPublic(p.Records, p.cluster, p.cloud, p.taken)
}

// NextPublic is the pool's address after the one given last that nobody holds.
func NextPublic(r Records, cluster inventory.Cluster, c cloud.Cloud, taken func(claim string) bool) (netip.Addr, error) {
	pool := cluster.Network.PublicIPs
	start := slices.Index(pool, c.LastPublic[cluster.Name]) + 1
	for i := range pool {
		ip := pool[(start+i)%len(pool)]
		if !taken(PublicClaim(ip)) {
			return ip, nil
		}
	}
	return netip.Addr{}, cloud.Errorf("InsufficientAddressCapacity", "all %d public addresses of %s are in use", len(pool), cluster.Name)
}

func (p *placement) taken(claim string) bool {
	if p.claimed[claim] {
		return true
	}
	_, ok := p.Claim(claim)
	return ok
}

func (p *placement) claim(name, holder string) {
	p.claimed[name] = true
	p.out.Claims = append(p.out.Claims, cloud.Claim{Name: name, Holder: holder})
}

// Free is what the reporting nodes of a cluster have left: what they were seen to
// have, less what instances hold there by record.
func Free(r Records, cluster inventory.Cluster) map[string]cloud.Capacity {
	free := map[string]cloud.Capacity{}
	for _, h := range cluster.Nodes {
		seen, ok := r.Seen(h.Name)
		_, dead := r.DeadHost(h.Name)
		if !ok || dead || silence(seen) != "" || seen.Capacity == (cloud.Capacity{}) {
			continue
		}
		c := Total(seen, h)
		for _, in := range r.InstancesOn(h.Name) {
			if in.Released.IsZero() {
				c = less(c, in.Type)
			}
		}
		free[h.Name] = c
	}
	return free
}

// Total is what a node has, or less where the inventory caps it. Cores are what the
// inventory says, also more than there are: guests may share them.
func Total(seen cloud.Seen, h *inventory.Host) cloud.Capacity {
	c := seen.Capacity
	if h.Node.Cores > 0 {
		c.Cores = h.Node.Cores
	}
	for _, limit := range []struct {
		have *int
		at   int
	}{
		{&c.Memory, h.Node.Memory}, {&c.Disk, h.Node.Disk},
	} {
		if limit.at > 0 {
			*limit.have = min(*limit.have, limit.at)
		}
	}
	return c
}

func nodeNames(c inventory.Cluster) (names []string) {
	for _, h := range c.Nodes {
		names = append(names, h.Name)
	}
	return names
}

// Fit counts how many instances of a type fit.
func Fit(c cloud.Capacity, t cloud.InstanceType) int {
	return max(0, min(c.Cores/max(1, t.Cores), c.Memory/max(1, t.Memory), c.Disk/max(1, t.Disk)))
}

// WithLastPublic notes the public address given last in a cluster.
func WithLastPublic(c cloud.Cloud, cluster string, ip netip.Addr) cloud.Cloud {
	last := maps.Clone(c.LastPublic)
	if last == nil {
		last = map[string]netip.Addr{}
	}
	last[cluster] = ip
	c.LastPublic = last
	return c
}

func withLastNode(c cloud.Cloud, cluster, node string) cloud.Cloud {
	last := maps.Clone(c.LastNode)
	if last == nil {
		last = map[string]string{}
	}
	last[cluster] = node
	c.LastNode = last
	return c
}
