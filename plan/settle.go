package plan

import (
	"net/netip"
	"slices"
	"time"

	"eucactl/cloud"
	"eucactl/inventory"
)

// Reason given to an instance whose guest shut itself down (EC2's words).
const GuestShutdown = "Client.InstanceInitiatedShutdown: the guest shut itself down"

// BuryAfter is how long a terminated instance stays visible (A27), unless the
// operator wants it otherwise.
const BuryAfter = 10 * time.Minute

// Settle derives what the hosts' last answers allow: guests that shut themselves
// down are terminated, what hosts were seen without is released, chains of others
// keep their names, and what was terminated for longer than bury is buried. Only a
// complete answer given under a plan at least as new as the record's last change counts.
func Settle(r Records, inv *inventory.Inventory, now time.Time, bury time.Duration) Changes {
	s := &settlement{Records: r, now: now, bury: bury, frontends: map[string]string{}}
	for _, c := range inv.Clusters() {
		if c.Frontend != nil {
			s.frontends[c.Name] = c.Frontend.Name
		}
	}
	s.groups(ForeignChains(r, inv))
	for _, in := range r.Instances() {
		s.instance(in)
	}
	for _, net := range r.Networks() {
		s.network(net)
	}
	for _, a := range r.Addresses() {
		s.address(a)
	}
	return s.out
}

type settlement struct {
	Records
	now       time.Time
	bury      time.Duration
	frontends map[string]string
	out       Changes
}

// groups leaves names of chains to others who have them. A group's chain of another
// name takes the place of its old one in one transaction.
func (s *settlement) groups(foreign map[string]bool) {
	if len(foreign) == 0 {
		return
	}
	for _, g := range s.Groups() {
		if foreign[g.Chain] && g.Chain != HashedChain(g.ID) {
			g.Chain = HashedChain(g.ID)
			s.out.Groups = append(s.out.Groups, g)
		}
	}
}

func (s *settlement) instance(in cloud.Instance) {
	switch {
	case in.Want == cloud.Running && s.dead(in):
		s.end(in, "Server.HostDeclaredDead: "+in.Host+" was declared dead")
	case in.Want == cloud.Running && s.poweredOff(in):
		s.end(in, GuestShutdown)
	case in.Want == cloud.Terminated && in.Released.IsZero():
		if dead, ok := s.DeadHost(in.Host); ok && s.frontendAt(in.Cluster, in.Rev) {
			in.DeclaredBy = dead.Who
			s.release(in)
		} else if s.absent(in) && s.frontendAt(in.Cluster, in.Rev) {
			s.release(in)
		}
	case !in.Released.IsZero() && !s.now.Before(in.Released.Add(s.bury)) && (in.DeclaredBy == "" || s.absent(in)):
		s.out.Bury = append(s.out.Bury, in.ID)
	}
}

// End is the common part of every way to terminate an instance: its launch address
// is on its way back, an elastic one is its user's again.
func End(r Records, in cloud.Instance, reason string, now time.Time) Changes {
	var out Changes
	if in.Public.IsValid() {
		if a, ok := r.Address(in.Public); ok {
			a.Instance, a.Gone = "", !a.Elastic
			out.Addresses = append(out.Addresses, a)
		}
	}
	in.Want, in.Reason, in.Ended = cloud.Terminated, reason, now
	in.Public, in.Previous = netip.Addr{}, netip.Addr{}
	out.Instances = append(out.Instances, in)
	return out
}

func (s *settlement) end(in cloud.Instance, reason string) {
	c := End(s.Records, in, reason, s.now)
	s.out.Instances = append(s.out.Instances, c.Instances...)
	s.out.Addresses = append(s.out.Addresses, c.Addresses...)
}

// release gives back what the instance held.
func (s *settlement) release(in cloud.Instance) {
	if port, ok := s.Port(in.Port); ok {
		s.out.FreePorts = append(s.out.FreePorts, port.ID)
		s.out.FreeClaims = append(s.out.FreeClaims, macClaim(port.MAC))
		if port.IP.IsValid() {
			s.out.FreeClaims = append(s.out.FreeClaims, ipClaim(port.Network, port.IP))
		}
	}
	in.Released = s.now
	s.out.Instances = append(s.out.Instances, in)
}

func (s *settlement) dead(in cloud.Instance) bool {
	_, dead := s.DeadHost(in.Host)
	return dead
}

// poweredOff: its node's list, taken under a plan that knew the instance, shows it
// off by its guest's own doing.
func (s *settlement) poweredOff(in cloud.Instance) bool {
	d, listed := domainOf(s.Records, in)
	c, _ := s.Cloud()
	return listed && d != nil && d.Cloud == c.ID && d.PoweredOff
}

