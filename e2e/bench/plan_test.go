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
	plans := map[string]plan.Host{}
	compileAll := func() {
		for _, h := range hosts {
			plans[h.Name] = plan.Compile(view, g.c.Inventory, h)
		}
	}
	renderAll := func() {
		for _, h := range hosts {
			g.render(b, h, plans[h.Name])
		}
	}
	figures.add(row{name: fmt.Sprintf("a cloud of %d nodes, %d instances, %d groups", bigNodes, bigInstances, bigGroups)})
	figures.times("  compile all hosts", repeat(3, compileAll), nil)
	figures.times("  render all hosts", repeat(1, renderAll), nil)
	g.one(b, "frontend", "fe", plans)
	g.one(b, "node", "node7", plans)
	g.oneMore(b)
}

// one is what a single host costs, and what it is sent.
func (g *big) one(b *testing.B, role, name string, plans map[string]plan.Host) {
	view, h := g.c.Store.View(), g.host(b, name)
	var size, count int
	figures.times("  compile a "+role, repeat(5, func() { plan.Compile(view, g.c.Inventory, h) }), nil)
	figures.times("  render a "+role, repeat(3, func() { size, count = g.render(b, h, plans[name]) }), nil)
	figures.add(row{name: "  program of a " + role, ours: fmt.Sprintf("%d bytes, %d tasks", size, count)})
}

// oneMore starts an instance: the verb with its search for the hosts that it touches, and rendering these.
func (g *big) oneMore(b *testing.B) {
	var touched []string
	figures.times("  one more instance: the verb", repeat(3, func() { touched = g.run(b) }), nil)
	if len(touched) != 2 {
		b.Fatalf("one instance touched %v", touched)
	}
	view := g.c.Store.View()
	figures.times("  one more instance: its two hosts' programs", repeat(3, func() {
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
