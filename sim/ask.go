package sim

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"

	"eucactl/cloud"
	"eucactl/controller"
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
