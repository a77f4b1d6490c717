package playbooks

import (
	"fmt"
	"testing"
)

// BenchmarkNode builds the program of a node with 10 machines.
func BenchmarkNode(b *testing.B) {
	pb, err := Parse(Builtin(), Site)
	if err != nil {
		b.Fatal(err)
	}
	plan := planOf(b, "node")
	node := plan["node"].(map[string]any)
	one := node["machines"].([]any)[0].(map[string]any)
	var machines []any
	for i := range 10 {
		m := map[string]any{}
		for k, v := range one {
			m[k] = v
		}
		m["id"] = fmt.Sprintf("i-%08x", i)
		machines = append(machines, m)
	}
	node["machines"] = machines
	in := In{Host: Host{Name: "node", Groups: []string{"nodes"}}, Plan: plan, Facts: map[string]string{"arch": "x86_64"}}
	lib, set := library(b), Templates(nil)
	for b.Loop() {
		if _, err := pb.Build(in, lib, set); err != nil {
			b.Fatal(err)
		}
	}
}
