package controller

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/state"
)

// A small cloud, so that everything in it runs out now and then.
const tight = `all:
  vars:
    cluster: one
    vnet_mode: MANAGED-NOVLAN
    vnet_interface: eth0
    vnet_subnet: 10.50.0.0
    vnet_netmask: 255.255.255.128
    vnet_dns: 192.0.2.53
    vnet_addrspernet: 8
    vnet_publicips: 203.0.113.10-203.0.113.14
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_bridge: br0
  children:
    frontends: {hosts: {fe1: }}
    nodes: {hosts: {n1: , n2: , n3: }}
`

// history is one run of the property: a controller, model hosts, and what was ever true.
type history struct {
	*world
	t       *rapid.T
	fs      *vfs.MemFS
	models  map[string]*modelHost
	private map[string]netip.Addr // of every instance there ever was
	dir     string
}

// codes are the refusals that a history may meet; anything else is a bug.
var codes = []string{
	"InsufficientInstanceCapacity", "InsufficientFreeAddressesInSubnet", "InsufficientAddressCapacity", "SecurityGroupLimitExceeded",
	"IncorrectInstanceState", "InvalidGroup.InUse", "InvalidGroup.NotFound", "InvalidGroup.Duplicate", "InvalidGroup.Reserved", "InvalidPermission.Duplicate", "InvalidPermission.NotFound",
	"InvalidAddress.NotFound", "InvalidState", "InvalidInstanceID.NotFound", "RulesPerSecurityGroupLimitExceeded",
}

// Laws 1, 2 and 5 and the durability of what was acknowledged, over random histories
// of requests, hosts that answer late, in part or not at all, and crashes.
func TestHistories(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{t: rt, fs: vfs.NewCrashableMem(), models: map[string]*modelHost{}, private: map[string]netip.Addr{}, dir: dir}
		h.world = openWorld(rt, tight, h.fs, dir)
		defer func() { _ = h.c.Store.Close() }()
		for name := range h.hosts {
			h.models[name] = &modelHost{machines: map[string]bool{}, front: map[netip.Addr]netip.Addr{}}
		}
		h.begin()
		rt.Repeat(map[string]func(*rapid.T){
			"":           func(*rapid.T) { h.invariants() },
			"run":        h.launch,
			"terminate":  h.terminate,
			"address":    h.address,
			"group":      h.groups,
			"start":      h.start,
			"finish":     h.finish,
			"converge":   func(t *rapid.T) { h.round() },
			"settle":     func(t *rapid.T) { h.settle() },
			"power off":  h.powerOff,
			"dead":       h.dead,
			"time":       func(t *rapid.T) { h.now.Add(rapid.Int64Range(1, 600).Draw(t, "seconds")) },
			"crash":      h.crash,
			"look again": func(t *rapid.T) { h.lookAgain() },
		})
		h.rest()
	})
}

func (h *history) begin() {
	for _, user := range []string{"alice", "bob"} {
		h.ask(cloud.Admin, "CreateUser", cloud.CreateUser{Name: user})
	}
	_, err := h.c.Store.Update(state.Actor{Verb: "test"}, func(tx *state.Tx) error {
		tx.PutImage(cloud.Image{ID: "emi-eeeeeeee", Owner: cloud.Admin, Type: cloud.MachineImage, Format: "raw", Sum: strings.Repeat("e", 64), Public: true})
		return nil
	})
	if err != nil {
		h.t.Fatalf("%v", err)
	}
	h.round()
}

// ask carries out a verb, which may be refused, but not fail.
func (h *history) ask(user, verb string, req any) (Answer, bool) {
	before := h.c.Store.Rev()
	_, a, err := as[json.RawMessage](h.world, user, verb, req)
	if err == nil {
		return a, true
	}
	if !slices.Contains(codes, code(err)) {
		h.t.Fatalf("%s %s %+v: %v", user, verb, req, err)
	}
	if h.c.Store.Rev() != before {
		h.t.Fatalf("%s was refused, and wrote something: %v", verb, err)
	}
	return a, false
}

func user(t *rapid.T) string { return rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "user") }

func (h *history) launch(t *rapid.T) {
	who := user(t)
	var groups []string
	for _, g := range h.c.Store.View().GroupsOf(who) {
		if rapid.Bool().Draw(t, "in "+g.Name) {
			groups = append(groups, g.Name)
		}
	}
	n := rapid.IntRange(1, 3).Draw(t, "n")
	h.ask(who, "RunInstances", cloud.RunInstances{Image: "emi-eeeeeeee", Min: 1, Max: n, Groups: groups, Private: rapid.Bool().Draw(t, "private"), UserData: []byte("x")})
	tx := h.c.Store.View()
	for _, in := range tx.Instances() {
		if port, ok := tx.Port(in.Port); ok {
			h.private[string(in.ID)] = port.IP
		}
	}
}

// instance is one of a user's.
func (h *history) some(t *rapid.T, who string) (cloud.Instance, bool) {
	list := h.c.Store.View().InstancesOf(who)
	if len(list) == 0 {
		return cloud.Instance{}, false
	}
	return rapid.SampledFrom(list).Draw(t, "instance"), true
}

