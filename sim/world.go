// Package sim plays histories of a whole cloud in one process: the real controller,
// plans, playbooks, programs and report reader over hosts that are models, with
// verbs, faults and crashes that all come from one seed. After every step it checks
// the laws of docs/ARCHITECTURE.md; a history that breaks one is shortened and
// printed. It also rehearses verbs on a copy of real records.
package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"eucactl/cloud"
	"eucactl/controller"
	"eucactl/images"
	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/sim/host"
	"eucactl/sim/policy"
	"eucactl/state"
)

// A small cloud, so that everything in it runs out now and then. The inventories are
// what an operator may edit it into.
const tight = `all:
  vars:
    cluster: one
    vnet_mode: MODE
    vnet_interface: eth0
    vnet_subnet: 10.50.0.0
    vnet_netmask: 255.255.255.128
    vnet_dns: DNS
    vnet_addrspernet: 8
    vnet_publicips: POOL
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_bridge: br0
    firewall_policy: POLICY
  children:
    frontends: {hosts: {fe1: }}
    nodes: {hosts: {NODES}}
`

var edits = []struct{ dns, pool, nodes, policy string }{
	{"192.0.2.53", "203.0.113.10-203.0.113.14", "n1: , n2: , n3: ", inventory.Preserve},
	{"192.0.2.54", "203.0.113.10-203.0.113.14", "n1: , n2: , n3: ", inventory.Preserve},
	{"192.0.2.53", "203.0.113.10-203.0.113.12", "n1: , n2: , n3: ", inventory.Preserve},
	{"192.0.2.53", "203.0.113.10-203.0.113.14", "n1: , n2: ", inventory.Preserve},
	{"192.0.2.53", "203.0.113.10-203.0.113.14", "n1: , n2: , n3: ", inventory.Flush},
}

// preload is what the operator of the frontend has for firewall_policy: flush, and
// preloaded what is then there of others, table by table.
const preload = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [7:77]
:EUCA-INPUT - [0:0]
:site-log - [0:0]
-A INPUT -j EUCA-INPUT
-A INPUT -s 192.0.2.128/25 -p tcp -m tcp --dport 22 -j DROP
-A FORWARD -j site-log
-A FORWARD -j ACCEPT
-A EUCA-INPUT -m comment --comment "eucactl 0badc10d input"
-A site-log -j RETURN
COMMIT
*nat
-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
COMMIT
`

var preloaded = map[string]string{
	"filter": `chain filter FORWARD DROP
rule filter -A FORWARD -j site-log
rule filter -A FORWARD -j ACCEPT
chain filter INPUT ACCEPT
rule filter -A INPUT -s 192.0.2.128/25 -p tcp -m tcp --dport 22 -j DROP
chain filter OUTPUT ACCEPT
chain filter site-log 
rule filter -A site-log -j RETURN
`,
	"nat": `chain nat INPUT ACCEPT
