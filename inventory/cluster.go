package inventory

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
)

// Cluster is one availability zone: a frontend, the nodes and storage hosts
// that name the same cluster, and the network they share.
type Cluster struct {
	Name     string
	Frontend *Host
	Nodes    []*Host
	Storage  []*Host
	Network  Network
}

// readClusters groups the hosts by cluster and checks each cluster, and what no
// two hosts or clusters may share.
func (r *reader) readClusters() {
	r.checkAddresses()
	if r.unsure() {
		return
	}
	index := make(map[string]int)
	for _, h := range r.inv.hosts {
		if !h.Frontend {
			continue
		}
		if i, again := index[h.Cluster]; again {
			first := r.inv.clusters[i].Frontend
			r.problems.add(h.Where, "cluster %s has two frontends, %s here and %s at %s; set cluster to different names or keep one",
				h.Cluster, h.Name, first.Name, first.Where)
			continue
		}
		if len(index) == maxClusters {
			r.problems.add(h.Where, "more than %d clusters", maxClusters)
			return
		}
		index[h.Cluster] = len(r.inv.clusters)
		r.inv.clusters = append(r.inv.clusters, Cluster{Name: h.Cluster, Frontend: h, Network: r.readNetwork(h)})
	}
	for _, h := range r.inv.hosts {
		if i, ok := index[h.Cluster]; ok {
			r.addMember(&r.inv.clusters[i], h)
		} else if h.IsNode || h.Storage {
			r.noFrontend(h)
		}
	}
	r.checkBetweenClusters()
}

// unsure says that some host's cluster could not be read: what would follow about
// clusters would be wrong.
func (r *reader) unsure() bool {
	for _, h := range r.inv.hosts {
		if v, has := h.merged["cluster"]; has && v.parsed == nil {
			return true
		}
	}
	return false
}

func (r *reader) noFrontend(h *Host) {
	role := "node"
	if !h.IsNode {
		role = "storage host"
	}
	known := ""
	if len(r.inv.clusters) > 0 {
		var names []string
		for _, c := range r.inv.clusters {
			names = append(names, c.Name)
		}
		known = "; there is one in " + joined(names)
	}
	at, own := h.WhereVar("cluster")
	if !own {
		at = h.Where
	}
	r.problems.addOnce("frontend", at, "%s %s is in cluster %s, which has no frontend; put one host of that cluster into group %s%s",
		role, h.Name, h.Cluster, FrontendsGroup, known)
}

func (r *reader) addMember(c *Cluster, h *Host) {
	if h.Storage {
		c.Storage = append(c.Storage, h)
	}
	if h.IsNode {
		c.Nodes = append(c.Nodes, h)
		r.checkNode(c, h)
	}
	if (h.IsNode || h.Storage) && h != c.Frontend {
		r.checkAgreement(c.Frontend, h)
	}
}

// checkNode checks what a node needs to attach guests.
func (r *reader) checkNode(c *Cluster, h *Host) {
	mode := c.Network.Mode
	if mode == "" {
		return
	}
	if mode.Groups() && h == c.Frontend {
		r.problems.add(h.Where, "host %s is both frontend and node, which %s does not allow; use %s or %s on a single machine", h.Name, mode, System, Static)
	}
	if need := mode.nodeNeeds(); h.lacks(need) {
		hint := ""
		if need == "vnet_bridge" && h.Node.Interface != "" {
			hint = fmt.Sprintf("; it has the interface %s, but guests are attached to a bridge", h.Node.Interface)
		}
		if need == "vnet_privinterface" && h.Node.Bridge != "" && c.Network.PrivInterface != "" {
			hint = fmt.Sprintf("; it has the bridge %s: did you mean %s? (the guide's examples for that print %s)", h.Node.Bridge, ManagedNoVLAN, Managed)
		}
		r.problems.addOnce("lack", h.Where, "node %s: %s needs %s on every node, which is missing%s", h.Name, mode, need, hint)
	}
}

// checkAgreement refuses a node that says something else about the whole
// cluster than its frontend, which is the one that counts.
func (r *reader) checkAgreement(fe, h *Host) {
	for _, s := range networkSettings() {
		mine, has := h.merged[s.name]
		theirs, also := fe.merged[s.name]
		bad := mine.parsed == nil || also && theirs.parsed == nil
		if !has || bad || mine.at == theirs.at {
			continue
		}
		switch {
		case !also:
			r.problems.addOnce(s.name, mine.at, "%s is set for %s but not for %s, the frontend of its cluster, whose settings count; move it to a group that has both",
				s.name, h.Name, fe.Name)
		case !reflect.DeepEqual(mine.parsed, theirs.parsed):
			r.problems.addOnce(s.name, mine.at, "%s of %s differs from that of %s, the frontend of its cluster, at %s; keep one", s.name, h.Name, fe.Name, theirs.at)
		}
	}
}

