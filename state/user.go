package state

import "eucactl/cloud"

var users = &table[cloud.User]{name: "user"}

// User finds a user by name.
func (tx *Tx) User(name string) (cloud.User, bool) { return users.get(tx, name) }

// Users lists all users.
func (tx *Tx) Users() []cloud.User { return users.all(tx) }

// PutUser adds or replaces a user.
func (tx *Tx) PutUser(v cloud.User) { users.put(tx, v) }

// DeleteUser removes a user; the records that the user owns are the caller's concern.
func (tx *Tx) DeleteUser(name string) { users.delete(tx, name) }
