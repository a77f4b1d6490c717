package facts

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
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
	Up        bool   // switched on by its operator
	Carrier   bool   // something is plugged in: a cable, or a port that has one
	VLAN      int    // the tag of a VLAN interface; 0 of others
	Parent    string // of a VLAN interface
	Alias     string // a remark that its maker left
	NoARP     bool   // it neither asks nor answers for addresses
	Filters   bool   // a bridge that passes frames by their VLANs only
	Port      Port   // as a port of its master
	Addresses []netip.Prefix
}

// Port is how a bridge treats one of its ports; the zero value if it is none.
type Port struct {
	State     string // forwarding, blocking, listening, learning, disabled
	Broadcast bool   // broadcasts are sent out here
	Unknown   bool   // so are frames for addresses that the bridge has not seen
	Isolated  bool   // no frame passes to another isolated port
	Locked    bool   // only known senders may speak
}

// ReadLinks reads what LinksScript printed.
func ReadLinks(text string) ([]Link, error) {
	var raw []struct {
		Name   string   `json:"ifname"`
		Flags  []string `json:"flags"`
		MTU    int      `json:"mtu"`
		Master string   `json:"master"`
		MAC    string   `json:"address"`
		Alias  string   `json:"ifalias"`
		Parent string   `json:"link"`
		Info   struct {
			Kind string `json:"info_kind"`
			Data struct {
				ID        json.RawMessage `json:"id"` // of some kinds it is no number
				Filtering json.RawMessage `json:"vlan_filtering"`
			} `json:"info_data"`
			PortKind string   `json:"info_slave_kind"`
			Port     portJSON `json:"info_slave_data"`
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
		l := Link{Name: r.Name, Kind: r.Info.Kind, Master: r.Master, MAC: r.MAC, MTU: r.MTU, Alias: r.Alias}
		l.Up, l.Carrier = slices.Contains(r.Flags, "UP"), slices.Contains(r.Flags, "LOWER_UP")
		l.NoARP, l.Filters = slices.Contains(r.Flags, "NOARP"), l.Kind == "bridge" && string(r.Info.Data.Filtering) == "1"
		if r.Info.PortKind == "bridge" {
			l.Port = r.Info.Port.port()
		}
		if l.Kind == "vlan" {
			l.Parent = r.Parent
			l.VLAN, _ = strconv.Atoi(string(r.Info.Data.ID))
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

type portJSON struct {
	State     string `json:"state"`
	Broadcast *bool  `json:"bcast_flood"`
	Unknown   *bool  `json:"flood"`
	Isolated  bool   `json:"isolated"`
	Locked    bool   `json:"locked"`
}

// port: an iproute2 that does not say how it floods comes with a kernel that does.
func (p portJSON) port() Port {
	return Port{p.State, p.Broadcast == nil || *p.Broadcast, p.Unknown == nil || *p.Unknown, p.Isolated, p.Locked}
}
