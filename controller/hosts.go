package controller

import (
	"regexp"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
)

func describeHosts(t *turn, req cloud.DescribeHosts) (out cloud.Hosts, err error) {
	hosts := t.c.Inventory.Hosts()
	if req.Pattern != "" {
		if hosts, err = t.c.Inventory.Select(req.Pattern); err != nil {
			return out, err
		}
	}
	for _, h := range hosts {
		out.Hosts = append(out.Hosts, t.host(h))
	}
	out.Hosts = orEmpty(out.Hosts)
	return out, nil
}

func (t *turn) host(h *inventory.Host) cloud.HostView {
	v := cloud.HostView{Name: h.Name, Address: h.Address, Cluster: h.Cluster, Roles: roles(h)}
	v.Seen, _ = t.Seen(h.Name)
	v.State, v.Why = t.hostState(h, v.Seen)
	for _, in := range t.InstancesOn(h.Name) {
		if in.Released.IsZero() {
			v.Instances++
		}
	}
	if c, ok := t.c.Inventory.Cluster(h.Cluster); ok && h.IsNode {
		v.Free = plan.Free(t.Tx, c)[h.Name]
	}
	v.Strays, v.Foreign = plan.Strays(t.Tx, v.Seen)
	v.Metadata = t.metadataOf(h)
	return v
}

// metadataOf says whether the guests behind a frontend can ask for their metadata;
// nothing if there never were any.
func (t *turn) metadataOf(h *inventory.Host) string {
	cl, _ := t.Cloud()
	s, used := cl.Networks[h.Cluster]
	if !used || !h.Frontend {
		return ""
	}
	if !inventory.Mode(s.Mode).Groups() {
		return "not served: vnet_mode " + s.Mode + " has no metadata service" + seedDisk
	}
	if how, ok := t.c.fronts.Load(h.Name); ok {
		return how.(string)
	}
	if t.c.serving.Load() {
		return "not yet served"
	}
	return "not served: eucactl serve does not run" + seedDisk
}

// seedDisk is what guests have all the same.
const seedDisk = "; guests have what is on their seed disks"

func roles(h *inventory.Host) (list []string) {
	for _, r := range []struct {
		has  bool
		name string
	}{{h.Frontend, "frontend"}, {h.IsNode, "node"}, {h.Storage, "storage"}} {
		if r.has {
			list = append(list, r.name)
		}
	}
	return list
}

func (t *turn) hostState(h *inventory.Host, seen cloud.Seen) (state, why string) {
	if d, dead := t.DeadHost(h.Name); dead {
		return "dead", "declared by " + d.Who + ": " + d.Why
	}
	switch {
	case seen.Tried.IsZero():
		return "never-contacted", "eucactl reconcile " + h.Name
	case seen.Problem != "":
		return "not-reported", seen.Problem
	case len(seen.Failed) > 0:
		return "failed", seen.Failed[0]
	}
	return "ok", ""
}

var anyWord = regexp.MustCompile(`\S`)

// declareDead records that a host will not come back: its instances end without its
// answer. It asks for the name twice, for nothing brings them back.
func declareDead(t *turn, req cloud.DeclareDead) (cloud.HostView, error) {
	h, ok := t.c.Inventory.Host(req.Host)
	switch {
	case !t.admin():
		return cloud.HostView{}, cloud.Errorf("AuthFailure", "only %s declares hosts dead", cloud.Admin)
	case !ok:
		return cloud.HostView{}, cloud.Errorf("InvalidParameterValue", "the inventory has no host %.64q", req.Host)
	}
	_, dead := t.DeadHost(h.Name)
	if req.Undo {
		if !dead {
			return cloud.HostView{}, cloud.Errorf("InvalidState", "%s is not declared dead", h.Name)
		}
		t.DeleteDeadHost(h.Name)
		return t.host(h), nil
	}
	switch {
	case !h.IsNode:
		return cloud.HostView{}, cloud.Errorf("InvalidParameterValue", "%s is not a node", h.Name)
	case req.Name != req.Host:
		return cloud.HostView{}, cloud.Errorf("InvalidParameterValue", "the name typed to confirm is not %s: nothing was done", h.Name)
	case !anyWord.MatchString(req.Why):
		return cloud.HostView{}, cloud.Errorf("MissingParameter", "say why with --why")
	case dead:
		return cloud.HostView{}, cloud.Errorf("InvalidState", "%s is declared dead already", h.Name)
	}
	t.PutDeadHost(cloud.DeadHost{Host: h.Name, Who: t.user, When: t.now, Why: req.Why})
	return t.host(h), nil
}

// takeOver lets the next program pass where the host holds what it held when it
// refused us, and nothing else: a host that obeyed somebody else since refuses again.
func takeOver(t *turn, req cloud.TakeOver) (cloud.HostView, error) {
	h, ok := t.c.Inventory.Host(req.Host)
	if !ok {
		return cloud.HostView{}, cloud.Errorf("InvalidParameterValue", "the inventory has no host %.64q", req.Host)
	}
	if !t.admin() {
		return cloud.HostView{}, cloud.Errorf("AuthFailure", "only %s takes hosts over", cloud.Admin)
	}
	seen, _ := t.Seen(h.Name)
	if d, dead := t.DeadHost(h.Name); dead {
		return cloud.HostView{}, cloud.Errorf("InvalidState", "%s was declared dead by %s, and is not contacted: eucactl hosts declare-dead %s --undo", h.Name, d.Who, h.Name)
	}
	if seen.Obeys == "" {
		return cloud.HostView{}, cloud.Errorf("InvalidState", "%s has not refused this controller: there is nobody to take it over from", h.Name)
	}
	f := known(t.Tx, h.Name)
	f.From = seen.Obeys
	t.PutFence(f)
	return t.host(h), nil
}
