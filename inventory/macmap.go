package inventory

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// MACAddress is one pair of STATIC mode's map: a guest with this hardware
// address has this IP address.
type MACAddress struct {
	MAC string     `json:"mac" yaml:"mac"` // six octets, small letters
	IP  netip.Addr `json:"ip" yaml:"ip"`
}

// parseMACMap reads vnet_macmap: "MAC=IP MAC=IP ...", or the pairs in a list.
// Errors count the pairs and octets from 1.
func parseMACMap(v any) (any, error) {
	list, err := words(v)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("it has no pair MAC=IP")
	}
	var pairs []MACAddress
	var bad itemErrors
	macs, ips := make(map[string]int), make(map[netip.Addr]int)
	for i, s := range list {
		p, err := parsePair(s)
		if err != nil {
			bad = append(bad, itemError{i, fmt.Errorf("pair %d, %s: %w%s", i+1, shown(s), err, lacking(list, i))})
			continue
		}
		if first, again := macs[p.MAC]; again {
			bad = append(bad, itemError{i, fmt.Errorf("pair %d has the hardware address of pair %d, %s", i+1, first, p.MAC)})
		} else if first, again := ips[p.IP]; again {
			bad = append(bad, itemError{i, fmt.Errorf("pair %d has the IP address of pair %d, %s", i+1, first, p.IP)})
		}
		macs[p.MAC], ips[p.IP] = i+1, i+1
		pairs = append(pairs, p)
	}
	return pairs, bad.orNil()
}

// lacking says which octet a hardware address of five octets has probably lost: the
// one without which a whole address of the same map is all but the same.
func lacking(list []string, i int) string {
	short := octetsOf(list[i])
	if len(short) != 5 {
		return ""
	}
	for j, other := range list {
		whole := octetsOf(other)
		if len(whole) != 6 {
			continue
		}
		lost, ways := 0, 0
		for k := range whole {
			rest := slices.Concat(whole[:k], whole[k+1:])
			if slices.Equal(rest[:4], short[:4]) {
				lost, ways = k+1, ways+1
			}
		}
		if ways == 1 {
			return fmt.Sprintf("; beside pair %d, octet %d (%s) is missing", j+1, lost, whole[lost-1])
		}
	}
	return ""
}

func octetsOf(pair string) []string {
	mac, _, _ := strings.Cut(strings.ToLower(pair), "=")
	return strings.Split(mac, ":")
}

func parsePair(s string) (MACAddress, error) {
	mac, ip, found := strings.Cut(s, "=")
	if !found {
		return MACAddress{}, fmt.Errorf("a pair is MAC=IP, like 52:54:00:00:00:01=192.168.1.10")
	}
	hardware, err := parseMAC(mac)
	if err != nil {
		return MACAddress{}, err
	}
	a, err := parseUsableIPv4(ip)
	return MACAddress{hardware, a}, err
}

func parseMAC(s string) (string, error) {
	octets := strings.Split(strings.ToLower(s), ":")
	for i, o := range octets {
		if len(o) != 2 || strings.Trim(o, "0123456789abcdef") != "" {
			return "", fmt.Errorf("octet %d of the hardware address, %s, is not two hexadecimal digits", i+1, shown(o))
		}
	}
	if len(octets) != 6 {
		return "", fmt.Errorf("the hardware address %s has %d octets, not 6", s, len(octets))
	}
	if strings.ContainsAny(octets[0][1:], "13579bdf") {
		return "", fmt.Errorf("the hardware address %s is a multicast address", s)
	}
	if strings.Trim(s, "0:") == "" {
		return "", fmt.Errorf("the hardware address %s is that of no card", s)
	}
	return strings.Join(octets, ":"), nil
}
