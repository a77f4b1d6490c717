package playbooks

import (
	"context"
	"slices"
	"strings"

	"eucactl/inventory"
	"eucactl/tasks"
	"eucactl/templates"
)

// Host is a host as a playbook sees it.
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

// In is what a program is made of, the playbook apart.
type In struct {
	Host  Host
	Plan  map[string]any    // Map of the host's plan
	Facts map[string]string // what is known of the host
	Extra map[string]any    // variables of the command line: they win over all others

	Tags, SkipTags []string
}

// Build makes the program of one host: all tasks of the plays that are for it, in
// order, each with the guard that Ansible's order means. The host is not asked:
// whatever needs a result's content is an error.
func (pb *Playbook) Build(in In, lib *tasks.Library, set *templates.Set) (*tasks.Program, error) {
	if err := pb.Check(lib); err != nil {
		return nil, err
	}
	w := &walker{
		ctx: context.Background(), pb: pb, lib: lib, set: set, mem: newMemory(in.Host), magic: in.magic(),
		opts: Options{Extra: in.Extra, Tags: in.Tags, SkipTags: in.SkipTags}, ran: map[string]bool{}, started: true,
		words: pb.words(),
	}
	w.stage = w.newStage(in.Host.Name, Login{})
	var needs []*cell
	for i := range pb.Plays {
		p := &pb.Plays[i]
		ours, err := in.Host.matches(p.Hosts)
		if err != nil {
			return nil, wrap(p.Where, "hosts", err)
		}
		if !ours {
			continue
		}
		w.play, w.vars = p, &playVars{vars: p.Vars}
		if needs, err = w.sectionsOf(p, needs); err != nil {
			return nil, err
		}
	}
	return w.stage.program, nil
}

// magic are the variables of a host that is not asked.
func (in In) magic() magic {
	known := make(map[string]any, len(in.Facts))
	for k, v := range in.Facts {
		known[k] = v
	}
	groups := make([]any, len(in.Host.Groups))
	for i, g := range in.Host.Groups {
		groups[i] = g
	}
	short, _, _ := strings.Cut(in.Host.Name, ".")
	return magic{
		"inventory_hostname": in.Host.Name, "inventory_hostname_short": short,
		"group_names": groups, "facts": known, "plan": in.Plan,
	}
}

// sectionsOf walks through the sections of a play, and through its handlers after
// each of them that Ansible has them after. Before the first task nobody can have
// been notified; at the end a handler may have been, by one that stands after it.
func (w *walker) sectionsOf(p *Play, needs []*cell) (_ []*cell, err error) {
	a := around{scope: w.scope(), path: "0"}.within(p.Keywords)
	a.conds = p.When
	w.handlers = handlers{}
	w.addHandlers(p.Handlers, &a)
	var reached []*cell // what the section needs, roles and tasks being one
	for i, list := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks} {
		if i != 2 {
			reached = needs
		}
		if needs, err = w.steps(list, needs, a.deeper(2*i)); err != nil {
			return nil, err
		}
		if i == 1 || i == 0 && len(list) == 0 {
			continue
		}
		if needs, err = w.runHandlers(needs, reached, a.deeper(2*i+1)); err != nil {
			return nil, err
		}
	}
	return needs, nil
}
