// Package sim plays histories of a whole cloud in one process: the real controller,
// plans, playbooks, programs and report reader over hosts that are models, with
// verbs, faults and crashes that all come from one seed. After every step it checks
// the laws of docs/ARCHITECTURE.md; a history that breaks one is shortened and
// printed. It also rehearses verbs on a copy of real records.
package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"eucactl/cloud"
	"eucactl/controller"
	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/sim/host"
	"eucactl/sim/policy"
	"eucactl/state"
)

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
