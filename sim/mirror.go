package sim

import (
	"math/rand/v2"
	"slices"

	"eucactl/inventory"
	"eucactl/remote"
	"eucactl/sim/host"
)

// A Mirror is a second set of hosts, to which everything is done that is done to the
// models. It learns of it through these; all of them are called one after the other.
type Mirror struct {
	Facts     func(host string) string                                    // what facts.HostScript prints there
	Tee       func(host string, c remote.Conn, f host.Faults) remote.Conn // each connection of the controller passes through it
	Rebooted  func(host string)                                           // the model was
	Befell    func(host, script string)                                   // the model was damaged, as the script does it
	Delivered func(host string)                                           // what lay in wait for the model ran
	AtRest    func(step string, hosts map[string]*host.Machine) error     // everything has settled: is it the same?
}

// Mirrored is the history of a seed without what only a model can be made to do: to be
// killed or cut off in front of a certain command, to fail at one, or to be full. Real
// hosts are dear, so there are guests from the beginning, and more befalls them.
func Mirrored(seed uint64) []Step {
	r := rand.New(rand.NewPCG(seed, 2))
	steps := []Step{{Op: "run", N: [5]int{0, 1, 2, 1, 1}}, {Op: "authorize", N: [5]int{0, 0, r.IntN(24), r.IntN(24), 1}}, {Op: "run", N: [5]int{1, 1, 1, 0, 1}}}
	for _, s := range History(seed) {
		if r.IntN(2) == 0 {
			steps = append(steps, draw(r, pick(r, "wreck", "wreck", "wreck", "wreck", "power-off", "guest-crash", "talk", "talk", "talk")))
		}
		if r.IntN(4) == 0 {
			s.Troubles = append(s.Troubles, Trouble{Host: r.IntN(8), Faults: host.Faults{Dead: []string{pick(r, tools...)}}})
		}
		s.Troubles = slices.DeleteFunc(s.Troubles, func(t Trouble) bool {
			f := t.Faults
			// A real host has vconfig and brctl beside ip; dhcpd is called by its whole path, where nothing can
			// stand in front of it.
			dead := len(f.Dead) > 0 && f.Dead[0] != "ip" && f.Dead[0] != "dhcpd"
			return t.During == nil && !f.Refuse && !f.Late && f.Deaf == 0 && !dead
		})
		steps = append(steps, s)
	}
	return steps
}

// PlayMirrored is Play, and the mirror is compared when everything has settled: before
// all instances are terminated, and after.
func (st *Stage) PlayMirrored(seed uint64, steps []Step, m *Mirror) (log []string, err error) {
	reflecting := *st
	reflecting.mirror = m
	w, err := newWorld(&reflecting, seed)
	if err != nil {
		return nil, err
	}
	err = w.lives(func() {
		for _, s := range steps {
			w.play(s)
		}
		clear(w.down)
		w.edits(0, w.site)
		w.settles(true)
		w.compare("in use")
		w.rest()
		w.compare("emptied")
	})
	return w.log, err
}

// compare leaves out hosts without power: their models are not asked either.
func (w *world) compare(step string) {
	hosts := map[string]*host.Machine{}
	for name, m := range w.machines {
		if !w.off[name] && !w.isDead(name) {
			hosts[name] = m
		}
	}
	if err := w.mirror.AtRest(step, hosts); err != nil {
		w.breach("the model is not a fantasy", "%s: %v", step, err)
	}
}

// reflected lets the mirror follow the models of a world.
func (w *world) reflected() {
	if w.Stage.mirror == nil {
		return
	}
	w.mirror = w.Stage.mirror
	for name, m := range w.machines {
		m.OnReboot(func() { w.mirror.Rebooted(name) })
	}
}

// tee is a connection that the mirror listens to.
func (w *world) tee(name string, c remote.Conn, f host.Faults) remote.Conn {
	if w.mirror == nil {
		return c
	}
	return w.mirror.Tee(name, c, f)
}

// befalls tells the mirror what was done to a model.
func (w *world) befalls(name, script string) {
	if w.mirror != nil {
		w.mirror.Befell(name, script)
	}
}

// options make the model of a host of the inventory, which is all there is to know
// of it.
func (st *Stage) options(name string) host.Options {
	inv := st.inventories[0]
	h, _ := inv.Host(name)
	o := host.Options{
		Kinds: st.sites[0].Kinds, Node: h.IsNode, Bridge: h.Node.Bridge, Interfaces: interfaces(inv.Clusters()[0]),
		Cores: 4, Memory: 4096, Disk: 100,
	}
	if st.mirror != nil {
		o.Facts = st.mirror.Facts(name)
	} else if h.Frontend {
		o.Preload = preload
	}
	return o
}

// interfaces of a cluster's frontend; they may be one.
func interfaces(c inventory.Cluster) []string {
	if c.Network.PubInterface == c.Network.PrivInterface {
		return []string{c.Network.PrivInterface}
	}
	return []string{c.Network.PrivInterface, c.Network.PubInterface}
}
