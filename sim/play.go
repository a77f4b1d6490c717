package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"eucactl/cloud"
	"eucactl/controller"
	"eucactl/inventory"
	"eucactl/sim/host"
	"eucactl/sim/policy"
	"eucactl/state"
)

// users ask; the admin is an operator.
var users = []string{"alice", "bob"}

// refusals are what a history may be refused with; anything else is a bug.
var refusals = []string{
	"InsufficientInstanceCapacity", "InsufficientFreeAddressesInSubnet", "InsufficientAddressCapacity", "SecurityGroupLimitExceeded",
	"IncorrectInstanceState", "InvalidGroup.InUse", "InvalidGroup.NotFound", "InvalidGroup.Duplicate", "InvalidGroup.Reserved",
	"InvalidPermission.Duplicate", "InvalidPermission.NotFound", "InvalidAddress.NotFound", "InvalidState",
	"InvalidInstanceID.NotFound", "RulesPerSecurityGroupLimitExceeded", "InvalidParameterValue",
}

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

// request is a user's verb on its way.
type request struct {
	user, verb, token string
	body              any
	had               []cloud.InstanceID // instances before it was asked
}

// ask carries out a verb.
func ask[Resp any](w *world, user, verb string, body any) (Resp, controller.Answer, error) {
	return controller.Ask[Resp](context.Background(), w.c, verb, controller.Caller{User: user}, false, body)
}

// asks is a user's step: the verb, and then, with follow, what the command line does:
// it reconciles the hosts that the verb touched.
func (w *world) asks(s Step, follow bool) {
	user, verb, body := w.request(s)
	if verb == "" {
		return
	}
	req := request{user, verb, w.newID("token-"), body, w.instances()}
	touched, ok := w.send(req)
	if w.dead() {
		if !w.nested {
			w.unanswered = &req
		}
		return
	}
	if ok && follow && !w.nested && len(touched) > 0 {
		w.reconcile(controller.Reconcile{Hosts: touched, Follow: true})
	}
}

// send asks once; a refusal is an answer, a failure is a bug.
func (w *world) send(req request) (touched []string, ok bool) {
	w.tally.Asked++
	rev := w.store.Rev()
	text, err := json.Marshal(req.body)
	if err != nil {
		w.breach("verbs work", "%v", err)
	}
	a, err := w.c.Do(context.Background(), controller.Call{Verb: req.verb, Caller: controller.Caller{User: req.user, Token: req.token}, Body: text})
	if w.dead() {
		return nil, false
	}
	if err == nil {
		w.say("%s: %s %s", req.user, req.verb, text)
		w.learn()
		return a.Touched, true
	}
	w.tally.Refused++
	var refused *cloud.Error
	if !errors.As(err, &refused) || !slices.Contains(refusals, refused.Code) {
		w.breach("verbs work", "%s: %s %s: %v", req.user, req.verb, text, err)
	}
	w.say("%s: %s %s: refused: %s", req.user, req.verb, text, refused.Code)
	if w.store.Rev() != rev {
		w.breach("verbs work", "%s was refused, and wrote something: %v", req.verb, err)
	}
	return nil, false
}

// repeat asks again after a crash, with the same token: what was done is not done twice.
func (w *world) repeat(req request) {
	w.say("asked again:")
	if _, ok := w.send(req); !ok || req.verb != "RunInstances" {
		return
	}
	want := req.body.(cloud.RunInstances)
	fresh := 0
	for _, id := range w.instances() {
		if !slices.Contains(req.had, id) {
			fresh++
		}
	}
	if fresh > want.Max || fresh < want.Min {
		w.breach("acknowledged requests survive", "asked twice for %d to %d, and got %d instances", want.Min, want.Max, fresh)
	}
}

func (w *world) instances() (ids []cloud.InstanceID) {
	for _, in := range w.store.View().Instances() {
		ids = append(ids, in.ID)
	}
	return ids
}

// request makes a verb of a step's numbers and of what there is.
func (w *world) request(s Step) (user, verb string, body any) {
	user = users[s.N[0]%len(users)]
	tx := w.store.View()
	mine := tx.InstancesOf(user)
	one := func(n int) string {
		if len(mine) == 0 {
			return "i-00000000"
		}
		return string(mine[n%len(mine)].ID)
	}
	groups := []string{"default", "web", "db"}
	group := groups[s.N[1]%len(groups)]
	switch s.Op {
	case "run":
		var in []string
		for i, g := range tx.GroupsOf(user) {
			if s.N[1]>>i&1 == 1 {
				in = append(in, g.Name)
			}
		}
		return user, "RunInstances", cloud.RunInstances{
			Image: "emi-eeeeeeee", Min: 1, Max: 1 + s.N[2]%3, Groups: in, Private: s.N[3]%3 == 0, UserData: []byte("some words"),
		}
	case "terminate":
		if len(mine) == 0 {
			return "", "", nil
		}
		ids := []string{one(s.N[1])}
		if other := one(s.N[2]); s.N[3]%3 == 0 && other != ids[0] {
			ids = append(ids, other)
		}
		for _, id := range ids {
			w.mayEnd[id] = true
		}
		return user, "TerminateInstances", cloud.TerminateInstances{IDs: ids}
	case "reboot":
		if len(mine) == 0 {
			return "", "", nil
		}
		return user, "RebootInstances", cloud.RebootInstances{IDs: []string{one(s.N[1])}}
	case "create-group":
		return user, "CreateSecurityGroup", cloud.CreateGroup{Name: group, Description: "of a history"}
	case "delete-group":
		return user, "DeleteSecurityGroup", cloud.DeleteGroup{Name: group}
	case "authorize":
		return user, "AuthorizeSecurityGroupIngress", cloud.Authorize{Group: group, Permissions: w.permission(s, tx)}
	case "revoke":
		return user, "RevokeSecurityGroupIngress", cloud.Revoke{Group: group, Permissions: w.permission(s, tx)}
	case "declare-dead":
		return w.givesUp(s)
	case "take-over":
		return cloud.Admin, "TakeOver", cloud.TakeOver{Host: w.host(s.N[0])}
	}
	return w.addressRequest(s, user, one)
}

