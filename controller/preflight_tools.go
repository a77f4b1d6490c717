package controller

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
func (l *look) needed() []tool {
	list := []tool{
		{[]string{"flock"}, "util-linux", "one run at a time"},
		{[]string{"sha256sum"}, "coreutils", "files are known by their sums"},
		{[]string{"awk"}, "mawk", "lists are read with it"},
		{[]string{"sed"}, "sed", "lists are read with it"},
	}
	if l.host.Frontend && l.network.PrivInterface != "" {
		list = append(list, tool{[]string{"ip"}, "iproute2", "addresses"})
	}
	if servesDHCP(l) {
		list = append(list, tool{[]string{l.network.DHCPDaemon}, "isc-dhcp-server", "vnet_dhcpdaemon gives guests their addresses"})
	}
	if hasGroups(l) {
		list = append(list, tool{[]string{"iptables"}, "iptables", "groups' rules"}, tool{[]string{"iptables-save"}, "iptables", "groups' rules"},
			tool{[]string{"iptables-restore"}, "iptables", "groups' rules"}, tool{[]string{"ipset"}, "ipset", "members of groups"},
			tool{[]string{"conntrack"}, "conntrack", "flows that lost their permission"})
	}
	if l.host.IsNode {
		list = append(list, tool{[]string{"ip"}, "iproute2", "links"}, tool{[]string{"virsh"}, "libvirt-clients", "machines"},
			tool{[]string{"qemu-img"}, "qemu-utils", "disks"}, tool{[]string{"timeout"}, "coreutils", "libvirt may hang"})
	}
	if groupsNode(l) {
		list = append(list, tool{[]string{"nft"}, "nftables", "guests may not forge addresses"})
	}
	if isManaged(l) {
		list = append(list, tool{[]string{"ip", "vconfig"}, "iproute2", "VLANs"})
	}
	if managedNode(l) {
		list = append(list, tool{[]string{"ip", "brctl"}, "iproute2", "bridges"})
	}
	return list
}

// wanted are the names to ask for.
func (l *look) wanted() (names []string) {
	for _, t := range l.needed() {
		for _, name := range t.names {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func toolFindings(l *look) (list []Finding) {
	told := map[string]bool{}
	for _, t := range l.needed() {
		has := func(name string) bool { return slices.Contains(l.tools, name) }
		if name := strings.Join(t.names, " nor "); !slices.ContainsFunc(t.names, has) && !told[t.names[0]] {
			told[t.names[0]] = true
			list = append(list, l.found(SeverityError, "has no "+name+", which is needed: "+t.why, "command -v: not found", l.install(t.pkg)))
		}
	}
	return list
}

// install is how the host's kind of system gets a package; the names are Debian's.
func (l *look) install(pkg string) string {
	if os := l.stable["os"]; os == "debian" || os == "ubuntu" {
		return "apt-get install " + pkg
	}
	return fmt.Sprintf("install it (Debian's package is %s)", pkg)
}

// users are the accounts that the host must have.
func (l *look) users() []string {
	if servesDHCP(l) && l.network.DHCPUser != "" {
		return []string{l.network.DHCPUser}
	}
	return nil
}

func rootFindings(l *look) []Finding {
	if l.account.UID == 0 {
		return nil
	}
	return []Finding{l.found(SeverityError, fmt.Sprintf("programs run as user %s, not as root", cmp.Or(l.host.User, "of the login")),
		fmt.Sprintf("id -u: %d", l.account.UID), "set ansible_become: true, and let sudo -n work for that user")}
}

// moduleFindings: a module that is loadable will be loaded by whoever needs it.
func moduleFindings(l *look) (list []Finding) {
	type need struct {
		name, option, why, instead string
		has                        bool
	}
	for _, n := range []need{
		{"8021q", "CONFIG_VLAN_8021Q", "MANAGED gives each group a VLAN", ", or use vnet_mode MANAGED-NOVLAN", isManaged(l)},
		{"bridge", "CONFIG_BRIDGE", "guests are plugged into bridges", "", l.host.IsNode},
		{"tun", "CONFIG_TUN", "guests' interfaces are made of it", "", l.host.IsNode},
		{"ip_set", "CONFIG_IP_SET", "members of groups are kept in sets", "", hasGroups(l)},
		{"nf_conntrack", "CONFIG_NF_CONNTRACK", "groups' rules follow connections", "", hasGroups(l)},
	} {
		kernel := "kernel " + cmp.Or(l.stable["kernel"], "unknown")
		switch state := l.modules[n.name]; {
		case !n.has:
		case state == facts.ModuleAbsent:
			list = append(list, l.found(SeverityError, "its kernel has no "+n.name+": "+n.why, kernel, "use a kernel with "+n.option+n.instead))
		case state == facts.ModuleUnknown && n.name == "8021q" && l.network.Mode == inventory.Managed:
			list = append(list, l.found(SeverityNote, "cannot tell whether its kernel has "+n.name, kernel+", no list of modules", "eucactl check network tries it"))
		}
	}
	return list
}

// hypervisorFindings: libvirt answers, and starts the kind of machine that the
// inventory wants.
func hypervisorFindings(l *look) []Finding {
	want := l.host.Node.Hypervisor
	if why, silent := l.unknown["hypervisor"]; silent {
		return []Finding{l.found(SeverityError, "its libvirt does not answer", why, "systemctl start libvirtd (or virtqemud)")}
	}
	if slices.Contains(l.kinds, want) {
		return nil
	}
	evidence := "virsh capabilities: " + cmp.Or(strings.Join(l.kinds, ", "), "none")
	switch {
	case l.stable["emulator"] == "":
		return []Finding{l.found(SeverityError, "its libvirt finds no QEMU", evidence, l.install("qemu-system-x86"))}
	case want == "kvm" && l.stable["kvm"] == "no":
		return []Finding{l.found(SeverityError, "it has no /dev/kvm, so it cannot start machines of hypervisor kvm", evidence,
			"switch virtualization on in its firmware and modprobe kvm_intel or kvm_amd, or set hypervisor: qemu (slow)")}
	}
	return []Finding{l.found(SeverityError, "its libvirt cannot start machines of hypervisor "+want, evidence, "see virt-host-validate on it, or set hypervisor: qemu (slow)")}
}

// roomFindings: a node that has no room for the smallest instance is of no use.
func roomFindings(l *look) (list []Finding) {
	c := l.capacity
	if c.DiskFree < 2 {
		list = append(list, l.found(SeverityWarning, "there is little room for instances' disks",
			fmt.Sprintf("df: %d of %d GiB are free below /var/lib/eucalyptus/instances", c.DiskFree, c.Disk), "free some, or mount a larger file system there"))
	}
	if c.Memory < 256 {
		list = append(list, l.found(SeverityWarning, "there is little memory for instances", fmt.Sprintf("/proc/meminfo: %d MiB", c.Memory), ""))
	}
	return list
}
