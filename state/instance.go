package state

import (
	"iter"

	"eucactl/cloud"
)

var instances = &table[cloud.Instance]{name: "instance", buries: true, indexes: map[string]func(*cloud.Instance) []string{
	"host":        func(v *cloud.Instance) []string { return []string{v.Host} },
	"cluster":     func(v *cloud.Instance) []string { return []string{v.Cluster} },
	"ending":      ending,
	"owner":       func(v *cloud.Instance) []string { return []string{v.Owner} },
	"reservation": func(v *cloud.Instance) []string { return []string{string(v.Reservation)} },
	"group": func(v *cloud.Instance) []string {
		var ids []string
		for _, id := range v.Groups {
			ids = append(ids, string(id))
		}
		return ids
	},
}}

// ending indexes, by cluster, the instances that are to be terminated and still hold what they had: few of many.
func ending(v *cloud.Instance) []string {
	if v.Want != cloud.Terminated || !v.Released.IsZero() {
		return nil
	}
	return []string{v.Cluster}
}

// Instance finds an instance by id.
func (tx *Tx) Instance(id cloud.InstanceID) (cloud.Instance, bool) {
	return instances.get(tx, string(id))
}

// Instances lists all instances, the terminated ones too.
func (tx *Tx) Instances() []cloud.Instance { return instances.all(tx) }

// EachInstance yields what Instances lists, one at a time.
func (tx *Tx) EachInstance() iter.Seq[cloud.Instance] { return instances.each(tx) }

// InstancesOn lists those placed on a host.
func (tx *Tx) InstancesOn(host string) []cloud.Instance { return instances.list(tx, "host", host) }

// InstancesIn lists those of a cluster.
func (tx *Tx) InstancesIn(cluster string) []cloud.Instance {
	return instances.list(tx, "cluster", cluster)
}

// InstancesEnding lists those of a cluster that are to be terminated and still hold what they had.
func (tx *Tx) InstancesEnding(cluster string) []cloud.Instance {
	return instances.list(tx, "ending", cluster)
}

// InstancesOf lists those of a user.
func (tx *Tx) InstancesOf(owner string) []cloud.Instance { return instances.list(tx, "owner", owner) }

// InstancesOfReservation lists those that were started by one request.
func (tx *Tx) InstancesOfReservation(id cloud.ReservationID) []cloud.Instance {
	return instances.list(tx, "reservation", string(id))
}

// InstancesOfGroup lists those in a security group.
func (tx *Tx) InstancesOfGroup(id cloud.GroupID) []cloud.Instance {
	return instances.list(tx, "group", string(id))
}

// PutInstance adds or replaces an instance.
func (tx *Tx) PutInstance(v cloud.Instance) { instances.put(tx, v) }

// DeleteInstance removes an instance and buries its id, and with the last one of a
// reservation the reservation's.
func (tx *Tx) DeleteInstance(id cloud.InstanceID) {
	v, ok := tx.Instance(id)
	if !ok {
		return
	}
	instances.delete(tx, string(id))
	given := instances.first(tx.before, "reservation", string(v.Reservation)) != nil
	if given && len(tx.InstancesOfReservation(v.Reservation)) == 0 {
		tx.Bury(string(v.Reservation))
	}
}
