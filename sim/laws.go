package sim

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"eucactl/cloud"
	"eucactl/controller"
	"eucactl/plan"
	"eucactl/sim/host"
	"eucactl/sim/policy"
	"eucactl/state"
	"eucactl/tasks"
)

// judge checks what holds at every moment.
func (w *world) judge() {
	if w.breached != nil {
		panic(w.breached)
	}
	w.tally.Checks++
	w.learn()
	tx := w.store.View()
	w.claimsHaveHolders(tx)
	w.holdersHaveClaims(tx)
	w.nothingIsShared(tx)
	w.nothingServedIsFree(tx)
	w.linksAreHeld(tx)
	w.guestsSendAsThemselves()
	w.nothingIsDestroyed()
	for _, name := range w.names {
		w.foreignIsUntouched(name)
	}
}

// foreignIsUntouched, but for what the operator has flushed: in filter and nat others
// have what they had, or exactly what is preloaded.
func (w *world) foreignIsUntouched(name string) {
	was, now := w.foreign[name], w.machines[name].Foreign()
	if was == now {
		return
	}
	old, is := byTable(was), byTable(now)
	for table, text := range is {
		flushed := w.flushed > 0 && name == w.front() && table != "" && text == preloaded[table]
		if text != old[table] && !flushed {
			w.breach("what is foreign is untouched", "%s:\n%s", name, difference(old[table], text))
		}
	}
}

// byTable sorts a text of what is foreign: what it says of filter, of nat, and of the rest.
func byTable(text string) map[string]string {
	parts := map[string]string{}
	for line := range strings.Lines(text) {
		table := ""
		if f := strings.Fields(line); (f[0] == "chain" || f[0] == "rule") && preloaded[f[1]] != "" {
			table = f[1]
		}
		parts[table] += line
	}
	return parts
}

func (w *world) claimsHaveHolders(tx *state.Tx) {
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
			ip, err := netip.ParseAddr(rest)
			_, ok = tx.Address(ip)
			ok = ok && err == nil
		}
		if !ok {
			w.breach("5 conserving", "%s is held by %s, which does not live", c.Name, c.Holder)
		}
	}
}

func (w *world) holdersHaveClaims(tx *state.Tx) {
	held := func(name, holder string) {
		if c, ok := tx.Claim(name); !ok || holder != "" && c.Holder != holder {
			w.breach("5 conserving", "%s should be held by %s, and is by %q", name, holder, c.Holder)
		}
	}
	for _, in := range tx.Instances() {
		port, ok := tx.Port(in.Port)
		if ok != in.Released.IsZero() {
			w.breach("5 conserving", "%s: port %v, released %v", in.ID, ok, in.Released)
		}
		if ok {
			held(fmt.Sprintf("ip/%s/%s", port.Network, port.IP), string(in.ID))
			held("mac/"+port.MAC, string(in.ID))
		}
		if a, ok := tx.Address(in.Public); in.Public.IsValid() && (!ok || a.Instance != in.ID || a.Gone) {
			w.breach("5 conserving", "%s has %s, which is %+v", in.ID, in.Public, a)
		}
	}
	for _, a := range tx.Addresses() {
		held("public/"+a.IP.String(), "")
		if in, ok := tx.Instance(a.Instance); a.Instance != "" && (!ok || in.Public != a.IP || in.Want != cloud.Running) {
			w.breach("5 conserving", "%+v leads to %+v", a, in)
		}
		if a.Elastic && a.Gone {
			w.breach("5 conserving", "%+v", a)
		}
	}
	for _, n := range tx.Networks() {
		held(fmt.Sprintf("vlan/%s/%d", n.Cluster, n.Index), string(n.ID))
		if n.Gone && len(tx.PortsOf(n.ID)) > 0 {
			w.breach("5 conserving", "%+v is on its way out and has ports", n)
		}
	}
}

