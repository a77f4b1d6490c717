package facts

import (
	"fmt"
	"net/netip"
	"strings"
)

// A Peer is somebody to be pinged.
type Peer struct {
	Name string
	Addr netip.Addr
}

// FullFrame is the length of an IP packet that fills an Ethernet frame.
const FullFrame = 1500

// pingsAtOnce bounds the processes of one host.
const pingsAtOnce = 40

// Pings is the script that pings peers with small packets and with full frames that
// must not be cut up, and prints for each "NAME SMALL FULL MAC WORDS": yes or no, and
// the MAC that answers for its address on dev, or "-". What the host believed of it
// before is no answer.
func Pings(dev string, peers ...Peer) string {
	var b strings.Builder
	b.WriteString(whoHas + "dev=" + quote(dev) + `
command -v ping >/dev/null || { echo "there is no ping: apt-get install iputils-ping" >&2; exit 2; }
fast='' whole=''
case $(ping -V 2>&1) in *iputils*) fast='-i 0.2' whole='-M do' ;; esac
known() { awk -v ip="$1" '$1 == ip && $3 != "0x0" { print $4 }' /proc/net/arp; }
one() {
	small=no full=no
	mac=$(known "$2")
	words=$(ping -n -c 2 $fast -W 1 "$2" 2>&1) && small=yes
	[ $small = no ] || ! ping -n -q -c 2 $fast -W 1 -s ` + fmt.Sprint(FullFrame-28) + ` $whole "$2" >/dev/null 2>&1 || full=yes
	if [ $small = yes ] || [ -z "$mac" ]; then
		mac=$(known "$2")
	else
		mac=
		[ -z "$dev" ] || ! command -v arping >/dev/null || mac=$(who "$dev" "$2")
	fi
	case $words in
	*nreachable*) words=$(printf '%s\n' "$words" | grep -i unreachable | head -n 1) ;;
	*) words= ;;
	esac
	printf '%s %s %s %s %s\n' "$1" $small $full "${mac:--}" "$words"
}
`)
	for i, p := range peers {
		fmt.Fprintf(&b, "one %s %s &\n", quote(p.Name), p.Addr)
		if i%pingsAtOnce == pingsAtOnce-1 {
			b.WriteString("wait\n")
		}
	}
	b.WriteString("wait\n")
	return b.String()
}

// A Ping is what came back from a peer.
type Ping struct {
	Small, Full bool
	MAC         string // that answers for its address on this segment
	Words       string // of ping, when there is no way
}

// ReadPings reads what the script of Pings printed, by the peers' names.
func ReadPings(text string) (map[string]Ping, error) {
	found := map[string]Ping{}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimRight(line, "\n "), " ", 5)
		if len(f) < 4 {
			return nil, fmt.Errorf("pings: not a peer and what came back: %q", line)
		}
		p := Ping{Small: f[1] == "yes", Full: f[2] == "yes", MAC: f[3]}
		if p.MAC == "-" {
			p.MAC = ""
		}
		if len(f) == 5 {
			p.Words = f[4]
		}
		found[f[0]] = p
	}
	return found, nil
}
