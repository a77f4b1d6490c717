package playbooks

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"eucactl/inventory"
)

// memory is what is known of a host.
func (r *Run) memory(host string) *memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.hosts[host]; m != nil {
		return m
	}
	h := Host{Name: host, Vars: map[string]any{}}
	found, ok := r.Inventory.Host(host)
	if ok {
		h = Host{Name: host, Groups: found.Groups, Vars: found.Vars}
	}
	m := newMemory(h)
	m.inventory = found
	r.hosts[host] = m
	return m
}

// inventory is the inventory with the hosts and groups that tasks added.
func (r *Run) inventory() *inventory.Inventory {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Inventory
}

// tell tells one event at a time.
func (r *Run) tell(event func()) {
	r.told.Lock()
	defer r.told.Unlock()
	event()
}

func (r *Run) begun(host string, t *TaskInfo) {
	if t == nil || t.Place.Path == "" {
		return
	}
	r.tell(func() {
		r.starts(t)
		r.Events.Begun(host, t)
	})
}

// passed tells how far a host has come, to whoever wants to know.
func (r *Run) passed(host string, at Place) {
	if o, ok := r.Events.(Follower); ok {
		r.tell(func() { o.Passed(host, at) })
	}
}

// left tells whoever wants to know that a host has the play behind it.
func (r *Run) left(host string, failed bool) {
	if o, ok := r.Events.(Leaver); ok {
		r.tell(func() { o.Left(host, failed) })
	}
}

// starts tells of a task before anything else of it is told.
func (r *Run) starts(t *TaskInfo) {
	if key := t.Place.String(); !r.started[key] {
		r.started[key] = true
		r.Events.TaskStart(t)
	}
}

func (w *walker) tellResult(res Result) {
	w.run.tell(func() {
		w.run.starts(res.Task)
		w.run.Events.Result(res)
	})
}

func (w *walker) warn(text string) {
	w.run.tell(func() { w.run.Events.Warning(text) })
}

// prompt asks for the variables that a play asks for, unless the command line gives
// them.
func (r *Run) prompt(ctx context.Context, p *Play) ([]Var, error) {
	var out []Var
	for _, q := range p.Prompts {
		if _, given := r.Options.Extra[q.Name]; given {
			continue
		}
		if v, asked := r.answers[q.Name]; asked {
			out = append(out, Var{Where: q.Where, Name: q.Name, Value: v, fixed: true})
			continue
		}
		text := q.Text
		if text == "" {
			text = q.Name
		}
		answer, err := r.Runner.Ask(ctx, Question{Text: text, Private: q.Private, Confirm: q.Confirm, Default: q.Default})
		nobody := errors.Is(err, ErrNobody)
		if err != nil && !nobody {
			return nil, wrap(q.Where, "vars_prompt: "+q.Name, err)
		}
		if nobody && !r.unasked {
			r.unasked = true
			r.tell(func() { r.Events.Warning("Not prompting as we are not in interactive mode") })
		}
		v := answer
		switch { // text always, as Ansible has it
		case nobody && q.Default == nil:
			v = "None"
		case answer == "" && q.Default != nil:
			v = pythonText(r.scope(nil).set, q.Default)
		}
		r.answers[q.Name] = v
		if q.Private && answer != "" {
			r.private = append(r.private, answer)
		}
		out = append(out, Var{Where: q.Where, Name: q.Name, Value: v, fixed: true})
	}
	return out, nil
}