// nothingIsShared: whatever the records say, no machine really runs twice, no two that
// run have one address, and no public address really leads to a machine that it was
// given away from.
func (w *world) nothingIsShared(tx *state.Tx) {
	holds := map[netip.Addr]string{}
	take := func(id string) {
		ip := w.private[id]
		if other, taken := holds[ip]; taken && other != id {
			w.breach("nothing belongs to two", "%s is %s's and %s's", ip, other, id)
		}
		holds[ip] = id
	}
	for _, in := range tx.Instances() {
		if in.Released.IsZero() {
			take(string(in.ID))
		} else if in.DeclaredBy == "" && slices.Contains(w.machines[in.Host].Folders(), string(in.ID)) {
			w.breach("5 conserving", "%s is released, and %s still has its folder", in.ID, in.Host)
		}
	}
	on, macs := map[string]string{}, map[string]string{}
	for _, name := range w.names {
		for id, d := range w.running(name) {
			if other, twice := on[id]; twice {
				w.breach("no instance runs twice", "%s runs on %s and on %s", id, other, name)
			}
			if other, twice := macs[d.MAC]; twice {
				w.breach("nothing belongs to two", "%s is %s's and %s's", d.MAC, other, id)
			}
			on[id], macs[d.MAC] = name, id
			take(id)
			if ip, ok := w.machines[w.front()].Lease(d.MAC); ok && ip != w.private[id] {
				w.breach("nothing belongs to two", "%s is leased %s, and was given %s", id, ip, w.private[id])
			}
		}
	}
	for _, a := range tx.Addresses() {
		private, leads := w.machines[w.front()].Nat(a.IP)
		if !leads || a.Elastic || a.Gone || a.Instance == "" {
			continue
		}
		if private != w.private[string(a.Instance)] {
			w.breach("nothing belongs to two", "%s was given to %s, and leads to %s", a.IP, a.Instance, private)
		}
	}
}

// nothingServedIsFree: what the frontend still works for is held by somebody, so that
// nobody else can be given it.
func (w *world) nothingServedIsFree(tx *state.Tx) {
	if w.wreck || w.usurped[w.front()] {
		return
	}
	held := map[string]bool{}
	for _, c := range tx.Claims("") {
		held[c.Name[strings.LastIndexByte(c.Name, '/')+1:]] = true
	}
	private, public := w.machines[w.front()].Serves()
	for _, a := range slices.Concat(private, public) {
		if !held[a.String()] {
			w.breach("5 conserving", "%s is free, and the frontend still serves it", a)
		}
	}
	for _, gateway := range w.machines[w.front()].Gateways() {
		if !slices.ContainsFunc(tx.Subnets(), func(s cloud.Subnet) bool { return s.CIDR == gateway.Masked() }) {
			w.breach("5 conserving", "the network of %s is free, and the frontend is still its gateway", gateway)
		}
	}
}

// linksAreHeld: a VLAN that a host is still in belongs to the network that it was made
// for, so that nobody else's guests come into it.
func (w *world) linksAreHeld(tx *state.Tx) {
	c, _ := tx.Cloud()
	for _, name := range w.names {
		if w.usurped[name] || w.gaveUp[name] {
			continue
		}
		for link, network := range w.machines[name].Segments(c.ID) {
			net, ok := tx.Network(cloud.NetworkID(network))
			if _, up := net.Uplinks[name]; !ok || name != w.front() && !up {
				w.breach("5 conserving", "%s still has %s of %s, which nobody keeps for it: %+v", name, link, network, net)
			}
		}
	}
}

// guestsSendAsThemselves: no machine of ours runs that may send from any address.
func (w *world) guestsSendAsThemselves() {
	for _, name := range w.names[1:] {
		running := w.running(name)
		open := slices.DeleteFunc(slices.Sorted(maps.Keys(running)), w.machines[name].Bound)
		if len(open) > 0 && !w.vandalized[name] {
			w.breach("guests send as themselves", "%s run on %s, and may send what they like", strings.Join(open, ", "), name)
		}
		w.vandalized[name] = len(open) > 0
	}
}

// flowsAreOfToday: no tracked flow leads where an address led before, or passes where
// the rules between guests let nothing pass any more.
func (w *world) flowsAreOfToday(tx *state.Tx) {
	m := w.machines[w.front()]
	today := policy.Of(tx, w.cluster())
	for _, f := range m.Flows() {
		if private, leads := m.Nat(f.Dst); f.From != f.Dst && (!leads || private != f.From) {
			w.breach("flows are of today", "%+v leads to %s, and %s is %s's now", f, f.From, f.Dst, private)
		}
		p := policy.Packet{Src: f.Src, Dst: f.From, Proto: f.Proto, Port: f.Dport}
		if today.Subnet.Contains(f.Src) && !today.Opens(p) {
			w.breach("flows are of today", "%+v has no permission any more", f)
		}
	}
}

// running are the machines of ours that really run on a host.
func (w *world) running(name string) map[string]host.Domain {
	if w.off[name] {
		return nil
	}
	list := map[string]host.Domain{}
	for id, d := range w.machines[name].Domains() {
		if _, ours := w.private[id]; ours && d.Active {
			list[id] = d
		}
	}
	return list
}

