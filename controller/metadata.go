package controller

import (
	"net/netip"

	"eucactl/cloud"
	"eucactl/plan"
)

// Metadata is what the guest behind a frontend may know of itself; ok is false for an
// address that no instance holds there.
func (c *Controller) Metadata(frontend string, guest netip.Addr) (m cloud.Metadata, ok bool, err error) {
	h, there := c.Inventory.Host(frontend)
	if !there || !h.Frontend {
		return m, false, nil
	}
	t := &turn{Tx: c.Store.View(), c: c}
	in, ok := plan.GuestAt(t.Tx, h.Cluster, guest)
	if !ok {
		return m, false, nil
	}
	m = cloud.Metadata{
		Instance: in.ID, Reservation: in.Reservation, LaunchIndex: in.LaunchIndex,
		Image: in.Image, Kernel: in.Kernel, Ramdisk: in.Ramdisk, Type: in.Type.Name, Zone: in.Cluster, Groups: t.groupNames(in.Groups),
		Hostname: in.Hostname + "." + plan.Domain, Private: guest, Public: in.Public, KeyName: in.KeyName, PublicKey: in.PublicKey,
	}
	m.UserData, err = userData(t.Tx, in)
	return m, true, err
}
