package playbooks

import (
	"fmt"
	"slices"

	"eucactl/inventory"
	"eucactl/tasks"
	"eucactl/templates"
)

// Host is whom a program is for.
type Host struct {
	Name   string
	Groups []string
	Vars   map[string]any // of the inventory, merged

	// Matches tells whether a play's pattern names this host. Without it a
	// pattern is a list of names and groups.
	Matches func(pattern string) (bool, error)
}

// InventoryHost is a host of an inventory. The groups that are roles need not
// exist in it: nobody has a role then.
func InventoryHost(inv *inventory.Inventory, h *inventory.Host) Host {
	return Host{Name: h.Name, Groups: h.Groups, Vars: h.Vars, Matches: func(pattern string) (bool, error) {
		switch pattern {
		case inventory.FrontendsGroup, inventory.NodesGroup, inventory.StorageGroup:
			return h.Is(pattern), nil
		}
		hosts, err := inv.Select(pattern)
		return slices.Contains(hosts, h), err
	}}
}

// In is what a program is made of, the playbook apart.
type In struct {
	Host  Host
	Plan  map[string]any    // Map of the host's plan; nil for playbooks of users
	Facts map[string]string // what is known of the host
	Extra map[string]any    // variables of the command line: they win over all others

	Tags, SkipTags []string
}

// builder unrolls a playbook into a program.
type builder struct {
	in      In
	set     *templates.Set
	program *tasks.Program
	results map[string][]int // registered names; no index: all were left out
	notices map[string][]int // of the present play: who notifies a handler
}

// Build makes the program of one host: all tasks of the plays that are for it, in
// order, each with the guard that Ansible's order means.
func (pb *Playbook) Build(in In, lib *tasks.Library, set *templates.Set) (*tasks.Program, error) {
	if err := pb.Check(lib); err != nil {
		return nil, err
	}
	b := &builder{in: in, set: set, program: &tasks.Program{Kinds: lib}, results: map[string][]int{}}
	sc := newScope(set, in)
	var needs []int
	for _, p := range pb.Plays {
		ours, err := in.Host.matches(p.Hosts)
		if err != nil {
			return nil, wrap(p.Where, "hosts", err)
		}
		if !ours {
			continue
		}
		if needs, err = b.play(p, needs, sc); err != nil {
			return nil, err
		}
	}
	return b.program, nil
}

func (h Host) matches(pattern string) (bool, error) {
	if h.Matches != nil {
		return h.Matches(pattern)
	}
	for _, w := range splitList(pattern) {
		if w == "all" || w == "*" || w == h.Name || slices.Contains(h.Groups, w) {
			return true, nil
		}
	}
	return false, nil
}

// play adds the tasks of a play, then its handlers.
func (b *builder) play(p Play, needs []int, sc scope) ([]int, error) {
	b.notices = map[string][]int{}
	ctx := around{scope: sc.with(nil, p.Vars), tags: p.Tags}
	needs, err := b.steps(p.Tasks, needs, ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range p.Handlers {
		needs, err = b.handler(h, needs, ctx)
		if err != nil {
			return nil, err
		}
	}
	return needs, nil
}

// handler adds a handler, which runs if one of the tasks that notify it changed
// something, whatever failed besides: a change that was not followed up would
// never be noticed again.
func (b *builder) handler(h Step, needs []int, ctx around) ([]int, error) {
	notices := b.notices[h.Name]
	if len(notices) == 0 {
		return needs, nil
	}
	var clause []string
	for _, n := range notices {
		clause = append(clause, fmt.Sprintf("c%d", n))
	}
	ctx.when = append(slices.Clone(ctx.when), clause)
	ctx.chosen = true // whoever chose the task chose what follows from it
	last, err := b.step(h, nil, ctx)
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(needs), last...), nil
}

// steps adds steps in order: each needs those before it. It returns what the next
// step of the level needs; since a task that lacks what it needs counts as failed
// itself, the last one stands for those before.
func (b *builder) steps(list []Step, needs []int, ctx around) ([]int, error) {
	for _, s := range list {
		var err error
		if needs, err = b.step(s, needs, ctx); err != nil {
			return nil, err
		}
	}
	return needs, nil
}

// step adds a task or a block, once or for each item of its loop.
func (b *builder) step(s Step, needs []int, ctx around) ([]int, error) {
	ctx = ctx.within(s)
	if s.Loop == nil {
		return b.once(s, needs, ctx)
	}
	outer := ctx.scope
	ctx.scope = outer.with(nil, s.Vars)
	items, err := s.Loop.items(ctx.scope)
	if err != nil {
		return nil, err
	}
	before, all := b.results, map[string][]int{}
	var last []int
	for i, item := range items {
		// An item does not see what its neighbours registered.
		b.results = cloneResults(before)
		one := ctx
		one.scope = outer.with(map[string]any{s.Loop.Var: item}, s.Vars)
		one.item = s.Loop.label(one.scope, item, i)
		ends, err := b.once(s, needs, one)
		if err != nil {
			return nil, err
		}
		collect(all, before, b.results)
		if !slices.Equal(ends, needs) {
			last = append(last, ends...)
		}
	}
	b.results = before
	for name, indexes := range all {
		b.results[name] = indexes
	}
	if len(items) == 0 && s.Register != "" {
		b.results[s.Register] = nil
	}
	// The items of a block go their own ways: one that fails stops neither its
	// neighbours nor what follows. A task with a loop is one task, as in Ansible.
	if s.IsBlock() || len(last) == 0 {
		return needs, nil
	}
	return last, nil
}

// once adds a task or the steps of a block for one item.
func (b *builder) once(s Step, needs []int, ctx around) ([]int, error) {
	if s.Loop == nil {
		ctx.scope = ctx.scope.with(nil, s.Vars)
	}
	if !s.IsBlock() && !b.selected(ctx) {
		return needs, nil
	}
	holds, err := b.when(s, &ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case !holds && !s.IsBlock():
		b.register(s, ctx, nil)
		return needs, nil
	case !holds:
		b.registerAll(s.Block, ctx)
		return needs, nil
	case !s.IsBlock():
		return b.task(s, needs, ctx)
	}
	if s.Loop != nil {
		ctx.prefix = append(slices.Clone(ctx.prefix), blockName(s, ctx))
	}
	ctx.item = ""
	return b.steps(s.Block, needs, ctx)
}

// task adds one task.
func (b *builder) task(s Step, needs []int, ctx around) ([]int, error) {
	t, err := b.call(s, ctx)
	if err != nil {
		return nil, err
	}
	t.Name = taskName(s, ctx)
	t.Guard = guard(needs, ctx.when)
	t.IgnoreErrors = ctx.ignore
	n := b.program.Add(t)
	b.register(s, ctx, []int{n})
	for _, name := range s.Notify {
		b.notices[name] = append(b.notices[name], n)
	}
	if ctx.ignore {
		return needs, nil
	}
	return []int{n}, nil
}
