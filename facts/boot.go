package facts

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// BootScript prints one line: boot id, seconds since boot, seconds since 1970.
const BootScript = `
read -r id </proc/sys/kernel/random/boot_id || exit 2
read -r uptime rest </proc/uptime || exit 2
time=$(date -u +%s) || exit 2
echo "$id $uptime $time"
`

// Boot tells one run of a host's kernel from another.
type Boot struct {
	ID     string
	Uptime time.Duration
	Time   time.Time // the host's own clock
}

var bootID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// ReadBoot reads what BootScript printed.
func ReadBoot(text string) (Boot, error) {
	f := strings.Fields(text)
	if len(f) != 3 || !bootID.MatchString(f[0]) {
		return Boot{}, fmt.Errorf("boot: not an id, an uptime and a time: %q", text)
	}
	uptime, err := time.ParseDuration(f[1] + "s")
	if err != nil || uptime < 0 {
		return Boot{}, fmt.Errorf("boot: bad uptime %q", f[1])
	}
	now, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return Boot{}, fmt.Errorf("boot: bad time %q", f[2])
	}
	return Boot{f[0], uptime, time.Unix(now, 0).UTC()}, nil
}
