package playbooks

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	CIDR  netip.Prefix `json:"cidr"`
	Count uint16       `json:"count"`
}

type sampleHost struct {
	Host     string         `json:"host"`
	Absent   *inner         `json:"absent"`
	Present  *inner         `json:"present"`
	List     []inner        `json:"list"`
	None     []inner        `json:"none,omitempty"`
	Address  netip.Addr     `json:"address"`
	NoAddr   netip.Addr     `json:"no_addr"`
	Big      int64          `json:"big"`
	Yes      bool           `json:"yes"`
	Half     float64        `json:"half"`
	ByName   map[string]int `json:"by_name"`
	Any      any            `json:"any"`
	GoneDHCP string
	Skipped  string `json:"-"`
	private  string
}

func TestMap(t *testing.T) {
	in := inner{netip.MustParsePrefix("172.19.0.1/27"), 64}
	got := Map(&sampleHost{
		Host: "fe1", Present: &in, List: []inner{in, {}}, Address: netip.MustParseAddr("192.0.2.1"),
		Big: 1 << 60, Yes: true, Half: 0.5, ByName: map[string]int{"a": 1}, Any: in, private: "x",
	})
	want := map[string]any{
		"host": "fe1", "absent": nil, "present": map[string]any{"cidr": "172.19.0.1/27", "count": int64(64)},
		"list": []any{map[string]any{"cidr": "172.19.0.1/27", "count": int64(64)}, map[string]any{"cidr": "", "count": int64(0)}},
		"none": []any{}, "address": "192.0.2.1", "no_addr": "", "big": int64(1) << 60, "yes": true, "half": 0.5,
		"by_name": map[string]any{"a": int64(1)}, "any": map[string]any{"cidr": "172.19.0.1/27", "count": int64(64)}, "gone_dhcp": "",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}
	if got := Map(nil); len(got) != 0 {
		t.Error(got)
	}
}
