package plan

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/state"
)

var update = flag.Bool("update", false, "write the golden files")

const oneCluster = `all:
  vars:
    cluster: one
    vnet_mode: MANAGED-NOVLAN
    vnet_privinterface: eth0
    vnet_pubinterface: eth1
    vnet_subnet: 192.168.0.0
    vnet_netmask: 255.255.0.0
    vnet_dns: 192.0.2.53
    vnet_addrspernet: 64
    vnet_publicips: 203.0.113.10-203.0.113.13
    vnet_dhcpdaemon: /usr/sbin/dhcpd
  children:
    frontends: {hosts: {fe1: {ansible_host: 192.0.2.1}}}
    nodes:
      hosts: {n1: {}, n2: {}, n3: {}}
      vars: {vnet_bridge: br0}
`

const twoClusters = `all:
  vars:
    vnet_mode: MANAGED-NOVLAN
    vnet_interface: eth0
    vnet_netmask: 255.255.0.0
    vnet_dns: 192.0.2.53
    vnet_addrspernet: 64
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_bridge: br0
  children:
    east:
      vars: {cluster: east, vnet_subnet: 10.1.0.0, vnet_publicips: 203.0.113.10-203.0.113.11}
      hosts: {fe1: , n1: }
    west:
      vars: {cluster: west, vnet_subnet: 10.2.0.0, vnet_publicips: 203.0.113.20-203.0.113.21}
      hosts: {fe2: , n2: }
    frontends: {hosts: {fe1: , fe2: }}
    nodes: {hosts: {n1: , n2: }}
`

// tester is testing's T, or rapid's.
type tester interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// world is records over an in-memory disk, an inventory, and a clock.
type world struct {
	t     tester
	store *state.Store
	inv   *inventory.Inventory
	now   time.Time
	given int
}

func newWorld(t *testing.T, text string) *world {
	t.Helper()
	w := openWorld(t, text)
	t.Cleanup(w.close)
	return w
}

// openWorld has the users alice and bob, an image with its kernel, and nodes that
// have 8 cores each.
func openWorld(t tester, text string) *world {
	t.Helper()
	inv, err := inventory.Parse("inventory.yml", []byte(text))
	if err != nil {
		t.Fatalf("%v", err)
	}
	store, err := state.Open("state", state.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatalf("%v", err)
	}
	w := &world{t: t, store: store, inv: inv, now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)}
	w.do(func(tx *state.Tx) {
		tx.PutCloud(cloud.Cloud{ID: "c1000001", Created: w.now})
		for _, name := range []string{cloud.Admin, "alice", "bob"} {
			tx.PutUser(cloud.User{Name: name, Created: w.now})
		}
		tx.PutImage(cloud.Image{ID: "emi-00000001", Owner: cloud.Admin, Name: "tiny", Type: cloud.MachineImage, Format: "qcow2", Sum: sum("image"), Size: 1 << 20, VirtualSize: 1 << 30, Kernel: "eki-00000001", Public: true})
		tx.PutImage(cloud.Image{ID: "eki-00000001", Owner: cloud.Admin, Name: "vmlinuz", Type: cloud.KernelImage, Format: "raw", Sum: sum("kernel"), Size: 1 << 16, Public: true})
	})
	for _, h := range inv.Hosts() {
		w.report(h.Name)
	}
	return w
}

func (w *world) close() {
	if err := w.store.Close(); err != nil {
		w.t.Errorf("%v", err)
	}
}

func sum(s string) string { return fmt.Sprintf("%064x", s)[:64] }

// id is a new id of the prefix.
func (w *world) id(prefix string) string {
	w.given++
	return fmt.Sprintf("%s%08x", prefix, w.given)
}

func (w *world) try(fn func(*state.Tx) error) error {
	_, err := w.store.Update(state.Actor{User: "test", Verb: "test", Time: w.now}, fn)
	return err
}

func (w *world) do(fn func(*state.Tx)) {
	w.t.Helper()
	if err := w.try(func(tx *state.Tx) error { fn(tx); return nil }); err != nil {
		w.t.Fatalf("%v", err)
	}
}

