package facts

import (
	"encoding/json"
	"fmt"
	"net/netip"
)

// LinksScript prints all interfaces with their addresses, as iproute2's JSON. The
// path is searched because busybox's sh prefers its own ip, which has no JSON.
const LinksScript = `
for ip in /usr/sbin/ip /sbin/ip /usr/bin/ip /bin/ip; do
	[ ! -x "$ip" ] || break
done
"$ip" -j -d addr show || exit 2
`

// A Link is an interface of a host.
type Link struct {
	Name      string
	Kind      string // bridge, vlan, veth, tun ...; "" for hardware
	Master    string // the bridge it is plugged into
	MAC       string
	MTU       int
	Up        bool // switched on by its operator
	Addresses []netip.Prefix
}

// ReadLinks reads what LinksScript printed.
func ReadLinks(text string) ([]Link, error) {
	var raw []struct {
		Name   string   `json:"ifname"`
		Flags  []string `json:"flags"`
		MTU    int      `json:"mtu"`
		Master string   `json:"master"`
		MAC    string   `json:"address"`
		Info   struct {
			Kind string `json:"info_kind"`
		} `json:"linkinfo"`
		Addresses []struct {
			Local  string `json:"local"`
			Length int    `json:"prefixlen"`
		} `json:"addr_info"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}
	var list []Link
	for _, r := range raw {
		if r.Name == "" {
			continue // iproute2 prints {} for what -d filtered
		}
		l := Link{Name: r.Name, Kind: r.Info.Kind, Master: r.Master, MAC: r.MAC, MTU: r.MTU}
		for _, flag := range r.Flags {
			l.Up = l.Up || flag == "UP"
		}
		for _, a := range r.Addresses {
			p, err := netip.ParsePrefix(fmt.Sprintf("%s/%d", a.Local, a.Length))
			if err != nil {
				return nil, fmt.Errorf("links: %s: %w", r.Name, err)
			}
			l.Addresses = append(l.Addresses, p)
		}
		list = append(list, l)
	}
	return list, nil
}
