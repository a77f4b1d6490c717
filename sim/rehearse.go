package sim

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"eucactl/cloud"
	"eucactl/controller"
	"eucactl/images"
	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/seed"
	"eucactl/sim/host"
	"eucactl/state"
)

// A Rehearsal is a copy of real records, with models of their hosts: what is asked of
// it is done to nobody. It implements controller.Door.
type Rehearsal struct {
	*controller.Controller
	dir      string
	machines map[string]*host.Machine
	silent   map[string]string // hosts that did not answer when they were asked last: why
}

// Rehearse reads a dump (eucactl state export) and lets each host become what the
// records say, as far as it answered when it was asked last.
func Rehearse(ctx context.Context, dump io.Reader, inv *inventory.Inventory, site *controller.Site, newID func(string) string) (*Rehearsal, error) {
	dir, err := os.MkdirTemp("", "eucactl-rehearsal-")
	if err != nil {
		return nil, err
	}
	r := &Rehearsal{dir: dir, machines: map[string]*host.Machine{}, silent: map[string]string{}}
	store, err := state.Open("state", state.Options{FS: vfs.NewMem()})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r.Controller = &controller.Controller{
		Store: store, Inventory: inv, Site: site, Images: images.Folder{Dir: filepath.Join(dir, "images")},
		Dial: r.dial, Now: time.Now, NewID: newID, Forks: 1,
	}
	if err := r.prepare(ctx, dump); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (r *Rehearsal) prepare(ctx context.Context, dump io.Reader) error {
	if err := r.Store.Import(dump); err != nil {
		return err
	}
	if err := r.withoutSecrets(); err != nil {
		return err
	}
	tx := r.Store.View()
	for _, h := range r.Inventory.Hosts() {
		seen, _ := tx.Seen(h.Name)
		if seen.Problem != "" && seen.Obeys == "" {
			r.silent[h.Name] = seen.Problem
		}
		r.machines[h.Name] = host.New(h.Name, r.options(h, seen))
	}
	for _, i := range tx.Images() {
		if err := r.blank(i); err != nil {
			return err
		}
	}
	_, err := r.Controller.Reconcile(ctx, controller.Reconcile{}, nil)
	return err
}

// options make a model of a host from what was seen of it.
func (r *Rehearsal) options(h *inventory.Host, seen cloud.Seen) host.Options {
	o := host.Options{
		Kinds: r.Site.Kinds, Node: h.IsNode, Cores: seen.Capacity.Cores, Memory: seen.Capacity.Memory, Disk: seen.Capacity.Disk,
		NewID: func() string { return r.NewID("") }, Now: r.Now, Facts: factsText(seen.Facts), Trusting: true, Alone: true, Obeys: seen.Obeys,
	}
	if o.Cores == 0 {
		o.Cores, o.Memory, o.Disk = 4, 8192, 200
	}
	if c, ok := r.Inventory.Cluster(h.Cluster); ok {
		o.Interfaces = slices.Compact([]string{c.Network.PrivInterface, c.Network.PubInterface})
	}
	o.Bridge = h.Node.Bridge
	return o
}

// factsText is how a host says what was seen of it.
func factsText(f cloud.HostFacts) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(&b, "%s=%s\n", name, f[name])
	}
	return b.String()
}

// withoutSecrets: a dump has no user data, so seed disks are made without it, and no
// host's fence is asked for.
func (r *Rehearsal) withoutSecrets() error {
	_, err := r.Store.Update(state.Actor{User: cloud.Admin, Verb: "rehearse", Time: r.Now()}, func(tx *state.Tx) error {
		for _, in := range tx.Instances() {
			if in.UserData == "" {
				continue
			}
			disk, err := seed.Image(seed.Seed{InstanceID: string(in.ID), Hostname: in.Hostname, PublicKey: in.PublicKey})
			if err != nil {
				return err
			}
			in.UserData, in.SeedSum, in.SeedSize = "", fmt.Sprintf("%x", sha256.Sum256(disk)), int64(len(disk))
			tx.PutInstance(in)
		}
		return nil
	})
	return err
}

// blank is a file in place of an image's: models believe what they are told it is.
func (r *Rehearsal) blank(i cloud.Image) error {
	if err := os.MkdirAll(r.Images.Dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(r.Images.Dir, i.Sum)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, i.Size)
}

func (r *Rehearsal) dial(_ context.Context, h *inventory.Host) (remote.Conn, error) {
	if why, silent := r.silent[h.Name]; silent {
		return nil, &remote.UnreachableError{Host: h.Name, Address: h.Address, Stage: "rehearsal", Err: errors.New("it did not answer when it was asked last: " + why)}
	}
	return r.machines[h.Name].Dial(host.Faults{})
}

// Reconcile shows differences too: that is what a rehearsal is for.
func (r *Rehearsal) Reconcile(ctx context.Context, req controller.Reconcile, progress func(controller.HostReport)) (controller.Reconciled, error) {
	req.Diff = true
	return r.Controller.Reconcile(ctx, req, progress)
}

// Close forgets all of it.
func (r *Rehearsal) Close() error {
	return errors.Join(r.Controller.Close(), os.RemoveAll(r.dir))
}
