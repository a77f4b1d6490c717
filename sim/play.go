package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"eucactl/cloud"
	"eucactl/controller"
	"eucactl/inventory"
	"eucactl/sim/host"
	"eucactl/sim/policy"
)

// Breach is a law that was broken, or anything else that must not happen.
type Breach struct{ Law, Words string }

func (b *Breach) Error() string { return b.Law + ": " + b.Words }

func (w *world) breach(law, format string, args ...any) {
	panic(&Breach{law, fmt.Sprintf(format, args...)})
}

// later keeps a breach until the step is over.
func (w *world) later(do func()) {
	defer func() {
		if b, ok := recover().(*Breach); ok && w.breached == nil {
			w.breached = b
		}
	}()
	do()
}

// play does one step and judges what became of the world.
func (w *world) play(s Step) {
	w.tally.Steps++
	w.commits, w.lines, w.crash = 0, 0, s.Crash
	for _, t := range s.Troubles {
		name := w.host(t.Host)
		w.troubles[name] = append(w.troubles[name], t)
	}
	acked := w.store.Rev()
	do, ok := doing[s.Op]
	if !ok {
		do = func(w *world, s Step) { w.asks(s, s.N[4]%3 > 0) }
	}
	do(w, s)
	clear(w.troubles)
	if w.dead() {
		w.wakes(acked, s)
	}
	w.crash = nil
	w.judge()
}

// doing are the steps that are not a user's verb.
var doing map[string]func(*world, Step)

func init() {
	doing = map[string]func(*world, Step){
		"reconcile": func(w *world, s Step) { w.reconcile(w.some(s.N[0])) },
		"together":  func(w *world, s Step) { w.reconcile(w.some(s.N[0])) },
		"poll":      func(w *world, s Step) { w.polls(s) },
		"check":     func(w *world, _ Step) { w.check() },
		"burst":     func(w *world, s Step) { w.burst(s) },
		"time": func(w *world, s Step) {
			w.now = w.now.Add(time.Duration(1+s.N[0]%600) * time.Second)
			w.say("%s pass", w.now.Sub(noon))
		},
		"power-off":   func(w *world, s Step) { w.guest(s, "switches itself off") },
		"guest-crash": func(w *world, s Step) { w.guest(s, "crashes") },
		"host-reboot": func(w *world, s Step) {
			w.say("%s is rebooted", w.host(s.N[0]))
			if s.N[1]%3 == 0 {
				w.say("  with another kernel")
				w.machines[w.host(s.N[0])].Upgrade()
			}
			w.machines[w.host(s.N[0])].Reboot()
			w.openings.forget(w.host(s.N[0]))
		},
		"host-down": func(w *world, s Step) { w.say("%s goes silent", w.host(s.N[0])); w.down[w.host(s.N[0])] = true },
		"host-up": func(w *world, _ Step) {
			w.say("silent hosts answer again")
			clear(w.down)
		},
		"dead-back": func(w *world, s Step) { w.powerOn(w.node(s.N[0])) },
		"talk":      func(w *world, s Step) { w.talk(s) },
		"wreck": func(w *world, s Step) {
			name := w.host(s.N[0])
			if d := w.machines[name].Wreck(w.rand, w.mirror != nil); d.What != "" {
				w.say("%s: %s", name, d.What)
				w.befalls(name, d.Script)
				w.vandalized[name] = w.vandalized[name] || strings.HasPrefix(d.What, "nft ")
				w.openings.wrecked(name)
			}
		},
		"deliver": func(w *world, s Step) { w.deliver() },
		"power-cut": func(w *world, s Step) {
			w.say("the controller loses power")
			before := w.records(w.store)
			w.crash = &Crash{N: s.N[1], Kept: s.N[0] % 101}
			w.die()
			w.wakes(w.store.Rev(), Step{})
			if after := w.records(w.store); after != before {
				w.breach("acknowledged requests survive", "lost or made up:\n%s", difference(before, after))
			}
		},
		"inventory": func(w *world, s Step) { w.edits(s.N[0]%len(w.inventories), w.site) },
		"playbooks": func(w *world, s Step) { w.edits(w.edit, s.N[0]%len(w.sites)) },
		"backup": func(w *world, _ Step) {
			w.say("the records are backed up")
			w.backup = leftOf(w.fs, 0, 0)
		},
		"restored": func(w *world, _ Step) { w.restored() },
		"empty":    func(w *world, s Step) { w.empty(s.N[0]%2 == 0) },
	}
}

