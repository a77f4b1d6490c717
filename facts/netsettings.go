package facts

import (
	"fmt"
	"strings"
)

// NetSettingsScript prints the kernel settings that decide about packets, one
// "name=value" a line, with / between the parts of a name: interfaces have dots.
const NetSettingsScript = `
cd /proc/sys/net || exit 2
[ -e ipv4/ip_forward ] || exit 2
for name in ipv4/ip_forward ipv4/conf/*/forwarding ipv4/conf/*/rp_filter ipv4/conf/*/arp_ignore \
	bridge/bridge-nf-call-* netfilter/nf_conntrack_count netfilter/nf_conntrack_max; do
	[ -e "$name" ] || continue
	set -- "$@" "$name"
done
grep -H '' "$@" | sed 's/:/=/'
`

// ReadNetSettings reads what NetSettingsScript printed: ipv4/ip_forward is 0 or 1.
func ReadNetSettings(text string) (map[string]string, error) {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("kernel settings: not name=value: %q", line)
		}
		m[name] = value
	}
	if m["ipv4/ip_forward"] == "" {
		return nil, fmt.Errorf("kernel settings: ipv4/ip_forward is missing")
	}
	return m, nil
}
