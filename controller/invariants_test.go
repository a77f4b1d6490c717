package controller

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"eucactl/cloud"
	"eucactl/state"
)

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
