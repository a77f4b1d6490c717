package inventory

// localNames are the names under which a playbook may name the machine it runs
// on without listing it.
func localNames() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// implicitHosts is that machine under each of the names. It is in no group, not
// even in all, though all's variables count for it.
func implicitHosts(inv *Inventory) (hosts []*Host) {
	at := Position{inv.file, 1}
	for _, name := range localNames() {
		hosts = append(hosts, &Host{Name: name, Where: at, own: map[string]variable{
			"ansible_connection": {value: string(Local), at: at},
		}})
	}
	return hosts
}

// localhost finds the machine itself: a listed host that has one of its names, or
// the implicit one.
func (inv *Inventory) localhost(name string) (*Host, bool) {
	for _, implicit := range inv.implicit {
		if implicit.Name != name {
			continue
		}
		for _, other := range inv.listed {
			for _, local := range localNames() {
				if other.Name == local {
					return other, true
				}
			}
		}
		return implicit, true
	}
	return nil, false
}
