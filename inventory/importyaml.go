package inventory

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// yamlLines are the lines of an inventory that is being written, and where each
// comes from.
type yamlLines struct {
	text    strings.Builder
	count   int
	origins map[int]Position
}

func (y *yamlLines) add(at Position, indent int, format string, args ...any) {
	y.count++
	y.origins[y.count] = at
	fmt.Fprintf(&y.text, "%s%s\n", strings.Repeat("  ", indent), fmt.Sprintf(format, args...))
}

var plainExpr = regexp.MustCompile(`^[A-Za-z0-9/][A-Za-z0-9/_.:=-]*$`)

// yamlWord writes a word so that every reader of YAML takes it for one.
func yamlWord(s string) string {
	if plainExpr.MatchString(s) && !strings.HasSuffix(s, ":") && resolvePlain(s).kind == scalarString {
		return s
	}
	return strconv.Quote(s)
}

// write writes the inventory and has it read. A nil result means that it was
// refused.
func (im *importer) write() *Imported {
	y := &yamlLines{origins: make(map[int]Position)}
	top := im.frontend.at("VNET_MODE")
	y.add(top, 0, "all:")
	y.add(top, 1, "vars:")
	user := cmp.Or(im.User, "root")
	y.add(top, 2, "ansible_user: %s", yamlWord(user))
	if user != "root" {
		y.add(top, 2, "ansible_become: true")
	}
	if im.Cluster != "" {
		y.add(top, 2, "cluster: %s", yamlWord(im.Cluster))
	}
	im.writeFrontendSettings(y, 2, false)
	y.add(top, 1, "children:")
	im.writeFrontend(y)
	im.writeNodes(y)
	inv := im.readBack(y)
	if inv == nil {
		return nil
	}
	return &Imported{YAML: []byte(im.header(inv) + y.text.String()), Inventory: inv}
}

// readBack has the inventory read by the reader of all inventories.
func (im *importer) readBack(y *yamlLines) *Inventory {
	r := newReader("the imported inventory")
	r.document.origins = y.origins
	inv := r.read([]byte(y.text.String()))
	im.tell(r.problems.list)
	im.problems.more += r.problems.more
	if !r.problems.none() {
		return nil
	}
	for _, n := range r.notes {
		im.note(n.Where, "%s", im.inConfWords(n.Message))
	}
	return inv
}

// writeFrontendSettings writes the cluster's settings, or those that are the
// frontend's own: its interfaces, which nodes may have under other names.
func (im *importer) writeFrontendSettings(y *yamlLines, indent int, own bool) {
	_, pub := im.frontend.set["VNET_PUBINTERFACE"]
	_, priv := im.frontend.set["VNET_PRIVINTERFACE"]
	for _, s := range confSettings() {
		a, ok := im.frontend.set[s.name]
		its := strings.HasSuffix(s.name, "INTERFACE")
		useless := s.name == "VNET_INTERFACE" && pub && priv
		if !ok || useless || s.variable == "" || its != own || !inMode(s.frontend, im.mode) {
			continue
		}
		if s.name == "VNET_MODE" {
			a.value = string(im.mode) // what it was meant to be, after a slip
		}
		y.setting(indent, s, a)
	}
}

func (im *importer) writeFrontend(y *yamlLines) {
	h := im.hosts[0]
	y.add(h.at, 2, "frontends:")
	y.add(h.at, 3, "hosts:")
	im.writeHost(y, h, nil)
	mark := y.count
	y.add(h.at, 3, "vars:")
	im.writeFrontendSettings(y, 4, true)
	if y.count == mark+1 {
		y.takeBack()
	}
}

// takeBack removes the last line.
func (y *yamlLines) takeBack() {
	text := strings.TrimSuffix(y.text.String(), "\n")
	y.text.Reset()
	y.text.WriteString(text[:strings.LastIndexByte(text, '\n')+1])
	delete(y.origins, y.count)
	y.count--
}

// writeHost writes a host with its address, and with settings that it has alone.
func (im *importer) writeHost(y *yamlLines, h importHost, own []confValue) {
	if len(own) == 0 {
		address := ""
		if h.address != "" && h.address != h.name {
			address = fmt.Sprintf(" {ansible_host: %s}", yamlWord(h.address))
		}
		y.add(h.at, 4, "%s:%s", yamlWord(h.name), address)
		return
	}
	y.add(h.at, 4, "%s:", yamlWord(h.name))
	if h.address != "" && h.address != h.name && !h.frontend {
		y.add(h.at, 5, "ansible_host: %s", yamlWord(h.address))
	}
	for _, v := range own {
		y.setting(5, v.confSetting, v.assignment)
	}
}

// confValue is a setting and its assignment.
type confValue struct {
	confSetting
	assignment
}

