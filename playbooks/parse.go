package playbooks

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"eucactl/spelling"
	"eucactl/templates"

	"gopkg.in/yaml.v3"
)

func readDir(fsys fs.FS, dir string) ([]fs.DirEntry, error) { return fs.ReadDir(fsys, dir) }

// playOf reads one play. Its roles come first, since they bring handlers.
func (r *reader) playOf(n *yaml.Node) Play {
	p := Play{Where: r.at(n)}
	r = r.in(r.from.Path, nil)
	r.importers = r.importers[:len(r.importers)-1]
	r.play = &p
	var own, ofRoles []Step
	for _, k := range r.mapping(n, "a play") {
		switch k.name {
		case "vars": // read first: names of imports may need them
			p.Vars = append(p.Vars, r.vars(k.value)...)
		}
	}
	for _, k := range r.mapping(n, "a play") {
		switch k.name {
		case "vars":
		case "hosts":
			p.Hosts = strings.Join(r.words(k.value, "hosts", false), ",")
		case "vars_files":
			p.VarsFiles = r.varsFiles(k.value)
		case "vars_prompt":
			p.Prompts = r.prompts(k.value)
		case "serial":
			p.Serial = r.serial(k.value)
		case "roles":
			imported := p.Handlers
			p.Handlers = nil
			p.Roles = r.roles(k.value, "roles", nil)
			ofRoles, p.Handlers = p.Handlers, imported
		case "pre_tasks":
			p.PreTasks = r.steps(k.value, k.name, "t")
		case "tasks":
			p.Tasks = r.steps(k.value, k.name, "t")
		case "post_tasks":
			p.PostTasks = r.steps(k.value, k.name, "t")
		case "handlers":
			own = r.steps(k.value, k.name, "h")
		default:
			if !r.common(&p.Keywords, k, "p") {
				r.unknown(k, "a play", "p")
			}
		}
	}
	if p.Hosts == "" {
		r.wrong(n, "a play needs hosts, the pattern of those it is for")
	}
	p.Handlers = slices.Concat(ofRoles, own, p.Handlers)
	for _, list := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks} {
		enclose(list, nil)
	}
	r.handlers(&p, own)
	return p
}

// varsFiles reads vars_files: names, and lists of names of which the first counts.
func (r *reader) varsFiles(n *yaml.Node) []VarsFile {
	n, ok := r.enter(n, 0)
	if !ok || isNull(n) {
		return nil
	}
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	var out []VarsFile
	for _, item := range items {
		out = append(out, VarsFile{r.at(item), r.words(item, "vars_files", false)})
	}
	return out
}

func (r *reader) prompts(n *yaml.Node) []Prompt {
	var out []Prompt
	for _, item := range r.list(n, "vars_prompt") {
		p := Prompt{Where: r.at(item), Private: true}
		for _, k := range r.mapping(item, "vars_prompt") {
			switch k.name {
			case "name":
				if name, ok := r.text(k.value, "name"); ok && r.variable(k.value, name) {
					p.Name = name
				}
			case "prompt":
				p.Text, _ = r.text(k.value, "prompt")
			case "default":
				p.Default = r.value(k.value, 0)
			case "private":
				p.Private = r.yes(k.value, "private")
			case "confirm":
				p.Confirm = r.yes(k.value, "confirm")
			default:
				r.wrong(k.key, "vars_prompt does not take %q%s", k.name, spelling.DidYouMean(k.name, []string{"name", "prompt", "default", "private", "confirm"}))
			}
		}
		if p.Name == "" {
			r.wrong(item, "vars_prompt needs the name of a variable")
		}
		out = append(out, p)
	}
	return out
}

// serial reads the sizes of batches: a number, a share, or a list of these.
func (r *reader) serial(n *yaml.Node) []Setting {
	n, ok := r.enter(n, 0)
	if !ok || isNull(n) {
		return nil
	}
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	var out []Setting
	for _, item := range items {
		v := r.value(item, 0)
		if _, err := batchSize(v, 1); err != nil && !hasTemplate(v) {
			r.wrong(item, "serial: %v", err)
		}
		out = append(out, Setting{r.at(item), v})
	}
	return out
}

