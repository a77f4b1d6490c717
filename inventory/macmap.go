package inventory

import (
	"fmt"
	"net/netip"
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
	macs, ips := make(map[string]int), make(map[netip.Addr]int)
	for i, s := range list {
		p, err := parsePair(s)
		if err != nil {
			return nil, itemError{i, fmt.Errorf("pair %d, %s: %w", i+1, shown(s), err)}
		}
		if first, again := macs[p.MAC]; again {
			return nil, itemError{i, fmt.Errorf("pair %d has the hardware address of pair %d, %s", i+1, first, p.MAC)}
		}
		if first, again := ips[p.IP]; again {
			return nil, itemError{i, fmt.Errorf("pair %d has the IP address of pair %d, %s", i+1, first, p.IP)}
		}
		macs[p.MAC], ips[p.IP] = i+1, i+1
		pairs = append(pairs, p)
	}
	return pairs, nil
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
