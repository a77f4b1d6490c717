package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"eucactl/facts"
	"eucactl/inventory"
)

// tool is a program that a host needs: one of names, from a package of Debian's.
type tool struct {
	names []string
	pkg   string
	why   string
}

// needed are the programs that the host's role and mode use.
func (h *Host) needed() []tool {
	list := []tool{
		{[]string{"flock"}, "util-linux", "one run at a time"},
		{[]string{"sha256sum"}, "coreutils", "files are known by their sums"},
		{[]string{"awk"}, "mawk", "lists are read with it"},
		{[]string{"sed"}, "sed", "lists are read with it"},
	}
	if h.Frontend && h.Network.PrivInterface != "" {
		list = append(list, tool{[]string{"ip"}, "iproute2", "addresses"})
	}
	if servesDHCP(h) {
		list = append(list, tool{[]string{h.Network.DHCPDaemon}, "isc-dhcp-server", "vnet_dhcpdaemon gives guests their addresses"})
	}
	if hasGroups(h) {
		list = append(list, tool{[]string{"iptables"}, "iptables", "groups' rules"}, tool{[]string{"iptables-save"}, "iptables", "groups' rules"},
			tool{[]string{"iptables-restore"}, "iptables", "groups' rules"}, tool{[]string{"ipset"}, "ipset", "members of groups"},
			tool{[]string{"conntrack"}, "conntrack", "flows that lost their permission"})
	}
	if h.IsNode {
		list = append(list, tool{[]string{"ip"}, "iproute2", "links"}, tool{[]string{"virsh"}, "libvirt-clients", "machines"},
			tool{[]string{"qemu-img"}, "qemu-utils", "disks"}, tool{[]string{"timeout"}, "coreutils", "libvirt may hang"})
	}
	if groupsNode(h) {
		list = append(list, tool{[]string{"nft"}, "nftables", "guests may not forge addresses"})
	}
	if isManaged(h) {
		list = append(list, tool{[]string{"ip", "vconfig"}, "iproute2", "VLANs"})
	}
	if managedNode(h) {
		list = append(list, tool{[]string{"ip", "brctl"}, "iproute2", "bridges"})
	}
	return list
}

// wanted are the names to ask for.
func (h *Host) wanted() (names []string) {
	for _, t := range h.needed() {
		for _, name := range t.names {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func toolFindings(h *Host) (list []Finding) {
	told := map[string]bool{}
	for _, t := range h.needed() {
		has := func(name string) bool { return slices.Contains(h.tools, name) }
		if name := strings.Join(t.names, " nor "); !slices.ContainsFunc(t.names, has) && !told[t.names[0]] {
			told[t.names[0]] = true
			list = append(list, h.found(Error, "has no "+name+", which is needed: "+t.why, "command -v: not found", h.install(t.pkg)))
		}
	}
	return list
}

// install is how the host's kind of system gets a package; the names are Debian's.
func (h *Host) install(pkg string) string {
	if os := h.stable["os"]; os == "debian" || os == "ubuntu" {
		return "apt-get install " + pkg
	}
	return fmt.Sprintf("install it (Debian's package is %s)", pkg)
}

// users are the accounts that the host must have.
func (h *Host) users() []string {
	if servesDHCP(h) && h.Network.DHCPUser != "" {
		return []string{h.Network.DHCPUser}
	}
	return nil
}

func rootFindings(h *Host) []Finding {
	if h.account.UID == 0 {
		return nil
	}
	return []Finding{h.found(Error, fmt.Sprintf("programs run as user %s, not as root", cmp.Or(h.User, "of the login")),
		fmt.Sprintf("id -u: %d", h.account.UID), "set ansible_become: true, and let sudo -n work for that user")}
}

// moduleFindings: a module that is loadable will be loaded by whoever needs it.
func moduleFindings(h *Host) (list []Finding) {
	type need struct {
		name, option, why, instead string
		has                        bool
	}
	for _, n := range []need{
		{"8021q", "CONFIG_VLAN_8021Q", "MANAGED gives each group a VLAN", ", or use vnet_mode MANAGED-NOVLAN", isManaged(h)},
		{"bridge", "CONFIG_BRIDGE", "guests are plugged into bridges", "", h.IsNode},
		{"tun", "CONFIG_TUN", "guests' interfaces are made of it", "", h.IsNode},
		{"ip_set", "CONFIG_IP_SET", "members of groups are kept in sets", "", hasGroups(h)},
		{"nf_conntrack", "CONFIG_NF_CONNTRACK", "groups' rules follow connections", "", hasGroups(h)},
	} {
		kernel := "kernel " + cmp.Or(h.stable["kernel"], "unknown")
		switch state := h.modules[n.name]; {
		case !n.has:
		case state == facts.ModuleAbsent:
			list = append(list, h.found(Error, "its kernel has no "+n.name+": "+n.why, kernel, "use a kernel with "+n.option+n.instead))
		case state == facts.ModuleUnknown && n.name == "8021q" && h.Network.Mode == inventory.Managed:
			list = append(list, h.found(Note, "cannot tell whether its kernel has "+n.name, kernel+", no list of modules", "eucactl check network tries it"))
		}
	}
	return list
}

// hypervisorFindings: libvirt answers, and starts the kind of machine that the
// inventory wants.
func hypervisorFindings(h *Host) []Finding {
	want := h.Node.Hypervisor
	if why, silent := h.unknown["hypervisor"]; silent {
		return []Finding{h.found(Error, "its libvirt does not answer", why, "systemctl start libvirtd (or virtqemud)")}
	}
	if slices.Contains(h.kinds, want) {
		return nil
	}
	evidence := "virsh capabilities: " + cmp.Or(strings.Join(h.kinds, ", "), "none")
	switch {
	case h.stable["emulator"] == "":
		return []Finding{h.found(Error, "its libvirt finds no QEMU", evidence, h.install("qemu-system-x86"))}
	case want == "kvm" && h.stable["kvm"] == "no":
		return []Finding{h.found(Error, "it has no /dev/kvm, so it cannot start machines of hypervisor kvm", evidence,
			"switch virtualization on in its firmware and modprobe kvm_intel or kvm_amd, or set hypervisor: qemu (slow)")}
	}
	return []Finding{h.found(Error, "its libvirt cannot start machines of hypervisor "+want, evidence, "see virt-host-validate on it, or set hypervisor: qemu (slow)")}
}

// roomFindings: a node that has no room for the smallest instance is of no use.
func roomFindings(h *Host) (list []Finding) {
	c := h.capacity
	if c.DiskFree < 2 {
		list = append(list, h.found(Warning, "there is little room for instances' disks",
			fmt.Sprintf("df: %d of %d GiB are free below /var/lib/eucalyptus/instances", c.DiskFree, c.Disk), "free some, or mount a larger file system there"))
	}
	if c.Memory < 256 {
		list = append(list, h.found(Warning, "there is little memory for instances", fmt.Sprintf("/proc/meminfo: %d MiB", c.Memory), ""))
	}
	return list
}