// nothingIsDestroyed that no record ordered to end, by name.
func (w *world) nothingIsDestroyed() {
	for _, name := range w.names {
		list := w.machines[name].Destroyed()
		for _, id := range list[w.judged[name]:] {
			if !w.ended[id] {
				w.breach("absence is never an order", "%s destroyed %s, which no record ended", name, id)
			}
		}
		w.judged[name] = len(list)
	}
}

// check asks what would be done, and then does it: law 6.
func (w *world) check() {
	before, plans, joined := w.dumps(), w.plans(), w.joined
	ask, err := w.checked()
	if w.dead() || err != nil || w.joined != joined {
		return
	}
	for name, text := range w.dumps() {
		if text != before[name] {
			w.breach("6 honest", "a check changed %s:\n%s", name, difference(before[name], text))
		}
	}
	clear(w.troubles) // what was foretold does not foresee them
	down := len(w.down) + len(w.off)
	did, err := w.reconcile(controller.Reconcile{})
	if w.dead() || err != nil || down > 0 || !reflect.DeepEqual(plans, w.plans()) {
		return
	}
	w.tally.Checks++
	for _, h := range did.Hosts {
		foretold := outcomesOf(ask, h.Host)
		for _, t := range h.Tasks {
			if was := foretold[t.Name]; t.Outcome == string(tasks.Changed) && was != string(tasks.Would) && was != string(tasks.Unknown) {
				w.breach("6 honest", "%s: %q changed, and the check had said %q", h.Host, t.Name, was)
			}
		}
		became := outcomesOf(did, h.Host)
		for name, was := range foretold {
			if is := became[name]; was == string(tasks.Would) && is != string(tasks.Changed) && !tasks.Outcome(is).Bad() && is != string(tasks.Skipped) {
				w.breach("6 honest", "%s: the check had said that %q would change, and it was %q", h.Host, name, is)
			}
		}
	}
}

// checked is a check of every host; only if all answered whole it foretells anything.
func (w *world) checked() (controller.Reconciled, error) {
	w.checking = true
	defer func() { w.checking = false }()
	r, err := w.reconcile(controller.Reconcile{Check: true})
	for _, h := range r.Hosts {
		switch h.Outcome {
		case controller.HostOK, controller.HostWould, controller.HostDead:
		default:
			if err == nil {
				err = fmt.Errorf("%s: %s", h.Host, h.Outcome)
			}
		}
	}
	return r, err
}

func outcomesOf(r controller.Reconciled, name string) map[string]string {
	list := map[string]string{}
	for _, h := range r.Hosts {
		if h.Host != name {
			continue
		}
		for _, t := range h.Tasks {
			list[t.Name] = t.Outcome
		}
	}
	return list
}

func (w *world) dumps() map[string]string {
	list := map[string]string{}
	for _, name := range w.names {
		list[name] = w.machines[name].Dump()
	}
	return list
}

func (w *world) plans() map[string]plan.Host {
	list := map[string]plan.Host{}
	tx := w.store.View()
	for _, h := range w.c.Inventory.Hosts() {
		list[h.Name] = plan.Compile(tx, w.c.Inventory, h)
	}
	return list
}

// restored lets a controller loose on a copy of older records: a host that has obeyed
// a newer program refuses it.
func (w *world) restored() {
	if w.backup == nil {
		return
	}
	copied := leftOf(w.backup, 100, 0)
	l, err := w.born(copied)
	if err != nil {
		w.breach("acknowledged requests survive", "a backup does not open: %v", err)
	}
	known := map[string][]string{}
	for _, name := range w.names {
		f, _ := l.store.View().Fence(name)
		seen, _ := l.store.View().Seen(name)
		known[name] = append(slices.Clone(f.Tokens), seen.Token)
	}
	w.say("a controller with the backup's records runs:")
	w.strange(l, func(name string) bool {
		_, token, _ := strings.Cut(w.machines[name].Token(), " ")
		return slices.Contains(known[name], token)
	})
}

