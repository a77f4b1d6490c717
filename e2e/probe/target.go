package main

import (
	"fmt"
	"net/netip"
	"strings"
)

// target is where packets go.
type target struct {
	proto  string
	addr   netip.AddrPort // port 0 for icmp
	silent bool           // no answer is expected
}

func (t target) String() string {
	if t.proto == "icmp" {
		return "icmp " + t.addr.Addr().String()
	}
	return t.proto + " " + t.addr.String()
}

func parseTargets(args []string) (all []target, err error) {
	for _, arg := range args {
		t := target{}
		var where string
		arg, t.silent = strings.CutPrefix(arg, "!")
		t.proto, where, _ = strings.Cut(arg, ":")
		switch t.proto {
		case "icmp":
			var ip netip.Addr
			ip, err = netip.ParseAddr(where)
			t.addr = netip.AddrPortFrom(ip, 0)
		case "tcp", "udp":
			t.addr, err = netip.ParseAddrPort(where)
		default:
			err = fmt.Errorf("no such protocol")
		}
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", arg, err)
		}
		all = append(all, t)
	}
	return all, nil
}