func (h *history) terminate(t *rapid.T) {
	who := user(t)
	if in, ok := h.some(t, who); ok {
		verb := rapid.SampledFrom([]string{"TerminateInstances", "TerminateInstances", "RebootInstances"}).Draw(t, "verb")
		h.ask(who, verb, cloud.TerminateInstances{IDs: []string{string(in.ID)}})
	}
}

func (h *history) address(t *rapid.T) {
	who := user(t)
	var mine []string
	for _, a := range h.c.Store.View().AddressesOf(who) {
		if a.Elastic {
			mine = append(mine, a.IP.String())
		}
	}
	if len(mine) == 0 || rapid.IntRange(0, 3).Draw(t, "allocate") == 0 {
		h.ask(who, "AllocateAddress", cloud.AllocateAddress{})
		return
	}
	a := rapid.SampledFrom(mine).Draw(t, "address")
	switch rapid.IntRange(0, 5).Draw(t, "verb") {
	case 0:
		h.ask(who, "ReleaseAddress", cloud.ReleaseAddress{IP: a})
	case 1, 2:
		h.ask(who, "DisassociateAddress", cloud.DisassociateAddress{IP: a})
	default:
		if in, ok := h.some(t, who); ok {
			h.ask(who, "AssociateAddress", cloud.AssociateAddress{IP: a, Instance: string(in.ID)})
		}
	}
}

func (h *history) groups(t *rapid.T) {
	who := user(t)
	name := rapid.SampledFrom([]string{"default", "web", "db"}).Draw(t, "group")
	p := cloud.Permission{Protocol: "tcp", From: 22, To: rapid.IntRange(22, 24).Draw(t, "port")}
	if rapid.Bool().Draw(t, "from a group") {
		p.Source = cloud.GroupRef{User: user(t), Name: rapid.SampledFrom([]string{"default", "web", "db"}).Draw(t, "source")}
	} else {
		p.CIDR = netip.MustParsePrefix("0.0.0.0/0")
	}
	switch rapid.IntRange(0, 4).Draw(t, "verb") {
	case 0:
		h.ask(who, "DeleteSecurityGroup", cloud.DeleteGroup{Name: name})
	case 1:
		h.ask(who, "RevokeSecurityGroupIngress", cloud.Revoke{Group: name, Permissions: []cloud.Permission{p}})
	case 2:
		h.ask(who, "CreateSecurityGroup", cloud.CreateGroup{Name: name})
	default:
		h.ask(who, "AuthorizeSecurityGroupIngress", cloud.Authorize{Group: name, Permissions: []cloud.Permission{p}})
	}
}

func (h *history) host(t *rapid.T) *inventory.Host {
	return rapid.SampledFrom(h.c.Inventory.Hosts()).Draw(t, "host")
}

func (h *history) isDead(name string) bool {
	_, dead := h.c.Store.View().DeadHost(name)
	return dead
}

// powerOff is a guest that switches itself off.
func (h *history) powerOff(t *rapid.T) {
	for _, on := range h.c.Inventory.Hosts() {
		for _, name := range slices.Sorted(maps.Keys(h.models[on.Name].machines)) {
			if rapid.IntRange(0, 4).Draw(t, "off") == 0 {
				h.models[on.Name].machines[name] = false
			}
		}
	}
}

// dead is an operator's word about a node, or that it was wrong. A dead node's
// machines do not run: that is what the word means.
func (h *history) dead(t *rapid.T) {
	name := rapid.SampledFrom([]string{"n2", "n3"}).Draw(t, "node")
	if h.isDead(name) {
		h.ask(cloud.Admin, "DeclareDead", cloud.DeclareDead{Host: name, Undo: true})
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "really") > 0 {
		return
	}
	h.ask(cloud.Admin, "DeclareDead", cloud.DeclareDead{Host: name, Name: name, Why: "burnt"})
	h.models[name].flight = nil
	for id := range h.models[name].machines {
		h.models[name].machines[id] = false
	}
}

func (h *history) settle() {
	if err := h.c.settle(); err != nil {
		h.t.Fatalf("settle: %v", err)
	}
}

// crash cuts the power and opens what is left: all that was acknowledged, and of what
// hosts said maybe less.
func (h *history) crash(t *rapid.T) {
	before := h.records()
	seed := rapid.Uint64().Draw(t, "seed")
	clone := h.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rapid.IntRange(0, 100).Draw(t, "kept"), RNG: rand.New(rand.NewPCG(seed, 0))})
	if err := h.c.Store.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	store, err := state.Open("state", state.Options{FS: clone})
	if err != nil {
		t.Fatalf("open after a crash: %v", err)
	}
	h.fs, h.c = clone, h.build(store, h.c.Inventory, h.dir)
	if after := h.records(); after != before {
		t.Fatalf("lost or made up:\n%s\n%s", before, after)
	}
	for _, m := range h.models { // programs go on until they notice
		if m.flight != nil && rapid.Bool().Draw(t, "went on") {
			m.apply(m.flight.plan, func() bool { return rapid.Bool().Draw(t, "done") })
		}
		m.flight = nil
	}
}