// checkAddresses refuses two hosts that are one and the same machine.
func (r *reader) checkAddresses() {
	first := make(map[string]*Host)
	for _, h := range r.inv.hosts {
		key, what := h.endpoint(), "address "+h.Address
		if h.Connection == Local {
			key, what = "local", "connection local, so both are this machine"
		}
		if other, again := first[key]; again {
			at, own := h.WhereVar("ansible_host")
			if !own {
				at = h.Where
			}
			r.problems.add(at, "hosts %s and %s have the same %s; %s is at %s", other.Name, h.Name, what, other.Name, other.Where)
			continue
		}
		first[key] = h
	}
}

// endpoint is the address and port in one spelling.
func (h *Host) endpoint() string {
	port := h.Port
	if port == 0 {
		port = 22
	}
	where := strings.ToLower(h.Address)
	if a, err := netip.ParseAddr(h.Address); err == nil {
		where = a.Unmap().String()
	}
	return fmt.Sprintf("%s %d", where, port)
}

// checkBetweenClusters refuses ranges that two clusters, or a cluster and the
// hosts, cannot both have.
func (r *reader) checkBetweenClusters() {
	owner := make(map[netip.Addr]string)
	shared := make(map[[2]string]bool)
	for i, c := range r.inv.clusters {
		at, _ := c.Frontend.WhereVar("vnet_subnet")
		for _, other := range r.inv.clusters[:i] {
			if c.Network.Subnet.IsValid() && c.Network.Subnet.Overlaps(other.Network.Subnet) {
				otherAt, _ := other.Frontend.WhereVar("vnet_subnet")
				r.problems.add(at, "vnet_subnet: %s of cluster %s overlaps %s of cluster %s at %s",
					c.Network.Subnet, c.Name, other.Network.Subnet, other.Name, otherAt)
			}
		}
		at, _ = c.Frontend.WhereVar("vnet_publicips")
		for _, a := range c.Network.PublicIPs {
			first, taken := owner[a]
			if taken && !shared[[2]string{first, c.Name}] {
				shared[[2]string{first, c.Name}] = true
				r.problems.add(at, "vnet_publicips: %s of cluster %s belongs to cluster %s too", a, c.Name, first)
			}
			owner[a] = c.Name
		}
	}
	r.checkForeignPublicIPs()
	r.checkHostsAgainstRanges(owner)
}

// checkForeignPublicIPs refuses public addresses inside another cluster's subnet.
func (r *reader) checkForeignPublicIPs() {
	for _, c := range r.inv.clusters {
		at, _ := c.Frontend.WhereVar("vnet_publicips")
		for _, other := range r.inv.clusters {
			if c.Name == other.Name || !other.Network.Mode.Groups() || !other.Network.Subnet.IsValid() {
				continue
			}
			if inside := within(c.Network.PublicIPs, other.Network.Subnet); len(inside) > 0 {
				r.problems.add(at, "vnet_publicips: %s of cluster %s is inside the private subnet %s of cluster %s",
					inside[0], c.Name, other.Network.Subnet, other.Name)
			}
		}
	}
}

// checkHostsAgainstRanges refuses hosts whose own address would be given away.
func (r *reader) checkHostsAgainstRanges(public map[netip.Addr]string) {
	for _, h := range r.inv.hosts {
		a, err := netip.ParseAddr(h.Address)
		if err != nil || h.Connection == Local {
			continue
		}
		at, own := h.WhereVar("ansible_host")
		if !own {
			at = h.Where
		}
		if cluster, taken := public[a.Unmap()]; taken {
			r.problems.add(at, "the address %s of host %s is in vnet_publicips of cluster %s; exclude it there with !%s", a, h.Name, cluster, a)
		}
		for _, c := range r.inv.clusters {
			if c.Network.Mode.Groups() && c.Network.Subnet.Contains(a.Unmap()) {
				r.problems.add(at, "the address %s of host %s is inside the private subnet %s of cluster %s, which has to be free", a, h.Name, c.Network.Subnet, c.Name)
			}
		}
	}
}
