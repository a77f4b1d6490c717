package plan

import (
	"crypto/sha256"
	"fmt"

	"eucactl/cloud"
	"eucactl/inventory"
)

// Compile derives what one host should be. The same records and inventory give
// the same bytes.
func Compile(r Records, inv *inventory.Inventory, h *inventory.Host) Host {
	c, _ := r.Cloud()
	out := Host{Host: h.Name, Cluster: h.Cluster, Cloud: c.ID}
	if h.Frontend {
		out.Frontend = compileFrontend(r, inv, h, c)
	}
	if h.IsNode {
		out.Node = compileNode(r, inv, h, c)
	}
	return out
}

// compileFrontend gathers the frontend's part. Before the cluster's first instance
// there is nothing to be done on it: an empty database orders nothing. In SYSTEM
// there never is, and in STATIC it only serves leases.
func compileFrontend(r Records, inv *inventory.Inventory, h *inventory.Host, c cloud.Cloud) *Frontend {
	cluster, _ := inv.Cluster(h.Cluster)
	f := &Frontend{PrivInterface: cluster.Network.PrivInterface, PubInterface: cluster.Network.PubInterface, Subnet: cluster.Network.Subnet}
	s, ok := c.Networks[h.Cluster]
	if !ok {
		return f
	}
	f.Routes, f.Left = inventory.Mode(s.Mode).Groups(), s.Left
	if inventory.Mode(s.Mode) == inventory.System {
		return f
	}
	f.Active, f.Subnet = true, s.Subnet
	e := newEdge(r, cluster, s, c.ID)
	f.DHCP = e.dhcp()
	if !f.Routes {
		return f
	}
	f.Sysctls = sysctls(f.PrivInterface)
	f.Segments, f.GoneSegments = e.segments()
	f.Loopback = e.loopback()
	f.Addresses, f.GoneAddresses = e.addresses()
	f.Sets = e.sets()
	f.Flush = flush(cluster.Network.FirewallPolicy)
	f.Filter, f.Nat = e.filter().stamped(e.mark), e.nat().stamped(e.mark)
	f.Flows = e.flows()
	return f
}

// sysctls are those that must hold before the frontend routes: it must not redirect
// guests that share a segment past its own firewall (three packets and the way
// would be open).
func sysctls(priv string) []Sysctl {
	return []Sysctl{
		{Name: "net.ipv4.conf.all.send_redirects", Value: "0"},
		{Name: "net.ipv4.conf." + priv + ".send_redirects", Value: "0"},
	}
}

// flush is the guide's way with a frontend, if the operator chose it.
func flush(policy string) []string {
	if policy == inventory.Flush {
		return []string{"filter", "nat"}
	}
	return []string{}
}

// uuid derives a stable machine UUID from the cloud and the instance.
func uuid(cloudID string, id cloud.InstanceID) string {
	s := sha256.Sum256([]byte(cloudID + "/" + string(id)))
	s[6], s[8] = s[6]&0x0f|0x50, s[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", s[0:4], s[4:6], s[6:8], s[8:10], s[10:16])
}
