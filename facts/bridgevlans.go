package facts

import (
	"encoding/json"
	"fmt"
	"slices"
)

// BridgeVLANsScript prints of which VLANs each port of a bridge is, as iproute2's
// JSON. It matters where a bridge filters by them.
const BridgeVLANsScript = `
vlans=$(bridge -j vlan show) || exit 2
printf '%s\n' "${vlans:-[]}"
`

// PortVLANs are those that pass at a port.
type PortVLANs struct {
	Port   string
	Native int // that of frames without a tag; 0: they are dropped
	VLANs  []int
}

// ReadBridgeVLANs reads what BridgeVLANsScript printed.
func ReadBridgeVLANs(text string) (list []PortVLANs, err error) {
	var raw []struct {
		Port  string `json:"ifname"`
		VLANs []struct {
			VLAN  int      `json:"vlan"`
			End   int      `json:"vlanEnd"`
			Flags []string `json:"flags"`
		} `json:"vlans"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("VLANs of bridges: %w", err)
	}
	for _, r := range raw {
		p := PortVLANs{Port: r.Port}
		for _, v := range r.VLANs {
			if v.End > 4095 {
				return nil, fmt.Errorf("VLANs of bridges: %d is none", v.End)
			}
			for id := v.VLAN; id <= max(v.VLAN, v.End); id++ {
				p.VLANs = append(p.VLANs, id)
			}
			if slices.Contains(v.Flags, "PVID") {
				p.Native = v.VLAN
			}
		}
		list = append(list, p)
	}
	return list, nil
}
