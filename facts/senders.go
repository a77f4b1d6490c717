package facts

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Senders is the script that prints where the host's bridges have seen senders, as
// iproute2's JSON, and for one bridge how long ago, in hundredths of a second: "age
// MAC TIME". Somebody else looks for mac meanwhile, so it waits for a word of it, if
// its interface tap forwards at all: until it has spoken since this program began, or
// a bit more than a second. "window TIME" is how long ago the program began.
func Senders(mac, bridge, tap string) string {
	return elapsed + `ages() {
	[ -r '/sys/class/net/` + bridge + `/brforward' ] || return 0
	od -An -v -t u1 '/sys/class/net/` + bridge + `/brforward' | awk 'NF == 16 && $8 == 0 {
		printf "age %02x:%02x:%02x:%02x:%02x:%02x %d\n", $1, $2, $3, $4, $5, $6, $9 + 256 * ($10 + 256 * ($11 + 256 * $12))
	}'
}
port=$(cat '/sys/class/net/` + bridge + `/brif/` + tap + `/state' 2>/dev/null)
while :; do
	window=$(elapsed) || exit 2
	list=$(ages)
	case $list in
	*'age ` + mac + ` '*)
		age=${list##*'age ` + mac + ` '}
		age=${age%%
*}
		[ "$age" -ge "$window" ] || break
		;;
	esac
	[ "$port" = 3 ] && [ "$window" -lt 130 ] || break
	sleep 0.1 2>/dev/null || sleep 1
done
printf 'window %s\n%s\n' "$window" "$list"
bridge -s -j fdb show || exit 2
`
}

// EarlierScript prints the same list at once: what bridges have heard before anybody
// looked for anything.
const EarlierScript = `
bridge -s -j fdb show || exit 2
`

// Heard is what bridges of a host have heard.
type Heard struct {
	Window  int // hundredths of a second for which it was listened
	Senders []Sender
}

// A Sender is a MAC that a bridge has heard, and the port behind which it is.
type Sender struct {
	MAC    string
	Port   string
	Bridge string
	VLAN   int
	Age    int  // since it spoke last, in hundredths of a second
	Own    bool // an interface's own address, or set by hand: nobody was heard
}

// ReadSenders reads what the script of Senders printed.
func ReadSenders(text string) (h Heard, err error) {
	ages := map[string]int{}
	for line := range strings.Lines(text) {
		switch f := strings.Fields(line); {
		case len(f) == 0:
		case f[0] == "window" && len(f) == 2:
			if h.Window, err = strconv.Atoi(f[1]); err != nil {
				return Heard{}, fmt.Errorf("senders: %q", line)
			}
		case f[0] == "age" && len(f) == 3:
			if ages[f[1]], err = strconv.Atoi(f[2]); err != nil {
				return Heard{}, fmt.Errorf("senders: %q", line)
			}
		default:
			if h.Senders, err = readFDB(line, ages); err != nil {
				return Heard{}, fmt.Errorf("senders: %w", err)
			}
		}
	}
	return h, nil
}

func readFDB(text string, ages map[string]int) (list []Sender, err error) {
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
		return nil, err
	}
	for _, r := range raw {
		if slices.Contains(r.Flags, "self") {
			continue // what the card listens to
		}
		s := Sender{strings.ToLower(r.MAC), r.Port, r.Bridge, r.VLAN, r.Age * 100, r.State == "permanent" || r.State == "static"}
		if age, known := ages[s.MAC]; known && !s.Own {
			s.Age = age
		}
		list = append(list, s)
	}
	return list, nil
}
