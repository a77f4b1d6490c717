package state

import "eucactl/cloud"

var fences = &table[cloud.Fence]{name: "fence", silent: true}

// Fence finds the tokens under which a host may be found.
func (tx *Tx) Fence(host string) (cloud.Fence, bool) { return fences.get(tx, host) }

// Fences lists those of all hosts.
func (tx *Tx) Fences() []cloud.Fence { return fences.all(tx) }

// PutFence adds or replaces a host's tokens.
func (tx *Tx) PutFence(v cloud.Fence) { fences.put(tx, v) }

// DeleteFence forgets a host's tokens.
func (tx *Tx) DeleteFence(host string) { fences.delete(tx, host) }
