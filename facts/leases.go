package facts

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// LeasesScript prints our dhcpd's configuration and its leases, each with "c" or
// "l" in front of the line. Without a dhcpd of ours it prints nothing.
const LeasesScript = `
for file in eucactl-dhcpd.conf eucactl-dhcpd.leases; do
	[ -f "$RUN_DIR/$file" ] || continue
	case $file in *.conf) mark=c ;; *) mark=l ;; esac
	sed "s/^/$mark /" "$RUN_DIR/$file" || exit 2
done
`

// A Lease is an address that dhcpd gives to a MAC: fixed by the configuration, or
// as its lease file says.
type Lease struct {
	Address netip.Addr
	MAC     string
	Host    string // the configuration's name for it
	Fixed   bool
	State   string // of a lease: active, free ...
}

// ReadLeases reads what LeasesScript printed. A later lease of an address replaces
// an earlier one, as dhcpd reads its own file.
func ReadLeases(text string) ([]Lease, error) {
	var conf, leases strings.Builder
	for line := range strings.Lines(text) {
		mark, rest, ok := strings.Cut(line, " ")
		switch {
		case ok && mark == "c":
			conf.WriteString(rest)
		case ok && mark == "l":
			leases.WriteString(rest)
		default:
			return nil, fmt.Errorf("leases: neither configuration nor lease: %q", line)
		}
	}
	list, err := fixed(conf.String())
	if err != nil {
		return nil, err
	}
	return given(list, leases.String())
}

var (
	comment   = regexp.MustCompile(`(?m)^\s*#.*$`)
	hostBlock = regexp.MustCompile(`(?s)\bhost\s+(\S+)\s*\{([^{}]*)\}`)
	leaseText = regexp.MustCompile(`(?s)(?:^|\n)lease\s+(\S+)\s*\{(.*?)\n\}`)
	hardware  = regexp.MustCompile(`hardware\s+ethernet\s+([0-9A-Fa-f:]+)\s*;`)
	address   = regexp.MustCompile(`fixed-address\s+(\S+?)\s*;`)
	binding   = regexp.MustCompile(`(?m)^\s*binding\s+state\s+(\w+)\s*;`)
)

func fixed(conf string) ([]Lease, error) {
	var list []Lease
	for _, m := range hostBlock.FindAllStringSubmatch(comment.ReplaceAllString(conf, ""), -1) {
		mac, addr := hardware.FindStringSubmatch(m[2]), address.FindStringSubmatch(m[2])
		if mac == nil || addr == nil {
			return nil, fmt.Errorf("leases: host %s has no ethernet address or no fixed address", m[1])
		}
		a, err := netip.ParseAddr(addr[1])
		if err != nil {
			return nil, fmt.Errorf("leases: host %s: %w", m[1], err)
		}
		list = append(list, Lease{Address: a, MAC: strings.ToLower(mac[1]), Host: strings.Trim(m[1], `"`), Fixed: true})
	}
	return list, nil
}

func given(list []Lease, leases string) ([]Lease, error) {
	at := map[netip.Addr]int{}
	for _, m := range leaseText.FindAllStringSubmatch(leases, -1) {
		a, err := netip.ParseAddr(m[1])
		if err != nil {
			return nil, fmt.Errorf("leases: lease %s: %w", m[1], err)
		}
		l := Lease{Address: a}
		if mac := hardware.FindStringSubmatch(m[2]); mac != nil {
			l.MAC = strings.ToLower(mac[1])
		}
		if state := binding.FindStringSubmatch(m[2]); state != nil {
			l.State = state[1]
		}
		if i, known := at[a]; known {
			list[i] = l
			continue
		}
		at[a] = len(list)
		list = append(list, l)
	}
	return list, nil
}
