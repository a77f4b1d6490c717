package controller

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/seed"
)

// Bounds of one launch.
const (
	maxLaunch = 1000
)

// runInstances validates the request, lets the plan make every choice, and writes
// them down. Nothing is contacted.
func runInstances(t *turn, req cloud.RunInstances) (cloud.Reservation, error) {
	in, err := t.instanceOf(req)
	if err != nil {
		return cloud.Reservation{}, err
	}
	changes, err := t.place(in, req)
	if err != nil {
		return cloud.Reservation{}, err
	}
	if err := t.finish(&changes, req); err != nil {
		return cloud.Reservation{}, err
	}
	if err := t.apply(changes); err != nil {
		return cloud.Reservation{}, err
	}
	out := cloud.Reservation{ID: in.Reservation, Owner: in.Owner, Groups: t.groupNames(in.Groups)}
	for _, in := range changes.Instances {
		out.Instances = append(out.Instances, t.view(in))
	}
	return out, nil
}

// instanceOf looks up everything that the request names: what all instances of the
// launch have in common.
func (t *turn) instanceOf(req cloud.RunInstances) (in cloud.Instance, err error) {
	if req.Min < 1 || req.Max < req.Min || req.Max > maxLaunch {
		return in, cloud.Errorf("InvalidParameterValue", "number of instances %d-%d: from 1 to %d, the first not above the last", req.Min, req.Max, maxLaunch)
	}
	if len(req.UserData) > seed.MaxUserData {
		return in, cloud.Errorf("InvalidParameterValue", "User data is limited to %d bytes, this is %d", seed.MaxUserData, len(req.UserData))
	}
	in = cloud.Instance{
		Owner: t.user, Launched: t.now, Want: cloud.Running,
		Reservation: cloud.ReservationID(t.newID(cloud.ReservationPrefix)),
	}
	for _, step := range []func(*cloud.Instance, cloud.RunInstances) error{t.chooseType, t.chooseImages, t.chooseKey, t.chooseGroups} {
		if err := step(&in, req); err != nil {
			return in, err
		}
	}
	return in, nil
}

func (t *turn) chooseImages(in *cloud.Instance, req cloud.RunInstances) error {
	machine, err := t.image(req.Image, cloud.MachineImage)
	if err != nil {
		return err
	}
	if machine.VirtualSize > int64(in.Type.Disk)<<30 {
		return cloud.Errorf("InvalidParameterCombination", "%s holds a disk of %d MiB, a %s has %d GiB: take a larger type", machine.ID, machine.VirtualSize>>20, in.Type.Name, in.Type.Disk)
	}
	in.Image, in.Kernel, in.Ramdisk = machine.ID, machine.Kernel, machine.Ramdisk
	if req.Kernel != "" {
		if in.Kernel, err = t.part(req.Kernel, cloud.KernelImage); err != nil {
			return err
		}
	}
	if req.Ramdisk != "" {
		if in.Ramdisk, err = t.part(req.Ramdisk, cloud.RamdiskImage); err != nil {
			return err
		}
	}
	if in.Ramdisk != "" && in.Kernel == "" {
		return cloud.Errorf("InvalidParameterCombination", "a ramdisk needs a kernel")
	}
	return nil
}

func (t *turn) chooseKey(in *cloud.Instance, req cloud.RunInstances) error {
	if req.Key == "" {
		return nil
	}
	k, ok := t.KeyPair(t.user, req.Key)
	if !ok {
		return cloud.Errorf("InvalidKeyPair.NotFound", "The key pair '%.255s' does not exist", req.Key)
	}
	in.KeyName, in.PublicKey = k.Name, k.PublicKey
	return nil
}

func (t *turn) chooseGroups(in *cloud.Instance, req cloud.RunInstances) error {
	names := req.Groups
	if len(names) == 0 {
		names = []string{cloud.DefaultGroup}
	}
	for _, name := range names {
		g, err := t.group(name)
		if err != nil {
			return err
		}
		if !slices.Contains(in.Groups, g.ID) {
			in.Groups = append(in.Groups, g.ID)
		}
	}
	return nil
}