// secrets are words that hosts may say and that nobody is to see.
func (r *Run) secrets() []string {
	out := r.inventory().Secrets()
	if r.Options.BecomePassword != "" {
		out = append(out, r.Options.BecomePassword)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(out, r.private...)
}

// rolesOf are the roles whose variables a whole play sees, in the order in which
// Ansible loads them.
func rolesOf(p *Play) []*Role {
	var out, inner []*Role
	for _, s := range p.Roles {
		if s.Role != nil {
			out = append(out, s.Role)
		}
		inner = append(inner, rolesIn(s.Block)...)
	}
	return slices.Concat(out, inner, rolesIn(p.PreTasks), rolesIn(p.Tasks), rolesIn(p.PostTasks))
}

// rolesIn are those that steps bring, one that another brings before that.
func rolesIn(steps []Step) []*Role {
	var out []*Role
	for _, s := range steps {
		out = slices.Concat(out, rolesIn(s.Block), rolesIn(s.Rescue), rolesIn(s.Always))
		if s.Role != nil && s.Role.Public && s.Role.By == nil {
			out = append(out, s.Role)
		}
	}
	return out
}

// words is the lexicon of a playbook, which all its walks share.
func (pb *Playbook) words() *lexicon {
	pb.source.mu.Lock()
	defer pb.source.mu.Unlock()
	if pb.source.words == nil {
		pb.source.words = &lexicon{}
	}
	return pb.source.words
}

// groups are all groups with the names of their hosts.
func (r *Run) groups() map[string]any {
	out := map[string]any{}
	for _, g := range r.inventory().Groups() {
		names := []any{}
		for _, h := range g.Hosts() {
			names = append(names, h.Name)
		}
		out[g.Name] = names
	}
	return out
}

func anyList(names []string) []any {
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}

// version is that of Ansible whose dialect this is.
var version = map[string]any{
	"full": "2.14.18", "string": "2.14.18", "major": int64(2), "minor": int64(14), "revision": int64(18),
}

// magic are the variables that say what is.
func (r *Run) magic(w *walker, all []string) magic {
	h := w.mem.host
	short, _, _ := strings.Cut(h.Name, ".")
	is := magic{
		"inventory_hostname": h.Name, "inventory_hostname_short": short,
		"ansible_play_hosts_all": anyList(all), "ansible_play_name": w.play.name(),
		"ansible_check_mode": r.Options.Check, "ansible_diff_mode": r.Options.Diff,
		"ansible_verbosity": int64(r.Options.Verbosity), "ansible_forks": int64(r.Options.Forks),
		"ansible_run_tags": anyList(orAll(r.Options.Tags)), "ansible_skip_tags": anyList(r.Options.SkipTags),
		"ansible_version": version, "playbook_dir": r.Playbook.source.shown(r.Playbook.source.dir), "ansible_limit": strings.Join(r.Options.Limit, ","),
		"ansible_play_role_names":      func() any { return roleNames(w.vars.roles) },
		"role_names":                   func() any { return roleNames(w.vars.roles) },
		"ansible_dependent_role_names": func() any { return unique(roleNames(needed(w.vars.roles))) },
		"ansible_role_names": func() any {
			return unique(roleNames(slices.Concat(needed(w.vars.roles), w.vars.roles)))
		},
		"groups":      func() any { return r.groups() },
		"group_names": func() any { return anyList(w.mem.groups()) },
		"environment": []any{},
		"ansible_play_hosts": func() any {
			return w.standing(slices.DeleteFunc(slices.Clone(all), func(h string) bool { return r.failed[h] }))
		},
		"ansible_play_batch": func() any { return w.standing(w.batch.hosts) },
		"play_hosts":         func() any { return w.standing(w.batch.hosts) },
	}
	file := r.inventory().File()
	is["inventory_file"], is["inventory_dir"] = file, path.Dir(file)
	is["ansible_inventory_sources"] = []any{file}
	if len(r.Options.Limit) == 0 {
		delete(is, "ansible_limit")
	}
	return is
}

// standing are those of hosts that did not fail before the present task; which these
// are is known when all have come as far.
func (w *walker) standing(hosts []string) any {
	left, waits := w.batch.standing(hosts, w.mem.host.Name, w.place)
	if waits {
		return (&need{what: "which hosts failed", all: true}).value()
	}
	return anyList(left)
}

func orAll(tags []string) []string {
	if len(tags) == 0 {
		return []string{"all"}
	}
	return tags
}

func roleNames(roles []*Role) []any {
	out := []any{}
	for _, r := range roles {
		out = append(out, r.Name)
	}
	return out
}

func needed(roles []*Role) []*Role {
	var out []*Role
	for _, r := range roles {
		out = append(out, r.needed()...)
	}
	return out
}

func unique(names []any) []any {
	out := []any{}
	for _, n := range names {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// others makes hostvars: of each host the variables that are wanted, or all. What
// another host has yet to report is there as the need of it.
func (w *walker) others(names []string) map[string]any {
	out := map[string]any{}
	for _, host := range w.run.known() {
		m := w.run.memory(host)
		vars := map[string]any{}
		sc := scope{set: w.scope().set, words: w.words, extra: w.opts.Extra, host: m}
		if host != w.mem.host.Name {
			sc.host = m.public(w.place)
		}
		behind := host != w.mem.host.Name && w.batch.behind(host, w.place)
		e := sc.evaluation()
		list := names
		if list == nil {
			list = append(sc.names(), sortedNames(w.sets)...)
		}
		for _, name := range list {
			if behind && w.mayLearn(m, name) {
				vars[name] = (&need{what: name + " of " + host, host: host}).value()
			} else if v, ok := e.look(name); ok {
				vars[name] = v
			}
		}
		vars["inventory_hostname"], vars["group_names"] = host, anyList(m.groups())
		if short, _, _ := strings.Cut(host, "."); names == nil || slices.Contains(names, "inventory_hostname_short") {
			vars["inventory_hostname_short"] = short
		}
		out[host] = vars
	}
	return out
}

// known are the names of all hosts, those of the inventory first.
func (r *Run) known() []string {
	var out []string
	for _, h := range r.inventory().Hosts() {
		out = append(out, h.Name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.hosts)) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
