package inventory

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// Eucalyptus is an installation of Eucalyptus 1.5 or 2.0 with one cluster: its
// eucalyptus.conf files, and what these do not say.
type Eucalyptus struct {
	Frontend []ConfFile // the frontend's; what a later one sets replaces what an earlier one sets
	Nodes    []ConfFile // the nodes'; without any, the frontend's count for them
	Host     NamedHost  // the frontend; without a name it is called frontend
	Hosts    []NamedHost
	Cluster  string // "" is DefaultCluster
	User     string // the SSH user; "" is root
}

// NamedHost is a host and where it is reached; without an address, by its name.
type NamedHost struct{ Name, Address string }

// Imported is an inventory made from eucalyptus.conf files.
type Imported struct {
	YAML      []byte
	Notes     []string // what was left out, taken from elsewhere or looks odd
	Inventory *Inventory
}

// importer makes an inventory from eucalyptus.conf files. It writes the inventory
// and has it read by the same reader that reads all others, which knows each line's
// origin: so the complaints are about the lines of eucalyptus.conf, and what comes
// out is an inventory. Where something is wrong it goes on with what was probably
// meant, so that one run tells everything.
type importer struct {
	Eucalyptus
	vocabulary confVocabulary
	problems   problems
	notes      problems
	files      map[string]int // the order in which files are told about
	guessed    bool           // something wrong was replaced by what was probably meant

	frontend *conf
	nodes    *conf            // of all nodes; nil if there is none
	own      map[string]*conf // of single nodes
	mode     Mode
	hosts    []importHost
}

// Import turns eucalyptus.conf files into an inventory. Its error is of type Errors
// if it is about them: all that is wrong, in the order of the lines.
func Import(from Eucalyptus) (*Imported, error) {
	im := &importer{Eucalyptus: from, vocabulary: newConfVocabulary(), files: make(map[string]int), own: make(map[string]*conf)}
	if err := im.checkHosts(); err != nil {
		return nil, err
	}
	im.readConfs()
	var out *Imported
	if im.chooseMode() {
		im.findHosts()
		im.noteUnused()
		im.checkNodes()
		out = im.write()
	} else {
		im.checkValues()
	}
	im.forget()
	if err := im.err(); err != nil {
		return nil, err
	}
	if im.guessed || out == nil {
		return nil, fmt.Errorf("%s: something is wrong in it that could not be said", im.frontend.name)
	}
	out.Notes = im.sorted(im.notes.list)
	if im.notes.more > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("and %d more", im.notes.more))
	}
	return out, nil
}

// readConfs reads all files.
func (im *importer) readConfs() {
	im.frontend = im.newConf("frontend", "")
	for _, f := range im.Frontend {
		im.frontend.read(f)
	}
	for _, f := range im.Eucalyptus.Nodes {
		if f.Node != "" {
			if im.own[f.Node] == nil {
				im.own[f.Node] = im.newConf("node "+f.Node, f.Node)
			}
			im.own[f.Node].read(f)
			continue
		}
		if im.nodes == nil {
			im.nodes = im.newConf("nodes", "")
		}
		im.nodes.read(f)
	}
}

// confs are all that were read, the frontend's first.
func (im *importer) confs() []*conf {
	list := []*conf{im.frontend}
	if im.nodes != nil {
		list = append(list, im.nodes)
	}
	for _, f := range im.Eucalyptus.Nodes {
		if c := im.own[f.Node]; f.Node != "" && !c.listed(list) {
			list = append(list, c)
		}
	}
	return list
}

func (c *conf) listed(list []*conf) bool {
	for _, one := range list {
		if one == c {
			return true
		}
	}
	return false
}

func (im *importer) note(at Position, format string, args ...any) { im.notes.add(at, format, args...) }

// wrong is a problem that the importer goes on after with what was probably meant.
func (im *importer) wrong(at Position, format string, args ...any) {
	im.guessed = true
	im.problems.add(at, format, args...)
}

// forget drops what the reader says to be missing where that was complained about
// already, and adds where it may be found.
func (im *importer) forget() {
	var kept []Error
	for _, e := range im.problems.list {
		m := missingExpr.FindStringSubmatch(e.Message)
		if m == nil {
			kept = append(kept, e)
			continue
		}
		names := []string{m[1]}
		if m[1] == "VNET_INTERFACE" {
			names = append(names, "VNET_PUBINTERFACE", "VNET_PRIVINTERFACE")
		}
		if im.frontend.complained(names) {
			continue
		}
		e.Message += im.frontend.whereabouts(names)
		kept = append(kept, e)
	}
	im.problems.list = kept
}

