package playbooks

import (
	"io/fs"
	"maps"

	"eucactl/templates"
)

// setOf is how the templates of a file's steps are rendered: they find templates
// and files where Ansible looks for those of the file's role and of the playbook.
func (src *Source) setOf(from *File) *templates.Set {
	src.mu.Lock()
	defer src.mu.Unlock()
	key := ""
	if from != nil {
		key = from.Path
		if from.Role != nil {
			key += "\x00" + from.Role.Dir
		}
	}
	if set := src.sets[key]; set != nil {
		return set
	}
	if src.sets == nil {
		src.sets = map[string]*templates.Set{}
	}
	src.sets[key] = src.newSet(from)
	return src.sets[key]
}

func (src *Source) newSet(from *File) *templates.Set {
	o := src.Reach
	look := fileLookups{src, from}
	o.Lookups = map[string]templates.Lookup{
		"fileglob": look.glob, "first_found": look.firstFound, "file": look.content, "unvault": look.content,
	}
	if src.hostnames != nil {
		o.Lookups["inventory_hostnames"] = src.hostnames
	}
	maps.Copy(o.Lookups, src.Reach.Lookups)
	layers := src.layers(from, "templates")
	if src.Rooted {
		o.Root = src.Files
	}
	o.Files = src.layers(from, "files")
	return templates.NewWith(o, append(layers, src.Files)...)
}

// layers are the folders in which files of a kind are looked for.
func (src *Source) layers(from *File, kind string) []fs.FS {
	var out []fs.FS
	for _, dir := range src.places(from, kind, ".") {
		if sub, err := fs.Sub(src.Files, dir); err == nil && src.isDir(dir) {
			out = append(out, sub)
		}
	}
	return out
}
