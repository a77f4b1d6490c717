package facts

import (
	"fmt"
	"strconv"
	"strings"
)

// DaemonsScript prints the processes that give leases or govern a firewall in this
// network, one a line: "PID NAME ours|- COMMAND LINE". A dhcpd is ours if it serves
// our file.
const DaemonsScript = `
net=$(readlink /proc/self/ns/net) || exit 2
for dir in /proc/[0-9]*; do
	# Processes may end while we look.
	read -r name 2>/dev/null <"$dir/comm" || continue
	case $name in
	dhcpd | dhcpd[0-9]* | dhcpd-* | udhcpd | dnsmasq | kea-dhcp4* | firewalld | dockerd) ;;
	*) continue ;;
	esac
	line=$(tr '\0' ' ' 2>/dev/null <"$dir/cmdline") || continue
	[ -n "$line" ] || continue
	[ "$(readlink "$dir/ns/net")" = "$net" ] || continue
	ours=-
	case $line in *" $RUN_DIR/eucactl-dhcpd.conf "*) ours=ours ;; esac
	printf '%s %s %s %s\n' "${dir#/proc/}" "$name" "$ours" "$line"
done
`

// A Daemon is a process of a host.
type Daemon struct {
	PID     int
	Name    string
	Ours    bool
	Command []string
}

// ReadDaemons reads what DaemonsScript printed.
func ReadDaemons(text string) ([]Daemon, error) {
	list := []Daemon{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || f[2] != "ours" && f[2] != "-" {
			return nil, fmt.Errorf("daemons: not a process: %q", line)
		}
		pid, err := strconv.Atoi(f[0])
		if err != nil || pid <= 0 {
			return nil, fmt.Errorf("daemons: %q is no process id", f[0])
		}
		list = append(list, Daemon{PID: pid, Name: f[1], Ours: f[2] == "ours", Command: f[3:]})
	}
	return list, nil
}
