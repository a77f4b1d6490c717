package inventory

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// readINI reads Ansible's INI form. Like Ansible it goes through the lines once:
// what stands before the first section is in no group.
func (r *reader) readINI(data []byte) {
	ini := &iniFile{reader: r, group: r.inv.byGroup[ungroupedGroup], kind: "hosts", pending: make(map[string]*pendingGroup)}
	for i, line := range pythonLines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		at := Position{r.document.file, i + 1}
		if !utf8.ValidString(line) {
			r.problems.add(at, "this line is not UTF-8")
			continue
		}
		if r.full {
			return
		}
		ini.line(line, at)
	}
	ini.end()
}

// pythonLines cuts a text into lines where Python does: not only at newlines.
func pythonLines(text string) []string {
	ends := []string{"\r\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\u0085", "\u2028", "\u2029"}
	var pairs []string
	for _, end := range ends {
		pairs = append(pairs, end, "\n")
	}
	return strings.Split(strings.NewReplacer(pairs...).Replace(text), "\n")
}

// iniFile is where the reader of one INI file stands.
type iniFile struct {
	*reader
	group   *Group // nil: the section is bad, and so is what stands in it
	kind    string // hosts, vars or children
	pending map[string]*pendingGroup
	order   []string // of pending, as met
}

// pendingGroup is a group that was mentioned and has no section yet.
type pendingGroup struct {
	at      Position
	parents []*Group // that have it below [parent:children]; none for [name:vars]
}

var (
	sectionExpr   = regexp.MustCompile(`^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$`)
	childNameExpr = regexp.MustCompile(`^([^:\]\s]+)\s*(?:#.*)?$`)
)

func (f *iniFile) line(line string, at Position) {
	if m := sectionExpr.FindStringSubmatch(line); m != nil {
		f.section(m[1], m[2], at)
		return
	}
	if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
		f.problems.add(at, "%s is not a section; it is [group], [group:children] or [group:vars], without blanks", shown(line))
		f.group = nil
		return
	}
	if f.group == nil {
		return
	}
	switch f.kind {
	case "hosts":
		f.hostLine(line, at)
	case "vars":
		f.varLine(line, at)
	case "children":
		f.childLine(line, at)
	}
}

// section begins a section. [x] and [x:children] make the group; [x:vars] only if
// one of these comes as well.
func (f *iniFile) section(name, kind string, at Position) {
	if f.kind = kind; kind == "" {
		f.kind = "hosts"
	}
	if f.kind != "hosts" && f.kind != "vars" && f.kind != "children" {
		f.problems.add(at, "a section [%s:%s] is not known; it is [group], [group:children] or [group:vars]%s",
			name, kind, didYouMean(kind, []string{"vars", "children", "hosts"}))
		f.group = nil
		return
	}
	_, known := f.inv.byGroup[name]
	if f.kind == "vars" && !known {
		f.await(name, at)
	}
	if f.group = f.namedGroup(name, at); f.group == nil {
		return
	}
	if p := f.pending[name]; p != nil && f.kind != "vars" {
		for _, parent := range p.parents {
			f.addChild(parent, f.group, at)
		}
		delete(f.pending, name)
	}
}

func (f *iniFile) await(name string, at Position) *pendingGroup {
	p := f.pending[name]
	if p == nil {
		p = &pendingGroup{at: at}
		f.pending[name], f.order = p, append(f.order, name)
	}
	return p
}

func (f *iniFile) childLine(line string, at Position) {
	m := childNameExpr.FindStringSubmatch(line)
	if m == nil {
		f.problems.add(at, "%s is not the name of a group; below [%s:children] stands one a line", shown(line), f.group.Name)
		return
	}
	if g, known := f.inv.byGroup[m[1]]; known {
		f.addChild(f.group, g, at)
		return
	}
	p := f.await(m[1], at)
	p.parents = append(p.parents, f.group)
}

// end complains about groups that have no section of their own.
func (f *iniFile) end() {
	for _, name := range f.order {
		p := f.pending[name]
		switch {
		case p == nil:
		case len(p.parents) > 0:
			f.problems.add(p.at, "[%s:children] has the group %s, which has no section; write [%s] even if it is empty", p.parents[0].Name, shown(name), name)
		default:
			f.problems.add(p.at, "[%s:vars] is for the group %s, which has no section; write [%s] even if it is empty", name, name, name)
		}
	}
}

// varLine reads a line below [group:vars].
func (f *iniFile) varLine(line string, at Position) {
	name, text, found := strings.Cut(line, "=")
	if !found {
		f.problems.add(at, "%s is no variable; below [%s:vars] stands name=value", shown(line), f.group.Name)
		return
	}
	if v, ok := f.assigned(strings.TrimSpace(name), strings.TrimSpace(text), at); ok {
		f.setGroupVar(f.group, v.name, v.variable)
	}
}

func (f *iniFile) assigned(name, text string, at Position) (namedVariable, bool) {
	if name == "" {
		f.problems.add(at, "a variable has no name: %s", shown("="+text))
		return namedVariable{}, false
	}
	value, err := iniValue(text)
	if err != nil {
		f.problems.add(at, "%s: %v", name, err)
		return namedVariable{}, false
	}
	if word, ok := value.(string); ok && strings.HasPrefix(word, vaultHeader) {
		f.problems.add(at, "%s: an encrypted value does not fit into an INI inventory; put it into group_vars or host_vars with !vault", name)
		return namedVariable{}, false
	}
	return namedVariable{name, f.taken(name, value, at)}, true
}

// hostLine reads a line with a host, or a range of them, and variables.
func (f *iniFile) hostLine(line string, at Position) {
	words, err := shellWords(line)
	if err != nil {
		f.problems.add(at, "%v", err)
		return
	}
	names, port, err := f.expand(words[0])
	if err != nil {
		f.problems.add(at, "%v", err)
		return
	}
	var vars []namedVariable
	for _, w := range words[1:] {
		name, text, found := strings.Cut(w, "=")
		if !found {
			f.problems.add(at, "%s is no variable; behind a host stands name=value, and a value with blanks in quotes", shown(w))
			return
		}
		v, ok := f.assigned(name, text, at)
		if !ok {
			return
		}
		vars = append(vars, v)
	}
	f.addHosts(f.group, names, port, at, vars)
}