// absent: its node gave complete lists of machines and of their folders, under a
// plan that ordered the instance's end, and the instance is on neither.
func (s *settlement) absent(in cloud.Instance) bool {
	d, listed := domainOf(s.Records, in)
	seen, _ := s.Seen(in.Host)
	return listed && d == nil && seen.FoldersRev >= in.Rev && !slices.Contains(seen.Folders, string(in.ID))
}

// domainOf is the instance's line in its node's list; listed says whether there is
// a list that counts for it.
func domainOf(r Records, in cloud.Instance) (d *cloud.SeenDomain, listed bool) {
	seen, ok := r.Seen(in.Host)
	if !ok || seen.DomainsAt.IsZero() || seen.DomainsRev < in.Rev {
		return nil, false
	}
	for i := range seen.Domains {
		if seen.Domains[i].Name == string(in.ID) {
			return &seen.Domains[i], true
		}
	}
	return nil, true
}

// frontendAt: the cluster's frontend was wholly as planned at this revision or
// later. In SYSTEM it has nothing of ours at any.
func (s *settlement) frontendAt(cluster string, rev uint64) bool {
	if c, _ := s.Cloud(); inventory.Mode(c.Networks[cluster].Mode) == inventory.System {
		return true
	}
	seen, ok := s.Seen(s.frontends[cluster])
	return ok && seen.FrontRev >= rev
}

// network closes a network whose last instance is gone, and gives its index back
// when the frontend and the nodes that had its VLAN were seen without it.
func (s *settlement) network(net cloud.Network) {
	used := s.usedOn(net.ID)
	net, changed := s.uplinks(net, used)
	if len(used) == 0 && !net.Gone {
		net.Gone, changed = true, true
	} else if len(used) == 0 && !changed && len(net.Uplinks) == 0 && s.frontendAt(net.Cluster, net.Rev) {
		s.free(net)
		return
	}
	if changed {
		s.out.Networks = append(s.out.Networks, net)
	}
}

// free gives back what a network held.
func (s *settlement) free(net cloud.Network) {
	if sub, ok := s.SubnetOf(net.ID); ok {
		s.out.FreeSubnets = append(s.out.FreeSubnets, sub.ID)
	}
	s.out.FreeNets = append(s.out.FreeNets, net.ID)
	if net.Index > 0 {
		s.out.FreeClaims = append(s.out.FreeClaims, vlanClaim(net.Cluster, net.Index))
	}
}

// usedOn are the nodes on which instances still hold a port in the network.
func (s *settlement) usedOn(net cloud.NetworkID) map[string]bool {
	used := map[string]bool{}
	for _, port := range s.PortsOf(net) {
		if !slices.Contains(s.out.FreePorts, port.ID) {
			in, _ := s.Instance(port.Instance)
			used[in.Host] = true
		}
	}
	return used
}

// uplinks marks the nodes that have no instance of the network any more, and forgets
// those that were seen without its VLAN since, and those that were declared dead.
func (s *settlement) uplinks(net cloud.Network, used map[string]bool) (cloud.Network, bool) {
	next := net.Clone()
	changed := false
	for host, up := range net.Uplinks {
		_, dead := s.DeadHost(host)
		switch {
		case used[host]:
			continue
		case dead || up.Gone && s.unlinked(host, net, up):
			delete(next.Uplinks, host)
		case !up.Gone:
			up.Gone = true
			next.Uplinks[host] = up
		default:
			continue
		}
		changed = true
	}
	if len(next.Uplinks) == 0 {
		next.Uplinks = nil
	}
	return next, changed
}

// unlinked: the node gave a complete list of our interfaces, under a plan that was
// made since the network left it, and the network's are not on it.
func (s *settlement) unlinked(host string, net cloud.Network, up cloud.Uplink) bool {
	seen, ok := s.Seen(host)
	return ok && seen.LinksRev >= net.Rev && !slices.Contains(seen.Links, bridgeOf(net)) && !slices.Contains(seen.Links, segment(net, up.Dev).Link)
}

// address gives a public address back once the frontend was seen without it.
func (s *settlement) address(a cloud.Address) {
	if a.Gone && s.frontendAt(a.Cluster, a.Rev) {
		s.out.FreeAddrs = append(s.out.FreeAddrs, a.IP)
		s.out.FreeClaims = append(s.out.FreeClaims, PublicClaim(a.IP))
	}
}
