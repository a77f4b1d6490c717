package host

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// tree is a file system, by path. Its files are values: who writes makes a new one.
type tree map[string]*file

type file struct {
	dir   bool
	link  string // of a symbolic link, where it leads
	data  string
	blank int // how long it is said to be, of one whose content nobody has
	mode  int
	owner string // user:group
}

func newTree() tree {
	t := tree{"/": {dir: true, mode: 0o755, owner: "root:root"}}
	for _, dir := range []string{"/etc", "/run", "/tmp", "/root", "/home", "/srv", "/opt", "/var/lib", "/var/log"} {
		t.mkdirAll(dir, 0o755)
	}
	return t
}

func dirOf(name string) string { return path.Dir(name) }

func base(name string) string { return path.Base(name) }

// at follows links, a few of them.
func (t tree) at(name string) *file {
	f := t[name]
	for range 8 {
		if f == nil || f.link == "" {
			return f
		}
		if !strings.HasPrefix(f.link, "/") {
			name = path.Join(dirOf(name), f.link)
		} else {
			name = f.link
		}
		f = t[name]
	}
	return nil
}

func (t tree) exists(name string) bool { return t.at(name) != nil }

func (t tree) isDir(name string) bool { f := t.at(name); return f != nil && f.dir }

func (t tree) isFile(name string) bool { f := t.at(name); return f != nil && !f.dir }

func (t tree) isLink(name string) bool { f := t[name]; return f != nil && f.link != "" }

func (t tree) read(name string) (string, bool) {
	if f := t.at(name); f != nil && !f.dir {
		return f.data, true
	}
	return "", false
}

// firstLine is what the shell's read takes from a file, "" if there is none.
func (t tree) firstLine(name string) string {
	text, _ := t.read(name)
	line, _, _ := strings.Cut(text, "\n")
	return strings.Trim(line, " \t")
}

// put writes a file in an existing folder, false if there is none. An existing
// file keeps its mode and owner.
func (t tree) put(name, data string, mode int) bool {
	if !t.isDir(dirOf(name)) || t.isDir(name) {
		return false
	}
	owner := "root:root"
	if old := t[name]; old != nil {
		mode, owner = old.mode, old.owner
	}
	t[name] = &file{data: data, mode: mode, owner: owner}
	return true
}

// size of a file, -1 if there is none.
func (t tree) size(name string) int {
	f := t.at(name)
	if f == nil || f.dir {
		return -1
	}
	return max(f.blank, len(f.data))
}

// own sets mode and owner.
func (t tree) own(name string, mode int, owner string) {
	f := *t[name]
	f.mode, f.owner = mode, owner
	t[name] = &f
}

// canMake tells whether mkdir -p would work: no file is in the way.
func (t tree) canMake(name string) bool {
	for name != "/" {
		if f := t.at(name); f != nil {
			return f.dir
		}
		name = dirOf(name)
	}
	return true
}

func (t tree) mkdirAll(name string, mode int) {
	for ; name != "/" && t.at(name) == nil; name = dirOf(name) {
		t[name] = &file{dir: true, mode: mode, owner: "root:root"}
	}
}

// rename moves a file or, with what is in it, a folder.
func (t tree) rename(from, to string) {
	t[to] = t[from]
	delete(t, from)
	if !t[to].dir {
		return
	}
	for name := range maps.Clone(t) {
		if below, ok := strings.CutPrefix(name, from+"/"); ok {
			t[to+"/"+below] = t[name]
			delete(t, name)
		}
	}
}

func (t tree) remove(name string) { delete(t, name) }

func (t tree) removeAll(name string) {
	f := t[name]
	delete(t, name)
	if f != nil && f.dir {
		t.removeBelow(name)
	}
}

func (t tree) removeBelow(name string) {
	for other := range t {
		if strings.HasPrefix(other, name+"/") {
			delete(t, other)
		}
	}
}

// children are the paths in a folder, in order.
func (t tree) children(dir string) (names []string) {
	for name := range t {
		if len(name) > len(dir)+1 && name[:len(dir)] == dir && name[len(dir)] == '/' && strings.IndexByte(name[len(dir)+1:], '/') < 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// twoBelow are the folders two levels below dir, in order: DIR/*/*.
func (t tree) twoBelow(dir string) (names []string) {
	for name, f := range t {
		below, ok := strings.CutPrefix(name, dir+"/")
		if ok && f.dir && strings.Count(below, "/") == 1 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
