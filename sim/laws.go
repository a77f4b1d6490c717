package sim

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/sim/host"
	"eucactl/sim/policy"
	"eucactl/state"
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
	w.looksGoOn(tx)
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
		flushed := w.flushed > 0 && name == w.front() && table != "" && w.withoutOurs(text) == preloaded[table]
		if text != old[table] && !flushed {
			w.breach("what is foreign is untouched", "%s:\n%s", name, difference(old[table], text))
		}
	}
}

// withoutOurs leaves out chains that bear our mark: a name that others had is free
// when theirs was flushed, and a group may take it.
func (w *world) withoutOurs(text string) string {
	c, _ := w.store.View().Cloud()
	ours := map[string]bool{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); f[0] == "rule" && strings.Contains(line, `--comment "eucactl `+c.ID+" ") {
			ours[f[1]+" "+f[3]] = true
		}
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if f[0] == "chain" && !ours[f[1]+" "+f[2]] || f[0] == "rule" && !ours[f[1]+" "+f[3]] {
			out.WriteString(line)
		}
	}
	return out.String()
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

// looksGoOn: what is known of a host is never replaced by what was seen before.
func (w *world) looksGoOn(tx *state.Tx) {
	for _, name := range w.names {
		seen, _ := tx.Seen(name)
		if seen.PlanRev < w.looked[name] {
			w.breach("looks go on", "%s was seen with the plan of revision %d, and then with that of %d", name, w.looked[name], seen.PlanRev)
		}
		w.looked[name] = seen.PlanRev
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
