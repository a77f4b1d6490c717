// Package controller carries out the cloud's verbs and brings hosts to what the
// records say. A verb changes records in one transaction; reconcile compiles each
// host, runs one program on it over one channel, and records what it saw. All
// concurrency of eucactl is here.
package controller

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"eucactl/cloud"
	"eucactl/images"
	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/state"
)

// Controller owns the store while it lives. All fields are set before first use.
type Controller struct {
	Store     *state.Store
	Inventory *inventory.Inventory
	Images    images.Folder
	Site      *Site
	Dial      func(context.Context, *inventory.Host) (remote.Conn, error)
	Now       func() time.Time
	NewID     func(prefix string) string // a random id; uniqueness is seen to here
	LockWait  time.Duration              // how long a program waits for its host's lock
	Forks     int                        // hosts at once
	OnLine    func()                     // called with each line of a reply; for crash tests

	// BuryAfter is how long a terminated instance stays visible; 0: plan.BuryAfter.
	BuryAfter time.Duration

	Waiting func(words string) // told when the owner has to wait for others; may be nil

	stop   func() error // closes the socket
	served atomic.Int64 // requests of others being answered
	files  sync.Mutex   // held while image files and their records are not in step
	hosts  sync.Map     // host name -> chan struct{} of one slot: one run at a time
	told   told         // which plan each host has carried out

	serving atomic.Bool // it keeps hosts: it is eucactl serve
	fronts  sync.Map    // frontend -> how guests there reach their metadata, in words
}

// Caller is who asks. Everything is done in its name.
type Caller struct {
	User  string `json:"user"`
	Token string `json:"token,omitempty"` // client token of a mutating request
}

// turn is one verb's view of the records: a transaction if it mutates.
type turn struct {
	*state.Tx
	c    *Controller
	user string
	now  time.Time
}

// admin says whether the caller may see and do everything.
func (t *turn) admin() bool { return t.user == cloud.Admin }

// newID mints an id that was never given before.
func (t *turn) newID(prefix string) string {
	for {
		if id := t.c.NewID(prefix); !t.IDTaken(id) {
			return id
		}
	}
}

// Init makes the records that exist from the first day: the cloud's id and the
// admin. It does nothing if they exist.
func (c *Controller) Init() error {
	if _, ok := c.Store.View().Cloud(); ok {
		return nil
	}
	_, err := c.Store.Update(state.Actor{User: cloud.Admin, Verb: "init", Time: c.Now()}, func(tx *state.Tx) error {
		t := &turn{Tx: tx, c: c, user: cloud.Admin, now: c.Now()}
		id := c.NewID("")
		tx.PutCloud(cloud.Cloud{ID: id, Created: t.now})
		_, err := createUser(t, cloud.CreateUser{Name: cloud.Admin})
		return err
	})
	return err
}

// lock takes the right to run on hosts, in one order for all so that nobody waits
// in a circle, and returns how to give each back. Plans are compiled and tokens are
// sent under it: a newer plan never waits behind an older one.
func (c *Controller) lock(ctx context.Context, hosts []*inventory.Host) (unlock map[string]func(), err error) {
	var names []string
	for _, h := range hosts {
		names = append(names, h.Name)
	}
	slices.Sort(names)
	unlock = map[string]func(){}
	for _, name := range names {
		held := c.slot(name)
		select {
		case held <- struct{}{}:
			unlock[name] = func() { <-held }
		case <-ctx.Done():
			release(unlock)
			return nil, ctx.Err()
		}
	}
	return unlock, nil
}

// slot is full while somebody runs on the host.
func (c *Controller) slot(host string) chan struct{} {
	slot, _ := c.hosts.LoadOrStore(host, make(chan struct{}, 1))
	return slot.(chan struct{})
}

func release(unlock map[string]func()) {
	for _, f := range unlock {
		f()
	}
}
