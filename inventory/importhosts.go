package inventory

import (
	"cmp"
	"net/netip"
	"strings"
)

// importHost is one host of the inventory that is being made.
type importHost struct {
	name, address string
	at            Position // where it is known from
	frontend      bool
	node          bool
}

// findHosts takes the frontend from outside or from VNET_LOCALIP, and the nodes from
// outside and from NODES.
func (im *importer) findHosts() {
	im.hosts = []importHost{im.findFrontend()}
	for _, w := range im.frontend.set["NODES"].words() {
		im.addListed(w)
	}
	for _, h := range im.Hosts {
		if im.isFrontend(h.Name) {
			im.hosts[0].node = true
		} else if im.find(h.Name) == nil {
			im.hosts = append(im.hosts, importHost{name: h.Name, address: h.Address, at: im.frontend.at("VNET_SUBNET"), node: true})
		}
	}
	if im.anyNode() == nil {
		why := "NODES names none"
		if _, has := im.frontend.set["NODES"]; !has {
			why = "NODES is not set" + im.frontend.whereabouts([]string{"NODES"})
		}
		im.note(im.frontend.at("NODES"), "the inventory has no node: %s; name them with --node NAME=ADDRESS, or write them into the group nodes", why)
	}
	im.checkOwn()
}

func (im *importer) findFrontend() importHost {
	h := importHost{name: cmp.Or(im.Host.Name, "frontend"), address: im.Host.Address, at: im.frontend.at("VNET_SUBNET"), frontend: true}
	local, known := im.frontend.set["VNET_LOCALIP"]
	switch {
	case h.address != "":
	case known:
		if _, err := parseUsableIPv4(im.frontend.word("VNET_LOCALIP")); err == nil {
			h.address, h.at = im.frontend.word("VNET_LOCALIP"), local.at
			im.note(local.at, "the frontend is reached at VNET_LOCALIP; --frontend NAME=ADDRESS says otherwise")
		}
	case im.Host.Name == "":
		im.note(im.frontend.at("VNET_MODE"), "nothing here says which host the frontend is: the inventory calls it %s and reaches it by that name; say which with --frontend NAME=ADDRESS", h.name)
	}
	return h
}

// isFrontend says whether a word of NODES, or a node's name, means the frontend.
func (im *importer) isFrontend(word string) bool {
	if a, err := netip.ParseAddr(word); err == nil && a.IsLoopback() || strings.EqualFold(word, "localhost") {
		return true
	}
	return word == im.hosts[0].name || word == im.hosts[0].address
}

// find is the host of that name.
func (im *importer) find(name string) *importHost {
	for i := range im.hosts {
		if im.hosts[i].name == name {
			return &im.hosts[i]
		}
	}
	return nil
}

// addListed adds a host that NODES lists, under the name that it has from outside.
func (im *importer) addListed(w confWord) {
	if im.isFrontend(w.text) {
		im.hosts[0].node, im.hosts[0].at = true, w.at
		return
	}
	h := importHost{name: w.text, at: w.at, node: true}
	for _, named := range im.Hosts {
		if named.Name == w.text || named.Address == w.text {
			h.name, h.address = named.Name, named.Address
		}
	}
	if im.find(h.name) != nil {
		im.wrong(w.at, "NODES: %s is listed twice", shown(w.text))
		return
	}
	im.hosts = append(im.hosts, h)
}

func (im *importer) anyNode() *importHost {
	for i := range im.hosts {
		if im.hosts[i].node {
			return &im.hosts[i]
		}
	}
	return nil
}

// checkOwn refuses a file that is for a node that there is not, and nodes without a
// file beside others that have one.
func (im *importer) checkOwn() {
	var names, bare []string
	for _, h := range im.hosts {
		if !h.node {
			continue
		}
		names = append(names, h.name)
		if im.nodes == nil && im.own[h.name] == nil {
			bare = append(bare, h.name)
		}
	}
	for _, c := range im.confs() {
		if h := im.find(c.node); c.node != "" && (h == nil || !h.node) {
			known := didYouMean(c.node, names)
			if known == "" && len(names) > 0 {
				known = "; the nodes are " + joined(names)
			}
			im.wrong(Position{c.name, 1}, "this is the file of node %s, which is not among the nodes%s", shown(c.node), known)
		}
	}
	if len(im.own) > 0 && len(bare) > 0 {
		im.wrong(im.frontend.at("NODES"), "some nodes have a file of their own, but not %s; give one for them too, or one for all nodes that have none (--node-conf FILE)", joined(bare))
	}
}

// confOf is the file that counts for a node, and whether that is the frontend's.
func (im *importer) confOf(h importHost) (c *conf, borrowed bool) {
	if own := im.own[h.name]; own != nil {
		return own, false
	}
	if im.nodes != nil {
		return im.nodes, false
	}
	return im.frontend, true
}
