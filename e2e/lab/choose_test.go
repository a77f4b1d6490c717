package lab

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eucactl/inventory"
)

// TestInventoryOfEachMode lets eucactl read what the lab writes; no host is made.
func TestInventoryOfEachMode(t *testing.T) {
	for _, mode := range []inventory.Mode{inventory.System, inventory.Static, inventory.Managed, inventory.ManagedNoVLAN} {
		l, err := named("test-mode", filepath.Join(t.TempDir(), "lab"))
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Mode: mode}
		if err := l.choose(o); err != nil {
			t.Fatal(err)
		}
		if err := l.include(o); err != nil {
			t.Fatal(err)
		}
		if err := l.save(); err != nil {
			t.Fatal(err)
		}
		if err := l.writeInventory(); err != nil {
			t.Fatal(err)
		}
		inv, err := inventory.Load(l.Inventory())
		if err != nil {
			t.Errorf("%s: %v", mode, err)
			continue
		}
		clusters := inv.Clusters()
		if len(clusters) != 1 || clusters[0].Network.Mode != mode {
			t.Errorf("%s: clusters %v", mode, clusters)
		}
		if mode != inventory.Static {
			continue
		}
		for _, pair := range clusters[0].Network.MACMap {
			if n := pair.IP.As4()[3]; n < 200 || n > 205 {
				t.Errorf("a guest of %s has an address of hosts: %v", mode, pair)
			}
		}
	}
}

func TestChoices(t *testing.T) {
	for _, c := range []struct {
		stands Lab
		o      Options
		want   string
	}{
		{o: Options{Kernel: "mine"}, want: "want shared or own"},
		{o: Options{Mode: "BRIDGED"}, want: "want one of"},
		{o: Options{Kernel: OwnKernel, Systemd: true}, want: "not systemd"},
		{stands: Lab{Name: "l", hosts: []Host{{}}}, o: Options{Kernel: OwnKernel}, want: "take it down first"},
		{stands: Lab{Name: "l", hosts: []Host{{}}, mode: inventory.Static}, o: Options{Mode: inventory.Managed}, want: "take it down first"},
	} {
		if err := c.stands.choose(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}

// TestForeignDHCP asks for an address as a guest of SYSTEM mode does.
func TestForeignDHCP(t *testing.T) {
	l := up(t, "system", Options{Nodes: 1, Mode: inventory.System})
	out, err := l.Command("node1", "busybox", "udhcpc", "-i", "br0", "-f", "-n", "-q", "-s", "/bin/true").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "lease of 10.40.0.2") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := inventory.Load(l.Inventory()); err != nil {
		t.Error(err)
	}
	if err := l.Reboot("dhcp"); err != nil {
		t.Fatal(err)
	}
	if out, err := l.Command("node1", "busybox", "udhcpc", "-i", "br0", "-f", "-n", "-q", "-s", "/bin/true").CombinedOutput(); err != nil {
		t.Errorf("after a reboot of the server: %v: %s", err, out)
	}
}

// TestInheritsNothing gives the lab's maker an open pipe: it must end when the maker does, not with the last host.
func TestInheritsNothing(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "lab")
	output(t, "go", "build", "-o", tool, "./cmd/lab")
	l := up(t, "inherit", Options{Hosts: []string{"a"}})
	if err := l.Kill("a"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("timeout", "20", "sh", "-c", `"$0" host boot --name "$1" a 3>&1 >/dev/null`, tool, l.Name)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}