// write keeps changes as the controller does: claims first.
func write(tx *state.Tx, c Changes) error {
	if c.Cloud != nil {
		tx.PutCloud(*c.Cloud)
	}
	each(c.FreeClaims, tx.DeleteClaim)
	for _, claim := range c.Claims {
		if err := tx.PutClaim(claim); err != nil {
			return err
		}
	}
	each(c.Instances, tx.PutInstance)
	each(c.Networks, tx.PutNetwork)
	each(c.Subnets, tx.PutSubnet)
	each(c.Ports, tx.PutPort)
	each(c.Addresses, tx.PutAddress)
	each(c.FreePorts, tx.DeletePort)
	each(c.FreeNets, tx.DeleteNetwork)
	each(c.FreeSubnets, tx.DeleteSubnet)
	each(c.FreeAddrs, tx.DeleteAddress)
	each(c.Bury, tx.DeleteInstance)
	return nil
}

func each[T any](list []T, do func(T)) {
	for _, v := range list {
		do(v)
	}
}

func (w *world) cluster() inventory.Cluster { return w.inv.Clusters()[0] }

func (w *world) host(name string) *inventory.Host {
	w.t.Helper()
	h, ok := w.inv.Host(name)
	if !ok {
		w.t.Fatalf("no host %s", name)
	}
	return h
}

// group makes a group with rules, or gives an old one these.
func (w *world) group(owner, name string, rules ...cloud.Permission) cloud.Group {
	w.t.Helper()
	g, ok := w.store.View().GroupNamed(owner, name)
	if !ok {
		g = cloud.Group{ID: cloud.GroupID(w.id(cloud.GroupPrefix)), Owner: owner, Name: name, Created: w.now}
		g.Chain = ChainName(owner, name, g.ID, func(c string) bool { _, taken := w.store.View().GroupByChain(c); return taken })
	}
	g.Rules = rules
	w.do(func(tx *state.Tx) { tx.PutGroup(g) })
	return g
}

var small = cloud.InstanceType{Name: "m1.small", Cores: 1, Memory: 128, Disk: 2}

// order is a launch of from least to most instances of the first group's owner.
func (w *world) order(least, most int, groups ...cloud.Group) Order {
	o := Order{
		Min: least, Max: most, Network: cloud.NetworkID(w.id(cloud.NetworkPrefix)), Subnet: cloud.SubnetID(w.id(cloud.SubnetPrefix)),
		Instance: cloud.Instance{
			Owner: groups[0].Owner, Reservation: cloud.ReservationID(w.id(cloud.ReservationPrefix)), Image: "emi-00000001", Kernel: "eki-00000001",
			Type: small, Launched: w.now, Want: cloud.Running,
		},
	}
	for _, g := range groups {
		o.Instance.Groups = append(o.Instance.Groups, g.ID)
	}
	for range most {
		o.IDs = append(o.IDs, cloud.InstanceID(w.id(cloud.InstancePrefix)))
		o.Ports = append(o.Ports, cloud.PortID(w.id(cloud.PortPrefix)))
	}
	return o
}

// place carries an order out in the first cluster, and returns its instances.
func (w *world) place(o Order) ([]cloud.Instance, error) { return w.placeIn(w.cluster(), o) }

func (w *world) placeIn(c inventory.Cluster, o Order) (list []cloud.Instance, err error) {
	err = w.try(func(tx *state.Tx) error {
		changes, err := Place(tx, c, o)
		if err != nil {
			return err
		}
		for i := range changes.Instances {
			in := &changes.Instances[i]
			in.Hostname, in.SeedSum, in.SeedSize = "euca-"+string(in.ID), sum(string(in.ID)), 128<<10
		}
		list = changes.Instances
		return write(tx, changes)
	})
	return list, err
}

// run starts n instances in the groups.
func (w *world) run(n int, groups ...cloud.Group) []cloud.Instance {
	w.t.Helper()
	list, err := w.place(w.order(n, n, groups...))
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	return list
}

