package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Sources are what the inventory of users' playbooks is read from.
type Sources struct {
	Paths       []string // of -i: files, folders, and lists of hosts like "web1,web2,"
	PlaybookDir string   // whose group_vars and host_vars count too; "" is none

	// Decrypt opens what ansible-vault encrypted. Without it (no password was given)
	// values are sealed, and hosts with encrypted files of variables are locked.
	Decrypt func(ciphertext []byte) (plain []byte, err error)
}

// Open reads the inventory of users' playbooks: everything that Ansible reads of
// files, with the same meaning, whatever the cloud would want of it (that is for
// Load). Programs and plugins are refused. The error is of type *Errors.
func Open(s Sources) (*Inventory, error) {
	r := newUsersReader(strings.Join(s.Paths, " "), s.Decrypt)
	for _, path := range s.Paths {
		r.readSource(path)
	}
	return r.finishUsers(s)
}

func newUsersReader(name string, decrypt func([]byte) ([]byte, error)) *reader {
	r := newReader(name)
	r.lenient, r.decrypt, r.problems.byFile = true, decrypt, true
	return r
}

// finishUsers makes the inventory of what was read, and of the variables beside it.
func (r *reader) finishUsers(s Sources) (*Inventory, error) {
	r.finishGroups()
	r.checkGroupNames()
	if err := r.problems.err(); err != nil {
		return nil, err
	}
	read := make(map[string]*varsFolders)
	folders := func(dir string) *varsFolders {
		dir = filepath.Clean(dir)
		if read[dir] == nil {
			read[dir] = r.readFolders(dir)
		}
		return read[dir]
	}
	for _, path := range s.Paths {
		if dir := besideSource(path); dir != "" {
			r.beside = append(r.beside, folders(dir))
		}
	}
	if s.PlaybookDir != "" {
		r.play = folders(s.PlaybookDir)
	}
	r.inv.implicit = implicitHosts(r.inv)
	r.inv.users = r.places()
	r.mergeAll()
	if err := r.problems.err(); err != nil {
		return nil, err
	}
	return r.inv, nil
}

// isHostList says whether a source is a list of hosts and no path.
func isHostList(path string) bool {
	_, err := os.Lstat(path)
	return err != nil && strings.Contains(path, ",")
}

// besideSource is the folder in which group_vars and host_vars of a source are.
func besideSource(path string) string {
	switch info, err := os.Stat(path); {
	case err != nil:
		return ""
	case info.IsDir():
		return path
	}
	return filepath.Dir(path)
}

func (r *reader) readSource(path string) {
	at := Position{path, 1}
	if isHostList(path) {
		r.readHostList(path, at)
		return
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.problems.add(at, "no such inventory; a list of hosts has a comma in it, also of one: %s,", path)
	case err != nil:
		r.problems.add(at, "inventory: %v", err)
	case info.IsDir():
		r.readDirectory(path, 0)
	default:
		r.readFile(path)
	}
}

// readHostList reads "web1,web2:2222,db[1:3],".
func (r *reader) readHostList(list string, at Position) {
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		names, port, err := r.expand(word)
		if err != nil {
			r.problems.add(at, "%v", err)
			continue
		}
		r.addHosts(r.inv.byGroup[ungroupedGroup], names, port, at, nil)
	}
}

// ignoredEndings are those of files that Ansible does not read in a folder. A
// file named by -i itself is read whatever it is called.
func ignoredEndings() []string {
	return []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"}
}

// inDirectory says whether a name in a folder is that of an inventory.
func inDirectory(name string) bool {
	others := []string{groupVars, hostVars, "vars_plugins"}
	ignored := slices.ContainsFunc(ignoredEndings(), func(end string) bool { return strings.HasSuffix(name, end) })
	return !strings.HasPrefix(name, ".") && !slices.Contains(others, name) && !ignored
}

// readDirectory reads the inventories in a folder and the folders in it, in the
// order of their names.
func (r *reader) readDirectory(path string, depth int) {
	entries, err := os.ReadDir(path)
	if err != nil {
		r.problems.add(Position{path, 1}, "inventory: %v", err)
		return
	}
	if depth > maxFolders {
		r.problems.add(Position{path, 1}, "folders are nested more than %d deep", maxFolders)
		return
	}
	for _, e := range entries {
		if !inDirectory(e.Name()) {
			continue
		}
		name := filepath.Join(path, e.Name())
		switch info, err := os.Stat(name); {
		case err != nil:
			r.problems.add(Position{name, 1}, "inventory: %v", err)
		case info.IsDir():
			r.readDirectory(name, depth+1)
		default:
			r.readFile(name)
		}
	}
}

// maxFolders is how deep folders may lie in each other; a link can lead back.
const maxFolders = 20

// readFile reads one inventory file of a user's: YAML or JSON where it looks so,
// else Ansible's INI form.
func (r *reader) readFile(path string) {
	at := Position{path, 1}
	data, err := readFile(path)
	if err != nil {
		r.problems.add(at, "%v", err)
		return
	}
	if isSealed(data) {
		if data, err = unseal(data, r.decrypt); err != nil {
			r.problems.add(at, "this inventory is encrypted: %v", err)
			return
		}
	}
	r.readData(path, data)
}

func (r *reader) readData(path string, data []byte) {
	at := Position{path, 1}
	r.document = r.newDocument(path)
	data, ok := r.document.text(data)
	switch {
	case !ok:
	case strings.HasPrefix(string(data), "#!"):
		r.problems.add(at, "this is a program; programs are not run to make an inventory: write down what it finds: ansible-inventory -i %s --list --yaml --export", path)
	case filepath.Ext(path) == ".toml":
		r.problems.add(at, "TOML is not read; convert it: ansible-inventory -i %s --list --yaml --export", path)
	case strings.IndexByte(string(data), 0) >= 0:
		r.problems.add(at, "this is no text")
	case isYAML(path, data):
		if root, ok := r.document.lenientRoot(data); ok && root != nil {
			r.readTop(root)
		}
	default:
		r.readINI(data)
	}
}

// newDocument is a YAML file of a user's.
func (r *reader) newDocument(path string) *document {
	return &document{file: path, problems: r.problems, lenient: true, note: r.note, decrypt: r.decrypt}
}

// isYAML tells YAML from INI. Ansible tries both where the name allows it; so that
// errors are about what the file is meant to be, its first line decides then.
func isYAML(path string, data []byte) bool {
	ext := filepath.Ext(strings.TrimLeft(filepath.Base(path), "."))
	named := slices.Contains(yamlEndings(), ext)
	if ext != "" && !named || iniSection.Match(data) {
		return false
	}
	if json.Valid(data) || yamlStart.Match(data) {
		return true
	}
	switch node, err := decodeOne(data); {
	case err != nil:
		return named && len(bytes.TrimSpace(data)) > 0
	case target(node).Kind == yaml.SequenceNode:
		return named
	default:
		return target(node).Kind == yaml.MappingNode
	}
}

// yamlStart is a first line that is YAML's or JSON's: ---, a key, or a bracket.
var yamlStart = regexp.MustCompile(`\A(?:\s*#.*\n|\s*\n)*(?:---|[ \t]*[^\s\[=:]+:[ \t]*(?:#.*)?(?:\n|\z)|\s*[{])`)

func yamlEndings() []string { return []string{".yml", ".yaml", ".json"} }
