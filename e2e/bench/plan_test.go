package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"

	"eucactl/cloud"
	"eucactl/controller"
	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/playbooks"
	"eucactl/state"
	"eucactl/tasks"
)

// BenchmarkPlan compiles and renders a cloud of 1,000 nodes, 10,000 instances and 2,000 groups: all of it, one host of
// each role, and what one more instance costs. There is no floor to compare with: nothing else does this.
func BenchmarkPlan(b *testing.B) {
	big := newBig(b)
	for range b.N {
		big.measure(b)
	}
}

// big is the big cloud with its controller, which reaches no host.
type big struct {
	c    *controller.Controller
	site *controller.Site
}

func newBig(b *testing.B) *big {
	site, err := controller.OpenSite("")
	if err != nil {
		b.Fatal(err)
	}
	s, err := state.Open(folder(b)+"/state", state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	inv := bigInventory(b)
	fillBig(b, s, inv)
	var ids atomic.Uint32
	return &big{site: site, c: &controller.Controller{
		Store: s, Inventory: inv, Site: site, Now: bigTime.Local,
		NewID: func(prefix string) string { return fmt.Sprintf("%s%08x", prefix, 0x10000000+ids.Add(1)) },
	}}
}

func (g *big) measure(b *testing.B) {
	view := g.c.Store.View()
	hosts := g.c.Inventory.Hosts()
	fe, node := g.host(b, "fe"), g.host(b, "node7")
	name := func(s string) string { return "1,000 nodes, 10,000 instances, 2,000 groups: " + s }

	all := func() map[string]plan.Host {
		out := map[string]plan.Host{}
		for _, h := range hosts {
			out[h.Name] = plan.Compile(view, g.c.Inventory, h)
		}
		return out
	}
	figures.times(name("compile all hosts"), repeat(3, func() { all() }), nil)
	plans := all()
	figures.times("  and render all programs", repeat(1, func() {
		for _, h := range hosts {
			g.render(b, h, plans[h.Name])
		}
	}), nil)
	figures.times("  compile the frontend", repeat(5, func() { plan.Compile(view, g.c.Inventory, fe) }), nil)
	figures.times("  render the frontend", repeat(3, func() { g.render(b, fe, plans["fe"]) }), nil)
	figures.times("  compile a node", repeat(5, func() { plan.Compile(view, g.c.Inventory, node) }), nil)
	figures.times("  render a node", repeat(5, func() { g.render(b, node, plans["node7"]) }), nil)
	g.oneMore(b)
	for _, h := range []*inventory.Host{fe, node} {
		text, n := g.render(b, h, plans[h.Name])
		figures.add(row{name: "  program of " + h.Name, ours: fmt.Sprintf("%d bytes, %d tasks", text, n)})
	}
}

// oneMore starts an instance: the verb with its search for the hosts that it touches, and rendering these.
func (g *big) oneMore(b *testing.B) {
	var touched []string
	figures.times("  one more instance: the verb", repeat(3, func() { touched = g.run(b) }), nil)
	if len(touched) != 2 {
		b.Fatalf("one instance touched %v", touched)
	}
	view := g.c.Store.View()
	figures.times("  one more instance: its node and frontend compiled and rendered", repeat(3, func() {
		for _, name := range touched {
			h := g.host(b, name)
			g.render(b, h, plan.Compile(view, g.c.Inventory, h))
		}
	}), nil)
}

func (g *big) run(b *testing.B) []string {
	body, err := json.Marshal(cloud.RunInstances{Image: "emi-00000001", Min: 1, Max: 1})
	if err != nil {
		b.Fatal(err)
	}
	a, err := g.c.Do(context.Background(), controller.Call{Verb: "RunInstances", Caller: controller.Caller{User: cloud.Admin}, Body: body})
	if err != nil {
		b.Fatal(err)
	}
	return a.Touched
}

func (g *big) host(b *testing.B, name string) *inventory.Host {
	h, ok := g.c.Inventory.Host(name)
	if !ok {
		b.Fatalf("no host %s", name)
	}
	return h
}

// render makes the program of a host, as a visit does, and tells its size.
func (g *big) render(b *testing.B, h *inventory.Host, p plan.Host) (size, count int) {
	in := playbooks.In{
		Host: playbooks.InventoryHost(g.c.Inventory, h), Plan: playbooks.Map(p), Facts: map[string]string{"arch": "x86_64"},
	}
	prog, err := g.site.Playbook.Build(in, g.site.Kinds, g.site.Templates)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range facts.Observe(h.Frontend, h.IsNode) {
		prog.Sections = append(prog.Sections, tasks.Section{Name: s.Name, Script: s.Script})
	}
	text, err := prog.Text(tasks.Env{
		Mark: "@0123456789abcdef", Cloud: p.Cloud, LockWait: 30, Facts: tasks.Sum(""), FactsScript: facts.HostScript,
		Fence: &tasks.Fence{Token: "t-1", Accept: []string{"t-0"}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return len(text), len(prog.Tasks)
}
