package facts

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Senders is the script that prints where the host's bridges have seen senders, and
// how long ago, as iproute2's JSON. It waits a second for a word of mac: somebody
// else looks for it meanwhile.
func Senders(mac string) string {
	return `
for left in 9 8 7 6 5 4 3 2 1 0; do
	! bridge -s fdb show | grep -q '^` + mac + ` .* used [0-9]*/[01] ' || break
	case $left in 0) ;; *) sleep 0.1 2>/dev/null || { sleep 1; break; } ;; esac
done
bridge -s -j fdb show || exit 2
`
}

// A Sender is a MAC that a bridge has seen, and the port behind which it is.
type Sender struct {
	MAC    string
	Port   string
	Bridge string
	VLAN   int
	Age    int  // seconds since it spoke last
	Own    bool // an interface's own address, or set by hand: nobody was heard
}

// ReadSenders reads what the script of Senders printed.
func ReadSenders(text string) (list []Sender, err error) {
	var raw []struct {
		MAC    string   `json:"mac"`
		Port   string   `json:"ifname"`
		Bridge string   `json:"master"`
		VLAN   int      `json:"vlan"`
		Age    int      `json:"updated"`
		State  string   `json:"state"`
		Flags  []string `json:"flags"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("senders: %w", err)
	}
	for _, r := range raw {
		if slices.Contains(r.Flags, "self") {
			continue // what the card listens to
		}
		own := r.State == "permanent" || r.State == "static"
		list = append(list, Sender{strings.ToLower(r.MAC), r.Port, r.Bridge, r.VLAN, r.Age, own})
	}
	return list, nil
}