chain nat OUTPUT ACCEPT
chain nat POSTROUTING ACCEPT
rule nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
chain nat PREROUTING ACCEPT
`,
}

// Stage is what all histories are played on: it is read once and never changes.
type Stage struct {
	dir         string
	names       []string // of all hosts, the frontend's first
	inventories []*inventory.Inventory
	sites       []*controller.Site
	images      images.Folder
	image       images.Info
	morning     *morning
	mirror      *Mirror // nil: none
	tagged      *Stage  // where every other history is played; nil: here
}

// Open is the stage of a small cloud of a frontend and three nodes: in MANAGED-NOVLAN
// for even seeds, in MANAGED for odd ones.
func Open() (*Stage, error) {
	st, err := openMode(inventory.ManagedNoVLAN)
	if err != nil {
		return nil, err
	}
	if st.tagged, err = openMode(inventory.Managed); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

func openMode(mode inventory.Mode) (*Stage, error) {
	var texts []string
	for _, e := range edits {
		texts = append(texts, strings.NewReplacer("MODE", string(mode), "DNS", e.dns, "POOL", e.pool, "NODES", e.nodes, "POLICY", e.policy).Replace(tight))
	}
	return OpenOn(texts...)
}

// of is the stage of a seed's history.
func (st *Stage) of(seed uint64) *Stage {
	if st.tagged != nil && seed%2 == 1 {
		return st.tagged
	}
	return st
}

// OpenOn reads the playbooks and the inventories of one cluster with one frontend; the
// first has all its hosts, the others are what its operator may edit it into.
func OpenOn(inventories ...string) (*Stage, error) {
	dir, err := os.MkdirTemp("", "eucactl-sim-")
	if err != nil {
		return nil, err
	}
	st := &Stage{dir: dir, images: images.Folder{Dir: filepath.Join(dir, "images")}}
	if err := st.read(inventories); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// Close removes its files.
func (st *Stage) Close() error {
	if st.tagged != nil {
		return errors.Join(st.tagged.Close(), os.RemoveAll(st.dir))
	}
	return os.RemoveAll(st.dir)
}

func (st *Stage) read(inventories []string) (err error) {
	for _, text := range inventories {
		inv, err := inventory.Parse("inventory.yml", []byte(text))
		if err != nil {
			return err
		}
		st.inventories = append(st.inventories, inv)
	}
	for _, h := range st.inventories[0].Hosts() {
		if h.Frontend {
			st.names = append([]string{h.Name}, st.names...)
		} else if h.IsNode {
			st.names = append(st.names, h.Name)
		}
	}
	if st.sites, err = sites(st.dir); err != nil {
		return err
	}
	path := filepath.Join(st.dir, "disk.img")
	if err := os.WriteFile(path, slices.Repeat([]byte("disk"), 1024), 0o600); err != nil {
		return err
	}
	if st.image, err = st.images.Take(context.Background(), path, images.Machine, false); err != nil {
		return err
	}
	st.morning, err = st.firstMorning()
	return err
}

// sites are the built-in playbooks, and two that an operator has edited.
func sites(dir string) ([]*controller.Site, error) {
	builtin, err := controller.OpenSite("")
	if err != nil {
		return nil, err
	}
	list := []*controller.Site{builtin}
	for i, edit := range [][3]string{
		{"dhcpd.conf.j2", "max-lease-time 1200;", "max-lease-time 1800;"},
		{"domain.xml.j2", `<memballoon model="none"/>`, `<memballoon model="virtio"/>`},
	} {
		own := filepath.Join(dir, fmt.Sprint(i))
		if err := controller.EjectSite(own); err != nil {
			return nil, err
		}
		path := filepath.Join(own, "templates", edit[0])
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		changed := strings.Replace(string(text), edit[1], edit[2], 1)
		if changed == string(text) {
			return nil, fmt.Errorf("template %s does not say %s any more", edit[0], edit[1])
		}
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			return nil, err
		}
		site, err := controller.OpenSite(own)
		if err != nil {
			return nil, err
		}
		list = append(list, site)
	}
	return list, nil
}

// Tally counts what histories were made of.
type Tally struct {
	Histories, Steps, Asked, Refused, Visits, Faults, Crashes, Commands, Checks int
}

func (t *Tally) add(o Tally) {
	t.Histories += o.Histories
	t.Steps += o.Steps
	t.Asked += o.Asked
	t.Refused += o.Refused
	t.Visits += o.Visits
	t.Faults += o.Faults
	t.Crashes += o.Crashes
	t.Commands += o.Commands
	t.Checks += o.Checks
}

// life is one process of the controller, from its start to its death.
type life struct {
	fs    *vfs.MemFS
	store *state.Store
	c     *controller.Controller

	crash   *Crash     // to come in this step
	commits int        // in this step
	lines   int        // in this step
	left    *vfs.MemFS // what its death left on the disk; nil while it lives
}

func (l *life) dead() bool { return l.left != nil }

// world is a cloud and all that was ever true of it.
type world struct {
	*Stage
	seed  uint64
	rand  *rand.Rand // for what laws sample
	tally Tally
	log   []string

	*life
	edit, site int // which inventory and which playbooks are in force
	now        time.Time
	given      int

	machines   map[string]*host.Machine
	down       map[string]bool // do not answer until they are up again
	off        map[string]bool // without power since they were declared dead
	troubles   map[string][]Trouble
	unanswered *request  // of the process that died
	checking   bool      // what runs on hosts only looks
	strangers  bool      // another controller runs
	breached   *Breach   // found where nobody can be told, in a goroutine of the controller
	nested     bool      // something is asked while a host is slow
	underway   *underway // nil: no reconcile is
	joined     int       // how many reconciles came while something else was under way
	mirror     *Mirror   // nil: none; a twin has none

	backup     *vfs.MemFS
	vandalized map[string]bool       // somebody took the guard of guests away
	usurped    map[string]bool       // obeyed a controller with older records
	private    map[string]netip.Addr // of every instance that ever was
	ended      map[string]bool       // was to be ended by some record
	mayEnd     map[string]bool       // its user or its guest wished it
	gaveUp     map[string]bool       // hosts that were ever declared dead
	judged     map[string]int        // how many of a machine's Destroyed were judged
	foreign    map[string]string
	flushed    int // the inventory that ever was in force with flush; 0: none
	openings
}

// noon is when every history begins.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// newWorld is a cloud that has seen each of its hosts once.
func newWorld(st *Stage, seed uint64) (*world, error) {
	w := bare(st, seed)
	w.reflected()
	if st.morning != nil && w.mirror == nil {
		return w, w.wakesAt(st.morning)
	}
	var err error
	if w.life, err = w.born(vfs.NewCrashableMem()); err != nil {
		return nil, err
	}
	return w, w.begin()
}

// morning is how every history begins: made once, and copied.
type morning struct {
	fs       *vfs.MemFS
	machines map[string]*host.Machine
	given    int
}

func (st *Stage) firstMorning() (*morning, error) {
	w, err := newWorld(st, 0)
	if err != nil {
		return nil, err
	}
	return &morning{w.fs, w.machines, w.given}, w.close()
}

// wakesAt takes a copy of a morning.
func (w *world) wakesAt(m *morning) (err error) {
	w.given = m.given
	for _, name := range w.names {
		w.machines[name] = m.machines[name].CloneFor(func() string { return w.newID("") }, func() time.Time { return w.now })
	}
	w.watchFrontend()
	w.life, err = w.born(leftOf(m.fs, 100, 0))
	return err
}

// bare has hosts, and no controller yet.
func bare(st *Stage, seed uint64) *world {
	w := &world{
		Stage: st, seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), now: noon,
		machines: map[string]*host.Machine{}, down: map[string]bool{}, off: map[string]bool{}, troubles: map[string][]Trouble{},
		private: map[string]netip.Addr{}, ended: map[string]bool{}, mayEnd: map[string]bool{}, gaveUp: map[string]bool{}, judged: map[string]int{}, usurped: map[string]bool{}, vandalized: map[string]bool{}, foreign: map[string]string{},
	}
	for _, name := range w.names {
		o := st.options(name)
		o.NewID, o.Now = func() string { return w.newID("") }, func() time.Time { return w.now }
		w.machines[name] = host.New(name, o)
		w.foreign[name] = w.machines[name].Foreign()
	}
	w.watchFrontend()
	return w
}

func (w *world) newID(prefix string) string {
	w.given++
	return fmt.Sprintf("%s%08x", prefix, w.given)
}

// born starts a controller over a disk.
func (w *world) born(fs *vfs.MemFS) (*life, error) {
	l := &life{fs: fs}
	var err error
	if l.store, err = state.Open("state", state.Options{FS: fs, OnCommit: l.committed}); err != nil {
		return nil, err
	}
	l.c = &controller.Controller{
		Store: l.store, Inventory: w.inventories[w.edit], Site: w.sites[w.site], Images: w.images, Forks: 1,
		Dial:  func(_ context.Context, h *inventory.Host) (remote.Conn, error) { return w.dial(l, h) },
		Now:   func() time.Time { return w.now },
		NewID: w.newID, OnLine: l.heard,
	}
	return l, l.c.Init()
}

func (l *life) committed(point string, n int) {
	if point == "before" {
		l.commits++
	}
	if c := l.crash; c != nil && c.Point == point && c.N == l.commits {
		l.die()
	}
}

func (l *life) heard() {
	l.lines++
	if c := l.crash; c != nil && c.Point == "line" && c.N == l.lines {
		l.die()
	}
}

// die cuts the power. What this process still does is not known to anybody: it
// neither hears nor says anything more.
func (l *life) die() {
	if l.left == nil {
		l.left = leftOf(l.fs, l.crash.Kept, uint64(l.crash.N))
	}
}

// leftOf is what a power cut leaves on a disk: what was synced, and some percent of
// the rest.
func leftOf(fs *vfs.MemFS, kept int, seed uint64) *vfs.MemFS {
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(seed, 3))})
}

// begin makes users and an image, and lets each host be seen once.
func (w *world) begin() error {
	for _, user := range users {
		if _, _, err := ask[cloud.User](w, cloud.Admin, "CreateUser", cloud.CreateUser{Name: user}); err != nil {
			return err
		}
	}
	_, err := w.store.Update(state.Actor{Verb: "test", Time: w.now}, func(tx *state.Tx) error {
		tx.PutImage(cloud.Image{
			ID: "emi-eeeeeeee", Owner: cloud.Admin, Type: cloud.MachineImage, Format: "raw", Public: true,
			Sum: w.image.Sum, Size: w.image.Size, VirtualSize: w.image.VirtualSize,
		})
		return nil
	})
	if err != nil {
		return err
	}
	_, err = w.c.Reconcile(context.Background(), controller.Reconcile{}, nil)
	return err
}

var errPowerCut = errors.New("the controller is dead")

// dial is how the controller reaches a machine, or meets its troubles.
func (w *world) dial(l *life, h *inventory.Host) (remote.Conn, error) {
	if l.dead() {
		return nil, errPowerCut
	}
	w.tally.Visits++
	m := w.machines[h.Name]
	if w.down[h.Name] || w.off[h.Name] {
		return m.Dial(host.Faults{Refuse: true})
	}
	var t Trouble
	if list := w.troubles[h.Name]; len(list) > 0 && list[0].Visit > 0 {
		list[0].Visit--
	} else if len(list) > 0 {
		t, w.troubles[h.Name] = list[0], list[1:]
		w.tally.Faults++
		w.say("  %s %s", h.Name, t)
		w.down[h.Name] = t.Silent
	}
	if !w.checking {
		w.openings.sent(w, h.Name, policy.Of(l.store.View(), w.cluster()))
	}
	if t.During != nil && !t.Answer {
		w.meanwhile(*t.During)
		if l.dead() {
			return nil, errPowerCut
		}
	}
	c, err := m.Dial(t.Faults)
	if err != nil {
		return nil, err
	}
	late := func() {}
	if t.During != nil && t.Answer {
		late = sync.OnceFunc(func() { w.meanwhile(*t.During) })
	}
	return &mortalConn{w.tee(h.Name, c, t.Faults), l, late}, nil
}

// mortalConn ends with the process that opened it.
type mortalConn struct {
	remote.Conn
	l    *life
	late func() // what comes between the host's answer and its being heard
}

func (c *mortalConn) Run(ctx context.Context) (remote.Session, error) {
	s, err := c.Conn.Run(ctx)
	if err != nil {
		return nil, err
	}
	return &mortalSession{s, c.l, c.late}, nil
}

func (c *mortalConn) Login() string { return c.Conn.Login() }

func (c *mortalConn) Put(ctx context.Context, f remote.File) error {
	if c.l.dead() {
		return errPowerCut
	}
	return c.Conn.Put(ctx, f)
}

type mortalSession struct {
	remote.Session
	l    *life
	late func()
}

func (s *mortalSession) Close() error {
	err := s.Session.Close()
	s.late()
	return err
}

func (s *mortalSession) Read(p []byte) (int, error) {
	if s.l.dead() {
		return 0, errPowerCut
	}
	return s.Session.Read(p)
}

func (w *world) say(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

func (w *world) front() string { return w.names[0] }

func (w *world) cluster() string { return w.inventories[0].Clusters()[0].Name }

func (w *world) host(n int) string { return w.names[n%len(w.names)] }

func (w *world) node(n int) string { return w.names[1+n%(len(w.names)-1)] }

// close ends the history.
func (w *world) close() error {
	if w.life == nil {
		return nil
	}
	return w.store.Close()
}

// isDead says whether an operator has given a host up.
func (w *world) isDead(name string) bool {
	_, dead := w.store.View().DeadHost(name)
	return dead
}

// names of hosts that the present inventory has.
func (w *world) inventoried() (names []string) {
	for _, h := range w.c.Inventory.Hosts() {
		names = append(names, h.Name)
	}
	slices.Sort(names)
	return names
}
