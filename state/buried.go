package state

import (
	"strings"

	"eucactl/cloud"
)

var buried = &table[cloud.Buried]{name: "buried"}

// Buried says whether the id's bearer is no more.
func (tx *Tx) Buried(id string) bool {
	_, ok := buried.get(tx, id)
	return ok
}

// Bury makes sure that the id is never given again. Deleting a record that has an id
// does it too.
func (tx *Tx) Bury(id string) {
	if !tx.Buried(id) {
		buried.put(tx, cloud.Buried{ID: id, When: tx.when})
	}
}

// IDTaken says whether the id was ever given, to whatever.
func (tx *Tx) IDTaken(id string) bool {
	id = strings.ToLower(id)
	for _, k := range tables() {
		if row, err := tx.reader().First(k.label(), idIndex, id); err != nil || row != nil {
			return true
		}
	}
	return len(tx.InstancesOfReservation(cloud.ReservationID(id))) > 0
}
