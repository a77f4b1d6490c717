package controller

import (
	"slices"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
)

func describeZones(t *turn, req cloud.DescribeZones) (out cloud.Zones, err error) {
	for _, name := range req.Names {
		if _, ok := t.c.Inventory.Cluster(name); !ok {
			return out, cloud.Errorf("InvalidParameterValue", "Invalid availability zone: [%.64s]", name)
		}
	}
	for _, c := range t.c.Inventory.Clusters() {
		if len(req.Names) == 0 || slices.Contains(req.Names, c.Name) {
			out.Zones = append(out.Zones, t.zone(c))
		}
	}
	out.Zones = orEmpty(out.Zones)
	return out, nil
}

func (t *turn) zone(c inventory.Cluster) cloud.Zone {
	free := plan.Free(t.Tx, c)
	z := cloud.Zone{Name: c.Name, State: "available", Nodes: len(c.Nodes), Reporting: len(free)}
	if c.Frontend != nil {
		z.Frontend = c.Frontend.Address
	}
	if z.Reporting < z.Nodes || t.frontendTrouble(c.Name) != "" {
		z.State = "impaired"
	}
	for _, it := range t.types() {
		room := cloud.TypeRoom{Type: it}
		for _, h := range c.Nodes {
			if have, ok := free[h.Name]; ok {
				seen, _ := t.Seen(h.Name)
				room.Free += plan.Fit(have, it)
				room.Max += plan.Fit(plan.Total(seen, h), it)
			}
		}
		z.Types = append(z.Types, room)
	}
	if s := plan.SettingsOf(c); c.Network.Mode.Groups() {
		z.Networks.Slices = (1 << (32 - s.Subnet.Bits())) / s.AddrsPerNet
		z.Networks.First = plan.FirstVLAN
		z.Networks.Max, z.Networks.Instances = plan.Slices(s)
		z.Networks.Used = len(t.NetworksIn(c.Name))
	}
	return z
}

// types are the instance types, as edited.
func (t *turn) types() []cloud.InstanceType {
	if c, _ := t.Cloud(); len(c.Types) > 0 {
		return c.Types
	}
	return cloud.DefaultTypes()
}

func describeTypes(t *turn, _ cloud.DescribeTypes) (cloud.Types, error) {
	return cloud.Types{Types: t.types()}, nil
}

// Bounds of a type: beyond them is a slip of the finger.
const (
	maxCores  = 4096
	maxMemory = 64 << 20 // MiB
	maxDisk   = 1 << 20  // GiB
)

func modifyType(t *turn, req cloud.ModifyType) (out cloud.Types, err error) {
	if !t.admin() {
		return out, cloud.Errorf("AuthFailure", "only %s changes instance types", cloud.Admin)
	}
	if req.Cores < 0 || req.Memory < 0 || req.Disk < 0 {
		return out, cloud.Errorf("InvalidParameterValue", "sizes are positive")
	}
	if req.Cores > maxCores || req.Memory > maxMemory || req.Disk > maxDisk {
		return out, cloud.Errorf("InvalidParameterValue", "a type has at most %d cores, %d MiB and %d GiB", maxCores, maxMemory, maxDisk)
	}
	if req.Cores+req.Memory+req.Disk == 0 {
		return out, cloud.Errorf("MissingParameter", "say what to change: cores, memory or disk")
	}
	c, _ := t.Cloud()
	out.Types = t.types()
	i := slices.IndexFunc(out.Types, func(it cloud.InstanceType) bool { return it.Name == req.Name })
	if i < 0 {
		return out, cloud.Errorf("InvalidParameterValue", "there is no instance type %.64q", req.Name)
	}
	it := &out.Types[i]
	for _, part := range []struct {
		have *int
		want int
	}{{&it.Cores, req.Cores}, {&it.Memory, req.Memory}, {&it.Disk, req.Disk}} {
		if part.want > 0 {
			*part.have = part.want
		}
	}
	c.Types = out.Types
	t.PutCloud(c)
	return out, nil
}