// writeNodes writes the nodes. What they all have alike is said once.
func (im *importer) writeNodes(y *yamlLines) {
	at := im.frontend.at("NODES")
	if im.anyNode() == nil && im.nodes == nil {
		return
	}
	y.add(at, 2, "nodes:")
	alone := len(im.own) > 0
	if im.anyNode() != nil {
		y.add(at, 3, "hosts:")
	}
	for _, h := range im.hosts {
		if !h.node {
			continue
		}
		var own []confValue
		if alone {
			own = im.nodeSettings(im.confOf(h))
		}
		if h.frontend && !alone {
			y.add(h.at, 4, "%s:", yamlWord(h.name)) // its address is with the frontends
			continue
		}
		im.writeHost(y, h, own)
	}
	if alone {
		return
	}
	c, borrowed := im.frontend, true
	if im.nodes != nil {
		c, borrowed = im.nodes, false
	}
	if values := im.nodeSettings(c, borrowed); len(values) > 0 {
		y.add(at, 3, "vars:")
		for _, v := range values {
			y.setting(4, v.confSetting, v.assignment)
		}
	}
}

// nodeSettings are the settings of a node's file that count in the mode. Where the
// one that a node needs is missing, and is complained about, there is a substitute:
// the reader would complain again.
func (im *importer) nodeSettings(c *conf, borrowed bool) []confValue {
	var list []confValue
	device, at := c.device()
	if im.mode == Managed && (device != "" || borrowed || im.guessed) {
		s := im.vocabulary.settings["VNET_INTERFACE"]
		list = append(list, confValue{s, assignment{name: s.name, value: cmp.Or(device, "eth0"), at: at}})
	}
	for _, s := range confSettings() {
		a, ok := c.set[s.name]
		if s.name == "VNET_BRIDGE" && im.mode != Managed && !ok && im.guessed {
			a, ok = assignment{name: s.name, value: "br0", at: c.at(s.name)}, true
		}
		if len(s.frontend) > 0 || !inMode(s.node, im.mode) || !ok || im.means(s, a) == "" {
			continue
		}
		list = append(list, confValue{s, a})
	}
	return list
}

// means is what a node's setting says, without the words for nothing.
func (im *importer) means(s confSetting, a assignment) string {
	value := strings.TrimSpace(a.value)
	switch {
	case s.name == "HYPERVISOR" && value == "not_configured":
		im.note(a.at, "HYPERVISOR is not configured; nodes use kvm")
		return ""
	case s.form == asNumber && strings.Trim(value, "0") == "":
		return "" // no limit
	}
	return value
}

// setting writes one variable; each word of a list has a line of its own, so that a
// complaint about it names the right one.
func (y *yamlLines) setting(indent int, s confSetting, a assignment) {
	words := a.words()
	value := strings.TrimSpace(a.value)
	switch {
	case s.form == asNumber && isNumber(value):
		n, _ := strconv.Atoi(value)
		y.add(a.at, indent, "%s: %d", s.variable, n)
	case s.form != asWords || len(words) == 1 && s.name != "VNET_MACMAP":
		y.add(a.at, indent, "%s: %s", s.variable, yamlWord(value))
	default:
		y.add(a.at, indent, "%s:", s.variable)
		for _, w := range words {
			y.add(w.at, indent+1, "- %s", yamlWord(w.text))
		}
	}
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// header says where the inventory comes from and what it has room for.
func (im *importer) header(inv *Inventory) string {
	var names []string
	for _, f := range append(slices.Clone(im.Frontend), im.Eucalyptus.Nodes...) {
		names = append(names, shown(f.Name))
	}
	lines := []string{"Made from " + joined(names) + "; check it with: eucactl inventory --list"}
	for _, c := range inv.clusters {
		lines = append(lines, c.Network.room()...)
	}
	return "# " + strings.Join(lines, "\n# ") + "\n"
}

// room says in sentences how many networks and instances the network has room for.
func (n Network) room() []string {
	switch {
	case n.Mode == Static:
		return []string{fmt.Sprintf("STATIC: %d instances at a time, one for each pair of vnet_macmap", len(n.MACMap))}
	case n.Mode == System:
		return []string{"SYSTEM: the addresses are those that the network's own DHCP server gives"}
	}
	usable := "numbers"
	if n.Mode == Managed {
		usable = "VLANs"
	}
	out := []string{
		fmt.Sprintf("%s: %d addresses of %s / %d = %d networks; those with the %s %d to %d can be used:", n.Mode,
			uint64(1)<<(32-n.Subnet.Bits()), n.Subnet, n.AddrsPerNet, n.slices(), usable, firstVLAN, n.topVLAN()),
		fmt.Sprintf("%d active security groups of up to %d instances (%d less network, broadcast and router)",
			n.topVLAN()-firstVLAN+1, n.AddrsPerNet-3, n.AddrsPerNet),
	}
	if len(n.PublicIPs) > 0 {
		out = append(out, fmt.Sprintf("%d public addresses", len(n.PublicIPs)))
	}
	return out
}
