package inventory

import (
	"slices"
	"strings"

	"eucactl/spelling"
)

// namesInterface says whether a setting's value is the name of an interface or bridge.
func namesInterface(variable string) bool {
	return strings.HasSuffix(variable, "interface") || variable == "vnet_bridge"
}

// meantInterface is the usual name that an unusual one differs from by one letter or
// by the order of its letters, or "".
func meantInterface(name string) string {
	letters := strings.TrimRight(name, "0123456789.")
	usual := []string{"eth", "peth", "br", "xenbr", "bond", "eno", "ens", "em"}
	others := []string{"enp", "enx", "en", "team", "wlan", "lan", "wan", "vlan", "vmbr", "virbr", "ib", "dummy", "veth", "tap", "lo", "net", "p"}
	if len(letters) == len(name) || slices.Contains(append(others, usual...), letters) {
		return ""
	}
	for _, u := range usual {
		if d := spelling.Distance(letters, u); d == 1 && len(u) > 2 || d == 2 && anagram(letters, u) {
			return u + name[len(letters):]
		}
	}
	return ""
}

func anagram(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}