// burst is several verbs before any host is told.
func (w *world) burst(s Step) {
	for _, one := range s.Burst {
		if w.asks(one, false); w.dead() {
			return
		}
	}
	w.reconcile(controller.Reconcile{})
}

// polls is what eucactl serve does all the time: it looks at hosts, which changes none
// of them, and then it may visit those that are to be something else by now.
func (w *world) polls(s Step) {
	hosts := w.some(s.N[0]).Hosts
	if hosts == nil {
		hosts = w.inventoried()
	}
	before, joined := w.dumps(), w.joined
	w.checking = true
	w.c.Behind() // is asked at every change
	err := w.c.Poll(context.Background(), hosts...)
	w.checking = false
	w.say("poll %s", strings.Join(hosts, " "))
	if w.dead() {
		return
	}
	if err != nil {
		w.breach("polls work", "%v", err)
	}
	w.looksGoOn(w.store.View())
	for name, text := range w.dumps() {
		if text != before[name] && w.joined == joined {
			w.breach("6 honest", "a poll changed %s:\n%s", name, difference(before[name], text))
		}
	}
	for _, name := range w.c.Behind() {
		if s.N[1]%2 == 0 && !w.dead() {
			w.reconcile(controller.Reconcile{Hosts: []string{name}})
		}
	}
}

// some hosts by number: all, or one.
func (w *world) some(n int) controller.Reconcile {
	names := w.inventoried()
	if n%3 > 0 {
		return controller.Reconcile{}
	}
	return controller.Reconcile{Hosts: []string{names[n/3%len(names)]}}
}

// reconcile may be refused by an inventory that the records contradict, and ends
// early when the controller dies.
func (w *world) reconcile(req controller.Reconcile) (controller.Reconciled, error) {
	r, err := w.c.Reconcile(context.Background(), req, w.begins(req))
	w.ends()
	if err != nil && !w.dead() && !strings.Contains(err.Error(), "is missing, but") && !strings.Contains(err.Error(), "was placed with") &&
		!strings.Contains(err.Error(), "placed with") {
		w.breach("reconcile works", "%v", err)
	}
	verb := "reconcile"
	if req.Check {
		verb = "reconcile --check"
	}
	w.say("%s %s: %s", verb, strings.Join(req.Hosts, " "), outcomes(r, err))
	if !w.dead() {
		w.looksGoOn(w.store.View())
	}
	for _, h := range r.Hosts {
		if !w.strangers && !req.Check && (h.Outcome == controller.HostOK || h.Outcome == controller.HostChanged) {
			delete(w.usurped, h.Host)
		}
	}
	return r, err
}

func outcomes(r controller.Reconciled, err error) string {
	var list []string
	for _, h := range r.Hosts {
		words := h.Host + " " + h.Outcome
		if h.Outcome != controller.HostOK && h.Outcome != controller.HostChanged && h.Words != "" {
			words += " (" + h.Words + ")"
		}
		list = append(list, words)
	}
	if err != nil {
		list = append(list, err.Error())
	}
	return strings.Join(list, ", ")
}

