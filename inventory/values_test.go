package inventory

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParsePublicIPs(t *testing.T) {
	for in, want := range map[string]string{
		"":                                            "",
		"203.0.113.7":                                 "203.0.113.7",
		"203.0.113.9 203.0.113.7":                     "203.0.113.7 203.0.113.9",
		"203.0.113.7-203.0.113.9":                     "203.0.113.7 203.0.113.8 203.0.113.9",
		"203.0.113.7-9":                               "203.0.113.7 203.0.113.8 203.0.113.9",
		"203.0.113.7-7":                               "203.0.113.7",
		"203.0.113.254-203.0.114.1":                   "203.0.113.254 203.0.113.255 203.0.114.0 203.0.114.1",
		"203.0.113.8/30":                              "203.0.113.9 203.0.113.10",
		"203.0.113.8/31":                              "203.0.113.8 203.0.113.9",
		"203.0.113.8/32":                              "203.0.113.8",
		"203.0.113.8/255.255.255.252":                 "203.0.113.9 203.0.113.10",
		"203.0.113.1-5 !203.0.113.2":                  "203.0.113.1 203.0.113.3 203.0.113.4 203.0.113.5",
		"!203.0.113.2-4 203.0.113.1-5":                "203.0.113.1 203.0.113.5",
		"203.0.113.0-7 !203.0.113.0/30":               "203.0.113.4 203.0.113.5 203.0.113.6 203.0.113.7",
		"203.0.113.1-3 !203.0.113.0/24":               "",
		"203.0.113.1-4 !203.0.113.1-2 !203.0.113.2-3": "203.0.113.4",
	} {
		got, err := ParsePublicIPs(strings.Fields(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		var words []string
		for _, a := range got {
			words = append(words, a.String())
		}
		if strings.Join(words, " ") != want {
			t.Errorf("%s: %v, want %s", in, words, want)
		}
	}
}

// Counting out ranges is the same as asking of each address whether it is in.
func TestPublicIPsAgainstSets(t *testing.T) {
	base := toNumber(netip.MustParseAddr("203.0.113.0"))
	rapid.Check(t, func(t *rapid.T) {
		var p publicRanges
		draw := func(label string) ipRange {
			low := base + uint32(rapid.IntRange(0, 200).Draw(t, label))
			return ipRange{low: low, high: low + uint32(rapid.IntRange(0, 40).Draw(t, label))}
		}
		for range rapid.IntRange(0, 6).Draw(t, "wanted") {
			r := draw("w")
			if len(p.wanted) > 0 && r.overlaps(p.wanted[len(p.wanted)-1]) {
				continue
			}
			p.wanted = append(p.wanted, r)
		}
		for range rapid.IntRange(0, 6).Draw(t, "excluded") {
			p.excluded = append(p.excluded, draw("e"))
		}
		if p.check() != nil {
			return
		}
		var want []netip.Addr
		for n := base; n < base+300; n++ {
			if in(n, p.wanted) && !in(n, p.excluded) {
				want = append(want, fromNumber(n))
			}
		}
		if got := p.expand(); len(got)+len(want) > 0 && !cmp.Equal(got, want, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func in(n uint32, ranges []ipRange) bool {
	for _, r := range ranges {
		if r.low <= n && n <= r.high {
			return true
		}
	}
	return false
}

func TestExpandHosts(t *testing.T) {
	for in, want := range map[string]string{
		"node1":         "node1",
		"node[1:3]":     "node1 node2 node3",
		"node[01:03]":   "node01 node02 node03",
		"node[08:11].x": "node08.x node09.x node10.x node11.x",
		"n[1:10:4]":     "n1 n5 n9",
		"n[00:10:05]":   "n00 n05 n10",
		"n[a:c]":        "na nb nc",
		"n[A:E:2]":      "nA nC nE",
		"r[1:2]c[a:b]":  "r1ca r1cb r2ca r2cb",
		"n[7:7]":        "n7",
		"n[0:1]":        "n0 n1",
		"n[9:11]":       "n9 n10 n11",
	} {
		got, err := expandHosts(in, 100)
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v", in, got, err)
		}
	}
	if _, err := expandHosts("n[1:101]", 100); err == nil {
		t.Error("no limit")
	}
}

func TestResolvePlain(t *testing.T) {
	for in, want := range map[string]any{
		"yes": true, "Off": false, "true": true, "TRUE": true, "~": nil, "": nil, "null": nil,
		"0": int64(0), "010": int64(8), "-0x1f": int64(-31), "0b11": int64(3), "1_000": int64(1000), "+5": int64(5),
		"9223372036854775807": int64(9223372036854775807), "-9223372036854775808": int64(-9223372036854775808),
		"1.5": 1.5, "1.": 1.0, ".5": 0.5, "1.5e+3": 1500.0,
		"y": "y", "1.2.3.4": "1.2.3.4", "a:b": "a:b", "0x": "0x", "1e": "1e", "tRue": "tRue", "10.0.0.0/8": "10.0.0.0/8",
		"52:54:00:12:34:5f": "52:54:00:12:34:5f", "2024-01": "2024-01",
	} {
		if got := resolvePlain(in); got.kind == scalarTrap || got.value != want {
			t.Errorf("%s: %+v, want %v", in, got, want)
		}
	}
	for _, in := range []string{"1:30", "52:54:00:12:34:56", "2024-01-31", "2024-01-31 10:00:00", "1e3", "1E-3", "0o17", "08", ".inf", "-.INF", ".nan", "=", "9223372036854775808", "1:30.5"} {
		if got := resolvePlain(in); got.kind != scalarTrap {
			t.Errorf("%s: %+v, want a trap", in, got)
		}
	}
}

func TestNetmask(t *testing.T) {
	for length := range 33 {
		got, err := parseNetmask(netmask(length).String())
		if err != nil || got != length {
			t.Errorf("/%d: %s, %d, %v", length, netmask(length), got, err)
		}
	}
}
