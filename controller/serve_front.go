package controller

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/cenkalti/backoff/v5"

	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/remote"
)

// front listens on a frontend for its guests, through a connection of its own, as
// long as ctx lives; a connection that breaks is made anew. Nothing is done before
// the cluster's first instance.
func (k *keeper) front(ctx context.Context, cluster inventory.Cluster) {
	if cluster.Frontend == nil {
		return
	}
	if mode := cluster.Network.Mode; !mode.Groups() {
		k.Log.Info("metadata is not served", "frontend", cluster.Frontend.Name, "why", "vnet_mode "+string(mode)+" has no metadata service"+seedDisk)
		return
	}
	if !k.used(ctx, cluster.Name) {
		return
	}
	name := cluster.Frontend.Name
	again := backoff.NewExponentialBackOff()
	again.InitialInterval, again.MaxInterval = 200*time.Millisecond, 30*time.Second
	said := ""
	for ctx.Err() == nil {
		begun := time.Now()
		err := k.listen(ctx, cluster.Frontend, func() {
			k.c.fronts.Store(name, "served")
			k.Log.Info("metadata is served", "frontend", name)
			said = ""
		})
		if ctx.Err() != nil {
			break
		}
		k.c.fronts.Store(name, "not served: "+err.Error())
		if said != err.Error() {
			said = err.Error()
			k.Log.Warn("metadata is not served", "frontend", name, "why", said)
		}
		if time.Since(begun) > again.MaxInterval {
			again.Reset()
		}
		pause(ctx, again.NextBackOff())
	}
	k.c.fronts.Delete(name)
}

// used waits until the cluster has had an instance.
func (k *keeper) used(ctx context.Context, cluster string) bool {
	for ctx.Err() == nil {
		changed := k.c.Store.Changed()
		c, _ := k.c.Store.View().Cloud()
		if _, ok := c.Networks[cluster]; ok {
			return true
		}
		select {
		case <-ctx.Done():
		case <-changed:
			pause(ctx, k.Delay)
		}
	}
	return false
}

// listen serves until the connection ends; up is called when guests can come.
func (k *keeper) listen(ctx context.Context, h *inventory.Host, up func()) error {
	conn, err := k.c.Dial(ctx, h)
	if err != nil {
		return err
	}
	defer conn.Close()
	far, ok := conn.(remote.Listener)
	if !ok {
		return fmt.Errorf("%s: on this connection nobody can listen", h.Name)
	}
	l, err := far.Listen(ctx, plan.MetadataListener)
	if err != nil {
		return err
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	up()
	if err := k.Front(h.Name, l); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return fmt.Errorf("the connection to %s ended", h.Name)
}
