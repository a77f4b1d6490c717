package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"eucactl/ordered"
)

// The folders beside an inventory or a playbook that hold variables.
const (
	groupVars = "group_vars"
	hostVars  = "host_vars"
)

// varsFolders are group_vars and host_vars of one place, by group and by host.
type varsFolders struct {
	dir           string
	groups, hosts map[string]varsFile
}

// varsFile is what the files of one group or host say.
type varsFile struct {
	vars   map[string]variable
	locked error // why they could not be decrypted
}

// readFolders reads what group_vars and host_vars in dir say of the groups and
// hosts of the inventory.
func (r *reader) readFolders(dir string) *varsFolders {
	f := &varsFolders{dir, make(map[string]varsFile), make(map[string]varsFile)}
	groups := make([]string, 0, len(r.inv.groups))
	for _, g := range r.inv.groups {
		groups = append(groups, g.Name)
	}
	r.readNames(f, groups, slices.AppendSeq(localNames(), maps.Keys(r.inv.byName)))
	return f
}

func (r *reader) readNames(f *varsFolders, groups, hosts []string) {
	r.readFolder(filepath.Join(f.dir, groupVars), groups, f.groups)
	r.readFolder(filepath.Join(f.dir, hostVars), hosts, f.hosts)
}

func (r *reader) readFolder(dir string, names []string, into map[string]varsFile) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		r.problems.add(Position{dir, 1}, "%v", err)
		return
	}
	there := make(map[string]bool, len(entries))
	for _, e := range entries {
		there[e.Name()] = true
	}
	for _, name := range names {
		var found []string
		for _, ending := range append([]string{""}, yamlEndings()...) {
			if there[name+ending] {
				found = append(found, filepath.Join(dir, name+ending))
			}
		}
		if len(found) == 0 {
			continue
		}
		for _, more := range found[1:] {
			r.note(Position{more, 1}, "this is not read, as in Ansible: there is %s", found[0])
		}
		into[name] = r.readVars(found[0])
	}
}

// readVars reads a file of variables, or a folder of them in the order of their
// names, of which the later one counts.
func (r *reader) readVars(path string) varsFile {
	out := varsFile{vars: make(map[string]variable)}
	for _, file := range r.varsFilesIn(path, 0) {
		if err := r.readVarsFile(file, out.vars); err != nil && out.locked == nil {
			out.locked = err
		}
		if r.hostVars += len(out.vars); r.hostVars > maxVariables {
			r.stop("files of variables have more than %d in all", maxVariables)
			break
		}
	}
	return out
}

func (r *reader) varsFilesIn(path string, depth int) []string {
	at := Position{path, 1}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return []string{path}
	}
	var entries []fs.DirEntry
	if err == nil {
		entries, err = os.ReadDir(path)
	}
	if err == nil && depth > maxFolders {
		err = fmt.Errorf("folders are nested more than %d deep", maxFolders)
	}
	if err != nil {
		r.problems.add(at, "%v", err)
		return nil
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		ext := filepath.Ext(strings.TrimLeft(name, "."))
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || ext != "" && !slices.Contains(yamlEndings(), ext) {
			continue
		}
		inside := r.varsFilesIn(filepath.Join(path, name), depth+1)
		if ext != "" && (len(inside) != 1 || inside[0] != filepath.Join(path, name)) {
			continue // a folder with an ending is none of variables
		}
		files = append(files, inside...)
	}
	return files
}

// readVarsFile adds the variables of one file. The error says why it stays locked.
func (r *reader) readVarsFile(path string, into map[string]variable) error {
	at := Position{path, 1}
	data, err := readFile(path)
	if err != nil {
		r.problems.add(at, "%v", err)
		return nil
	}
	sealed := isSealed(data)
	if sealed {
		if data, err = unseal(data, r.decrypt); err != nil {
			return fmt.Errorf("%s: this file is encrypted: %w", at, err)
		}
	}
	r.document = r.newDocument(path)
	root, ok := r.document.lenientRoot(data)
	if !ok || root == nil || isNull(root) {
		return nil
	}
	root = target(root)
	if root.Kind != yaml.MappingNode {
		r.problems.add(r.document.at(root), "a file of variables is a mapping of names to values, not %s", nodeKind(root))
		return nil
	}
	for _, p := range r.document.variables(root, 0) {
		if v, ok := r.variable(p); ok {
			into[p.key] = v
			if sealed {
				r.inv.secrets = append(r.inv.secrets, wordsIn(v.value)...)
			}
		}
	}
	return nil
}

// wordsIn lists the words and numbers in a value, however deep.
func wordsIn(v any) (words []string) {
	switch v.(type) {
	case string, Unsafe, int64, float64:
		return []string{fmt.Sprint(v)}
	}
	ordered.Each(v, func(_ string, item any) { words = append(words, wordsIn(item)...) })
	return words
}

// mergeUsers merges the variables of a host in the order that Ansible documents,
// the later winning: the inventory's for groups; group_vars/all beside the
// inventory, beside the playbook; group_vars/* likewise; the inventory's for the
// host; host_vars beside the inventory, beside the playbook.
func (r *reader) mergeUsers(h *Host, groups []*Group) {
	h.begin(groups)
	places := r.beside
	if r.play != nil {
		places = append(slices.Clip(places), r.play)
	}
	for _, part := range [][]*Group{groups[:1], groups[1:]} { // all comes first
		for _, place := range places {
			for _, g := range part {
				h.take(place.groups[g.Name])
			}
		}
	}
	maps.Copy(h.merged, h.own)
	for _, place := range places {
		h.take(place.hosts[h.Name])
	}
	h.finish()
}

func (h *Host) take(f varsFile) {
	maps.Copy(h.merged, f.vars)
	if h.locked == nil {
		h.locked = f.locked
	}
}