// handlers checks that those of the play have names, and that all that tasks notify
// exist.
func (r *reader) handlers(p *Play, own []Step) {
	for _, h := range own {
		if h.Name == "" && len(h.Listen) == 0 && h.Where.File == r.file {
			r.wrong(&yaml.Node{Line: h.Where.Line}, "a handler needs a name")
		}
	}
	known := map[string]bool{}
	dynamic := false
	for _, h := range p.Handlers {
		for _, name := range handlerNames(h) {
			known[name] = true
		}
		dynamic = dynamic || templates.HasTemplate(h.Name) || strings.HasPrefix(h.Kind, "include_")
	}
	if !dynamic && !hasIncludes(p) {
		for _, list := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks, p.Handlers} {
			r.notified(list, known)
		}
	}
}

// handlerNames are all that a handler can be notified by.
func handlerNames(h Step) []string {
	out := append([]string{}, h.Listen...)
	if h.Name != "" {
		out = append(out, h.Name, h.full(h.Name))
	}
	return out
}

// hasIncludes tells whether a play may get more handlers while it runs.
func hasIncludes(p *Play) bool {
	found := false
	for _, list := range [][]Step{p.PreTasks, p.Roles, p.Tasks, p.PostTasks} {
		eachTask(list, func(s *Step) { found = found || s.Kind == "include_role" || s.Kind == "include_tasks" })
	}
	return found
}

// eachTask visits all tasks, also those in blocks.
func eachTask(steps []Step, visit func(*Step)) {
	for i := range steps {
		s := &steps[i]
		if !s.IsBlock() {
			visit(s)
		}
		eachTask(s.Block, visit)
		eachTask(s.Rescue, visit)
		eachTask(s.Always, visit)
	}
}

func (r *reader) notified(steps []Step, known map[string]bool) {
	check := func(s *Step) {
		for _, n := range s.Notify {
			name, ok := n.Value.(string)
			if ok && !templates.HasTemplate(name) && !known[name] {
				r.found.add(wrong(s.Where, "no handler of this play is called %s%s", shown(name), spelling.DidYouMean(name, sortedNames(known))))
			}
		}
	}
	for i := range steps {
		if steps[i].IsBlock() {
			check(&steps[i])
		}
	}
	eachTask(steps, check)
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are variables that nobody can set: they say what is. ours are such in
// the cloud's own playbooks.
var (
	reserved = []string{"inventory_hostname", "inventory_hostname_short", "group_names", "groups", "hostvars", "loop", "lookup", "query", "range", "self"}
	ours     = []string{"plan", "facts", "dict"}
)

func (r *reader) variable(n *yaml.Node, name string) bool {
	switch {
	case !variableName.MatchString(name):
		r.wrong(n, "%s is no name for a variable (letters, digits and _, no digit first)", shown(name))
	case slices.Contains(reserved, name), r.src.Cloud && slices.Contains(ours, name):
		r.wrong(n, "the variable %s is not a playbook's to set", name)
	default:
		return true
	}
	return false
}

func (r *reader) vars(n *yaml.Node) []Var {
	var out []Var
	if m, ok := r.enter(n, 0); ok && isNull(m) {
		return nil
	} else if ok && m.Kind == yaml.SequenceNode { // a list of mappings, as Ansible once had
		for _, item := range m.Content {
			out = append(out, r.vars(item)...)
		}
		return out
	}
	for _, p := range r.mapping(n, "vars") {
		if r.variable(p.key, p.name) {
			v := Var{Where: r.at(p.key), Name: p.name, Value: r.value(p.value, 0)}
			v.fixed = !hasTemplate(v.Value)
			out = append(out, v)
		}
	}
	return out
}
