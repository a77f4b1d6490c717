package facts

import (
	"fmt"
	"strings"
)

// SettingsScript prints the kernel's settings that decide where guests' packets go,
// "net/ipv4/ip_forward:1" a line. They are read by grep because the shell's own read
// takes bytes one by one, which the kernel does not answer. Those that this kernel
// does not have are missing.
const SettingsScript = `
cd /proc/sys || exit 2
grep . net/ipv4/ip_forward net/ipv4/conf/*/rp_filter /dev/null || exit 2
for name in net/bridge/bridge-nf-call-iptables net/bridge/bridge-nf-call-arptables; do
	[ ! -e "$name" ] || grep . "$name" /dev/null || exit 2
done
`

// ReadSettings reads what SettingsScript printed: name, with dots or as interfaces
// are spelt ("net/ipv4/conf/eth0.10/rp_filter"), -> value.
func ReadSettings(text string) (map[string]string, error) {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		i := strings.LastIndexByte(line, ':')
		if i <= 0 || !strings.HasPrefix(line, "net/") {
			return nil, fmt.Errorf("settings: not name:value: %q", line)
		}
		found[line[:i]] = strings.TrimSpace(line[i+1:])
	}
	if found["net/ipv4/ip_forward"] == "" {
		return nil, fmt.Errorf("settings: net/ipv4/ip_forward is missing")
	}
	return found, nil
}
