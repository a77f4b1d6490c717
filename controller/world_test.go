package controller

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"eucactl/cloud"
	"eucactl/images"
	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const twoNodes = `all:
  vars:
    cluster: one
    hypervisor: qemu
    vnet_mode: MANAGED-NOVLAN
    vnet_privinterface: eth0
    vnet_pubinterface: eth1
    vnet_subnet: 10.50.0.0
    vnet_netmask: 255.255.0.0
    vnet_dns: 192.0.2.53
    vnet_addrspernet: 32
    vnet_publicips: 203.0.113.10-203.0.113.17
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_bridge: br0
  children:
    frontends: {hosts: {fe1: {ansible_host: 192.0.2.1}}}
    nodes: {hosts: {n1: {ansible_host: 192.0.2.11, ansible_user: ops}, n2: {ansible_host: 192.0.2.12}}}
`

// world is a controller with its hosts.
type world struct {
	t     testing.TB
	c     *Controller
	hosts map[string]*host
	given atomic.Int64
	now   atomic.Int64 // seconds since the beginning
	image string       // of a registered machine image
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// site is read once: it never changes.
var site = sync.OnceValues(func() (*Site, error) { return OpenSite("") })

// newWorld is a controller whose hosts have said their facts, with an image.
func newWorld(t *testing.T, text string) *world {
	t.Helper()
	w := openWorld(t, text, vfs.NewMem(), t.TempDir())
	t.Cleanup(func() {
		if err := w.c.Close(); err != nil && !errors.Is(err, state.ErrClosed) {
			t.Error(err)
		}
	})
	w.reconcile(Reconcile{})
	w.image = w.register(t)
	return w
}

// openWorld opens records; dir is for image files.
func openWorld(t testing.TB, text string, fs vfs.FS, dir string) *world {
	t.Helper()
	inv, err := inventory.Parse("inventory.yml", []byte(text))
	if err != nil {
		t.Fatalf("%v", err)
	}
	w := &world{t: t, hosts: map[string]*host{}}
	for _, h := range inv.Hosts() {
		w.hosts[h.Name] = newHost(h.Name)
	}
	store, err := state.Open("state", state.Options{FS: fs})
	if err != nil {
		t.Fatalf("%v", err)
	}
	w.c = w.build(store, inv, dir)
	if err := w.c.Init(); err != nil {
		t.Fatalf("%v", err)
	}
	return w
}

// build makes a controller over the store.
func (w *world) build(store *state.Store, inv *inventory.Inventory, dir string) *Controller {
	s, err := site()
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	return &Controller{
		Store: store, Inventory: inv, Images: images.Folder{Dir: filepath.Join(dir, "images")}, Site: s,
		Dial:  func(_ context.Context, h *inventory.Host) (remote.Conn, error) { return w.hosts[h.Name].dial() },
		Now:   func() time.Time { return noon.Add(time.Duration(w.now.Load()) * time.Second) },
		NewID: func(prefix string) string { return fmt.Sprintf("%s%08x", prefix, w.given.Add(1)) },
	}
}

// register takes a small raw image into the cloud.
func (w *world) register(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(path, slices.Repeat([]byte("disk"), 4096), 0o644); err != nil {
		t.Fatal(err)
	}
	i := must[cloud.Image](w, "RegisterImage", cloud.RegisterImage{Path: path, Name: "tiny"})
	return string(i.ID)
}

var admin = Caller{User: cloud.Admin}

// as asks in somebody's name.
func as[Resp any](w *world, user, verb string, req any) (Resp, Answer, error) {
	return Ask[Resp](context.Background(), w.c, verb, Caller{User: user}, false, req)
}

// must asks as admin and takes no refusal.
func must[Resp any](w *world, verb string, req any) Resp {
	w.t.Helper()
	resp, _, err := as[Resp](w, cloud.Admin, verb, req)
	if err != nil {
		w.t.Fatalf("%s: %v", verb, err)
	}
	return resp
}

// touched are the hosts that a verb touches.
func (w *world) touched(verb string, req any) []string {
	w.t.Helper()
	_, a, err := as[json.RawMessage](w, cloud.Admin, verb, req)
	if err != nil {
		w.t.Fatalf("%s: %v", verb, err)
	}
	return a.Touched
}

func (w *world) run(n int, groups ...string) []cloud.InstanceView {
	w.t.Helper()
	return must[cloud.Reservation](w, "RunInstances", cloud.RunInstances{Image: w.image, Min: n, Max: n, Groups: groups}).Instances
}

func (w *world) describe(id cloud.InstanceID) cloud.InstanceView {
	w.t.Helper()
	return must[cloud.Reservations](w, "DescribeInstances", cloud.DescribeInstances{IDs: []string{string(id)}}).Reservations[0].Instances[0]
}

func (w *world) end(ids ...cloud.InstanceID) cloud.StateChanges {
	w.t.Helper()
	var list []string
	for _, id := range ids {
		list = append(list, string(id))
	}
	return must[cloud.StateChanges](w, "TerminateInstances", cloud.TerminateInstances{IDs: list})
}

func (w *world) reconcile(req Reconcile) Reconciled {
	w.t.Helper()
	r, err := w.c.Reconcile(context.Background(), req, nil)
	if err != nil {
		w.t.Fatalf("reconcile: %v", err)
	}
	return r
}

// outcomes are "host: outcome", in the order of the reports.
func outcomes(r Reconciled) (list []string) {
	for _, h := range r.Hosts {
		list = append(list, h.Host+": "+h.Outcome)
	}
	slices.Sort(list)
	return list
}

func (w *world) seen(host string) cloud.Seen {
	s, _ := w.c.Store.View().Seen(host)
	return s
}

// export is everything that is kept, but secrets.
func (w *world) export() string {
	w.t.Helper()
	var b strings.Builder
	if err := w.c.Export(context.Background(), &b); err != nil {
		w.t.Fatalf("%v", err)
	}
	return b.String()
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// refused checks for EC2's code.
func refused(t testing.TB, err error, want string) {
	t.Helper()
	if code(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// publicKey is some SSH public key's line.
func publicKey(t *testing.T) string {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(key))
}

// restored is another controller, with the records of a dump and the same hosts.
func (w *world) restored(t *testing.T, dump string) *world {
	t.Helper()
	store, err := state.Open("state", state.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Import(strings.NewReader(dump)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	other := &world{t: t, hosts: w.hosts}
	other.given.Store(1 << 20)
	other.c = other.build(store, w.c.Inventory, t.TempDir())
	return other
}

// withInventory is the same controller with another inventory.
func (w *world) withInventory(text string) *Controller {
	w.t.Helper()
	inv, err := inventory.Parse("inventory.yml", []byte(text))
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	return w.build(w.c.Store, inv, w.c.Images.Dir)
}
