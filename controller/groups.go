package controller

import (
	"net/netip"
	"slices"

	"eucactl/cloud"
	"eucactl/plan"
)

// maxRules bounds a group, as EC2 does.
const maxRules = 100

func createGroup(t *turn, req cloud.CreateGroup) (cloud.Group, error) {
	if err := cloud.CheckGroupName(req.Name); err != nil {
		return cloud.Group{}, err
	}
	if err := cloud.CheckText("description", req.Description); err != nil {
		return cloud.Group{}, err
	}
	if err := t.enforced(); err != nil {
		return cloud.Group{}, err
	}
	if _, ok := t.GroupNamed(t.user, req.Name); ok {
		return cloud.Group{}, cloud.Errorf("InvalidGroup.Duplicate", "The security group '%s' already exists", req.Name)
	}
	return t.addGroup(t.user, req.Name, req.Description), nil
}

// enforced refuses groups and rules if no cluster would obey them.
func (t *turn) enforced() error {
	clusters := t.c.Inventory.Clusters()
	for _, c := range clusters {
		if c.Network.Mode.Groups() {
			return nil
		}
	}
	if len(clusters) == 0 {
		return nil
	}
	return plan.NoGroups(clusters[0], "security groups")
}

// group finds a group of the caller by name or id.
func (t *turn) group(name string) (cloud.Group, error) {
	if id, ok := cloud.ParseID(name, cloud.GroupPrefix); ok {
		if g, ok := t.Group(cloud.GroupID(id)); ok && (g.Owner == t.user || t.admin()) {
			return g, nil
		}
	}
	if g, ok := t.GroupNamed(t.user, name); ok {
		return g, nil
	}
	return cloud.Group{}, cloud.Errorf("InvalidGroup.NotFound", "The security group '%.255s' does not exist", name)
}

func deleteGroup(t *turn, req cloud.DeleteGroup) (cloud.Empty, error) {
	g, err := t.group(req.Name)
	if err != nil {
		return cloud.Empty{}, err
	}
	if g.Name == cloud.DefaultGroup {
		return cloud.Empty{}, cloud.Errorf("InvalidGroup.Reserved", "the group default cannot be deleted")
	}
	if user := t.groupUser(g); user != "" {
		return cloud.Empty{}, cloud.Errorf("InvalidGroup.InUse", "the group '%s' is in use by %s", g.Name, user)
	}
	t.DeleteGroup(g.ID)
	return cloud.Empty{}, nil
}

// groupUser names something that still needs the group.
func (t *turn) groupUser(g cloud.Group) string {
	for _, in := range t.Instances() {
		if in.Released.IsZero() && slices.Contains(in.Groups, g.ID) {
			return string(in.ID)
		}
	}
	for _, n := range t.Networks() {
		if n.Group == g.ID {
			return "its network " + string(n.ID) + " on the frontend of " + n.Cluster
		}
	}
	for _, other := range t.Groups() {
		for _, p := range other.Rules {
			if other.ID != g.ID && p.Source == (cloud.GroupRef{User: g.Owner, Name: g.Name}) {
				return "a rule of " + other.Owner + "'s group " + other.Name
			}
		}
	}
	return ""
}

func describeGroups(t *turn, req cloud.DescribeGroups) (out cloud.Groups, err error) {
	groups := t.GroupsOf(t.user)
	if len(req.Names) > 0 {
		groups = nil
		for _, name := range req.Names {
			g, err := t.group(name)
			if err != nil {
				return out, err
			}
			groups = append(groups, g)
		}
	}
	for _, g := range groups {
		out.Groups = append(out.Groups, cloud.GroupView{Group: g, Networks: t.groupNetworks(g)})
	}
	out.Groups = orEmpty(out.Groups)
	return out, nil
}

func (t *turn) groupNetworks(g cloud.Group) (list []cloud.NetworkView) {
	for _, n := range t.Networks() {
		if n.Group != g.ID || n.Gone {
			continue
		}
		sub, _ := t.SubnetOf(n.ID)
		list = append(list, cloud.NetworkView{
			Cluster: n.Cluster, CIDR: sub.CIDR, Gateway: sub.Gateway,
			Instances: len(t.PortsOf(n.ID)), Capacity: 1<<(32-sub.CIDR.Bits()) - 3,
		})
	}
	return list
}

func authorize(t *turn, req cloud.Authorize) (cloud.Group, error) {
	g, err := t.group(req.Group)
	if err != nil {
		return g, err
	}
	if err := t.enforced(); err != nil {
		return g, err
	}
	for _, p := range req.Permissions {
		if p, err = t.permission(p); err != nil {
			return g, err
		}
		if slices.Contains(g.Rules, p) {
			return g, cloud.Errorf("InvalidPermission.Duplicate", "the group '%s' has this rule already", g.Name)
		}
		g.Rules = append(g.Rules, p)
	}
	if len(g.Rules) > maxRules {
		return g, cloud.Errorf("RulesPerSecurityGroupLimitExceeded", "a group has at most %d rules", maxRules)
	}
	t.PutGroup(g)
	return g, nil
}

func revoke(t *turn, req cloud.Revoke) (cloud.Group, error) {
	g, err := t.group(req.Group)
	if err != nil {
		return g, err
	}
	for _, p := range req.Permissions {
		if p, err = normal(p); err != nil {
			return g, err
		}
		i := slices.Index(g.Rules, p)
		if i < 0 {
			return g, cloud.Errorf("InvalidPermission.NotFound", "the group '%s' has no such rule: see eucactl describe-group %s", g.Name, g.Name)
		}
		g.Rules = slices.Delete(g.Rules, i, i+1)
	}
	t.PutGroup(g)
	return g, nil
}

// permission checks a new rule and finds its source group.
func (t *turn) permission(p cloud.Permission) (cloud.Permission, error) {
	p, err := normal(p)
	if err != nil {
		return p, err
	}
	if p.Source != (cloud.GroupRef{}) {
		if _, ok := t.GroupNamed(p.Source.User, p.Source.Name); !ok {
			return p, cloud.Errorf("InvalidGroup.NotFound", "The security group '%s' of user '%s' does not exist", p.Source.Name, p.Source.User)
		}
	}
	return p, nil
}

// normal gives equal rules one spelling: host bits of a CIDR do not count.
func normal(p cloud.Permission) (cloud.Permission, error) {
	if err := p.Check(); err != nil {
		return p, err
	}
	if p.CIDR.IsValid() {
		p.CIDR = netip.PrefixFrom(p.CIDR.Addr(), p.CIDR.Bits()).Masked()
	}
	return p, nil
}
