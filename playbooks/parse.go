package playbooks

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"
)

// maxImports is how deep playbooks may import each other.
const maxImports = 10

// Parse reads the playbook called name and those it imports. The error lists all
// that is wrong, each with file and line.
func Parse(fsys fs.FS, name string) (*Playbook, error) {
	pb := &Playbook{File: name}
	plays, err := parseFile(fsys, path.Clean(name), nil)
	if err != nil {
		return nil, err
	}
	pb.Plays = plays
	return pb, nil
}

func parseFile(fsys fs.FS, name string, importers []string) ([]Play, error) {
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, fmt.Errorf("playbook %s: no such file", name)
	}
	if err != nil {
		return nil, fmt.Errorf("playbook %s: %w", name, err)
	}
	r := &reader{file: name}
	root := r.document(data)
	if root == nil {
		return nil, r.err()
	}
	var plays []Play
	for _, n := range r.list(root, "a playbook") {
		if file, at, ok := r.imported(n); ok {
			more, err := follow(fsys, name, file, append(importers, name))
			if err != nil {
				return nil, wrap(at, "", err)
			}
			plays = append(plays, more...)
			continue
		}
		plays = append(plays, r.play(n))
	}
	return plays, r.err()
}

// imported recognises `import_playbook: FILE`.
func (r *reader) imported(n *yaml.Node) (string, Position, bool) {
	n, ok := r.enter(n, 0)
	if !ok || n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return "", Position{}, false
	}
	file, found := "", false
	for _, p := range r.mapping(n, "a play") {
		switch bare(p.name) {
		case "import_playbook":
			file, _ = r.text(p.value, p.name)
			found = true
		case "name":
		default:
			if found {
				r.wrong(p.key, "import_playbook does not take %q", p.name)
			}
		}
	}
	return file, r.at(n), found
}

func follow(fsys fs.FS, from, file string, importers []string) ([]Play, error) {
	to := path.Join(path.Dir(from), file)
	if slices.Contains(importers, to) || len(importers) > maxImports {
		return nil, fmt.Errorf("playbooks that import each other: %s", to)
	}
	return parseFile(fsys, to, importers)
}

// playKeys are what a play may have.
var playKeys = []string{"name", "hosts", "vars", "become", "tags", "tasks", "handlers"}

func (r *reader) play(n *yaml.Node) Play {
	p := Play{Where: r.at(n)}
	for _, k := range r.mapping(n, "a play") {
		switch k.name {
		case "name":
			p.Name, _ = r.text(k.value, "name")
		case "hosts":
			p.Hosts = join(r.words(k.value, "hosts", false))
		case "vars":
			p.Vars = r.vars(k.value)
		case "become":
			r.yes(k.value, "become") // how a host is reached is the inventory's matter
		case "tags":
			p.Tags = r.words(k.value, "tags", true)
		case "tasks":
			p.Tasks = r.steps(k.value, "tasks", true)
		case "handlers":
			p.Handlers = r.steps(k.value, "handlers", false)
		default:
			r.unknown(k, "a play", playKeys)
		}
	}
	if p.Hosts == "" {
		r.wrong(n, "a play needs hosts, the pattern of those it is for")
	}
	r.handlers(p)
	return p
}

// handlers checks that each has a name of its own, and that all that tasks
// notify exist.
func (r *reader) handlers(p Play) {
	var names []string
	for _, h := range p.Handlers {
		at := &yaml.Node{Line: h.Where.Line}
		switch {
		case h.Name == "":
			r.wrong(at, "a handler needs a name")
		case slices.Contains(names, h.Name):
			r.wrong(at, "there are two handlers called %s", shown(h.Name))
		}
		names = append(names, h.Name)
	}
	r.notified(p.Tasks, names)
	r.notified(p.Handlers, names)
}

func (r *reader) notified(steps []Step, names []string) {
	for _, s := range steps {
		for _, n := range s.Notify {
			if !slices.Contains(names, n) {
				r.wrong(&yaml.Node{Line: s.Where.Line}, "no handler of this play is called %s%s", shown(n), suggestion(n, names))
			}
		}
		r.notified(s.Block, names)
	}
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved are variables that a playbook cannot set: they say what is.
var reserved = []string{"plan", "facts", "inventory_hostname", "inventory_hostname_short", "group_names", "loop", "lookup", "range", "dict", "self"}

func (r *reader) variable(n *yaml.Node, name string) bool {
	switch {
	case !variableName.MatchString(name):
		r.wrong(n, "%s is no name for a variable (letters, digits and _, no digit first)", shown(name))
	case slices.Contains(reserved, name):
		r.wrong(n, "the variable %s is not a playbook's to set", name)
	default:
		return true
	}
	return false
}

func (r *reader) vars(n *yaml.Node) []Var {
	var out []Var
	for _, p := range r.mapping(n, "vars") {
		if r.variable(p.key, p.name) {
			out = append(out, Var{r.at(p.key), p.name, r.value(p.value, 0)})
		}
	}
	return out
}

func join(words []string) string {
	out := ""
	for i, w := range words {
		if i > 0 {
			out += ","
		}
		out += w
	}
	return out
}
