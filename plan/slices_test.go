package plan

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"eucactl/cloud"
)

// The guide's own examples, and the layout that leaves the first eight slices out.
//
// proves A80 A81 A82 E1 E11 E14
func TestSlices(t *testing.T) {
	type first struct{ slice, gateway, broadcast, netmask string }
	for _, test := range []struct {
		subnet    string
		addresses int
		networks  int // that can be active
		instances int // in each
		ten       first
	}{
		{"192.168.0.0/16", 64, 1016, 61, first{"192.168.2.0/26", "192.168.2.1", "192.168.2.63", "255.255.255.192"}},
		{"192.168.0.0/16", 256, 248, 253, first{"192.168.8.0/24", "192.168.8.1", "192.168.8.255", "255.255.255.0"}},
		{"10.0.0.0/8", 128, 4085, 125, first{"10.0.4.0/25", "10.0.4.1", "10.0.4.127", "255.255.255.128"}},
		{"10.0.0.0/8", 2048, 4085, 2045, first{"10.0.64.0/21", "10.0.64.1", "10.0.71.255", "255.255.248.0"}},
		{"10.20.0.0/16", 4, 4085, 1, first{"10.20.0.32/30", "10.20.0.33", "10.20.0.35", "255.255.255.252"}},
		{"172.16.0.0/24", 16, 8, 13, first{"172.16.0.128/28", "172.16.0.129", "172.16.0.143", "255.255.255.240"}},
	} {
		s := cloud.Settings{Subnet: netip.MustParsePrefix(test.subnet), AddrsPerNet: test.addresses}
		networks, instances := Slices(s)
		slice, ok := Slice(s, 10)
		got := first{slice.String(), Gateway(slice).String(), Broadcast(slice).String(), Netmask(slice).String()}
		if networks != test.networks || instances != test.instances || !ok || got != test.ten {
			t.Errorf("%s with %d: %d networks of %d instances, VLAN 10 is %v %v", test.subnet, test.addresses, networks, instances, got, ok)
		}
		last := 10 + networks - 1
		if _, ok := Slice(s, last); !ok {
			t.Errorf("%s with %d: no slice for the last VLAN, %d", test.subnet, test.addresses, last)
		}
		if slice, ok := Slice(s, last+1); ok && last < lastVLAN {
			t.Errorf("%s with %d: %s for VLAN %d is beyond", test.subnet, test.addresses, slice, last+1)
		}
	}
	if slice, ok := Slice(cloud.Settings{Subnet: netip.MustParsePrefix("10.0.0.0/8"), AddrsPerNet: 64}, 1); ok {
		t.Errorf("VLAN 1 has %s", slice)
	}
}

// Slices lie side by side inside the subnet, whatever its size.
func TestSlicesAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cloud.Settings{
			Subnet:      netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), rapid.IntRange(8, 24).Draw(t, "bits")),
			AddrsPerNet: 1 << rapid.IntRange(2, 11).Draw(t, "addresses"),
		}
		networks, _ := Slices(s)
		if networks < 2 {
			return
		}
		i := rapid.IntRange(10, 10+networks-2).Draw(t, "index")
		a, ok1 := Slice(s, i)
		b, ok2 := Slice(s, i+1)
		if !ok1 || !ok2 || a.Overlaps(b) || !s.Subnet.Contains(a.Addr()) || !s.Subnet.Contains(Broadcast(b)) || Broadcast(a).Next() != b.Addr() {
			t.Fatalf("%v: VLANs %d and %d are %s and %s", s, i, i+1, a, b)
		}
	})
}

func TestNextHost(t *testing.T) {
	slice := netip.MustParsePrefix("192.168.2.0/26")
	var all []string
	for i := 2; i <= 62; i++ {
		all = append(all, fmt.Sprintf("192.168.2.%d", i))
	}
	for _, test := range []struct {
		name, last, want string
		taken            []string
	}{
		{"the first", "", "192.168.2.2", nil},
		{"after the last given, not the lowest free", "192.168.2.7", "192.168.2.8", nil},
		{"over a taken one", "192.168.2.7", "192.168.2.9", []string{"192.168.2.8"}},
		{"around the end", "192.168.2.62", "192.168.2.2", nil},
		{"around the end, over taken ones", "192.168.2.61", "192.168.2.3", []string{"192.168.2.62", "192.168.2.2"}},
		{"the last given itself, if no other is free", "192.168.2.9", "192.168.2.9", append(append([]string{}, all[:7]...), all[8:]...)},
		{"the last given was another slice's", "192.168.9.9", "192.168.2.2", nil},
		{"the last given was the gateway", "192.168.2.1", "192.168.2.2", nil},
		{"none", "192.168.2.9", "", all},
	} {
		var last netip.Addr
		if test.last != "" {
			last = ip(test.last)
		}
		got, ok := nextHost(slice, last, func(a netip.Addr) bool { return !contains(test.taken, a.String()) })
		if ok != (test.want != "") || ok && got.String() != test.want {
			t.Errorf("%s: %s %v, want %q", test.name, got, ok, test.want)
		}
	}
	if got, ok := nextHost(netip.MustParsePrefix("10.0.0.32/30"), ip("10.0.0.34"), func(netip.Addr) bool { return true }); !ok || got != ip("10.0.0.34") {
		t.Errorf("a slice of four has %s", got)
	}
}

func TestMAC(t *testing.T) {
	if got := MAC("i-1a2b3c4d"); got != "d0:0d:1a:2b:3c:4d" {
		t.Error(got)
	}
}
