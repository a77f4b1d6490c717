package inventory

import "fmt"

// What a node's eucalyptus.conf has to say, and the guide's contradictions in it.

// checkNodes checks each file that counts for some node, once.
func (im *importer) checkNodes() {
	for _, c := range im.confs()[1:] {
		im.checkNeed(c, im.modeOf(c), false)
	}
	if h := im.anyNode(); h != nil && im.nodes == nil && len(im.own) == 0 {
		im.checkNeed(im.frontend, im.mode, true)
	}
}

// modeOf reads a node's mode and refuses one that is not the frontend's. What it gives
// is the mode that was probably meant, or "".
func (im *importer) modeOf(c *conf) Mode {
	a, ok := c.modeSetting()
	if !ok {
		return ""
	}
	mode, ok := im.readMode(a)
	if !ok || mode == im.mode {
		return mode
	}
	hint, meant := "", Mode("")
	if mode.Groups() && im.mode.Groups() {
		meant = ManagedNoVLAN
		hint = fmt.Sprintf(`; the guide's examples for %s print %s by mistake: if %s is meant, write it into both`, ManagedNoVLAN, quoted("VNET_MODE", string(Managed)), ManagedNoVLAN)
	}
	im.wrong(a.at, "VNET_MODE is %s here and %s at %s; the frontend and all nodes have the same%s", mode, im.mode, im.frontend.at("VNET_MODE"), hint)
	return meant
}

// checkNeed complains if a node cannot attach a guest with what the file says.
func (im *importer) checkNeed(c *conf, mode Mode, borrowed bool) {
	if mode == Managed {
		im.checkNodeInterface(c, borrowed)
	} else if mode != "" {
		im.checkNodeBridge(c, mode, borrowed)
	}
}

// checkNodeBridge is for the modes in which a node needs a bridge.
func (im *importer) checkNodeBridge(c *conf, mode Mode, borrowed bool) {
	_, bridge := c.set["VNET_BRIDGE"]
	device, at := c.device()
	switch {
	case bridge && borrowed:
		im.note(c.at("VNET_BRIDGE"), "the nodes' VNET_BRIDGE is taken from this file; if theirs is another, give their eucalyptus.conf with --node-conf")
	case bridge || c.failed["VNET_BRIDGE"]:
	case device != "" && !borrowed:
		im.wrong(at, "%s attaches a node's guests to a bridge, and this names an interface: write VNET_BRIDGE=\"...\" with the bridge that has %s in it, br0 or (Xen) eth0 or xenbr0; the guide's list of settings says VNET_BRIDGE, its text VNET_INTERFACE: the list is right", mode, shown(device))
	case borrowed:
		im.wrong(c.at("VNET_BRIDGE"), "%s needs VNET_BRIDGE on nodes, which is not in the frontend's file%s; give the nodes' eucalyptus.conf with --node-conf", mode, c.whereabouts([]string{"VNET_BRIDGE"}))
	default:
		im.wrong(c.at("VNET_BRIDGE"), "%s needs VNET_BRIDGE on nodes, which is missing%s", mode, c.whereabouts([]string{"VNET_BRIDGE"}))
	}
}

// checkNodeInterface is for MANAGED, in which a node needs an interface.
func (im *importer) checkNodeInterface(c *conf, borrowed bool) {
	device, at := c.device()
	bridge, hasBridge := c.set["VNET_BRIDGE"]
	mistake := fmt.Sprintf("the guide's examples for %s print %s by mistake", ManagedNoVLAN, quoted("VNET_MODE", string(Managed)))
	pub, priv := c.word("VNET_PUBINTERFACE"), c.word("VNET_PRIVINTERFACE")
	switch {
	case c.complained([]string{"VNET_INTERFACE", "VNET_PUBINTERFACE", "VNET_PRIVINTERFACE"}):
		return
	case device == "" && borrowed:
		return // the frontend's own lack is complained about
	case device == "" && hasBridge:
		im.wrong(c.at("VNET_MODE"), "MANAGED needs VNET_INTERFACE on nodes, and this file has %s, which belongs to %s; %s: did you mean %s, here and on the frontend?", quoted("VNET_BRIDGE", bridge.value), ManagedNoVLAN, mistake, ManagedNoVLAN)
		return
	case device == "":
		im.wrong(c.at("VNET_MODE"), "MANAGED needs VNET_INTERFACE on nodes, which is missing%s; it is peth0 (Xen) or eth0 (KVM), the Ethernet shared with the frontend", c.whereabouts([]string{"VNET_INTERFACE"}))
		return
	case borrowed:
		im.note(at, "the nodes' VNET_INTERFACE is taken to be the frontend's, %s; if theirs has another name, like peth0 under Xen, give their eucalyptus.conf with --node-conf", shown(device))
	case pub != "" && priv != "" && pub != priv:
		im.wrong(c.at("VNET_PUBINTERFACE"), "on a node VNET_PUBINTERFACE and VNET_PRIVINTERFACE name the same Ethernet, the one shared with the frontend, but here they are %s and %s (at %s); keep the right one", shown(pub), shown(priv), c.at("VNET_PRIVINTERFACE"))
	}
	if hasBridge {
		im.note(bridge.at, "VNET_BRIDGE has no effect in MANAGED; if guests are to be on %s: %s, and %s may be what is meant", shown(bridge.value), mistake, ManagedNoVLAN)
	}
}

// device is the Ethernet of a node. VNET_INTERFACE stands for the two others, which
// are the same on a node.
func (c *conf) device() (string, Position) {
	for _, name := range []string{"VNET_PRIVINTERFACE", "VNET_INTERFACE", "VNET_PUBINTERFACE"} {
		if a, ok := c.set[name]; ok && !(c == c.im.frontend && name == "VNET_PUBINTERFACE") {
			return c.word(name), a.at
		}
	}
	return "", Position{}
}