// guest lets a machine's guest end itself.
func (w *world) guest(s Step, how string) {
	name := w.node(s.N[0])
	var active []string
	for id, d := range w.machines[name].Domains() {
		if _, ours := w.private[id]; ours && d.Active {
			active = append(active, id)
		}
	}
	if len(active) == 0 {
		return
	}
	slices.Sort(active)
	id := active[s.N[1]%len(active)]
	w.say("on %s, %s %s", name, id, how)
	if how == "crashes" {
		w.machines[name].Crash(id)
		w.befalls(name, host.CrashScript(id))
		if s.N[2]%2 == 0 && w.mirror == nil { // and cannot be started again at once
			w.troubles[name] = append([]Trouble{{Faults: host.Faults{Fail: []string{"domain"}}}}, w.troubles[name]...)
			w.reconcile(controller.Reconcile{})
		}
	} else {
		w.mayEnd[id] = true
		w.machines[name].PowerOff(id)
		w.befalls(name, host.PowerOffScript(id))
	}
}

// talk opens a flow from the world or from a guest to a guest, if the frontend lets it
// through.
func (w *world) talk(s Step) {
	tx := w.store.View()
	var to []cloud.Instance
	for _, in := range tx.Instances() {
		if _, on := w.running(in.Host)[string(in.ID)]; on {
			to = append(to, in)
		}
	}
	if len(to) == 0 {
		return
	}
	m := w.machines[w.front()]
	server := to[s.N[0]%len(to)]
	client, dst := world1, w.private[string(server.ID)]
	if s.N[1]%2 == 0 {
		client = w.private[string(to[s.N[2]%len(to)].ID)]
	} else if private, leads := m.Nat(server.Public); leads && private == dst {
		dst = server.Public
	}
	f := host.Flow{
		Proto: []string{"tcp", "udp"}[s.N[3]%2], Src: client, Dst: dst, From: w.private[string(server.ID)], To: client,
		Sport: 1024 + s.N[4], Dport: 22 + s.N[3]/2%3, Rsport: 22 + s.N[3]/2%3,
	}
	p := policy.Packet{In: "eth0", Src: client, Dst: f.From, Proto: f.Proto, Port: f.Dport, State: "NEW", Syn: true}
	if client != f.From && m.Forwards(p) {
		w.say("%s talks %s to %s port %d", client, f.Proto, dst, f.Dport)
		m.Track(f)
		w.befalls(w.front(), f.TrackScript())
	}
}

// deliver lets programs run that lay in wait.
func (w *world) deliver() {
	for _, name := range w.names {
		if w.off[name] {
			continue
		}
		if n := w.machines[name].Deliver(); n > 0 {
			w.say("%s: %d late programs arrive", name, n)
			if w.mirror != nil {
				w.mirror.Delivered(name)
			}
		}
	}
}

// powerOn: a host that was declared dead has power again.
func (w *world) powerOn(name string) {
	if w.off[name] {
		w.say("%s comes back", name)
		delete(w.off, name)
		w.machines[name].Reboot()
		w.openings.forget(name)
	}
}

// edits puts another inventory or other playbooks in force: eucactl is started anew.
func (w *world) edits(edit, site int) {
	w.say("inventory %d, playbooks %d", edit, site)
	w.edit, w.site = edit, site
	if w.inventories[edit].Clusters()[0].Network.FirewallPolicy == inventory.Flush {
		w.flushed = edit
	}
	w.c.Inventory, w.c.Site = w.inventories[edit], w.sites[site]
}

// wakes is the next start of eucactl, after a crash in a step. Who had no answer asks
// again.
func (w *world) wakes(acked uint64, s Step) {
	w.tally.Crashes++
	old := w.life
	w.say("the controller died; it starts again")
	_ = old.store.Close() // of a dead process
	l, err := w.born(old.left)
	if err != nil {
		w.breach("acknowledged requests survive", "the records do not open: %v", err)
	}
	w.life = l
	if rev := w.store.Rev(); rev < acked {
		w.breach("acknowledged requests survive", "revision %d was acknowledged, now it is %d", acked, rev)
	}
	if w.unanswered != nil {
		again := *w.unanswered
		w.unanswered = nil
		w.repeat(again)
	}
}
