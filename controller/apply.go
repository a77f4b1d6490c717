package controller

import (
	"eucactl/cloud"
	"eucactl/plan"
)

// apply writes the plan's choices down. Claims come first: one that is held
// already refuses everything.
func (t *turn) apply(c plan.Changes) error {
	if c.Cloud != nil {
		t.PutCloud(*c.Cloud)
	}
	each(c.FreeClaims, t.DeleteClaim)
	for _, claim := range c.Claims {
		if err := t.PutClaim(claim); err != nil {
			return err
		}
	}
	each(c.Groups, t.PutGroup)
	each(c.Instances, t.PutInstance)
	each(c.Networks, t.PutNetwork)
	each(c.Subnets, t.PutSubnet)
	each(c.Ports, t.PutPort)
	each(c.Addresses, t.PutAddress)
	each(c.FreePorts, t.DeletePort)
	each(c.FreeNets, t.DeleteNetwork)
	each(c.FreeSubnets, t.DeleteSubnet)
	each(c.FreeAddrs, t.DeleteAddress)
	each(c.Bury, t.bury)
	return nil
}

func each[T any](list []T, do func(T)) {
	for _, v := range list {
		do(v)
	}
}

// bury erases an instance's record; its id stays taken. User data that no other
// instance of its launch needs goes with it.
func (t *turn) bury(id cloud.InstanceID) {
	in, _ := t.Instance(id)
	t.DeleteInstance(id)
	if in.UserData != "" && len(t.InstancesOfReservation(in.Reservation)) == 0 {
		t.DeleteSealed(in.UserData)
	}
}
