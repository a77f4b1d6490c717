package state

import "eucactl/cloud"

// What is seen is written by Observe only, so it has no Put here.
var seen = &table[cloud.Seen]{name: "seen"}

// Seen finds what a host was last seen to be.
func (tx *Tx) Seen(host string) (cloud.Seen, bool) { return seen.get(tx, host) }

// SeenHosts lists what all hosts were last seen to be.
func (tx *Tx) SeenHosts() []cloud.Seen { return seen.all(tx) }
