package inventory

import (
	"fmt"
	"sort"
	"strings"
)

// conf is what the eucalyptus.conf files of one kind of host say together.
type conf struct {
	im        *importer
	what      string // whose they are
	node      string // of a single node's: its name
	name      string // of the last file
	set       map[string]assignment
	empty     map[string]Position
	commented map[string][]assignment
	failed    map[string]bool // names that were complained about
	home      *string
}

func (im *importer) newConf(what, node string) *conf {
	return &conf{
		im: im, what: what, node: node,
		set: make(map[string]assignment), empty: make(map[string]Position),
		commented: make(map[string][]assignment), failed: make(map[string]bool),
	}
}

// read takes in one more file, whose settings win over those read before.
func (c *conf) read(f ConfFile) {
	if _, known := c.im.files[f.Name]; !known {
		c.im.files[f.Name] = len(c.im.files)
	}
	c.name = f.Name
	r := readConf(f, c.home, &c.im.problems)
	c.home = r.home
	if r.windows {
		c.im.note(Position{f.Name, 1}, "the lines end as Windows ends them; a shell would take the carriage returns for part of the values")
	}
	for name := range r.failed {
		c.failed[name] = true
	}
	for _, a := range r.commented {
		c.commented[a.name] = append(c.commented[a.name], a)
	}
	first := make(map[string]assignment)
	for _, a := range r.set {
		if a, ok := c.named(a, first); ok {
			c.take(a, first)
		}
	}
}

// named gives an assignment its right name; false if it has none.
func (c *conf) named(a assignment, first map[string]assignment) (assignment, bool) {
	v := c.im.vocabulary
	if v.known(a.name) {
		return a, true
	}
	meant := v.meant(a.name)
	switch {
	case meant != "":
		c.im.wrong(a.at, "unknown setting %s; did you mean %s?", a.name, meant)
	case strings.HasPrefix(strings.ToUpper(a.name), "VNET_"):
		c.im.wrong(a.at, "unknown setting %s; the network's settings are %s", a.name, strings.Join(v.vnet, ", "))
	default:
		c.im.note(a.at, "%s has no effect: no setting of that name is known", a.name)
	}
	_, again := first[meant]
	a.name = meant
	return a, meant != "" && !again
}

// take keeps an assignment, and complains if the file says two things.
func (c *conf) take(a assignment, first map[string]assignment) {
	before, again := first[a.name]
	same := strings.Join(splitWords(before.value), " ") == strings.Join(splitWords(a.value), " ")
	if again && !same {
		c.im.wrong(a.at, "%s is set again, to %s; %s has %s, and a shell takes the last: keep one", a.name, shown(a.value), before.at, shown(before.value))
		return
	}
	first[a.name] = a
	if err := placeholder(a.value); err != nil && c.im.vocabulary.useless[a.name] == "" {
		c.im.wrong(a.at, "%s: %v", a.name, err)
		c.failed[a.name] = true
		return
	}
	old, replaced := c.set[a.name]
	if replaced && old.at.File != a.at.File && strings.TrimSpace(old.value) != strings.TrimSpace(a.value) {
		c.im.note(a.at, "%s replaces that of %s", quoted(a.name, a.value), old.at)
	}
	if strings.TrimSpace(a.value) == "" {
		c.empty[a.name] = a.at
		delete(c.set, a.name)
		return
	}
	c.set[a.name] = a
}

// sorted are the settings in the order of the files.
func (c *conf) sorted() []assignment {
	var list []assignment
	for _, a := range c.set {
		list = append(list, a)
	}
	sort.Slice(list, func(i, j int) bool { return c.im.before(list[i].at, list[j].at) })
	return list
}

// word is the value of a setting that is one word; "" if it is not set.
func (c *conf) word(name string) string { return strings.TrimSpace(c.set[name].value) }

// at is where a setting is, or else where VNET_MODE is, or else the file.
func (c *conf) at(name string) Position {
	for _, n := range []string{name, "VNET_MODE"} {
		if a, ok := c.set[n]; ok {
			return a.at
		}
	}
	return Position{c.name, 1}
}

// complained says whether one of the settings was complained about.
func (c *conf) complained(names []string) bool {
	for _, n := range names {
		if c.failed[n] {
			return true
		}
	}
	return false
}

// whereabouts says where a setting that is missing is all but there.
func (c *conf) whereabouts(names []string) string {
	for _, n := range names {
		if at, ok := c.empty[n]; ok {
			return fmt.Sprintf("; %s has it empty", at)
		}
		for _, a := range c.commented[n] {
			if placeholder(a.value) == nil && a.value != "" {
				return fmt.Sprintf("; %s has %s commented out", a.at, quoted(n, a.value))
			}
		}
	}
	return ""
}

// modeSetting is VNET_MODE, which every file has to have.
func (c *conf) modeSetting() (assignment, bool) {
	const name = "VNET_MODE"
	if a, ok := c.set[name]; ok {
		return a, true
	}
	if c.failed[name] {
		return assignment{}, false
	}
	hint := c.whereabouts([]string{name})
	if n := len(c.commented[name]); n > 1 {
		hint = "; " + c.commented[name][0].at.String() + " and others have it commented out: remove the # of the one that is meant"
	} else if n == 1 && hint != "" {
		hint += ": remove the # if that is meant"
	}
	c.im.wrong(Position{c.name, 1}, "VNET_MODE is not set in the file of the %s; it is one of %s%s", c.what, joined(modes()), hint)
	return assignment{}, false
}
