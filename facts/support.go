package facts

import "strings"

// supportTools are the words of the questions below: a tool that is missing is noted,
// and whatever one says or ends with, the rest is asked.
const supportTools = `
run() {
	if ! command -v "$1" >/dev/null 2>&1; then
		printf '# %s: not installed\n\n' "$1"
		return 0
	fi
	printf '# %s\n' "$*"
	timeout 30 "$@" 2>&1 </dev/null || printf '# exit status %s\n' $?
	echo
}
show() {
	for file; do
		[ -f "$file" ] || { printf '# %s: no such file\n\n' "$file" && continue; }
		printf '# %s\n' "$file"
		tail -c 262144 "$file" 2>&1
		echo
	done
}
ends() {
	for file; do
		[ ! -f "$file" ] || { printf '# end of %s\n' "$file" && tail -n 100 "$file" 2>&1 && echo; }
	done
}
`

// Support lists what somebody who helps from afar wants to see of a host. Nothing here
// prints user data, seeds, keys, or the command lines of machines.
func Support() []Section {
	var list []Section
	for _, part := range []struct{ name, script string }{
		{"system", `run uname -a; run date -u; run uptime; run id; show /etc/os-release; run df -h; run free -m; run ls -l /lib/modules`},
		{"versions", `run ip -V; run iptables -V; run ipset -v; run nft -v; run conntrack -V; run virsh --version
run qemu-system-x86_64 --version; run dhcpd --version; run brctl --version; run ssh -V; run sudo -V`},
		{"interfaces", `run ip -d -s addr show; run ifconfig -a; show /proc/net/vlan/config`},
		{"bridges", `run bridge -d link show; run bridge fdb show; run bridge vlan show; run brctl show`},
		{"routes", `run netstat -rn; run ip route show table all; run ip rule show; run ip neigh show`},
		{"settings", `run grep -r . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf /proc/sys/net/bridge`},
		{"firewall", `run iptables -V; run iptables-save -c
read -r table 2>/dev/null </proc/net/ip_tables_names && [ -n "$table" ] && run iptables-legacy-save -c
run nft list ruleset; run ebtables-save`},
		{"sets", `run ipset list`},
		{"flows", `run conntrack -S; run conntrack -C
if command -v conntrack >/dev/null; then echo '# conntrack -L, the first 500'; conntrack -L 2>/dev/null | head -n 500; fi`},
		{"dhcpd", `ps axww 2>/dev/null | awk '/dhcp|dnsmasq/ && !/awk/'; echo
show "$RUN_DIR/eucactl-dhcpd.conf" "$RUN_DIR/eucactl-dhcpd.leases" /etc/dhcp/dhcpd.conf /etc/dhcpd.conf`},
		{"machines", `run virsh -c qemu:///system list --all; run virsh -c qemu:///system net-list --all; run virsh -c qemu:///system nodeinfo
run ls -l /var/lib/eucalyptus/instances /var/lib/eucalyptus/instances/*/*`},
		{"marks", `run ls -lR "$HOST_DIR"; show "$HOST_DIR/fence" "$HOST_DIR/dhcpd" /run/eucactl.lock
run grep -H . "$HOST_DIR"/services/*`},
		{"log", `if command -v journalctl >/dev/null && [ -d /run/systemd/system ]; then
	run journalctl --no-pager -q -n 300 -t dhcpd -t libvirtd -t virtqemud -t kernel
fi
for file in /var/log/syslog /var/log/messages /var/log/daemon.log; do
	[ ! -f "$file" ] || { echo "# $file: dhcpd, libvirt, kernel" && tail -n 5000 "$file" | grep -E 'dhcpd|libvirt|virtqemud|kernel' | tail -n 300; }
done
ends /var/log/eucalyptus/*.log /var/log/eucalyptus/*error_log /var/log/libvirt/libvirtd.log`},
	} {
		list = append(list, Section{part.name, supportTools + strings.TrimSpace(part.script) + "\n:\n"})
	}
	return list
}
