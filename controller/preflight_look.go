package controller

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/state"
	"eucactl/tasks"
)

// look is one host as it showed itself in one round trip. A question that was not
// answered is in unknown, with the host's words, and nothing is concluded about it.
type look struct {
	host    *inventory.Host
	network inventory.Network // of its cluster
	plan    plan.Host
	err     error // it did not answer at all
	dead    string

	sent, received time.Time // by the controller's clock
	unknown        map[string]string

	boot     facts.Boot
	stable   map[string]string // the host facts
	tools    []string
	account  facts.Account
	modules  map[string]string
	links    []facts.Link
	settings map[string]string
	routes   []facts.Route
	daemons  []facts.Daemon
	firewall facts.Firewall
	capacity facts.Capacity
	kinds    []string // of machines that its libvirt starts
	machine  string
	clock    time.Time
}

// lookAt asks every host at once. Nothing is changed on them.
func (c *Controller) lookAt(ctx context.Context, tx *state.Tx, hosts []*inventory.Host) []*look {
	list := make([]*look, len(hosts))
	var group errgroup.Group
	group.SetLimit(c.forks(Reconcile{}))
	for i, h := range hosts {
		group.Go(func() error {
			list[i] = c.look(ctx, tx, h)
			return nil
		})
	}
	_ = group.Wait()
	return list
}

func (c *Controller) look(ctx context.Context, tx *state.Tx, h *inventory.Host) *look {
	l := &look{host: h, plan: plan.Compile(tx, c.Inventory, h), unknown: map[string]string{}}
	if cluster, ok := c.Inventory.Cluster(h.Cluster); ok {
		l.network = cluster.Network
	}
	if d, dead := tx.DeadHost(h.Name); dead {
		l.dead = fmt.Sprintf("%s: %s", d.Who, d.Why)
		return l
	}
	t, err := c.converse(ctx, tx, h)
	if err != nil {
		l.err = err
		return l
	}
	defer t.Close()
	l.sent = c.Now()
	rep, err := t.say(ctx, tasks.Env{}, l.questions()...)
	l.received = c.Now()
	if err == nil {
		err = brokenOff(h, rep)
	}
	if l.err = err; err == nil {
		l.read(rep)
	}
	return l
}

// brokenOff is why a program did not reach its end, if it did not.
func brokenOff(h *inventory.Host, rep tasks.Report) error {
	if rep.Done || rep.Stage {
		return nil
	}
	return fmt.Errorf("%s: the answer broke off: %s", h.Name, cmp.Or(lastLine(rep.Stopped), lastLine(rep.Words), "no words"))
}

// questions are those that the host's role makes sense of. The clock is read first,
// with the boot id, and last.
func (l *look) questions() []facts.Section {
	list := []facts.Section{
		{Name: "boot", Script: facts.BootScript},
		{Name: "host", Script: facts.HostScript},
		{Name: "tools", Script: facts.Tools(l.wanted()...)},
		{Name: "accounts", Script: facts.Accounts(l.users()...)},
		{Name: "machine", Script: facts.MachineScript},
		{Name: "links", Script: facts.LinksScript},
		{Name: "settings", Script: facts.SettingsScript},
		{Name: "routes", Script: facts.RoutesScript},
		{Name: "capacity", Script: facts.CapacityScript},
	}
	if l.host.Frontend || l.host.IsNode {
		list = append(list, facts.Section{Name: "modules", Script: facts.ModulesScript},
			facts.Section{Name: "daemons", Script: facts.DaemonsScript}, facts.Section{Name: "firewall", Script: facts.FirewallScript})
	}
	if l.host.IsNode {
		list = append(list, facts.Section{Name: "hypervisor", Script: facts.HypervisorScript})
	}
	return append(list, facts.Section{Name: "clock", Script: facts.ClockScript})
}

// read takes the answers.
func (l *look) read(rep tasks.Report) {
	take(l, rep, "boot", facts.ReadBoot, &l.boot)
	take(l, rep, "host", facts.ReadHost, &l.stable)
	take(l, rep, "tools", facts.ReadTools, &l.tools)
	take(l, rep, "accounts", facts.ReadAccounts, &l.account)
	take(l, rep, "machine", facts.ReadMachine, &l.machine)
	take(l, rep, "links", facts.ReadLinks, &l.links)
	take(l, rep, "settings", facts.ReadSettings, &l.settings)
	take(l, rep, "routes", facts.ReadRoutes, &l.routes)
	take(l, rep, "capacity", facts.ReadCapacity, &l.capacity)
	take(l, rep, "modules", facts.ReadModules, &l.modules)
	take(l, rep, "daemons", facts.ReadDaemons, &l.daemons)
	take(l, rep, "firewall", facts.ReadFirewall, &l.firewall)
	take(l, rep, "hypervisor", facts.ReadHypervisor, &l.kinds)
	take(l, rep, "clock", facts.ReadClock, &l.clock)
}

// take reads a section into to, or notes why it says nothing.
func take[T any](l *look, rep tasks.Report, name string, read func(string) (T, error), to *T) {
	a, asked := rep.Sections[name]
	switch v, err := read(a.Text); {
	case !asked:
		l.unknown[name] = "the host did not answer"
	case a.RC != 0:
		l.unknown[name] = cmp.Or(lastLine(a.Words), fmt.Sprintf("exit status %d", a.RC))
	case err != nil:
		l.unknown[name] = err.Error()
	default:
		*to = v
	}
}

// link finds an interface by its name.
func (l *look) link(name string) (facts.Link, bool) {
	for _, link := range l.links {
		if link.Name == name {
			return link, true
		}
	}
	return facts.Link{}, false
}

// found makes a finding about this host.
func (l *look) found(severity, words, evidence, fix string) Finding {
	return Finding{Host: l.host.Name, Severity: severity, Words: words, Evidence: evidence, Fix: strings.TrimSpace(fix)}
}
