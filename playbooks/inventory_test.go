package playbooks

import (
	"testing"
	"testing/fstest"

	"eucactl/inventory"
	"eucactl/templates"
)

func TestInventoryHosts(t *testing.T) {
	inv, err := inventory.Parse("inventory.yml", []byte("all:\n  children:\n    web:\n      hosts:\n        w1: { greeting: hello }\n        w2:\n"))
	if err != nil {
		t.Fatal(err)
	}
	play := fstest.MapFS{"p.yml": {Data: []byte(`
- hosts: nodes
  tasks:
    - rendered: { path: /node, content: x }
- hosts: web:!w2
  tasks:
    - rendered: { path: /w1, content: "{{ greeting }} {{ group_names | join }} {{ inventory_hostname }}" }
`)}}
	pb, err := Parse(play, "p.yml")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"w1": "hello web w1", "w2": ""} {
		h, _ := inv.Host(name)
		p, err := pb.Build(In{Host: InventoryHost(inv, h)}, library(t), templates.New())
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(p.Tasks) == 1 {
			got, _ = p.After(0)
		}
		if got != want || len(p.Tasks) > 1 {
			t.Errorf("%s: %q, %d tasks", name, got, len(p.Tasks))
		}
	}
	// A group that is nobody's role nor anybody's group is a mistake.
	pb.Plays[0].Hosts = "wbe"
	h, _ := inv.Host("w1")
	if _, err := pb.Build(In{Host: InventoryHost(inv, h)}, library(t), templates.New()); err == nil {
		t.Error("no error for a group that does not exist")
	}
}
