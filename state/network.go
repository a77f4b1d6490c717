package state

import "eucactl/cloud"

var networks = &table[cloud.Network]{name: "network", buries: true, indexes: map[string]func(*cloud.Network) []string{
	"cluster": func(v *cloud.Network) []string { return []string{v.Cluster} },
	"group":   func(v *cloud.Network) []string { return []string{both(v.Cluster, string(v.Group))} },
}}

// Network finds a network by id.
func (tx *Tx) Network(id cloud.NetworkID) (cloud.Network, bool) { return networks.get(tx, string(id)) }

// NetworkOf finds the network that a group has in a cluster: the one in use, or else
// one that is Gone but not yet off the frontend.
func (tx *Tx) NetworkOf(cluster string, group cloud.GroupID) (cloud.Network, bool) {
	list := networks.list(tx, "group", both(cluster, string(group)))
	for _, v := range list {
		if !v.Gone {
			return v, true
		}
	}
	if len(list) == 0 {
		return cloud.Network{}, false
	}
	return list[0], true
}

// Networks lists all networks.
func (tx *Tx) Networks() []cloud.Network { return networks.all(tx) }

// NetworksIn lists those of a cluster.
func (tx *Tx) NetworksIn(cluster string) []cloud.Network {
	return networks.list(tx, "cluster", cluster)
}

// PutNetwork adds or replaces a network.
func (tx *Tx) PutNetwork(v cloud.Network) { networks.put(tx, v) }

// DeleteNetwork removes a network and buries its id.
func (tx *Tx) DeleteNetwork(id cloud.NetworkID) { networks.delete(tx, string(id)) }