func (w *world) end(ids ...cloud.InstanceID) {
	w.t.Helper()
	w.do(func(tx *state.Tx) {
		for _, id := range ids {
			in, _ := tx.Instance(id)
			if err := write(tx, End(tx, in, "User initiated", w.now)); err != nil {
				w.t.Fatalf("%v", err)
			}
		}
	})
}

func (w *world) instance(id cloud.InstanceID) cloud.Instance {
	w.t.Helper()
	in, ok := w.store.View().Instance(id)
	if !ok {
		w.t.Fatalf("%s has no record", id)
	}
	return in
}

func (w *world) port(id cloud.InstanceID) cloud.Port {
	p, _ := w.store.View().Port(w.instance(id).Port)
	return p
}

// report is a host's whole answer under its present plan, with all machines of the
// plan running, but for what edits say.
func (w *world) report(host string, edits ...func(*cloud.Seen)) {
	w.t.Helper()
	tx, h := w.store.View(), w.host(host)
	c, _ := tx.Cloud()
	s := cloud.Seen{
		Host: host, Tried: w.now, At: w.now, PlanRev: tx.Rev(), Ran: true, Token: "t-1", BootID: "boot",
		Facts: cloud.HostFacts{"arch": "x86_64"}, Capacity: cloud.Capacity{Cores: 8, Memory: 4096, Disk: 100},
	}
	if h.Frontend {
		s.FrontRev = tx.Rev()
	}
	if h.IsNode {
		s.DomainsAt, s.DomainsRev, s.FoldersRev, s.LinksRev = w.now, tx.Rev(), tx.Rev(), tx.Rev()
		for _, m := range Compile(tx, w.inv, h).Node.Machines {
			s.Domains = append(s.Domains, cloud.SeenDomain{Name: m.ID, Cloud: c.ID, State: "running", Reason: "booted"})
		}
	}
	for _, edit := range edits {
		edit(&s)
	}
	if err := w.store.Observe(s); err != nil {
		w.t.Fatalf("%v", err)
	}
}

// silent is a host that does not answer; what it said before stays.
func (w *world) silent(host string) {
	w.t.Helper()
	s, _ := w.store.View().Seen(host)
	s.Host, s.Tried, s.Problem = host, w.now, host+" is unreachable: connect: no route to host"
	if err := w.store.Observe(s); err != nil {
		w.t.Fatalf("%v", err)
	}
}

// settle settles, and returns what that changed.
func (w *world) settle() (out Changes) {
	w.t.Helper()
	w.do(func(tx *state.Tx) {
		out = Settle(tx, w.inv, w.now, BuryAfter)
		if err := write(tx, out); err != nil {
			w.t.Fatalf("%v", err)
		}
	})
	return out
}

// converge lets all hosts answer until nothing changes.
func (w *world) converge() {
	w.t.Helper()
	for range 6 {
		for _, h := range w.inv.Hosts() {
			if _, dead := w.store.View().DeadHost(h.Name); !dead {
				w.report(h.Name)
			}
		}
		if c := w.settle(); c.Empty() {
			return
		}
	}
	w.t.Fatalf("it does not come to rest")
}

// claims are the names of all claims with a prefix.
func (w *world) claims(prefix string) (names []string) {
	for _, c := range w.store.View().Claims(prefix) {
		names = append(names, c.Name)
	}
	return names
}

func ips(list []cloud.Instance) (out []string) {
	for _, in := range list {
		out = append(out, in.Public.String())
	}
	return out
}

func hosts(list []cloud.Instance) (out []string) {
	for _, in := range list {
		out = append(out, in.Host)
	}
	return out
}

func (w *world) privates(list []cloud.Instance) (out []string) {
	for _, in := range list {
		out = append(out, w.port(in.ID).IP.String())
	}
	return out
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func cidr(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// equal shows how what is differs from what should be.
func equal(t tester, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// refused checks for EC2's code.
func refused(t tester, err error, code string) {
	t.Helper()
	if e, ok := err.(*cloud.Error); !ok || e.Code != code {
		t.Errorf("%v, want %s", err, code)
	}
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func contains[T comparable](list []T, v T) bool { return slices.Contains(list, v) }
