package playbooks

import (
	"fmt"
	"strings"

	"eucactl/inventory"
)

// login is how the task's host is reached and as whom the task runs there: its
// variables, then the keywords of the play.
func (w *walker) login(a around, m *memory) (Login, error) {
	vars := map[string]any{}
	sc := a.scope
	sc.host = m
	for _, name := range w.connects(m) {
		v, ok := sc.get(name)
		if _, waits := v.Value.(error); !ok || v.result != nil || waits {
			continue
		}
		value, err := sc.deep(v.Value)
		if err != nil {
			return Login{}, fmt.Errorf("%s: %w", name, err)
		}
		vars[name] = value
	}
	h := m.inventory
	if h == nil {
		h = &inventory.Host{Name: m.host.Name}
	}
	to, err := h.Connect(vars)
	if err != nil {
		return Login{}, err
	}
	l := Login{
		Connection: string(to.Connection), Address: to.Address, Port: to.Port, User: to.User, KeyFile: to.KeyFile,
		Become: to.Become, BecomeUser: to.BecomeUser, Timeout: to.Timeout, Method: "sudo",
	}
	return w.byKeywords(a, l, vars)
}

// byKeywords fills in what the variables leave open.
func (w *walker) byKeywords(a around, l Login, vars map[string]any) (Login, error) {
	given := func(names ...string) bool {
		for _, n := range names {
			if v, ok := vars[n]; ok && v != nil && v != "" {
				return true
			}
		}
		return false
	}
	var err error
	text := func(keyword string, to *string, fallback string) {
		word, e := a.word(keyword)
		if e != nil {
			err = e
		}
		if word == "" {
			word = fallback
		}
		if word != "" {
			*to = word
		}
	}
	if !given("ansible_user", "ansible_ssh_user") {
		text("remote_user", &l.User, w.opts.User)
	}
	if !given("ansible_connection") {
		text("connection", &l.Connection, w.opts.Connection)
		if l.Connection != "local" {
			l.Connection = "ssh"
		}
	}
	if !given("ansible_become_user") {
		text("become_user", &l.BecomeUser, w.opts.BecomeUser)
	}
	if !given("ansible_port", "ansible_ssh_port") {
		port, e := a.number("port")
		if e != nil {
			return l, e
		}
		l.Port = max(l.Port, port)
	}
	if !given("ansible_become") {
		yes, set, e := a.says("become")
		if e != nil {
			return l, e
		}
		l.Become = yes || !set && w.opts.Become
	}
	l.Password = w.opts.BecomePassword
	for _, name := range []string{"ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"} {
		if given(name) {
			l.Password = fmt.Sprint(vars[name])
		}
	}
	if !l.Become {
		l.BecomeUser, l.Password = "", ""
	}
	return l, err
}

// connects are the names of variables that may say how a host is reached.
func (w *walker) connects(m *memory) []string {
	if names, ok := w.connecting[m]; ok {
		return names
	}
	sc := w.scope()
	sc.host = m
	all := map[string]bool{}
	add := func(name string) {
		if strings.HasPrefix(name, "ansible_") && name != "ansible_facts" {
			all[name] = true
		}
	}
	for _, name := range sc.names() {
		add(name)
	}
	eachVar(w.play, func(v Var) { add(v.Name) })
	for name := range m.facts {
		delete(all, "ansible_"+name)
	}
	for name := range w.sets {
		add(name)
	}
	if w.connecting == nil {
		w.connecting = map[*memory][]string{}
	}
	w.connecting[m] = sortedNames(all)
	return w.connecting[m]
}

// eachStep visits all steps of a play, those within blocks too.
func eachStep(p *Play, visit func(Step)) {
	var steps func([]Step)
	steps = func(list []Step) {
		for _, s := range list {
			visit(s)
			steps(s.Block)
			steps(s.Rescue)
			steps(s.Always)
		}
	}
	for _, list := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks, p.Handlers} {
		steps(list)
	}
}

// eachVar visits the variables of all steps of a play.
func eachVar(p *Play, visit func(Var)) {
	eachStep(p, func(s Step) {
		vars := [][]Var{s.Vars}
		if s.Role != nil {
			vars = append(vars, s.Role.Defaults, s.Role.Vars, s.Role.Params)
		}
		for _, list := range vars {
			for _, v := range list {
				visit(v)
			}
		}
	})
}

// onStage makes sure that the stage is one for the task's host and user. back goes
// back to the host's own stage.
func (w *walker) onStage(e *entry, c call) (back func(), err error) {
	back = func() {}
	if !w.asks() {
		return back, nil
	}
	to, err := e.around.word("delegate_to")
	if err != nil {
		return back, err
	}
	m := w.mem
	if to != "" && to != m.host.Name {
		m = w.run.memory(to)
	}
	l, err := w.login(e.around, m)
	if err != nil {
		return back, err
	}
	if m != w.mem {
		if len(w.stage.entries) > 0 {
			return back, &need{what: "what comes before a delegated task", result: true}
		}
		if err := w.barrier(e.around.path); err != nil {
			return back, err
		}
		main := w.stage
		w.stage = w.newStage(to, l)
		e.elsewhere, e.result.Delegated = to, to
		return func() { w.stage = main }, nil
	}
	if l != w.stage.login && len(w.stage.entries) > 0 {
		return back, &need{what: "what comes before a task of another user", result: true}
	}
	w.stage.login = l
	return back, w.opening()
}
