package reach

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
)

// Path is the way to an instance by the records: over which hosts it goes, what
// these should be, and which packets should come through.
type Path struct {
	Instance cloud.Instance
	Frontend *inventory.Host
	Node     *inventory.Host

	port     cloud.Port
	groups   []cloud.Group
	cluster  inventory.Cluster
	front    *plan.Frontend
	machine  plan.Machine
	segments []plan.Segment // the node's VLANs
	gateway  plan.Address   // the guests' router on the frontend; where that does not route, its interface there alone
	wants    []want
	from     netip.Addr // who asks; not valid: anybody
	looked   string     // what of the records was looked at
	owner    string     // "--as OWNER " for the owner's commands, if another one asks
}

// want is a packet that the records let through.
type want struct {
	permission string // the rule that does
	from       netip.Prefix
	proto      string
	port       int
	guest      bool // who asks is a guest of the cloud
}

func (w want) String() string {
	if w.port > 0 {
		return fmt.Sprintf("%s %d", w.proto, w.port)
	}
	return w.proto
}

// Find follows the records. Without a path there is a finding: why the records lead
// nowhere.
func Find(r plan.Records, inv *inventory.Inventory, in cloud.Instance, q cloud.Why, caller string) (*Path, *cloud.Finding) {
	p := &Path{Instance: in, from: q.From}
	if caller != in.Owner {
		p.owner = "--as " + in.Owner + " "
	}
	if f := waiting(r, in); f != nil {
		return p, f
	}
	var ok bool
	if p.Node, ok = inv.Host(in.Host); !ok {
		return p, &cloud.Finding{Words: fmt.Sprintf("its node %s is not in the inventory", in.Host), Next: []string{"put it back into " + inv.File()}}
	}
	if p.cluster, ok = inv.Cluster(in.Cluster); !ok || p.cluster.Frontend == nil {
		return p, &cloud.Finding{Words: fmt.Sprintf("its cluster %s has no frontend in the inventory", in.Cluster)}
	}
	p.Frontend = p.cluster.Frontend
	p.port, _ = r.Port(in.Port)
	p.compile(r, inv)
	p.looked = "the records: " + string(in.ID) + " is to run"
	if !p.cluster.Network.Mode.Groups() {
		return p, nil
	}
	if f := p.permitted(r, q); f != nil {
		return p, f
	}
	return p, p.addressed()
}

// compile looks up what the hosts on the way should be.
func (p *Path) compile(r plan.Records, inv *inventory.Inventory) {
	p.front = plan.Compile(r, inv, p.Frontend).Frontend
	if node := plan.Compile(r, inv, p.Node).Node; node != nil {
		p.segments = node.Segments
		for _, m := range node.Machines {
			if m.ID == string(p.Instance.ID) {
				p.machine = m
			}
		}
	}
	switch {
	case p.front == nil:
		return
	case !p.front.Routes && p.port.IP.IsValid():
		p.gateway.Dev = p.front.PrivInterface
	}
	for _, a := range p.front.Addresses {
		if a.CIDR.Bits() < 32 && a.CIDR.Contains(p.port.IP) {
			p.gateway = a
		}
	}
}

// waiting: an instance that ends, or was never started, is not looked for.
func waiting(r plan.Records, in cloud.Instance) *cloud.Finding {
	s := plan.StatusOf(r, in)
	seen, _ := r.Seen(in.Host)
	listed := slices.ContainsFunc(seen.Domains, func(d cloud.SeenDomain) bool { return d.Name == string(in.ID) })
	_, dead := r.DeadHost(in.Host)
	switch {
	case in.Want != cloud.Terminated && !dead && (listed || s.State == cloud.StateUp):
		return nil
	case s.State == cloud.StateEnded:
		return &cloud.Finding{Words: "it is terminated: " + cmp.Or(s.Why, "nothing is left of it")}
	}
	return &cloud.Finding{Words: fmt.Sprintf("it is %s: %s", s.State, s.Why), Next: []string{"eucactl reconcile " + in.Host}}
}

// permitted finds what the groups let in of that which is asked for.
func (p *Path) permitted(r plan.Records, q cloud.Why) *cloud.Finding {
	for _, id := range p.Instance.Groups {
		if g, ok := r.Group(id); ok {
			p.groups = append(p.groups, g)
		}
	}
	asker := p.asker(r)
	if q.From.IsValid() && asker != nil && shared(asker.Groups, p.Instance.Groups) {
		p.wants = append(p.wants, newWant(q, cloud.Permission{Protocol: "all", CIDR: netip.PrefixFrom(q.From, 32)}, "members of a group reach each other", true))
	}
	for _, g := range p.groups {
		for _, rule := range g.Rules {
			p.permission(r, q, g, rule, asker)
		}
	}
	if len(p.wants) > 0 {
		p.wants = p.wants[:min(len(p.wants), mostWants)]
		p.looked += fmt.Sprintf(", its %s %s", groupWords(p.groups), permits(p.wants))
		return nil
	}
	return p.refused(q, asker)
}

