package playbooks

import (
	"regexp"
	"slices"

	"eucactl/facts"
	"eucactl/tasks"
	"eucactl/templates"
)

// gathering is the task that a play begins with, unless it says otherwise. It tells
// that the host was reached; the facts come with the first stage that needs some.
func (w *walker) gathering(a around) error {
	yes, set, err := a.says("gather_facts")
	if err != nil {
		return err
	}
	w.mem.mu.Lock()
	w.mem.gathers = yes || !set
	w.mem.mu.Unlock()
	if set && !yes || !w.opts.selected([]string{"always"}) || !w.started {
		return nil
	}
	a = a.deeper(0)
	info := &TaskInfo{Place: w.placeOf(a.path), Name: "Gathering Facts", Action: "gather_facts", Where: w.play.Where, Play: w.play.name()}
	e := &entry{step: &Step{Kind: "gather_facts"}, around: a, info: info, cell: &cell{pending: true, local: true}, contact: true}
	e.status, e.fields = StatusOK, map[string]any{"changed": false, "ansible_facts": map[string]any{}}
	e.group = &group{info: info, step: e.step, closed: true, entries: []*entry{e}}
	w.enqueue(e)
	return nil
}

// opening is what comes first in a play's first program: what an earlier run left
// to be done, and the facts that the play speaks of.
func (w *walker) opening() error {
	if w.opened || !w.asks() || w.stage.host != w.mem.host.Name {
		return nil
	}
	w.opened = true
	if err := w.probe(); err != nil {
		return err
	}
	if names := w.wantedFacts(""); len(names) > 0 {
		return w.setup(w.mem, names, nil)
	}
	return nil
}

// wantedFacts are those that the play speaks of and that nobody asked for yet.
func (w *walker) wantedFacts(also string) []string {
	w.mem.mu.Lock()
	defer w.mem.mu.Unlock()
	if !w.mem.gathers {
		return nil
	}
	var out []string
	for _, name := range append(w.run.factsIn(w.play), also) {
		if name != "" && !w.mem.asked[name] && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// setup puts the question for facts into the program. Of what comes with them only
// what filter names is kept; the rest can still be asked for.
func (w *walker) setup(m *memory, names, filter []string) error {
	names = facts.SetupWith(names)
	return w.internal("setup", map[string]any{"content": facts.SetupScript(names)}, tasks.Flags{Check: ""}, func(e *entry) {
		text, _ := e.fields["facts"].(string)
		asked := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !matches(name, filter) })
		m.learn(matching(facts.ReadSetup(text), filter), asked)
	})
}

// gather asks the host for a fact, and for all that the play speaks of.
func (w *walker) gather(name string) error {
	w.opened = true
	if err := w.asPlay(); err != nil {
		return err
	}
	if err := w.probe(); err != nil {
		return err
	}
	names := w.wantedFacts(name)
	if len(names) == 0 {
		names = []string{name}
	}
	if err := w.setup(w.mem, names, nil); err != nil {
		return err
	}
	return w.flush()
}

// asPlay lets what is asked before any task log in as the play says.
func (w *walker) asPlay() error {
	if w.stage.login != (Login{}) || w.stage.host != w.mem.host.Name {
		return nil
	}
	login, err := w.login(around{scope: w.scope(), settings: w.play.Settings}, w.mem)
	w.stage.login = login
	return err
}

// gatherOf asks another host for a fact, and for all that the play speaks of. What
// cannot be had is undefined, as in Ansible.
func (w *walker) gatherOf(host, name string) error {
	m := w.run.memory(host)
	names := append([]string{name}, w.run.factsIn(w.play)...)
	reached, err := w.askOther(host, around{scope: w.scope(), settings: w.play.Settings}, m, names, nil)
	if err == nil && reached != nil {
		m.learn(nil, facts.SetupWith(names))
	}
	return err
}

