package facts

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Sought is an address to look for, on an interface.
type Sought struct {
	IP  netip.Addr
	Dev string
}

// LookFor is the script that looks for addresses, all at once: with a ping, so
// that the kernel asks for them, and with an arping where there is one, which hears
// everybody who answers. For each it prints "IP at TIME" when it begins, in hundredths
// of a second since the program did, "IP ping yes" or no, "IP arping yes" if it asked, "IP reply MAC" for each answer, and "IP known JSON", what the kernel
// knows of it then.
func LookFor(list ...Sought) string {
	var b strings.Builder
	b.WriteString(elapsed + `
for ip in /usr/sbin/ip /sbin/ip /usr/bin/ip /bin/ip; do
	[ ! -x "$ip" ] || break
done
look_for() {
	{
		echo "at $(elapsed)"
		if ping -c 1 -W 1 "$1" >/dev/null 2>&1; then
			echo "ping yes"
		else
			echo "at $(elapsed)"
			if ping -c 1 -W 1 "$1" >/dev/null 2>&1; then echo "ping yes"; else echo "ping no"; fi
		fi
		known=$("$ip" -j neigh show to "$1") || known=unknown
		printf 'known %s\n' "${known:-[]}"
	} | sed "s/^/$1 /"
}
ask_for() {
	command -v arping >/dev/null || return 0
	replies=$(timeout -s INT 0.15 arping -c 3 -I "$2" "$1" 2>/dev/null)
	case $? in
	0 | 1 | 124) echo "$1 arping yes" ;;
	*) return 0 ;;
	esac
	printf '%s\n' "$replies" |
		sed -n "s/.*[^0-9A-Fa-f:]\(\([0-9A-Fa-f]\{1,2\}:\)\{5\}[0-9A-Fa-f]\{1,2\}\).*/$1 reply \1/p"
}
`)
	for _, s := range list {
		fmt.Fprintf(&b, "look_for %s &\nask_for %s '%s' &\n", s.IP, s.IP, s.Dev)
	}
	b.WriteString("wait\n")
	return b.String()
}

// Found is what became of the search for an address.
type Found struct {
	At      []int    // when pings were sent, in hundredths of a second of the program
	Ping    bool     // it answered a ping
	Asked   bool     // arping asked
	Replies []string // the MACs that answered arping, each once
	Known   []Neighbour
}

// A Neighbour is a line of the kernel's table.
type Neighbour struct {
	Dev   string
	MAC   string // "" if nobody answered
	State string // REACHABLE, STALE, DELAY, PROBE, FAILED, INCOMPLETE, PERMANENT, NOARP
}

var macForm = regexp.MustCompile(`^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$`)

// ReadFound reads what the script of LookFor printed.
func ReadFound(text string) (map[netip.Addr]Found, error) {
	all := map[netip.Addr]Found{}
	for line := range strings.Lines(text) {
		address, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		a, err := netip.ParseAddr(address)
		if err != nil {
			return nil, fmt.Errorf("search: %q", line)
		}
		n := all[a]
		if err := n.read(rest); err != nil {
			return nil, fmt.Errorf("search: %q: %w", line, err)
		}
		all[a] = n
	}
	return all, nil
}

func (n *Found) read(line string) (err error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "at":
		var at int
		at, err = strconv.Atoi(rest)
		n.At = append(n.At, at)
	case "ping":
		n.Ping = rest == "yes"
	case "arping":
		n.Asked = true
	case "reply":
		mac := strings.ToLower(rest)
		if !macForm.MatchString(mac) {
			return fmt.Errorf("not an ethernet address")
		}
		if !slices.Contains(n.Replies, mac) {
			n.Replies = append(n.Replies, mac)
		}
	case "known":
		n.Known, err = entries(rest)
	default:
		return fmt.Errorf("unexpected")
	}
	return err
}

func entries(text string) (list []Neighbour, err error) {
	var raw []struct {
		Dev   string   `json:"dev"`
		MAC   string   `json:"lladdr"`
		State []string `json:"state"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, err
	}
	for _, r := range raw {
		list = append(list, Neighbour{Dev: r.Dev, MAC: strings.ToLower(r.MAC), State: strings.Join(r.State, " ")})
	}
	return list, nil
}
