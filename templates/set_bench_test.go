package templates

import (
	"fmt"
	"testing"
)

func bigTable(chains, rules int) map[string]any {
	var list []any
	for c := range chains {
		var rs []any
		for r := range rules {
			rs = append(rs, rule(map[string]any{"proto": "tcp", "source": fmt.Sprintf("10.%d.%d.0/24", c%256, r), "ports": "22", "target": "ACCEPT"}))
		}
		list = append(list, map[string]any{"name": fmt.Sprintf("admin-g%d", c), "mark": "eucactl 0badcafe sg-1", "rules": rs})
	}
	return map[string]any{"hooks": []any{map[string]any{"from": "FORWARD", "to": "EUCA-FORWARD"}}, "chains": list}
}

func rule(over map[string]any) map[string]any {
	r := map[string]any{"in": "", "not_in": "", "source": "", "source_set": "", "dest": "", "not_dest": "", "dest_set": "", "proto": "",
		"ports": "", "icmp": "", "state": "", "not_state": "", "direction": "", "not_syn": false, "target": "", "to": "", "to_port": 0}
	for k, v := range over {
		r[k] = v
	}
	return r
}

func BenchmarkRules(b *testing.B) {
	s := New(Builtin())
	vars := map[string]any{"table": bigTable(2000, 11)}
	for b.Loop() {
		if _, err := s.Render("rules.j2", vars); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLeases(b *testing.B) {
	s := New(Builtin())
	var leases []any
	for i := range 10000 {
		leases = append(leases, map[string]any{"mac": fmt.Sprintf("d0:0d:00:00:%02x:%02x", i/256, i%256),
			"ip": fmt.Sprintf("172.19.%d.%d", i/256, i%256), "hostname": fmt.Sprintf("ip-172-19-%d-%d", i/256, i%256), "instance": "i-00000001"})
	}
	subnet := map[string]any{"network": "172.19.0.0", "netmask": "255.255.0.0", "broadcast": "172.19.255.255", "gateway": "172.19.0.1", "server": "", "leases": leases}
	dhcp := map[string]any{"dns": []any{"192.0.2.53"}, "domain": "example.org", "shared": false, "subnets": []any{subnet}}
	vars := map[string]any{"plan": map[string]any{"cloud": "0badcafe", "host": "fe1", "frontend": map[string]any{"dhcp": dhcp}}}
	for b.Loop() {
		if _, err := s.Render("dhcpd.conf.j2", vars); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWhen(b *testing.B) {
	s := New()
	vars := map[string]any{"n": int64(64), "m": map[string]any{"a": "b"}}
	for b.Loop() {
		if ok, err := s.Truth("n == 64 and m.a in ['a', 'b']", vars); err != nil || !ok {
			b.Fatal(err)
		}
	}
}
