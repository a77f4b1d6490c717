package lab

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func TestCloud(t *testing.T) {
	l := up(t, "cloud", Options{Nodes: 2})
	for host, want := range map[string]string{
		"fe1":    "eth0 10.40.0.11/24 eth1 203.0.113.2/24",
		"node1":  "br0 10.40.0.21/24",
		"node2":  "br0 10.40.0.22/24",
		"client": "eth0 203.0.113.100/24",
	} {
		if got := run(t, l, host, `echo $(ip -4 -br addr | grep -v ^lo | sed 's/@[^ ]*//; s/ UP / /')`); got != want {
			t.Errorf("%s has %s, want %s", host, got, want)
		}
	}
	run(t, l, "fe1", "ip addr add 203.0.113.10/32 dev eth1")
	run(t, l, "client", "ping -c 1 -W 5 203.0.113.10")
	if err := l.Command("client", "ping", "-c", "1", "-W", "1", "10.40.0.11").Run(); err == nil {
		t.Error("the outside client reaches the private network")
	}
	if got := run(t, l, "node1", "virsh -q list --all; virsh -q net-list --all; ip link show virbr0 2>/dev/null; true"); got != "" {
		t.Errorf("a new node has %q", got)
	}
	if err := l.StopLibvirtd("node1"); err != nil {
		t.Fatal(err)
	}
	if err := l.Command("node1", "virsh", "-q", "list").Run(); err == nil {
		t.Error("virsh works with libvirtd stopped")
	}
	if err := l.StartLibvirtd("node1"); err != nil {
		t.Fatal(err)
	}
	run(t, l, "node1", "virsh -q list")
	checkInventory(t, l)
	h, err := l.AddHost("extra", Plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sshRun(l, "root", h, "hostname"); err != nil || got != "extra" {
		t.Errorf("added host: %q, %v", got, err)
	}
}

func checkInventory(t *testing.T, l *Lab) {
	t.Helper()
	text, err := os.ReadFile(l.Inventory())
	if err != nil {
		t.Fatal(err)
	}
	type hosts map[string]map[string]string
	var got struct {
		All struct {
			Vars     map[string]string
			Children map[string]struct{ Hosts hosts }
		}
	}
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	addresses := map[string]hosts{}
	for name, group := range got.All.Children {
		addresses[name] = group.Hosts
	}
	want := map[string]hosts{
		"frontends": {"fe1": {"ansible_host": "10.40.0.11"}},
		"nodes":     {"node1": {"ansible_host": "10.40.0.21"}, "node2": {"ansible_host": "10.40.0.22"}},
	}
	if d := cmp.Diff(want, addresses); d != "" {
		t.Errorf("inventory (-want +got):\n%s", d)
	}
	if got.All.Vars["ansible_ssh_private_key_file"] != l.Key() || got.All.Vars["vnet_mode"] != "MANAGED-NOVLAN" {
		t.Errorf("variables: %v", got.All.Vars)
	}
}

func TestImageIsKept(t *testing.T) {
	l, err := named("test-image", t.TempDir()+"/one")
	if err != nil {
		t.Fatal(err)
	}
	first, err := BuildImage(l.Name, l.Dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := BuildImage(l.Name, strings.TrimSuffix(l.Dir, "one")+"two")
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{first.Kernel, second.Kernel}, {first.Ramdisk, second.Ramdisk}, {first.Machine, second.Machine}} {
		a, errA := os.Stat(pair[0])
		b, errB := os.Stat(pair[1])
		if errA != nil || errB != nil || !os.SameFile(a, b) {
			t.Errorf("%s and %s were built apart: %v %v", pair[0], pair[1], errA, errB)
		}
	}
	if output(t, "e2fsck", "-fn", first.Machine); t.Failed() {
		t.Error("the machine image is damaged")
	}
}