// mostWants bounds how many rules are walked.
const mostWants = 32

func shared(a, b []cloud.GroupID) bool {
	return slices.ContainsFunc(a, func(g cloud.GroupID) bool { return slices.Contains(b, g) })
}

// asker is the instance that asks, if one does.
func (p *Path) asker(r plan.Records) *cloud.Instance {
	if !p.from.IsValid() {
		return nil
	}
	for _, in := range r.InstancesIn(p.Instance.Cluster) {
		port, _ := r.Port(in.Port)
		if in.Want == cloud.Running && (port.IP == p.from) {
			return &in
		}
	}
	return nil
}

// permission adds what one rule lets through, if it is of use to who asks.
func (p *Path) permission(r plan.Records, q cloud.Why, g cloud.Group, rule cloud.Permission, asker *cloud.Instance) {
	if !isFor(rule, q) {
		return
	}
	words := g.Name + " ALLOWS " + ruleWords(rule)
	if rule.CIDR.IsValid() {
		guest := p.cluster.Network.Subnet.Contains(rule.CIDR.Addr()) && rule.CIDR.Bits() >= p.cluster.Network.Subnet.Bits()
		if !q.From.IsValid() {
			p.wants = append(p.wants, newWant(q, rule, words, guest))
		} else if rule.CIDR.Contains(q.From) {
			rule.CIDR = netip.PrefixFrom(q.From, 32)
			p.wants = append(p.wants, newWant(q, rule, words, p.cluster.Network.Subnet.Contains(q.From)))
		}
		return
	}
	source, ok := r.GroupNamed(rule.Source.User, rule.Source.Name)
	if !ok {
		return
	}
	for _, in := range r.InstancesIn(p.Instance.Cluster) {
		port, _ := r.Port(in.Port)
		if in.Want != cloud.Running || !slices.Contains(in.Groups, source.ID) || in.ID == p.Instance.ID {
			continue
		}
		if q.From.IsValid() && (asker == nil || asker.ID != in.ID) {
			continue
		}
		rule.CIDR = netip.PrefixFrom(port.IP, 32)
		p.wants = append(p.wants, newWant(q, rule, words, true))
		return
	}
}

// isFor tells whether a rule is for the protocol and port that are asked for.
func isFor(rule cloud.Permission, q cloud.Why) bool {
	switch {
	case q.Protocol == "" && q.Port == 0, rule.Protocol == "all":
		return true
	case rule.Protocol != cmp.Or(q.Protocol, "tcp"):
		return false
	case rule.Protocol == "icmp":
		return rule.From == -1 || rule.From == 8
	}
	return q.Port == 0 || rule.From <= q.Port && q.Port <= rule.To
}

// newWant is a packet that the rule lets through: of the ports that it names, ssh's
// or the first.
func newWant(q cloud.Why, rule cloud.Permission, words string, guest bool) want {
	w := want{permission: words, from: rule.CIDR, proto: rule.Protocol, port: q.Port, guest: guest}
	if w.proto == "all" {
		w.proto, rule.From, rule.To = cmp.Or(q.Protocol, "tcp"), 1, 65535
	}
	if w.proto == "icmp" {
		w.port = 0
		return w
	}
	if w.port == 0 {
		w.port = max(rule.From, 1)
		if rule.From <= 22 && 22 <= rule.To {
			w.port = 22
		}
	}
	return w
}

// refused says that no rule lets in who asks, and how to let him in.
func (p *Path) refused(q cloud.Why, asker *cloud.Instance) *cloud.Finding {
	what := cmp.Or(q.Protocol, "tcp")
	flags := "-P " + what
	if what != "icmp" {
		port := cmp.Or(q.Port, 22)
		flags += fmt.Sprintf(" -p %d", port)
		what += fmt.Sprintf(" %d", port)
	}
	words := "lets anything in"
	if q.From.IsValid() || q.Port != 0 || q.Protocol != "" {
		words = "permits " + what
	}
	if q.From.IsValid() {
		words += " from " + q.From.String()
		flags += " -s " + q.From.String() + "/32"
	}
	f := &cloud.Finding{Words: fmt.Sprintf("no rule of its %s %s", groupWords(p.groups), words)}
	for _, g := range p.groups {
		for _, rule := range g.Rules {
			f.Evidence = append(f.Evidence, g.Name+" ALLOWS "+ruleWords(rule))
		}
	}
	if len(p.groups) > 0 {
		f.Next = []string{"eucactl " + p.owner + "authorize " + p.groups[0].Name + " " + flags}
	}
	return f
}

