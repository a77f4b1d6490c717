package facts

import (
	"fmt"
	"strconv"
	"strings"
)

// GovernorsScript prints the processes in this network that change its firewall by
// themselves, "PID NAME COMMAND LINE" each.
const GovernorsScript = `
net=$(readlink /proc/self/ns/net) || exit 2
for dir in /proc/[0-9]*; do
	# Processes may end while we look.
	read -r name 2>/dev/null <"$dir/comm" || continue
	case $name in firewalld | dockerd) ;; *) continue ;; esac
	line=$(tr '\0' ' ' 2>/dev/null <"$dir/cmdline") || continue
	[ -n "$line" ] || continue
	[ "$(readlink "$dir/ns/net")" = "$net" ] || continue
	printf '%s %s %s\n' "${dir#/proc/}" "$name" "$line"
done
`

// A Process of a host.
type Process struct {
	PID     int
	Name    string
	Command string
}

// ReadGovernors reads what GovernorsScript printed.
func ReadGovernors(text string) ([]Process, error) {
	list := []Process{}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		pid, err := strconv.Atoi(f[0])
		if len(f) < 3 || err != nil || pid <= 0 {
			return nil, fmt.Errorf("governors: not a process: %q", line)
		}
		list = append(list, Process{PID: pid, Name: f[1], Command: f[2]})
	}
	return list, nil
}