// empty lets a controller without any records loose. It is refused; and where an
// operator lets it take the hosts over, it orders nothing.
func (w *world) empty(takesOver bool) {
	l, err := w.born(vfs.NewCrashableMem())
	if err != nil {
		w.breach("acknowledged requests survive", "empty records do not open: %v", err)
	}
	w.say("a controller with empty records runs:")
	if !takesOver {
		w.strange(l, func(string) bool { return false })
		return
	}
	before, openings := w.dumps(), w.openings
	w.others(l, func() {
		r, _ := w.reconcile(controller.Reconcile{})
		for _, h := range r.Hosts {
			if h.Outcome == controller.HostFenced {
				w.send(request{user: cloud.Admin, verb: "TakeOver", body: cloud.TakeOver{Host: h.Host}})
			}
		}
		w.reconcile(controller.Reconcile{})
	})
	w.openings = openings.told(w.machines[w.front()])
	for name, text := range w.dumps() {
		w.usurped[name] = true
		if text != before[name] {
			w.breach("absence is never an order", "empty records changed %s:\n%s", name, difference(before[name], text))
		}
	}
}

// others lets another controller be the one that acts, to its end.
func (w *world) others(l *life, do func()) {
	mine, wreck := w.life, w.wreck
	w.life, w.strangers = l, true
	do()
	w.learnEnds(l.store.View())
	w.openings.refresh(w.machines[w.front()])
	w.life, w.strangers, w.wreck = mine, false, w.wreck || wreck // theirs repairs nothing of ours
	_ = l.store.Close()
	w.tally.Checks++
}

// strange lets another controller run on all hosts. Those that do not know it any more
// must stay as they are.
func (w *world) strange(l *life, knows func(host string) bool) {
	before, tokens, may := w.dumps(), map[string]string{}, map[string]bool{}
	for _, name := range w.names {
		may[name], tokens[name] = knows(name), w.machines[name].Token()
	}
	w.others(l, func() { w.reconcile(controller.Reconcile{}) })
	for name, text := range w.dumps() {
		if may[name] {
			w.usurped[name] = true // or will be, by what lies in wait
			continue
		}
		if w.machines[name].Token() != tokens[name] {
			w.breach("the fence holds", "%s obeyed %s, and had obeyed %s", name, w.machines[name].Token(), tokens[name])
		}
		if text != before[name] {
			w.breach("the fence holds", "a controller that %s does not know changed it:\n%s", name, difference(before[name], text))
		}
	}
}

// rest lets faults end and everything settle: laws 1 to 5.
func (w *world) rest() {
	w.say("faults end")
	w.deliver()
	clear(w.down)
	w.edits(w.flushed, w.site)
	for _, name := range w.names[1:] {
		dead := w.isDead(name)
		if dead && w.seed%2 == 0 {
			continue // it never comes back
		}
		w.powerOn(name)
		if dead {
			w.send(request{cloud.Admin, "DeclareDead", "", cloud.DeclareDead{Host: name, Undo: true}, nil})
		}
	}
	w.settles(true)
	w.flowsAreOfToday(w.store.View())
	w.metadataIsNear()
	w.deterministic()
	if w.seed%8 == 0 {
		w.convergent()
	}
	for _, in := range w.store.View().Instances() {
		if in.Want == cloud.Running {
			w.mayEnd[string(in.ID)] = true
			w.send(request{in.Owner, "TerminateInstances", "", cloud.TerminateInstances{IDs: []string{string(in.ID)}}, nil})
		}
	}
	w.settles(false)
	w.conserving()
}

// settles reconciles until every host says only ok, which must not take long, and with
// idempotent once more.
func (w *world) settles(idempotent bool) {
	for range 4 {
		r, err := w.reconcile(controller.Reconcile{})
		if err != nil {
			w.breach("3 convergent", "%v", err)
		}
		w.takesOver(r)
		w.judge()
		if w.quiet(r) && !idempotent {
			return
		} else if w.quiet(r) {
			before := w.dumps()
			again, err := w.reconcile(controller.Reconcile{})
			if err != nil || !w.quiet(again) {
				w.breach("1 idempotent", "once more: %s", outcomes(again, err))
			}
			for name, text := range w.dumps() {
				if text != before[name] {
					w.breach("1 idempotent", "a reconcile that said ok changed %s:\n%s", name, difference(before[name], text))
				}
			}
			return
		}
	}
	r, err := w.reconcile(controller.Reconcile{})
	w.breach("3 convergent", "it does not come to rest: %s", outcomes(r, err)+details(r))
}

func details(r controller.Reconciled) string {
	var b strings.Builder
	for _, h := range r.Hosts {
		for _, t := range h.Tasks {
			fmt.Fprintf(&b, "\n%s: %s: %s: %s", h.Host, t.Name, t.Outcome, t.Words)
		}
	}
	return b.String()
}

func (w *world) quiet(r controller.Reconciled) bool {
	for _, h := range r.Hosts {
		if h.Outcome != controller.HostOK && h.Outcome != controller.HostDead {
			return false
		}
	}
	return true
}

