package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	diskfs "github.com/diskfs/go-diskfs"
	"github.com/diskfs/go-diskfs/disk"
	"github.com/diskfs/go-diskfs/filesystem"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
	"golang.org/x/crypto/ssh"

	"eucactl/seed"
)

// guest is one machine of the tests below.
type guest struct{ id, mac, address, hostname, node, bridge string }

const domainText = `<domain type='qemu'>
  <name>%[1]s</name><memory unit='MiB'>192</memory><vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>/srv/kernel</kernel><initrd>/srv/ramdisk</initrd><cmdline>root=/dev/vda console=ttyS0 panic=1</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <clock offset='utc'/>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/%[1]s.img'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/%[1]s.seed'/><target dev='vdb' bus='virtio'/><readonly/></disk>
    <interface type='bridge'><mac address='%[2]s'/><source bridge='%[3]s'/><model type='virtio'/><rom enabled='no'/></interface>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='/srv/%[1]s.console' append='on'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
`

// TestGuest boots the lab's image under libvirt, once from the seed that eucactl makes and once from an ISO as
// cloud-init's own tools make it, and asks dhcpd for addresses as the cloud's guests do.
func TestGuest(t *testing.T) {
	l := up(t, "guest", Options{Nodes: 1})
	first := guest{"i-00000001", "d0:0d:00:00:00:01", "10.50.0.2", "from-seed", "node1", "br0"}
	second := guest{"i-00000002", "d0:0d:00:00:00:02", "10.50.0.3", "from-iso", "node1", "br0"}
	serveDHCP(t, l, first, second)
	key, err := os.ReadFile(l.Key() + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	script := []byte("#!/bin/sh\necho \"hello from $(hostname)\"\necho once >>/root/ran\n")
	fat, err := seed.Image(seed.Seed{InstanceID: first.id, Hostname: first.hostname, PublicKey: string(bytes.TrimSpace(key)), UserData: script})
	if err != nil {
		t.Fatal(err)
	}
	start(t, l, first, fat)
	start(t, l, second, isoSeed(t, map[string][]byte{
		"meta-data": fmt.Appendf(nil, "instance-id: %s\nlocal-hostname: %s\npublic-keys:\n  - %s", second.id, second.hostname, key),
		"user-data": script,
	}))
	for _, g := range []guest{first, second} {
		waitConsole(t, l, g, "eucactl guest ready: "+g.hostname+" "+g.address, 1)
		waitConsole(t, l, g, "hello from "+g.hostname, 1)
		if got := guestRun(t, l, g, "hostname; cat /root/ran; ip route | grep -c default"); got != g.hostname+"\nonce\n1" {
			t.Errorf("%s: %q", g.id, got)
		}
	}
	// A reboot keeps the disk and does not run the user data again.
	guestRun(t, l, first, "reboot")
	waitConsole(t, l, first, "eucactl guest ready", 2)
	if got := guestRun(t, l, first, "cat /root/ran"); got != "once" {
		t.Errorf("after a reboot: %q", got)
	}
	// It goes from inside, and by the power button.
	guestRun(t, l, first, "poweroff")
	run(t, l, "node1", "virsh -q shutdown "+second.id)
	waitFor(t, "both guests to stop", func() bool { return run(t, l, "node1", "virsh -q list") == "" })
}

// serveDHCP starts a dhcpd on the frontend and gives the controller's place an address on the guests' network.
func serveDHCP(t *testing.T, l *Lab, guests ...guest) {
	t.Helper()
	config := "authoritative;\nsubnet 10.50.0.0 netmask 255.255.0.0 { option routers 10.50.0.1; }\n"
	for _, g := range guests {
		config += fmt.Sprintf("host %s { hardware ethernet %s; fixed-address %s; }\n", g.id, g.mac, g.address)
	}
	run(t, l, "fe1", "ip addr add 10.50.0.1/16 dev eth0; cat >/run/eucalyptus/dhcpd.conf <<'E'\n"+config+"E\n"+
		`touch /run/eucalyptus/leases
		dhcpd -q -cf /run/eucalyptus/dhcpd.conf -lf /run/eucalyptus/leases -pf /run/eucalyptus/pid eth0 >/run/dhcpd.log 2>&1 ||
		{ cat /run/dhcpd.log >&2; false; }`)
	run(t, l, ".", "ip addr add 10.50.255.254/16 dev priv")
}

func start(t *testing.T, l *Lab, g guest, seedDisk []byte) {
	t.Helper()
	for name, path := range map[string]string{"kernel": l.Image().Kernel, "ramdisk": l.Image().Ramdisk, g.id + ".img": l.Image().Machine} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, l, g.node, "/srv/"+name, text)
	}
	put(t, l, g.node, "/srv/"+g.id+".seed", seedDisk)
	put(t, l, g.node, "/srv/"+g.id+".xml", fmt.Appendf(nil, domainText, g.id, g.mac, g.bridge))
	begin := time.Now()
	run(t, l, g.node, "virsh -q create /srv/"+g.id+".xml")
	t.Logf("%s is created after %.1f s", g.id, time.Since(begin).Seconds())
}

// put writes a file inside a host.
func put(t *testing.T, l *Lab, host, path string, text []byte) {
	t.Helper()
	cmd := l.Command(host, "sh", "-c", `cat >"$1"`, "sh", path)
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", path, err, out)
	}
}

func isoSeed(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seed.iso")
	image, err := diskfs.Create(path, 1<<20, diskfs.SectorSizeDefault)
	if err != nil {
		t.Fatal(err)
	}
	image.LogicalBlocksize = 2048
	fs, err := image.CreateFilesystem(disk.FilesystemSpec{FSType: filesystem.TypeISO9660, VolumeLabel: "cidata"})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		f, err := fs.OpenFile("/"+name, os.O_CREATE|os.O_RDWR)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := fs.(*iso9660.FileSystem).Finalize(iso9660.FinalizeOptions{RockRidge: true, VolumeIdentifier: "cidata"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// waitConsole waits until the guest's console has shown the words that many times.
func waitConsole(t *testing.T, l *Lab, g guest, words string, times int) {
	t.Helper()
	begin := time.Now()
	console := func() string {
		out, _ := l.Command(g.node, "cat", "/srv/"+g.id+".console").Output()
		return string(out)
	}
	waitFor(t, g.id+" to say "+words, func() bool { return strings.Count(console(), words) >= times }, console)
	t.Logf("%s: %q after %.1f s", g.id, words, time.Since(begin).Seconds())
}

func waitFor(t *testing.T, what string, done func() bool, explain ...func() string) {
	t.Helper()
	for limit := time.Now().Add(90 * time.Second); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(limit) {
			for _, e := range explain {
				what += "\n" + e()
			}
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// guestRun logs in over the guests' network, from where the controller sits.
func guestRun(t *testing.T, l *Lab, g guest, command string) string {
	t.Helper()
	c, err := dialSSH(l, "root", g.address+":22", ssh.InsecureIgnoreHostKey())
	if err != nil {
		t.Fatalf("%s: %v", g.id, err)
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.CombinedOutput(command)
	if err != nil && command != "reboot" && command != "poweroff" {
		t.Fatalf("%s: %s: %v: %s", g.id, command, err, out)
	}
	return strings.TrimSuffix(string(out), "\n")
}
