package playbooks

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"eucactl/spelling"
)

// use is how a role is used somewhere.
type use struct {
	where     Position
	name      string
	params    []Var
	vars      []Var
	from      map[string]string // "tasks" etc.: another file than main
	public    bool
	duplicate bool
	included  bool // by include_role or import_role
	by        *Role
}

// instance tells uses of a role apart that differ in what they are given: for each
// its tasks run and its handlers are there. As in Ansible tags and conditions are part
// of it where they stand with the role itself.
func (u use) instance(dir string, k Keywords) string {
	given := []any{dir, values(u.params), values(u.vars), u.from, u.included}
	if !u.included {
		var when []string
		for _, e := range k.When {
			when = append(when, e.Text)
		}
		given = append(given, k.Tags, when)
	}
	text, err := json.Marshal(given)
	if err != nil {
		return fmt.Sprint(given...)
	}
	return string(text)
}

// roles reads a play's roles: names, or mappings with role.
func (r *reader) roles(n *yaml.Node, what string, by *Role) []Step {
	var out []Step
	for _, item := range r.list(n, what) {
		item, ok := r.enter(item, 0)
		if !ok {
			return out
		}
		s := Step{Where: r.at(item), File: r.from}
		u := use{where: s.Where, by: by, public: true}
		if item.Kind == yaml.ScalarNode {
			u.name = item.Value
		} else {
			r.roleEntry(item, &s, &u)
		}
		if u.name == "" {
			r.wrong(item, "a role needs its name: role: NAME")
			continue
		}
		out = append(out, r.useRole(s, u))
	}
	return out
}

// roleEntry reads a mapping of roles: what is no keyword is a parameter.
func (r *reader) roleEntry(n *yaml.Node, s *Step, u *use) {
	for _, p := range r.mapping(n, "a role") {
		k, known := findKeyword(p.name, "r")
		switch {
		case p.name == "role", p.name == "name":
			u.name, _ = r.text(p.value, p.name)
		case p.name == "vars":
			u.vars = append(u.vars, r.vars(p.value)...)
		case p.name == "allow_duplicates":
			u.duplicate = r.yes(p.value, p.name)
		case known && k.how == refused:
			r.unknown(p, "a role", "r")
		case r.common(&s.Keywords, p, "r"):
		case p.name == "src" || p.name == "scm" || p.name == "version":
			r.wrong(p.key, "roles are not downloaded here: install %q first", p.name)
		case r.variable(p.key, p.name):
			u.params = append(u.params, Var{Where: r.at(p.key), Name: p.name, Value: r.value(p.value, 0)})
		}
	}
	s.Keywords.Name = ""
}

// useOf is the use that include_role or import_role describes.
func (r *reader) useOf(s Step) (use, bool) {
	u := use{where: s.Where, from: map[string]string{}, duplicate: true, included: true}
	for _, a := range s.Args {
		if err := s.takes(a); err != nil {
			r.found.add(err)
			return u, false
		}
		text, isText := a.Value.(string)
		switch a.Name {
		case "name", "role":
			u.name = text
		case "tasks_from", "vars_from", "defaults_from", "handlers_from":
			u.from[strings.TrimSuffix(a.Name, "_from")] = text
		case "public":
			u.public = truthy(a.Value)
			continue
		case "allow_duplicates":
			u.duplicate = truthy(a.Value)
			continue
		default:
			continue
		}
		if !isText {
			r.found.add(wrong(a.Where, "%s: %s is text, not %s", s.Kind, a.Name, describeValue(a.Value)))
			return u, false
		}
	}
	name, err := r.src.render(u.name, r.play.Vars)
	if err != nil || name == "" {
		r.found.add(wrong(s.Where, "%s needs the name of a role%s", s.Kind, because(err)))
		return u, false
	}
	u.name = name
	return u, true
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return slices.Contains([]string{"true", "yes", "on", "1", "y", "t"}, strings.ToLower(v))
	case int64:
		return v != 0
	}
	return false
}

// useRole makes s the block of a role, its dependencies first.
func (r *reader) useRole(s Step, u use) Step {
	dir, ok := r.src.findRole(u, r.from)
	if !ok {
		r.found.add(wrong(u.where, "there is no role %q: looked in %s", u.name, r.src.shownAll(r.src.roleDirs(u, r.from))))
		return s
	}
	for by, depth := u.by, 0; by != nil; by, depth = by.By, depth+1 {
		if by.Dir == dir || depth > maxImports {
			r.found.add(wrong(u.where, "roles that depend on each other: %s", u.name))
			return s
		}
	}
	role := &Role{
		Where: u.where, Name: path.Base(u.name), Dir: dir, Path: r.src.shown(dir), Params: u.params, By: u.by,
		Public: u.public, Duplicate: u.duplicate, instance: u.instance(dir, s.Keywords),
	}
	switch {
	case u.included:
		role.In = r.from.Role
	case u.by != nil:
		role.In = u.by.In
	}
	sub := r.in(path.Join(dir, "tasks", "main.yml"), role)
	role.Defaults = sub.roleVars("defaults", u.from["defaults"])
	role.Vars = append(u.vars, sub.roleVars("vars", u.from["vars"])...)
	s.Role, s.File, s.Block = role, &File{path.Join(dir, "tasks", "main.yml"), role}, []Step{}
	sub.meta(role, &s)
	if name, ok := sub.roleFile("tasks", u.from["tasks"]); ok {
		s.Block = append(s.Block, r.in(name, role).tasksFile(name, "t")...)
	}
	if name, ok := sub.roleFile("handlers", u.from["handlers"]); ok {
		role.Handlers = r.in(name, role).tasksFile(name, "h")
	}
	sub.addHandlers(role)
	if !slices.ContainsFunc([]string{"tasks", "handlers", "vars", "defaults", "meta", "files", "templates"}, func(part string) bool {
		return r.src.isDir(path.Join(dir, part))
	}) {
		r.found.add(wrong(u.where, "%s is no role: it has none of tasks, handlers, vars, defaults, meta", r.src.shown(dir)))
	}
	return s
}

