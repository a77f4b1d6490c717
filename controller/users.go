package controller

import (
	"eucactl/cloud"
	"eucactl/plan"
)

func createUser(t *turn, req cloud.CreateUser) (cloud.User, error) {
	if !t.admin() {
		return cloud.User{}, cloud.Errorf("AuthFailure", "only %s makes users", cloud.Admin)
	}
	if err := cloud.CheckUserName(req.Name); err != nil {
		return cloud.User{}, err
	}
	if _, ok := t.User(req.Name); ok {
		return cloud.User{}, cloud.Errorf("EntityAlreadyExists", "there is a user %q already", req.Name)
	}
	u := cloud.User{Name: req.Name, Created: t.now}
	t.PutUser(u)
	t.addGroup(req.Name, cloud.DefaultGroup, "default group")
	return u, nil
}

func describeUsers(t *turn, _ cloud.DescribeUsers) (cloud.Users, error) {
	return cloud.Users{Users: orEmpty(t.Users())}, nil
}

// addGroup makes a group with a chain of its own.
func (t *turn) addGroup(owner, name, description string) cloud.Group {
	id := cloud.GroupID(t.newID(cloud.GroupPrefix))
	g := cloud.Group{ID: id, Owner: owner, Name: name, Description: description, Created: t.now}
	foreign := plan.ForeignChains(t.Tx, t.c.Inventory)
	g.Chain = plan.ChainName(owner, name, id, func(chain string) bool { _, ok := t.GroupByChain(chain); return ok || foreign[chain] })
	t.PutGroup(g)
	return g
}
