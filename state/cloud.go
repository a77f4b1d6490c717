package state

import "eucactl/cloud"

var clouds = &table[cloud.Cloud]{name: "cloud"}

// Cloud is the one record that says which cloud this is; there is none before the
// first update.
func (tx *Tx) Cloud() (cloud.Cloud, bool) { return clouds.get(tx, cloud.Cloud{}.Key()) }

// PutCloud keeps the record.
func (tx *Tx) PutCloud(v cloud.Cloud) { clouds.put(tx, v) }
