package inventory

import (
	"fmt"
	"slices"
	"strings"
)

// noteUnused tells which settings have no effect, and why.
func (im *importer) noteUnused() {
	for _, c := range im.confs() {
		im.noteUseless(c)
		for _, a := range c.sorted() {
			if why := im.unused(c, a); why != "" {
				im.note(a.at, "%s %s", a.name, why)
			}
		}
	}
	im.noteAlias()
}

// noteUseless tells in one line of each reason what Eucalyptus alone had a use for.
func (im *importer) noteUseless(c *conf) {
	reasons := make(map[string][]assignment)
	for _, a := range c.sorted() {
		if why := im.vocabulary.useless[a.name]; why != "" {
			reasons[why] = append(reasons[why], a)
		}
	}
	for why, list := range reasons {
		names := list[0].name
		for _, a := range list[1:] {
			names += fmt.Sprintf(", %s (line %d)", a.name, a.at.Line)
		}
		im.note(list[0].at, "%s: no effect, %s", names, why)
	}
}

// unused says why a setting has no effect, or "" if it has one.
func (im *importer) unused(c *conf, a assignment) string {
	s, known := im.vocabulary.settings[a.name]
	switch {
	case !known:
		return "" // told with the others of its reason
	case c != im.frontend:
		return im.unusedOnNode(s, a)
	case inMode(s.frontend, im.mode):
		return ""
	case len(s.frontend) == 0 && (im.nodes != nil || len(im.own) > 0):
		return "has no effect on a frontend: the nodes' own file counts"
	case len(s.frontend) == 0:
		return "" // it counts for nodes, which have no other file; checkNodes speaks of VNET_BRIDGE
	}
	return fmt.Sprintf("has no effect in %s; it belongs to %s", im.mode, modeList(s.frontend))
}

func (im *importer) unusedOnNode(s confSetting, a assignment) string {
	fe, has := im.frontend.set[s.name]
	same := has && slices.Equal(splitWords(fe.value), splitWords(a.value))
	switch {
	case s.name == "VNET_MODE" || s.name == "VNET_BRIDGE" || inMode(s.node, im.mode):
		return ""
	case len(s.node) > 0:
		return fmt.Sprintf("has no effect on a node in %s: its guests are attached to VNET_BRIDGE", im.mode)
	case same:
		return ""
	case has:
		return fmt.Sprintf("has no effect on a node: the frontend's counts, which is %s at %s", shown(strings.Join(splitWords(fe.value), " ")), fe.at)
	}
	return "has no effect on a node"
}

// noteAlias tells what VNET_INTERFACE, which stands for two, still stands for beside
// them.
func (im *importer) noteAlias() {
	both, ok := im.frontend.set["VNET_INTERFACE"]
	if !ok || !inMode(im.vocabulary.settings["VNET_INTERFACE"].frontend, im.mode) {
		return
	}
	pub, hasPub := im.frontend.set["VNET_PUBINTERFACE"]
	priv, hasPriv := im.frontend.set["VNET_PRIVINTERFACE"]
	switch {
	case hasPub && hasPriv:
		im.note(both.at, "VNET_INTERFACE has no effect beside VNET_PUBINTERFACE and VNET_PRIVINTERFACE, which it is short for")
	case hasPub:
		im.note(both.at, "VNET_INTERFACE counts as VNET_PRIVINTERFACE: VNET_PUBINTERFACE is set by itself at %s", pub.at)
	case hasPriv:
		im.note(both.at, "VNET_INTERFACE counts as VNET_PUBINTERFACE: VNET_PRIVINTERFACE is set by itself at %s", priv.at)
	}
}
