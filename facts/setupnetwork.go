package facts

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// setupNetwork asks how a host is connected.
func setupNetwork() []setupPart {
	return []setupPart{
		{name: "net", names: []string{"interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"},
			like:   regexp.MustCompile(`^(?:lo|(?:eth|en[opsx]|wl|ww|br|bond|team|vlan|virbr|docker|veth|dummy|ifb|ib|usb|tun|tap|vmbr)[a-z0-9_]*)$`),
			script: `ip -o link; ip -o addr; echo "== route"; ip -4 route show default; echo "== route6"; ip -6 route show default`, read: readNet},
		{name: "dns", names: []string{"dns"}, script: `cat /etc/resolv.conf`, read: readDNS},
	}
}

// readNet reads links, addresses and default routes. Each link is a fact of its own.
func readNet(text string, out map[string]any) {
	links, rest, _ := strings.Cut(text, "== route\n")
	route, route6, _ := strings.Cut(rest, "== route6\n")
	found := map[string]map[string]any{}
	names := []any{}
	all4, all6 := []any{}, []any{}
	for _, line := range setupLines(links) {
		w := strings.Fields(line)
		if len(w) < 3 {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(w[1], ":"), "@")
		l := found[name]
		if l == nil {
			l = map[string]any{"device": name, "ipv6": []any{}, "type": "ether", "active": false}
			found[name] = l
			names = append(names, name)
		}
		switch w[2] {
		case "inet":
			readIPv4(l, w, &all4)
		case "inet6":
			readIPv6(l, w, &all6)
		default:
			readLink(l, line, w)
		}
	}
	out["interfaces"], out["all_ipv4_addresses"], out["all_ipv6_addresses"] = names, all4, all6
	for name, l := range found {
		if len(l["ipv6"].([]any)) == 0 {
			delete(l, "ipv6")
		}
		out[strings.NewReplacer("-", "_", ".", "_", ":", "_").Replace(name)] = l
	}
	out["default_ipv4"] = defaultRoute(route, found, "ipv4")
	out["default_ipv6"] = defaultRoute(route6, found, "ipv6")
}

func readLink(l map[string]any, line string, w []string) {
	l["active"] = strings.Contains(w[2], "UP")
	for i := 0; i+1 < len(w); i++ {
		switch w[i] {
		case "mtu":
			n, _ := strconv.ParseInt(w[i+1], 10, 64)
			l["mtu"] = n
		case "link/ether":
			l["macaddress"] = w[i+1]
		case "link/loopback":
			l["type"] = "loopback"
		}
	}
	l["promisc"] = strings.Contains(w[2], "PROMISC")
}

func readIPv4(l map[string]any, w []string, all *[]any) {
	p, err := netip.ParsePrefix(w[3])
	if err != nil {
		return
	}
	a := map[string]any{"address": p.Addr().String(), "netmask": maskOf(p.Bits()), "network": p.Masked().Addr().String(), "prefix": strconv.Itoa(p.Bits())}
	if a["broadcast"] = ""; len(w) > 5 && w[4] == "brd" {
		a["broadcast"] = w[5]
	}
	if l["ipv4"] == nil {
		l["ipv4"] = a
	} else {
		more, _ := l["ipv4_secondaries"].([]any)
		l["ipv4_secondaries"] = append(more, a)
	}
	if !p.Addr().IsLoopback() {
		*all = append(*all, p.Addr().String())
	}
}

func readIPv6(l map[string]any, w []string, all *[]any) {
	p, err := netip.ParsePrefix(w[3])
	if err != nil {
		return
	}
	a := map[string]any{"address": p.Addr().String(), "prefix": strconv.Itoa(p.Bits())}
	for i := 4; i+1 < len(w); i++ {
		if w[i] == "scope" {
			a["scope"] = w[i+1]
		}
	}
	l["ipv6"] = append(l["ipv6"].([]any), a)
	if !p.Addr().IsLoopback() {
		*all = append(*all, p.Addr().String())
	}
}

func maskOf(bits int) string {
	var b [4]byte
	for i := range bits {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b).String()
}

// defaultRoute is the interface of the default route, with the address it sends from.
func defaultRoute(text string, links map[string]map[string]any, family string) map[string]any {
	out := map[string]any{}
	l := setupLines(text)
	if len(l) == 0 {
		return out
	}
	w := strings.Fields(l[0])
	for i := 0; i+1 < len(w); i++ {
		switch w[i] {
		case "via":
			out["gateway"] = w[i+1]
		case "dev":
			out["interface"] = w[i+1]
		}
	}
	name, _ := out["interface"].(string)
	link := links[name]
	if link == nil {
		return out
	}
	for _, key := range []string{"macaddress", "mtu", "type"} {
		if link[key] != nil {
			out[key] = link[key]
		}
	}
	var a map[string]any
	if family == "ipv4" {
		a, _ = link["ipv4"].(map[string]any)
		out["alias"] = name
	} else if list, ok := link["ipv6"].([]any); ok {
		for _, one := range list {
			if m, ok := one.(map[string]any); ok && (a == nil || m["scope"] == "global") {
				a = m
			}
		}
	}
	for key, v := range a {
		out[key] = v
	}
	return out
}

func readDNS(text string, out map[string]any) {
	servers, search, options := []any{}, []any{}, map[string]any{}
	for _, line := range setupLines(text) {
		w := strings.Fields(line)
		switch {
		case w[0] == "nameserver" && len(w) > 1:
			servers = append(servers, w[1])
		case w[0] == "search":
			for _, d := range w[1:] {
				search = append(search, d)
			}
		case w[0] == "options":
			for _, o := range w[1:] {
				key, value, ok := strings.Cut(o, ":")
				if options[key] = any(true); ok {
					options[key] = value
				}
			}
		}
	}
	dns := map[string]any{}
	if len(servers) > 0 {
		dns["nameservers"] = servers
	}
	if len(search) > 0 {
		dns["search"] = search
	}
	if len(options) > 0 {
		dns["options"] = options
	}
	out["dns"] = dns
}
