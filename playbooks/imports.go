package playbooks

import (
	"maps"
	"path"
	"slices"

	"gopkg.in/yaml.v3"
)

// imports turns an import into the steps that it stands for; other steps stay. in is
// "h" for handlers.
func (r *reader) imports(s Step, key *yaml.Node, in string) []Step {
	if s.Kind != "import_tasks" && s.Kind != "import_role" {
		return []Step{s}
	}
	if s.Loop != nil {
		r.wrong(key, "%s cannot be repeated: use %s", s.Kind, "include"+s.Kind[len("import"):])
		return nil
	}
	if s.Register != "" || s.Until != nil || s.ChangedWhen != nil || s.FailedWhen != nil || s.Notify != nil {
		r.wrong(key, "%s has no result: put register, until, changed_when, failed_when and notify on the tasks themselves", s.Kind)
		return nil
	}
	if s.Kind == "import_tasks" {
		return r.importTasks(s, key, in)
	}
	use, ok := r.useOf(s)
	if !ok {
		return nil
	}
	use.public, use.vars = true, s.Vars
	s.Kind, s.Args = "", nil
	return []Step{r.useRole(s, use)}
}

func (r *reader) importTasks(s Step, key *yaml.Node, in string) []Step {
	file, ok := textArg(s.Args, "file")
	if !ok {
		r.wrong(key, "import_tasks needs the name of a file")
		return nil
	}
	file, err := r.src.render(file, r.play.Vars)
	if err != nil {
		r.wrong(key, "import_tasks: %v", err)
		return nil
	}
	name, ok := r.src.find(r.from, "tasks", file)
	if !ok {
		r.wrong(key, "import_tasks: %v", noFile("file", file))
		return nil
	}
	if slices.Contains(r.importers, name) || name == r.from.Path || len(r.importers) > maxImports {
		r.wrong(key, "files that import each other: %s", name)
		return nil
	}
	steps := r.in(name, r.from.Role).tasksFile(name, in)
	if in == "h" { // each is notified by itself
		for i := range steps {
			steps[i].Keywords = steps[i].Keywords.inside(s.Keywords)
		}
		return steps
	}
	s.Kind, s.Args, s.Block = "", nil, steps
	return []Step{s}
}

// inside are the keywords of a step together with those around it.
func (k Keywords) inside(outer Keywords) Keywords {
	k.Vars = slices.Concat(outer.Vars, k.Vars)
	k.Tags = slices.Concat(outer.Tags, k.Tags)
	k.When = slices.Concat(outer.When, k.When)
	k.Environment = slices.Concat(outer.Environment, k.Environment)
	k.Defaults = slices.Concat(outer.Defaults, k.Defaults)
	settings := maps.Clone(outer.Settings)
	for name, s := range k.Settings {
		if settings == nil {
			settings = map[string]Setting{}
		}
		settings[name] = s
	}
	k.Settings = settings
	return k
}

// tasksFile reads a file that is a list of tasks.
func (r *reader) tasksFile(name, in string) []Step {
	data, err := r.src.read("file", name)
	if err != nil {
		r.wrong(&yaml.Node{Line: 1}, "%v", err)
		return nil
	}
	root := r.document(data)
	if root == nil {
		return []Step{}
	}
	return r.steps(root, "a file of tasks", in)
}

// find looks for a file that a step names: in the folder of its kind (tasks,
// files, templates, vars) of the step's role, then beside the step's own file and
// beside the playbook.
func (src *Source) find(from *File, kind, name string) (string, bool) {
	for _, one := range src.places(from, kind, name) {
		if src.exists(one) {
			return one, true
		}
	}
	return "", false
}

// places are where find looks.
func (src *Source) places(from *File, kind, name string) []string {
	var dirs []string
	if from != nil {
		if from.Role != nil && kind != "tasks" {
			dirs = append(dirs, path.Join(from.Role.Dir, kind), from.Role.Dir)
		}
		here := path.Dir(from.Path)
		if kind != "tasks" {
			dirs = append(dirs, path.Join(here, kind))
		}
		dirs = append(dirs, here)
		if from.Role != nil && kind == "tasks" {
			dirs = append(dirs, path.Join(from.Role.Dir, kind))
		}
	}
	if kind != "tasks" {
		dirs = append(dirs, path.Join(src.dir, kind))
	}
	dirs = append(dirs, src.dir)
	var out []string
	for _, dir := range dirs {
		if one := src.join(dir, name); !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}

// textArg is an argument that is text.
func textArg(args []Arg, names ...string) (string, bool) {
	for _, a := range args {
		if slices.Contains(names, a.Name) {
			s, ok := a.Value.(string)
			return s, ok && s != ""
		}
	}
	return "", false
}

// include reads a file of tasks while the playbook runs; each is read once.
func (src *Source) include(from *File, name string) loaded {
	src.mu.Lock()
	defer src.mu.Unlock()
	var role *Role
	key := name
	if from != nil && from.Role != nil {
		role = from.Role
		key = role.instance + "\x00" + name
	}
	if l, ok := src.files[key]; ok {
		return l
	}
	r := src.reader(name, role)
	l := loaded{steps: r.tasksFile(name, "t")}
	enclose(l.steps, nil)
	l.handlers, l.err = r.play.Handlers, r.err()
	if src.files == nil {
		src.files = map[string]loaded{}
	}
	src.files[key] = l
	return l
}
