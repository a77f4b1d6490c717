package playbooks

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"eucactl/templates"

	"gopkg.in/yaml.v3"
)

// maxImports is how deep playbooks, files of tasks and roles may bring in each other.
const maxImports = 40

// Source is where playbooks, roles, variables and files are read from. Names in
// Files have no slash in front.
type Source struct {
	Files   fs.FS
	Rooted  bool     // Files is the whole file system: /etc/motd is etc/motd in it
	Home    string   // what ~ stands for
	Roles   []string // folders to look for roles in, after those beside the playbook
	Extra   map[string]any
	Decrypt func(vault []byte) ([]byte, error)
	Reach   templates.Options // what else templates can reach: clock, dice, environment
	Cloud   bool              // built-in: plan and facts are taken

	dir  string // of the playbook
	once sync.Once
	set  *templates.Set

	mu    sync.Mutex
	files map[string]loaded
	sets  map[string]*templates.Set

	hostnames templates.Lookup // those of a pattern, while a playbook runs
	words     *lexicon
}

// loaded is a file of tasks that was read while the playbook ran.
type loaded struct {
	steps    []Step
	handlers []Step // of roles that they import
	err      error
}

// Parse reads the playbook called name and those it imports, as the cloud's own
// are read. The error lists all that is wrong, each with file and line.
func Parse(fsys fs.FS, name string) (*Playbook, error) {
	return (&Source{Files: fsys, Cloud: true}).Load(name)
}

// Load reads the playbook called name, and all that it imports. The error lists
// all that is wrong, each with file and line.
func (src *Source) Load(name string) (*Playbook, error) {
	file := src.name(name)
	src.dir = path.Dir(file)
	plays, err := src.plays(file, nil)
	if err != nil {
		return nil, err
	}
	return &Playbook{File: name, Plays: plays, source: src}, nil
}

// name is a path as a name in Files.
func (src *Source) name(file string) string {
	if rest, ok := strings.CutPrefix(file, "~/"); ok && src.Home != "" {
		file = src.Home + "/" + rest
	}
	file = path.Clean(file)
	if src.Rooted {
		file = strings.TrimPrefix(file, "/")
	}
	return file
}

// join is a path relative to a folder of Files, unless it is absolute.
func (src *Source) join(dir, file string) string {
	if path.IsAbs(file) || strings.HasPrefix(file, "~/") {
		return src.name(file)
	}
	return path.Join(dir, file)
}

// shown is a name in Files as people write it.
func (src *Source) shown(name string) string {
	if src.Rooted && !path.IsAbs(name) {
		return "/" + name
	}
	return name
}

// shownAll are names in Files, as people write a list of them.
func (src *Source) shownAll(names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = src.shown(name)
	}
	return strings.Join(out, ", ")
}

func (src *Source) exists(name string) bool {
	_, err := fs.Stat(src.Files, name)
	return err == nil
}

func (src *Source) isDir(name string) bool {
	info, err := fs.Stat(src.Files, name)
	return err == nil && info.IsDir()
}

// errNoFile is how a file that is not there is reported.
func noFile(what, name string) error { return fmt.Errorf("%s %s: no such file", what, name) }

// read reads a file, and opens it if all of it is a vault.
func (src *Source) read(what, name string) ([]byte, error) {
	data, err := fs.ReadFile(src.Files, name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, noFile(what, src.shown(name))
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, src.shown(name), err)
	}
	return src.open(what+" "+src.shown(name), data)
}

// open gives the text of data that may be a vault.
func (src *Source) open(what string, data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte("$ANSIBLE_VAULT;")) {
		return data, nil
	}
	if src.Decrypt == nil {
		return nil, fmt.Errorf("%s is encrypted, and no vault password was given (--vault-password-file, --ask-vault-pass)", what)
	}
	text, err := src.Decrypt(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return text, nil
}

// reader begins to read a file.
func (src *Source) reader(name string, role *Role) *reader {
	return &reader{
		file: src.shown(name), from: &File{name, role}, src: src,
		found: &found{}, play: &Play{},
	}
}

