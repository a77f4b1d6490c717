package plan

import (
	"cmp"
	"fmt"
	"slices"

	"eucactl/cloud"
	"eucactl/inventory"
)

// Segment is a network's VLAN as one host has it: the tagged interface, and on a
// node the bridge that joins it with the guests' interfaces.
type Segment struct {
	Network string `json:"network"` // whose it is, for its mark
	VLAN    int    `json:"vlan"`
	Dev     string `json:"dev"`    // eth0
	Link    string `json:"link"`   // eth0.10
	Bridge  string `json:"bridge"` // eucabr10; empty on a frontend
}

// segment is a network's VLAN on an interface.
func segment(net cloud.Network, dev string) Segment {
	return Segment{Network: string(net.ID), VLAN: net.Index, Dev: dev, Link: fmt.Sprintf("%s.%d", dev, net.Index)}
}

// bridgeOf is the bridge of a VLAN on nodes, as the guide has it.
func bridgeOf(net cloud.Network) string { return fmt.Sprintf("eucabr%d", net.Index) }

func byVLAN(a, b Segment) int { return cmp.Compare(a.VLAN, b.VLAN) }

// segments are the VLANs that a frontend is in as each network's router, and by name
// those that it is not in any more.
func (e *edge) segments() (present, gone []Segment) {
	if !e.tagged() {
		return nil, nil
	}
	for _, n := range e.networks {
		s := segment(n, e.settings.PrivInterface)
		if n.Gone {
			gone = append(gone, s)
		} else {
			present = append(present, s)
		}
	}
	slices.SortFunc(present, byVLAN)
	slices.SortFunc(gone, byVLAN)
	return present, gone
}

// tagged says whether each network of the cluster has its own VLAN.
func (e *edge) tagged() bool { return inventory.Mode(e.settings.Mode) == inventory.Managed }

// dev is the frontend's interface in a network.
func (e *edge) dev(n cloud.Network) string {
	if e.tagged() {
		return segment(n, e.settings.PrivInterface).Link
	}
	return e.settings.PrivInterface
}

// guestside matches all the frontend's interfaces towards guests, as iptables spells it.
func (e *edge) guestside() string {
	if e.tagged() {
		return e.settings.PrivInterface + ".+"
	}
	return e.settings.PrivInterface
}

// nodeSegments are the VLANs that machines of a node are in, and by name those that
// none is in any more.
func nodeSegments(r Records, h *inventory.Host, used map[cloud.NetworkID]bool) (present, gone []Segment) {
	for _, n := range r.NetworksIn(h.Cluster) {
		up, placed := n.Uplinks[h.Name]
		if !placed {
			continue
		}
		s := segment(n, up.Dev)
		s.Bridge = bridgeOf(n)
		if used[n.ID] {
			present = append(present, s)
		} else {
			gone = append(gone, s)
		}
	}
	slices.SortFunc(present, byVLAN)
	slices.SortFunc(gone, byVLAN)
	return present, gone
}