var missingExpr = regexp.MustCompile(`^\S+ of frontend \S+ needs (VNET_[A-Z]+)\b.*, which is missing$`)

// tell takes over the reader's complaints, in the words of eucalyptus.conf. Those
// about the inventory as a whole have no line there.
func (im *importer) tell(list []Error) {
	for _, e := range list {
		if _, known := im.files[e.Where.File]; !known {
			e.Where = im.frontend.at("NODES")
		}
		im.problems.add(e.Where, "%s", im.inConfWords(e.Message))
	}
}

var variableWordExpr = regexp.MustCompile(`\b(vnet_[a-z]+|node_cores|node_memory|node_disk|hypervisor)\b`)

func (im *importer) inConfWords(message string) string {
	names := make(map[string]string)
	for _, s := range im.vocabulary.settings {
		names[s.variable] = s.name
	}
	return variableWordExpr.ReplaceAllStringFunc(message, func(w string) string {
		if name, ok := names[w]; ok {
			return name
		}
		return w
	})
}

// before says whether one place is told about before another.
func (im *importer) before(a, b Position) bool {
	if x, y := im.files[a.File], im.files[b.File]; x != y {
		return x < y
	}
	return a.Line < b.Line
}

func (im *importer) err() error {
	if im.problems.none() {
		return nil
	}
	sort.SliceStable(im.problems.list, func(i, j int) bool {
		return im.before(im.problems.list[i].Where, im.problems.list[j].Where)
	})
	return &Errors{List: im.problems.list, More: im.problems.more}
}

func (im *importer) sorted(list []Error) []string {
	sort.SliceStable(list, func(i, j int) bool { return im.before(list[i].Where, list[j].Where) })
	var out []string
	for _, e := range list {
		out = append(out, e.Error())
	}
	return out
}

// checkHosts checks the names and addresses that come from outside of the files.
func (im *importer) checkHosts() error {
	if len(im.Frontend) == 0 {
		return fmt.Errorf("no eucalyptus.conf of the frontend to import")
	}
	seen := make(map[string]bool)
	for i, h := range append([]NamedHost{im.Host}, im.Hosts...) {
		role := "node"
		if i == 0 {
			role = "frontend"
		}
		if i == 0 && h == (NamedHost{}) {
			continue
		}
		if err := checkHostName(h.Name); err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
		if err := checkAddress(h.Address); h.Address != "" && err != nil {
			return fmt.Errorf("%s %s: %w", role, h.Name, err)
		}
		if i > 0 && seen[h.Name] {
			return fmt.Errorf("node %s is named twice", h.Name)
		}
		seen[h.Name] = i > 0
	}
	if err := checkCluster(im.Cluster); im.Cluster != "" && err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	if err := checkUser(im.User); im.User != "" && err != nil {
		return fmt.Errorf("user: %w", err)
	}
	return nil
}

// chooseMode takes VNET_MODE of the frontend, or what it was probably meant to be.
func (im *importer) chooseMode() bool {
	a, ok := im.frontend.modeSetting()
	if !ok {
		return false
	}
	im.mode, ok = im.readMode(a)
	return ok
}

// readMode reads a mode; after a slip it goes on with the mode meant.
func (im *importer) readMode(a assignment) (Mode, bool) {
	mode, err := parseMode(a.value)
	if err == nil {
		return mode, true
	}
	im.wrong(a.at, "%s: %v", a.name, err)
	mode = meantMode(a.value)
	return mode, mode != ""
}

// checkValues checks each value by itself: without a mode there is nothing more to
// be said.
func (im *importer) checkValues() {
	parse := make(map[string]setting)
	for _, s := range settings() {
		parse[s.name] = s
	}
	for i, c := range im.confs() {
		if a, ok := c.modeSetting(); ok && i > 0 {
			im.readMode(a)
		}
		for _, a := range c.sorted() {
			s, known := im.vocabulary.settings[a.name]
			if !known || s.variable == "" || a.name == "VNET_MODE" || s.form == asNumber || im.means(s, a) == "" {
				continue
			}
			_, err := parseSetting(parse[s.variable], strings.TrimSpace(a.value))
			for _, one := range eachError(err) {
				im.problems.add(a.placeOf(one), "%s: %v", a.name, one)
			}
		}
	}
}

// quoted is a setting as it is written in eucalyptus.conf.
func quoted(name, value string) string { return name + "=" + shown(strings.TrimSpace(value)) }
