package state

import "eucactl/cloud"

var ports = &table[cloud.Port]{name: "port", buries: true, indexes: map[string]func(*cloud.Port) []string{
	"network":  func(v *cloud.Port) []string { return []string{string(v.Network)} },
	"instance": func(v *cloud.Port) []string { return []string{string(v.Instance)} },
}}

// Port finds a port by id.
func (tx *Tx) Port(id cloud.PortID) (cloud.Port, bool) { return ports.get(tx, string(id)) }

// PortOf finds the port of an instance.
func (tx *Tx) PortOf(id cloud.InstanceID) (cloud.Port, bool) {
	return ports.one(tx, "instance", string(id))
}

// Ports lists all ports.
func (tx *Tx) Ports() []cloud.Port { return ports.all(tx) }

// PortsOf lists those of a network.
func (tx *Tx) PortsOf(id cloud.NetworkID) []cloud.Port { return ports.list(tx, "network", string(id)) }

// PutPort adds or replaces a port.
func (tx *Tx) PutPort(v cloud.Port) { ports.put(tx, v) }

// DeletePort removes a port and buries its id.
func (tx *Tx) DeletePort(id cloud.PortID) { ports.delete(tx, string(id)) }