// addHandlers gives the play a role's handlers. An instance that comes again is the
// last one from then on.
func (r *reader) addHandlers(role *Role) {
	all := r.play.Handlers
	if len(all) == 0 || all[len(all)-1].instance() != role.instance {
		r.play.Handlers = append(all, role.Handlers...)
	}
}

// enclose tells the roles that steps bring what is around them.
func enclose(steps []Step, around []Keywords) {
	for _, s := range steps {
		inner := append(slices.Clip(around), s.Keywords)
		if s.Role != nil {
			s.Role.around = inner
		}
		for _, list := range [][]Step{s.Block, s.Rescue, s.Always} {
			enclose(list, inner)
		}
	}
}

// roleDirs are the folders in which a role may lie.
func (src *Source) roleDirs(u use, from *File) []string {
	if strings.Contains(u.name, "/") {
		return []string{src.join(src.dir, u.name)}
	}
	var out []string
	add := func(dir string) {
		if dir = path.Join(dir, u.name); !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	if u.by != nil {
		add(path.Dir(u.by.Dir))
	}
	if from != nil && from.Role != nil {
		add(path.Dir(from.Role.Dir))
	}
	add(path.Join(src.dir, "roles"))
	for _, dir := range src.Roles {
		add(src.name(dir))
	}
	add(src.dir)
	return out
}

func (src *Source) findRole(u use, from *File) (string, bool) {
	for _, dir := range src.roleDirs(u, from) {
		if src.isDir(dir) {
			return dir, true
		}
	}
	return "", false
}

// roleEndings are those of files of roles; the first that is there counts.
var roleEndings = []string{".yml", ".yaml", ".json", ""}

// roleFile is the file of a part of the role, main unless another is named.
func (r *reader) roleFile(part, name string) (string, bool) {
	must := name != ""
	if name == "" {
		name = "main"
	}
	base := path.Join(r.from.Role.Dir, part, name)
	for _, ext := range roleEndings {
		if one := base + ext; r.src.exists(one) && !r.src.isDir(one) {
			return one, true
		}
	}
	if must {
		r.found.add(wrong(r.from.Role.Where, "role %s: %v", r.from.Role.Name, noFile("file", part+"/"+name)))
	}
	return "", false
}

// roleVars reads the variables of a part, a file or a folder of files.
func (r *reader) roleVars(part, name string) []Var {
	base := path.Join(r.from.Role.Dir, part, "main")
	var files []string
	if name == "" && r.src.isDir(base) {
		files = slices.DeleteFunc(r.src.list(base, nil), func(f string) bool {
			return !slices.Contains(roleEndings, path.Ext(f))
		})
	} else if one, ok := r.roleFile(part, name); ok {
		files = []string{one}
	}
	var out []Var
	for _, f := range files {
		out = append(out, r.in(f, r.from.Role).varsFile(f)...)
	}
	return out
}

// varsFile reads a file that is a mapping of variables.
func (r *reader) varsFile(name string) []Var {
	data, err := r.src.read("file", name)
	if err != nil {
		r.wrong(&yaml.Node{Line: 1}, "%v", err)
		return nil
	}
	root := r.document(data)
	if root == nil || isNull(root) {
		return nil
	}
	return r.vars(root)
}

// meta reads a role's dependencies, and whether it may run twice.
func (r *reader) meta(role *Role, s *Step) {
	r.specs(role)
	name, ok := r.roleFile("meta", "")
	if !ok {
		return
	}
	m := r.in(name, role)
	data, err := r.src.read("file", name)
	if err != nil {
		r.found.add(wrong(role.Where, "%v", err))
		return
	}
	root := m.document(data)
	if root == nil || isNull(root) {
		return
	}
	for _, p := range m.mapping(root, "meta") {
		switch p.name {
		case "dependencies":
			for _, dep := range m.roles(p.value, "dependencies", role) {
				s.Block = append(s.Block, dep)
				if dep.Role != nil {
					role.Needs = append(role.Needs, dep.Role)
				}
			}
		case "allow_duplicates":
			role.Duplicate = m.yes(p.value, p.name) || role.Duplicate
		case "argument_specs":
			m.readSpecs(role, p.value)
		case "galaxy_info", "collections":
		default:
			m.wrong(p.key, "meta does not take %q%s", p.name, spelling.DidYouMean(p.name, []string{"dependencies", "allow_duplicates", "argument_specs", "galaxy_info", "collections"}))
		}
	}
}

// list names the files with variables below a folder, in order.
func (src *Source) list(dir string, skip func(string) bool) []string {
	var out []string
	entries, err := readDir(src.Files, dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		one := path.Join(dir, e.Name())
		switch {
		case skip != nil && skip(one), strings.HasPrefix(e.Name(), "."), strings.HasSuffix(e.Name(), "~"):
		case e.IsDir():
			out = append(out, src.list(one, skip)...)
		default:
			out = append(out, one)
		}
	}
	return out
}

// sortedNames are the names of a mapping in order.
func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
