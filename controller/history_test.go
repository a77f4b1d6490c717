package controller

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"eucactl/cloud"
	"eucactl/inventory"
	"eucactl/plan"
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

// flight is a program on its way: the plan of an earlier moment.
type flight struct {
	rev  uint64
	plan plan.Host
}

// modelHost is what a host really is, whatever the controller knows of it.
type modelHost struct {
	flight   *flight
	machines map[string]bool // name -> still on (off: its guest switched it off)
	front    map[netip.Addr]netip.Addr
}

// history is one run of the property: a controller, model hosts, and what was ever true.
type history struct {
	*world
	t       *rapid.T
	fs      *vfs.MemFS
	models  map[string]*modelHost
	private map[string]netip.Addr // of every instance there ever was
	owner   map[string]string
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
		h := &history{t: rt, fs: vfs.NewCrashableMem(), models: map[string]*modelHost{}, private: map[string]netip.Addr{}, owner: map[string]string{}, dir: dir}
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
			h.private[string(in.ID)], h.owner[string(in.ID)] = port.IP, in.Owner
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

// start sends a program to a host that has none; it is of this moment.
func (h *history) start(t *rapid.T) { h.send(h.host(t)) }

func (h *history) send(on *inventory.Host) {
	m := h.models[on.Name]
	if m.flight != nil || h.isDead(on.Name) {
		return
	}
	tx := h.c.Store.View()
	m.flight = &flight{tx.Rev(), plan.Compile(tx, h.c.Inventory, on)}
}

// How a program ends.
const (
	whole  = iota // all was done and said
	failed        // a part was done; the lists are complete
	broken        // a part was done; nobody heard
	late          // all was done; nobody heard
)

func (h *history) finish(t *rapid.T) {
	on := h.host(t)
	h.end(on, rapid.IntRange(whole, late).Draw(t, "how"), func() bool { return rapid.Bool().Draw(t, "done") })
}

// end lets a host's program end. done says of each part whether it was done.
func (h *history) end(on *inventory.Host, how int, done func() bool) {
	m := h.models[on.Name]
	if m.flight == nil {
		return
	}
	f := m.flight
	m.flight = nil
	if how == whole || how == late {
		done = func() bool { return true }
	}
	m.apply(f.plan, done)
	seen, _ := h.c.Store.View().Seen(on.Name)
	now := h.c.Now()
	seen.Host, seen.Tried = on.Name, now
	if how == broken || how == late {
		seen.Problem = "the answer broke off"
	} else {
		h.heard(&seen, on, m, f, how == whole)
	}
	if err := h.c.Store.Observe(seen); err != nil {
		h.t.Fatalf("%v", err)
	}
}

// apply does what a plan orders: absence is no order.
func (m *modelHost) apply(p plan.Host, done func() bool) {
	if p.Node != nil {
		for _, g := range p.Node.Gone {
			if done() {
				delete(m.machines, g.ID)
			}
		}
		for _, one := range p.Node.Machines {
			if _, there := m.machines[one.ID]; !there && done() {
				m.machines[one.ID] = true
			}
		}
	}
	if p.Frontend != nil && p.Frontend.Active && done() {
		m.front = map[netip.Addr]netip.Addr{}
		for _, t := range p.Frontend.Flows.Nat {
			m.front[t.Public] = t.Private
		}
	}
}

func (h *history) heard(seen *cloud.Seen, on *inventory.Host, m *modelHost, f *flight, ran bool) {
	c, _ := h.c.Store.View().Cloud()
	seen.Problem, seen.At, seen.PlanRev, seen.Ran = "", h.c.Now(), f.rev, ran
	seen.Capacity = cloud.Capacity{Cores: 4, Memory: 4096, Disk: 100}
	if on.Frontend && ran {
		seen.FrontRev = f.rev
	}
	if !on.IsNode {
		return
	}
	seen.Domains, seen.DomainsAt, seen.DomainsRev = nil, seen.At, f.rev
	seen.Folders, seen.FoldersRev = nil, f.rev
	for _, name := range slices.Sorted(maps.Keys(m.machines)) {
		d := cloud.SeenDomain{Name: name, Cloud: c.ID, State: "running"}
		if !m.machines[name] {
			d.State, d.Reason, d.PoweredOff = "shut off", "shutdown", true
		}
		seen.Domains, seen.Folders = append(seen.Domains, d), append(seen.Folders, name)
	}
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

// round lets all hosts that are not dead do and say everything.
func (h *history) round() {
	for _, on := range h.c.Inventory.Hosts() {
		h.end(on, late, nil)
		h.send(on)
		h.end(on, whole, nil)
	}
	h.settle()
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

// records are all that is kept, but what hosts said.
func (h *history) records() string {
	var b strings.Builder
	for line := range strings.Lines(h.export()) {
		if !strings.HasPrefix(line, `{"table":"seen"`) && !strings.HasPrefix(line, `{"dump":`) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// lookAgain asks everything twice: the same records give the same plans and answers.
func (h *history) lookAgain() {
	tx := h.c.Store.View()
	if !reflect.DeepEqual(h.c.compileAll(tx), h.c.compileAll(tx)) {
		h.t.Fatalf("two compilations differ")
	}
	for _, verb := range Verbs() {
		if strings.HasPrefix(verb, "Describe") {
			a, _ := h.ask(cloud.Admin, verb, map[string]bool{"all": true})
			b, _ := h.ask(cloud.Admin, verb, map[string]bool{"all": true})
			if string(a.Body) != string(b.Body) {
				h.t.Fatalf("%s:\n%s\n%s", verb, a.Body, b.Body)
			}
		}
	}
}

// invariants hold at every moment.
func (h *history) invariants() {
	tx := h.c.Store.View()
	h.claimsHaveHolders(tx)
	h.holdersHaveClaims(tx)
	h.nothingIsShared(tx)
}

func (h *history) claimsHaveHolders(tx *state.Tx) {
	for _, c := range tx.Claims("") {
		kind, rest, _ := strings.Cut(c.Name, "/")
		ok := false
		switch kind {
		case "ip", "mac":
			in, there := tx.Instance(cloud.InstanceID(c.Holder))
			ok = there && in.Released.IsZero()
		case "vlan":
			_, ok = tx.Network(cloud.NetworkID(c.Holder))
		case "public":
			_, ok = tx.Address(netip.MustParseAddr(rest))
		}
		if !ok {
			h.t.Fatalf("%s is held by %s, which does not live", c.Name, c.Holder)
		}
	}
}

func (h *history) holdersHaveClaims(tx *state.Tx) {
	held := func(name, holder string) {
		if c, ok := tx.Claim(name); !ok || holder != "" && c.Holder != holder {
			h.t.Fatalf("%s should be held by %s, and is by %q", name, holder, c.Holder)
		}
	}
	for _, in := range tx.Instances() {
		port, ok := tx.Port(in.Port)
		if ok != in.Released.IsZero() {
			h.t.Fatalf("%s: port %v, released %v", in.ID, ok, in.Released)
		}
		if ok {
			held(fmt.Sprintf("ip/%s/%s", port.Network, port.IP), string(in.ID))
			held("mac/"+port.MAC, string(in.ID))
		}
		if a, ok := tx.Address(in.Public); in.Public.IsValid() && (!ok || a.Instance != in.ID || a.Gone) {
			h.t.Fatalf("%s has %s, which is %+v", in.ID, in.Public, a)
		}
	}
	for _, a := range tx.Addresses() {
		held("public/"+a.IP.String(), "")
		if in, ok := tx.Instance(a.Instance); a.Instance != "" && (!ok || in.Public != a.IP || in.Want != cloud.Running) {
			h.t.Fatalf("%+v leads to %+v", a, in)
		}
		if a.Elastic && a.Gone {
			h.t.Fatalf("%+v", a)
		}
	}
	for _, n := range tx.Networks() {
		held(fmt.Sprintf("vlan/%s/%d", n.Cluster, n.Index), string(n.ID))
		if n.Gone && len(tx.PortsOf(n.ID)) > 0 {
			h.t.Fatalf("%+v is on its way out and has ports", n)
		}
	}
}

// nothingIsShared: whatever the records say, no two machines that really run have one
// address, and no public address really leads to a machine that it was given away from.
func (h *history) nothingIsShared(tx *state.Tx) {
	holds := map[netip.Addr]string{}
	take := func(id string) {
		ip := h.private[id]
		if other, taken := holds[ip]; taken && other != id {
			h.t.Fatalf("%s is %s's and %s's", ip, other, id)
		}
		holds[ip] = id
	}
	for _, in := range tx.Instances() {
		if in.Released.IsZero() {
			take(string(in.ID))
		}
	}
	for _, m := range h.models {
		for id, on := range m.machines {
			if on {
				take(id)
			}
		}
		for public, private := range m.front {
			a, ok := tx.Address(public)
			if !ok || a.Elastic || a.Gone || a.Instance == "" {
				continue
			}
			if private != h.private[string(a.Instance)] {
				h.t.Fatalf("%s was given to %s, and leads to %s", public, a.Instance, private)
			}
		}
	}
}

// rest ends everything and lets the hosts say so: nothing is left but what users hold.
func (h *history) rest() {
	for _, in := range h.c.Store.View().Instances() {
		h.ask(in.Owner, "TerminateInstances", cloud.TerminateInstances{IDs: []string{string(in.ID)}})
	}
	for range 6 {
		h.round()
		h.invariants()
	}
	rev := h.c.Store.Rev()
	h.round()
	if h.c.Store.Rev() != rev {
		h.t.Fatalf("it does not come to rest")
	}
	tx := h.c.Store.View()
	var elastic int
	for _, a := range tx.Addresses() {
		if !a.Elastic {
			h.t.Fatalf("%+v is left", a)
		}
		elastic++
	}
	if claims := tx.Claims(""); len(claims) != elastic || len(tx.Networks()) > 0 {
		h.t.Fatalf("%d claims for %d elastic addresses, %d networks", len(claims), elastic, len(tx.Networks()))
	}
	for name, m := range h.models {
		if !h.isDead(name) && len(m.machines)+len(m.front) > 0 {
			h.t.Fatalf("%s still has %v and %v", name, m.machines, m.front)
		}
	}
	h.now.Add(600)
	h.settle()
	for _, in := range h.c.Store.View().Instances() {
		if in.DeclaredBy == "" {
			h.t.Fatalf("%s is not buried", in.ID)
		}
	}
}