// askOther asks another host for facts, which are to be those of m. reached tells why
// the host could not be asked.
func (w *walker) askOther(host string, a around, m *memory, names, filter []string) (reached, err error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	login, err := w.login(a, w.run.memory(host))
	if err != nil {
		return nil, err
	}
	main := w.stage
	w.stage = w.newStage(host, login)
	err = w.setup(m, names, filter)
	st := w.stage
	w.stage = main
	if err != nil {
		return nil, err
	}
	return w.sendAside(st), nil
}

// sendAside runs a program on another host, whose fate is not this host's.
func (w *walker) sendAside(st *stage) error {
	s := Stage{Program: st.program, Login: st.login, Check: w.opts.Check, Secrets: w.run.secrets()}
	report, err := w.run.Runner.Stage(w.ctx, st.host, s)
	for _, r := range report.Results {
		if r.Index >= 0 && r.Index < len(st.entries) {
			e := st.entries[r.Index]
			e.fields = fieldsOf(r)
			e.arrived(e)
		}
	}
	for _, e := range st.entries {
		e.known = true
	}
	w.show()
	return err
}

var factWord = regexp.MustCompile(`\bansible_(facts|[a-z0-9_]+)\b`)

// factsIn are the facts that a play speaks of.
func (r *Run) factsIn(p *Play) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if names, ok := r.mentioned[p]; ok {
		return names
	}
	found := map[string]bool{}
	look := func(text string) {
		for _, m := range factWord.FindAllStringSubmatch(text, -1) {
			if facts.IsSetup(m[1]) {
				found[m[1]] = true
			}
			if m[1] == "facts" {
				for _, word := range nameWord.FindAllString(text, -1) {
					if facts.IsSetup(word) {
						found[word] = true
					}
				}
			}
		}
	}
	r.eachTextOf(p, look)
	names := sortedNames(found)
	if r.mentioned == nil {
		r.mentioned = map[*Play][]string{}
	}
	r.mentioned[p] = names
	return names
}

// eachTextOf visits all text of a play that is known beforehand, its templates too.
func (r *Run) eachTextOf(p *Play, visit func(string)) {
	// Tasks may write templates that later ones render: what is read here is not kept.
	sets := map[*File]*templates.Set{}
	setOf := func(from *File) *templates.Set {
		if sets[from] == nil {
			sets[from] = r.Playbook.source.newSet(from)
		}
		return sets[from]
	}
	vars := func(list []Var) {
		for _, v := range list {
			eachValue(v.Value, visit)
		}
	}
	vars(p.Vars)
	for _, role := range rolesOf(p) {
		vars(role.Vars)
		vars(role.Defaults)
	}
	for _, list := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks, p.Handlers} {
		for i := range list {
			eachText(&list[i], visit)
		}
		eachTask(list, func(s *Step) { r.eachTemplateOf(s, setOf(s.File), visit) })
	}
}

// eachTemplateOf visits the templates that a task leads to.
func (r *Run) eachTemplateOf(s *Step, set *templates.Set, visit func(string)) {
	src, words := r.Playbook.source, r.Playbook.words()
	reached := func(w templates.Written, _ *speech) { visit(w.Text) }
	eachText(s, func(text string) { eachReached(set, words, set.WrittenText(text), reached) })
	name, ok := textArg(s.Args, "src")
	if !ok || s.Kind != templateKind {
		return
	}
	if file, ok := src.find(s.File, "templates", name); ok {
		eachReached(set, words, set.Written(templates.Link{Name: file}), reached)
	}
}

// setsIn are the names that tasks of a play set on their hosts.
func setsIn(p *Play) map[string]bool {
	out := map[string]bool{}
	for _, list := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks, p.Handlers} {
		eachTask(list, func(s *Step) {
			if s.Register != "" {
				out[s.Register] = true
			}
			if s.Kind == "set_fact" {
				for _, a := range s.Args {
					out[a.Name] = true
				}
			}
		})
	}
	return out
}
