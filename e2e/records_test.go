package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"eucactl/cloud"
)

// records are what `eucactl state export` says, as far as the tests look at it.
type records struct {
	instances map[string]cloud.Instance
	ports     map[string]cloud.Port
	networks  map[string]cloud.Network
	subnets   map[string]cloud.Subnet
	addresses map[string]cloud.Address
	claims    map[string]cloud.Claim
	groups    map[string]cloud.Group
}

func (w *world) records() records {
	w.t.Helper()
	r := records{
		map[string]cloud.Instance{}, map[string]cloud.Port{}, map[string]cloud.Network{}, map[string]cloud.Subnet{},
		map[string]cloud.Address{}, map[string]cloud.Claim{}, map[string]cloud.Group{},
	}
	for _, line := range strings.Split(w.must("state", "export"), "\n") {
		var l struct {
			Table  string
			Record json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			w.t.Fatal(err)
		}
		switch l.Table {
		case "instance":
			keep(w.t, r.instances, l.Record, cloud.Instance.Key)
		case "port":
			keep(w.t, r.ports, l.Record, cloud.Port.Key)
		case "network":
			keep(w.t, r.networks, l.Record, cloud.Network.Key)
		case "subnet":
			keep(w.t, r.subnets, l.Record, cloud.Subnet.Key)
		case "address":
			keep(w.t, r.addresses, l.Record, cloud.Address.Key)
		case "claim":
			keep(w.t, r.claims, l.Record, cloud.Claim.Key)
		case "group":
			keep(w.t, r.groups, l.Record, cloud.Group.Key)
		}
	}
	return r
}

func keep[T any](t *testing.T, in map[string]T, text []byte, key func(T) string) {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	in[key(v)] = v
}

// living are the instances that still hold something.
func (r records) living() (list []cloud.Instance) {
	for _, in := range r.instances {
		if in.Released.IsZero() {
			list = append(list, in)
		}
	}
	return list
}

// accounts says what is wrong with the claims: each thing that is given out has one, each claim has a thing behind it
// and a holder that lives, and no two records have the same thing.
func (r records) accounts() (wrong []string) {
	due := map[string]string{} // claim and the holder that it must name
	owe := func(claim, holder string) {
		if other, twice := due[claim]; twice {
			wrong = append(wrong, fmt.Sprintf("%s is given to %s and to %s", claim, other, holder))
		}
		due[claim] = holder
	}
	for _, in := range r.living() {
		port, ok := r.ports[string(in.Port)]
		if !ok || port.Instance != in.ID {
			wrong = append(wrong, fmt.Sprintf("%s has no port of its own", in.ID))
			continue
		}
		owe(fmt.Sprintf("ip/%s/%s", port.Network, port.IP), string(in.ID))
		owe("mac/"+port.MAC, string(in.ID))
	}
	for _, net := range r.networks {
		owe(fmt.Sprintf("vlan/%s/%d", net.Cluster, net.Index), string(net.ID))
	}
	for _, a := range r.addresses {
		holder := string(a.Instance)
		if a.Elastic {
			holder = "user " + a.Owner
		}
		owe("public/"+a.IP.String(), holder)
	}
	for name, holder := range due {
		c, ok := r.claims[name]
		if !ok || c.Holder != holder && !r.handed(c) {
			wrong = append(wrong, fmt.Sprintf("%s belongs to %s, the claim says %q", name, holder, c.Holder))
		}
	}
	for name, c := range r.claims {
		if _, ok := due[name]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s is held by %s, and no record has it", name, c.Holder))
		}
	}
	return append(wrong, r.orphans()...)
}

// handed: a launch address that is on its way back, or set aside for an elastic one, has no instance in its record.
func (r records) handed(c cloud.Claim) bool {
	a, ok := r.addresses[strings.TrimPrefix(c.Name, "public/")]
	return ok && !a.Elastic && a.Instance == ""
}

// orphans are records that hang in the air.
func (r records) orphans() (wrong []string) {
	for _, p := range r.ports {
		if in, ok := r.instances[string(p.Instance)]; !ok || !in.Released.IsZero() {
			wrong = append(wrong, fmt.Sprintf("%s belongs to %s, which is gone", p.ID, p.Instance))
		}
		if _, ok := r.networks[string(p.Network)]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s is in %s, which is gone", p.ID, p.Network))
		}
	}
	for _, s := range r.subnets {
		if _, ok := r.networks[string(s.Network)]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s is in %s, which is gone", s.ID, s.Network))
		}
	}
	for _, a := range r.addresses {
		in, ok := r.instances[string(a.Instance)]
		if a.Instance != "" && (!ok || !in.Released.IsZero()) {
			wrong = append(wrong, fmt.Sprintf("%s belongs to %s, which is gone", a.IP, a.Instance))
		}
		if a.Instance != "" && in.Public != a.IP {
			wrong = append(wrong, fmt.Sprintf("%s belongs to %s, which knows nothing of it", a.IP, a.Instance))
		}
	}
	return wrong
}