// takesOver is what an operator does after a restored backup has had its way.
func (w *world) takesOver(r controller.Reconciled) {
	for _, h := range r.Hosts {
		if h.Outcome == controller.HostFenced {
			if !w.usurped[h.Host] {
				w.breach("the fence holds", "%s refuses its own controller", h.Host)
			}
			w.send(request{cloud.Admin, "TakeOver", "", cloud.TakeOver{Host: h.Host}, nil})
		}
	}
}

// deterministic: the same records give the same plans and the same answers.
func (w *world) deterministic() {
	if !reflect.DeepEqual(w.plans(), w.plans()) {
		w.breach("2 deterministic", "two compilations differ")
	}
	for _, verb := range controller.Verbs() {
		if !strings.HasPrefix(verb, "Describe") {
			continue
		}
		_, a, err := ask[any](w, cloud.Admin, verb, map[string]bool{"all": true})
		_, b, again := ask[any](w, cloud.Admin, verb, map[string]bool{"all": true})
		if err != nil || again != nil || string(a.Body) != string(b.Body) {
			w.breach("2 deterministic", "%s:\n%s %v\n%s %v", verb, a.Body, err, b.Body, again)
		}
	}
}

// conserving: when everything is terminated, nothing is left but what users hold.
func (w *world) conserving() {
	tx := w.store.View()
	elastic := 0
	for _, a := range tx.Addresses() {
		if !a.Elastic {
			w.breach("5 conserving", "%+v is left", a)
		}
		elastic++
	}
	if claims := tx.Claims(""); len(claims) != elastic || len(tx.Networks()) > 0 {
		w.breach("5 conserving", "%d claims for %d elastic addresses, %d networks", len(claims), elastic, len(tx.Networks()))
	}
	for _, name := range w.names {
		if w.isDead(name) {
			continue
		}
		if left := w.machines[name].Folders(); len(left) > 0 {
			w.breach("5 conserving", "%s still has %v", name, left)
		}
		for id, d := range w.machines[name].Domains() {
			if _, ours := w.private[id]; ours {
				w.breach("5 conserving", "%s still has %s, %s", name, id, d.State)
			}
		}
	}
	if flows := w.machines[w.front()].Flows(); len(flows) > 0 {
		w.breach("5 conserving", "flows of ended guests are still tracked: %v", flows)
	}
}

// convergent: a host that has gone through all this is the same as one that never was
// anything else than what the records say: law 3.
func (w *world) convergent() {
	twin, err := newTwin(w)
	if err != nil {
		w.breach("3 convergent", "a second world: %v", err)
	}
	defer func() { _ = twin.close() }()
	if _, err := twin.reconcile(controller.Reconcile{}); err != nil {
		w.breach("3 convergent", "a second world: %v", err)
	}
	w.tally.Checks++
	plans := w.plans()
	for _, name := range w.names {
		if w.isDead(name) {
			continue
		}
		if n := plans[name].Node; n != nil && len(n.Machines) == 0 {
			continue // it is left alone, whatever it is like
		}
		a, b := lasting(twin.machines[name].Dump()), lasting(w.machines[name].Dump())
		if b = without(b, a); a != b {
			w.breach("3 convergent", "%s is not as a new host would be (- new, + this one):\n%s", name, difference(a, b))
		}
	}
}

// lasting leaves out what passes: tracked flows, known neighbours, and with which
// definition a machine runs now (a change waits for its next start).
func lasting(text string) string { return passing.ReplaceAllString(text, "") }

var passing = regexp.MustCompile(`(?m) live=\w+|^(flow|neighbour) .*\n`)

// without leaves out what stays on a host on purpose, as far as the new one lacks it:
// cached images, and the folders of users.
func without(text, fresh string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		stays := strings.HasPrefix(line, "file /var/lib/eucactl/host/images") || usersFolder.MatchString(line)
		if !stays || strings.Contains(fresh, line) {
			out.WriteString(line)
		}
	}
	return out.String()
}

var usersFolder = regexp.MustCompile(`^file /var/lib/eucalyptus(/instances(/[a-z]+)?)? folder `)

// newTwin is a world with the same records and new hosts.
func newTwin(w *world) (*world, error) {
	twin := bare(w.Stage, w.seed)
	twin.edit, twin.site, twin.now, twin.given = w.edit, w.site, w.now, w.given
	var err error
	twin.life, err = twin.born(leftOf(w.fs, 100, 0))
	return twin, err
}