// permission is a new one, or one that the group has.
func (w *world) permission(s Step, tx *state.Tx) []cloud.Permission {
	user := users[s.N[0]%len(users)]
	groups := []string{"default", "web", "db"}
	if g, ok := tx.GroupNamed(user, groups[s.N[1]%len(groups)]); ok && s.Op == "revoke" && len(g.Rules) > 0 && s.N[2]%4 > 0 {
		return []cloud.Permission{g.Rules[s.N[3]%len(g.Rules)]}
	}
	p := cloud.Permission{Protocol: []string{"tcp", "udp", "icmp", "all"}[s.N[2]%4], From: -1, To: -1}
	if p.Protocol == "tcp" || p.Protocol == "udp" {
		p.From = 22 + s.N[2]/4%3
		p.To = p.From + s.N[2]/12%2
	}
	switch s.N[3] % 4 {
	case 0:
		p.CIDR = netip.MustParsePrefix("0.0.0.0/0")
	case 1:
		p.CIDR = netip.MustParsePrefix("198.51.100.0/24")
	default:
		p.Source = cloud.GroupRef{User: users[s.N[3]/4%2], Name: groups[s.N[3]/8%3]}
	}
	return []cloud.Permission{p}
}

// givesUp is an operator's word about a node, or that it was wrong. A node that is
// dead has no power: that is what the word means.
func (w *world) givesUp(s Step) (user, verb string, body any) {
	name := w.node(1 + s.N[0]%2)
	if _, there := w.c.Inventory.Host(name); !there {
		return "", "", nil
	}
	if w.isDead(name) {
		w.powerOn(name)
		return cloud.Admin, "DeclareDead", cloud.DeclareDead{Host: name, Undo: true}
	}
	w.say("%s burns", name)
	w.off[name], w.gaveUp[name] = true, true
	return cloud.Admin, "DeclareDead", cloud.DeclareDead{Host: name, Name: name, Why: "it burnt"}
}

func (w *world) addressRequest(s Step, user string, one func(int) string) (string, string, any) {
	var mine []string
	for _, a := range w.store.View().AddressesOf(user) {
		if a.Elastic {
			mine = append(mine, a.IP.String())
		}
	}
	if s.Op == "allocate" || len(mine) == 0 {
		return user, "AllocateAddress", cloud.AllocateAddress{}
	}
	a := mine[s.N[1]%len(mine)]
	switch s.Op {
	case "associate":
		return user, "AssociateAddress", cloud.AssociateAddress{IP: a, Instance: one(s.N[2])}
	case "disassociate":
		return user, "DisassociateAddress", cloud.DisassociateAddress{IP: a}
	case "release":
		return user, "ReleaseAddress", cloud.ReleaseAddress{IP: a}
	}
	panic("no such step: " + s.Op)
}

// learn notes what laws need to know about instances for ever.
func (w *world) learn() {
	tx := w.store.View()
	for _, in := range tx.Instances() {
		if port, ok := tx.Port(in.Port); ok {
			w.private[string(in.ID)] = port.IP
		}
	}
	w.learnEnds(tx)
}

// learnEnds notes which instances some record ended, and that somebody wished it.
func (w *world) learnEnds(tx *state.Tx) {
	for _, in := range tx.Instances() {
		if in.Want == cloud.Running {
			continue
		}
		if w.ended[string(in.ID)] = true; !w.mayEnd[string(in.ID)] && !(w.gaveUp[in.Host]) {
			w.breach("silence is not an end", "%s ended (%s), and neither its user nor its guest nor an operator wished it", in.ID, in.Reason)
		}
	}
}

// records are all that is kept, but what hosts said and when who was asked.
func (w *world) records(s *state.Store) string {
	var b strings.Builder
	if err := s.Export(&b); err != nil {
		w.breach("records are readable", "%v", err)
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, `{"table":"seen"`) && !strings.HasPrefix(line, `{"dump":`) {
			out.WriteString(line)
		}
	}
	return out.String()
}

// difference shows the lines that only one of two texts has.
func difference(a, b string) string {
	var out strings.Builder
	only := func(sign, a, b string) {
		have := strings.Split(b, "\n")
		for _, line := range strings.Split(a, "\n") {
			if !slices.Contains(have, line) {
				fmt.Fprintf(&out, "%s %s\n", sign, line)
			}
		}
	}
	only("-", a, b)
	only("+", b, a)
	return out.String()
}
