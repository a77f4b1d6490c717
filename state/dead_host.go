package state

import "eucactl/cloud"

var deadHosts = &table[cloud.DeadHost]{name: "dead_host"}

// DeadHost finds an operator's word that a host is dead.
func (tx *Tx) DeadHost(host string) (cloud.DeadHost, bool) { return deadHosts.get(tx, host) }

// DeadHosts lists all hosts declared dead.
func (tx *Tx) DeadHosts() []cloud.DeadHost { return deadHosts.all(tx) }

// PutDeadHost declares a host dead.
func (tx *Tx) PutDeadHost(v cloud.DeadHost) { deadHosts.put(tx, v) }

// DeleteDeadHost takes the word back.
func (tx *Tx) DeleteDeadHost(host string) { deadHosts.delete(tx, host) }
