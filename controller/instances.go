package controller

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
)

// instance finds an instance of the caller.
func (t *turn) instance(name string) (cloud.Instance, error) {
	id, ok := cloud.ParseID(name, cloud.InstancePrefix)
	if !ok {
		return cloud.Instance{}, cloud.Errorf("InvalidInstanceID.Malformed", "Invalid id: \"%.64s\" (expecting \"i-...\", 8 hex digits)", name)
	}
	in, ok := t.Instance(cloud.InstanceID(id))
	if !ok || in.Owner != t.user && !t.admin() {
		return in, cloud.Errorf("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
	}
	return in, nil
}

// named finds several instances, all or none.
func (t *turn) named(ids []string) (list []cloud.Instance, err error) {
	if len(ids) == 0 {
		return nil, cloud.Errorf("MissingParameter", "name at least one instance")
	}
	seen := map[cloud.InstanceID]bool{}
	for _, id := range ids {
		in, err := t.instance(id)
		if err != nil {
			return nil, err
		}
		if !seen[in.ID] {
			list = append(list, in)
		}
		seen[in.ID] = true
	}
	return list, nil
}

func describeInstances(t *turn, req cloud.DescribeInstances) (out cloud.Reservations, err error) {
	list := t.InstancesOf(t.user)
	if req.All && t.admin() {
		list = t.Instances()
	}
	if len(req.IDs) > 0 {
		if list, err = t.named(req.IDs); err != nil {
			return out, err
		}
	}
	at := map[cloud.ReservationID]int{}
	slices.SortStableFunc(list, func(a, b cloud.Instance) int {
		if c := a.Launched.Compare(b.Launched); c != 0 {
			return c
		}
		if c := strings.Compare(string(a.Reservation), string(b.Reservation)); c != 0 {
			return c
		}
		return a.LaunchIndex - b.LaunchIndex
	})
	for _, in := range list {
		i, ok := at[in.Reservation]
		if !ok {
			i = len(out.Reservations)
			at[in.Reservation] = i
			out.Reservations = append(out.Reservations, cloud.Reservation{ID: in.Reservation, Owner: in.Owner, Groups: t.groupNames(in.Groups)})
		}
		out.Reservations[i].Instances = append(out.Reservations[i].Instances, t.view(in))
	}
	out.Reservations = orEmpty(out.Reservations)
	return out, nil
}

func (t *turn) groupNames(ids []cloud.GroupID) (names []string) {
	for _, id := range ids {
		if g, ok := t.Group(id); ok {
			names = append(names, g.Name)
		} else {
			names = append(names, string(id))
		}
	}
	return names
}

// view joins what was asked with what was seen.
func (t *turn) view(in cloud.Instance) cloud.InstanceView {
	s := plan.StatusOf(t.Tx, in)
	v := cloud.InstanceView{
		ID: in.ID, Reservation: in.Reservation, Owner: in.Owner, Image: in.Image, Kernel: in.Kernel, Ramdisk: in.Ramdisk,
		State: s.State, Why: s.Why, Public: orZero(in.Public), Private: netip.IPv4Unspecified(), Hostname: in.Hostname,
		Key: in.KeyName, LaunchIndex: in.LaunchIndex, Type: in.Type.Name, Zone: in.Cluster, Groups: t.groupNames(in.Groups), Launched: in.Launched,
	}
	if port, ok := t.Port(in.Port); ok {
		v.MAC, v.Private = port.MAC, orZero(t.privateOf(port))
		if c, _ := t.Cloud(); !inventory.Mode(c.Networks[in.Cluster].Mode).Groups() {
			v.Public = v.Private // SYSTEM and STATIC: guests are where the world is
		}
	}
	if a, ok := t.Address(in.Public); ok {
		v.Elastic = a.Elastic
	}
	if t.admin() {
		v.Host = in.Host
	}
	if v.State == cloud.StateUp && v.Why == "" {
		v.Why = t.frontendTrouble(in.Cluster)
	}
	return v
}

// privateOf is a port's address, or the one that hosts saw its guest use: the host
// that answered last knows best.
func (t *turn) privateOf(port cloud.Port) (ip netip.Addr) {
	if port.IP.IsValid() {
		return port.IP
	}
	net, _ := t.Network(port.Network)
	var last time.Time
	for _, h := range t.c.Inventory.Hosts() {
		seen, ok := t.Seen(h.Name)
		if a, knows := seen.Neighbours[port.MAC]; ok && knows && h.Cluster == net.Cluster && seen.At.After(last) {
			ip, last = a, seen.At
		}
	}
	return ip
}

// frontendTrouble says why a running instance may not be reachable.
func (t *turn) frontendTrouble(cluster string) string {
	c, ok := t.c.Inventory.Cluster(cluster)
	if !ok || c.Frontend == nil {
		return ""
	}
	seen, _ := t.Seen(c.Frontend.Name)
	switch {
	case seen.Problem != "":
		return fmt.Sprintf("its frontend %s does not report: %s", c.Frontend.Name, seen.Problem)
	case len(seen.Failed) > 0:
		return fmt.Sprintf("its frontend %s is not as planned: %s", c.Frontend.Name, seen.Failed[0])
	}
	return ""
}

// orZero is how an address that is not there, or not known, is shown (A29).
func orZero(a netip.Addr) netip.Addr {
	if !a.IsValid() {
		return netip.IPv4Unspecified()
	}
	return a
}

func terminateInstances(t *turn, req cloud.TerminateInstances) (out cloud.StateChanges, err error) {
	list, err := t.named(req.IDs)
	if err != nil {
		return out, err
	}
	for _, in := range list {
		change := cloud.StateChange{ID: in.ID, Was: plan.StatusOf(t.Tx, in).State}
		if in.Want == cloud.Running {
			if err := t.apply(plan.End(t.Tx, in, "User initiated", t.now)); err != nil {
				return out, err
			}
		}
		in, _ = t.Instance(in.ID)
		change.Is = plan.StatusOf(t.Tx, in).State
		out.Changes = append(out.Changes, change)
	}
	return out, nil
}

func rebootInstances(t *turn, req cloud.RebootInstances) (cloud.Empty, error) {
	list, err := t.named(req.IDs)
	if err != nil {
		return cloud.Empty{}, err
	}
	for _, in := range list {
		if in.Want != cloud.Running {
			return cloud.Empty{}, cloud.Errorf("IncorrectInstanceState", "the instance '%s' is %s", in.ID, plan.StatusOf(t.Tx, in).State)
		}
		in.Reboots++
		t.PutInstance(in)
	}
	return cloud.Empty{}, nil
}