// in is a reader of another file that is part of what r reads.
func (r *reader) in(name string, role *Role) *reader {
	sub := *r
	sub.file, sub.from = r.src.shown(name), &File{name, role}
	sub.importers = append(slices.Clone(r.importers), r.from.Path)
	return &sub
}

// plays reads the plays of a file.
func (src *Source) plays(name string, importers []string) ([]Play, error) {
	data, err := src.read("playbook", name)
	if err != nil {
		return nil, err
	}
	r := src.reader(name, nil)
	r.importers = importers
	root := r.document(data)
	var list []*yaml.Node
	if root != nil {
		list = r.list(root, "a playbook")
	}
	if len(list) == 0 && len(r.problems) == 0 && !src.Cloud {
		return nil, emptyPlaybook(src.shown(name), root)
	}
	var plays []Play
	for _, n := range list {
		if imp, ok := r.imported(n); ok {
			more, err := src.follow(imp, append(importers, name), path.Dir(name))
			if err != nil {
				return nil, wrap(imp.where, "", err)
			}
			plays = append(plays, more...)
			continue
		}
		plays = append(plays, r.playOf(n))
	}
	return plays, r.err()
}

// EmptyError says that there is nothing to do in a playbook.
type EmptyError struct{ message string }

// Error is Ansible's message.
func (e *EmptyError) Error() string { return e.message }

func emptyPlaybook(name string, root *yaml.Node) error {
	if root == nil || isNull(root) {
		return &EmptyError{"Empty playbook, nothing to do: " + name}
	}
	return &EmptyError{"A playbook must contain at least one play: " + name}
}

// anImport is `import_playbook: FILE` and what stands with it.
type anImport struct {
	where Position
	file  string
	Keywords
}

// imported recognises an import of a playbook.
func (r *reader) imported(n *yaml.Node) (anImport, bool) {
	n, ok := r.enter(n, 0)
	if !ok || n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		return anImport{}, false
	}
	pairs := r.mapping(n, "a play")
	if !slices.ContainsFunc(pairs, func(p pair) bool { return bare(p.name) == "import_playbook" }) {
		return anImport{}, false
	}
	imp := anImport{where: r.at(n)}
	for _, p := range pairs {
		switch {
		case bare(p.name) == "import_playbook":
			imp.file, _ = r.text(p.value, p.name)
		case !r.common(&imp.Keywords, p, "i"):
			r.unknown(p, "import_playbook", "i")
		}
	}
	return imp, true
}

// follow reads the plays of an imported playbook.
func (src *Source) follow(imp anImport, importers []string, dir string) ([]Play, error) {
	file, err := src.render(imp.file, nil)
	if err != nil {
		return nil, err
	}
	to := src.join(dir, file)
	if slices.Contains(importers, to) || len(importers) > maxImports {
		return nil, fmt.Errorf("playbooks that import each other: %s", to)
	}
	plays, err := src.plays(to, importers)
	if err != nil {
		return nil, err
	}
	for i := range plays {
		plays[i].Tags = append(slices.Clone(imp.Tags), plays[i].Tags...)
		plays[i].Vars = append(slices.Clone(plays[i].Vars), imp.Vars...)
		plays[i].When = append(slices.Clone(imp.When), plays[i].When...)
		for name, s := range imp.Settings {
			if _, ok := plays[i].Settings[name]; !ok {
				plays[i].set(name, s)
			}
		}
	}
	return plays, nil
}

// render renders a name that must be known before any host is: with the
// variables of the command line and those of the play.
func (src *Source) render(text string, vars []Var) (string, error) {
	if !templates.HasTemplate(text) {
		return text, nil
	}
	src.once.Do(func() { src.set = templates.New() })
	sc := scope{set: src.set, extra: src.Extra}
	out, err := sc.with(nil, vars).string(text)
	if err != nil {
		return "", fmt.Errorf("%w (an import is read before any host is known: use an include, or -e)", err)
	}
	return out, nil
}