// addressed: who is not a guest needs a public address to send to.
func (p *Path) addressed() *cloud.Finding {
	outside := slices.ContainsFunc(p.wants, func(w want) bool { return !w.guest })
	if p.Instance.Public.IsValid() {
		p.looked += ", its public address is " + p.Instance.Public.String()
		return nil
	}
	if !outside {
		return nil
	}
	return &cloud.Finding{
		Words: "it has no public address: only the cloud's own guests reach it, at " + p.port.IP.String(),
		Next:  []string{"eucactl " + p.owner + "allocate-address", "eucactl " + p.owner + "associate-address ADDRESS " + string(p.Instance.ID)},
	}
}

func groupWords(groups []cloud.Group) string {
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	if len(names) == 1 {
		return "group " + names[0]
	}
	return "groups " + strings.Join(names, ", ")
}

func permits(wants []want) string {
	var list []string
	for _, w := range wants {
		list = append(list, w.String())
	}
	return "permits " + strings.Join(list, ", ")
}

// ruleWords is a permission as describe-group has it.
func ruleWords(r cloud.Permission) string {
	from := "GRPNAME " + r.Source.User + "/" + r.Source.Name
	if r.CIDR.IsValid() {
		from = "CIDR " + r.CIDR.String()
	}
	return fmt.Sprintf("%s %d %d FROM %s", r.Protocol, r.From, r.To, from)
}

// Way says whose way is walked.
func (p *Path) Way() string {
	from, to := "anybody", p.Instance.Public
	if p.from.IsValid() {
		from = p.from.String()
	}
	if !to.IsValid() || p.inside() {
		to = p.port.IP
	}
	var kinds []string
	for _, w := range p.wants {
		if !slices.Contains(kinds, w.String()) {
			kinds = append(kinds, w.String())
		}
	}
	return strings.Join(kinds, ", ") + " from " + from + " to " + to.String()
}

// inside: nobody but guests is looked at.
func (p *Path) inside() bool {
	return !slices.ContainsFunc(p.wants, func(w want) bool { return !w.guest })
}

// FrontendQuestions are what the frontend is asked, all at once. It looks for the
// guest when the node's program will have begun.
func (p *Path) FrontendQuestions() []facts.Section {
	search := []facts.Sought{}
	if p.gateway.Dev != "" {
		search = append(search, facts.Sought{IP: p.port.IP, Dev: p.gateway.Dev})
	}
	if p.gateway.CIDR.IsValid() {
		search = append(search, facts.Sought{IP: p.gateway.CIDR.Addr(), Dev: p.gateway.Dev})
	}
	if p.Instance.Public.IsValid() && p.front != nil {
		search = append(search, facts.Sought{IP: p.Instance.Public, Dev: p.front.PubInterface})
	}
	return []facts.Section{
		{Name: "links", Script: facts.LinksScript}, {Name: "settings", Script: facts.NetSettingsScript},
		{Name: "neighbours", Script: facts.LookFor(search...)}, {Name: "routing", Script: facts.RoutingScript},
		{Name: "rules", Script: facts.RulesetScript}, {Name: "leases", Script: facts.LeasesScript},
		{Name: "servers", Script: facts.DHCPServersScript}, {Name: "queues", Script: facts.QueuesScript},
		{Name: "elapsed", Script: facts.ElapsedScript},
	}
}

// NodeQuestions are what the node is asked, all at once. The last one waits for the
// guest to answer the frontend.
func (p *Path) NodeQuestions() []facts.Section {
	return []facts.Section{
		{Name: "earlier", Script: facts.EarlierScript}, {Name: "guest", Script: facts.Vif(string(p.Instance.ID))},
		{Name: "links", Script: facts.LinksScript}, {Name: "settings", Script: facts.NetSettingsScript},
		{Name: "rules", Script: facts.RulesetScript}, {Name: "queues", Script: facts.QueuesScript},
		{Name: "vlans", Script: facts.BridgeVLANsScript}, {Name: "servers", Script: facts.DHCPServersScript}, {Name: "senders", Script: facts.Senders(strings.ToLower(p.port.MAC), p.machine.Bridge, p.machine.Dev)},
	}
}
