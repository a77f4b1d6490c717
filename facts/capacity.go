package facts

import (
	"fmt"
	"strconv"
	"strings"
)

// CapacityScript prints cores, memory in KiB, and size and free space in KiB of
// the file system that holds the machines, or will.
const CapacityScript = `
cores=0
while read -r name rest; do
	case $name in cpu[0-9]*) cores=$((cores + 1)) ;; esac
done </proc/stat || exit 2
memory=
while read -r name value rest; do
	case $name in MemTotal:) memory=$value && break ;; esac
done </proc/meminfo || exit 2
dir=/var/lib/eucalyptus/instances
until [ -d "$dir" ]; do dir=${dir%/*}; done
disk=$(df -Pk "$dir/") || exit 2
# The last line; the device's name may have blanks in it.
set -f
set -- ${disk##*
}
while case ${1-} in '' | *[!0-9]*) : ;; *) false ;; esac; do
	[ $# -gt 3 ] || exit 2
	shift
done
echo "$cores $memory $1 $3"
`

// Capacity is what a host has in all, whoever uses it, and what is left of its disk.
type Capacity struct {
	Cores    int
	Memory   int // MiB
	Disk     int // GiB of the file system that holds the machines
	DiskFree int // GiB that are free there
}

// ReadCapacity reads what CapacityScript printed.
func ReadCapacity(text string) (Capacity, error) {
	f := strings.Fields(text)
	if len(f) != 4 {
		return Capacity{}, fmt.Errorf("capacity: not four numbers: %q", text)
	}
	var n [4]int
	for i, word := range f {
		var err error
		if n[i], err = strconv.Atoi(word); err != nil || n[i] < 0 {
			return Capacity{}, fmt.Errorf("capacity: not four numbers: %q", text)
		}
	}
	if n[0] == 0 || n[1] == 0 || n[2] == 0 || n[3] > n[2] {
		return Capacity{}, fmt.Errorf("capacity: that cannot be: %q", text)
	}
	return Capacity{n[0], n[1] >> 10, n[2] >> 20, n[3] >> 20}, nil
}