func (t *turn) chooseType(in *cloud.Instance, req cloud.RunInstances) error {
	name := req.Type
	if name == "" {
		name = "m1.small"
	}
	var names []string
	for _, it := range t.types() {
		if it.Name == name {
			in.Type = it
			return nil
		}
		names = append(names, it.Name)
	}
	return cloud.Errorf("InvalidParameterValue", "Invalid value '%.64s' for InstanceType: use one of %s", name, strings.Join(names, ", "))
}

// place tries the named cluster, or one after the other until one has room.
func (t *turn) place(in cloud.Instance, req cloud.RunInstances) (plan.Changes, error) {
	clusters, err := t.clusters(req.Zone)
	if err != nil {
		return plan.Changes{}, err
	}
	order := plan.Order{
		Instance: in, Min: req.Min, Max: req.Max, Private: req.Private,
		Network: cloud.NetworkID(t.newID(cloud.NetworkPrefix)), Subnet: cloud.SubnetID(t.newID(cloud.SubnetPrefix)),
	}
	order.IDs = ids[cloud.InstanceID](t, cloud.InstancePrefix, req.Max)
	order.Ports = ids[cloud.PortID](t, cloud.PortPrefix, req.Max)
	order.MACs = t.macs(req.Max)
	for _, c := range clusters {
		changes, placed := plan.Place(t.Tx, c, order)
		if err = placed; err == nil {
			return changes, nil
		}
	}
	return plan.Changes{}, err
}

// macs mints n different hardware addresses, locally administered.
func (t *turn) macs(n int) (out []string) {
	for len(out) < n {
		id := t.c.NewID("")
		mac := fmt.Sprintf("d2:0d:%s:%s:%s:%s", id[0:2], id[2:4], id[4:6], id[6:8])
		if _, taken := t.Claim("mac/" + mac); !taken && !slices.Contains(out, mac) {
			out = append(out, mac)
		}
	}
	return out
}

// ids mints n different ids.
func ids[T ~string](t *turn, prefix string, n int) (out []T) {
	for len(out) < n {
		if id := T(t.newID(prefix)); !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func (t *turn) clusters(zone string) ([]inventory.Cluster, error) {
	all := t.c.Inventory.Clusters()
	if zone == "" {
		if len(all) == 0 {
			return nil, errors.New("the inventory has no cluster: it needs a host in the group frontends")
		}
		return all, nil
	}
	c, ok := t.c.Inventory.Cluster(zone)
	if !ok {
		return nil, cloud.Errorf("InvalidParameterValue", "Invalid availability zone: [%.64s]: see eucactl describe-availability-zones", zone)
	}
	return []inventory.Cluster{c}, nil
}

// hostname is made of the instance's address, or of its id if that is not known.
func hostname(in cloud.Instance, port cloud.Port) string {
	if port.IP.IsValid() {
		return "euca-" + strings.ReplaceAll(port.IP.String(), ".", "-")
	}
	return "euca-" + strings.TrimPrefix(string(in.ID), cloud.InstancePrefix)
}

// finish adds what follows from the addresses: host names and seed disks. User data
// is sealed under the reservation's id.
func (t *turn) finish(c *plan.Changes, req cloud.RunInstances) error {
	for i := range c.Instances {
		in := &c.Instances[i]
		in.Hostname = hostname(*in, c.Ports[i])
		if len(req.UserData) > 0 {
			in.UserData = string(in.Reservation)
		}
		disk, err := seed.Image(seedOf(*in, req.UserData))
		if err != nil {
			return fmt.Errorf("seed disk of %s: %w", in.ID, err)
		}
		in.SeedSum, in.SeedSize = fmt.Sprintf("%x", sha256.Sum256(disk)), int64(len(disk))
	}
	if len(req.UserData) == 0 {
		return nil
	}
	text := base64.StdEncoding.EncodeToString(req.UserData) // it need not be text
	t.PutSealed(cloud.Sealed{ID: string(c.Instances[0].Reservation), Text: text})
	return nil
}
