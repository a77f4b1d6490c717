package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"eucactl/inventory"
	"eucactl/seed"
)

// TestOwnKernel puts one lab of hosts with kernels of their own through what the cloud's modes with VLANs need. Each
// part leaves what the next may build on, because such a lab takes seconds to boot.
func TestOwnKernel(t *testing.T) {
	begin := time.Now()
	l := up(t, "own", Options{Kernel: OwnKernel, Mode: inventory.Managed})
	t.Logf("up after %.1f s", time.Since(begin).Seconds())
	for _, part := range []struct {
		name string
		test func(*testing.T, *Lab)
	}{
		{"Layout", ownLayout}, {"Exec", ownExec}, {"Login", ownLogin}, {"VLAN", ownVLAN}, {"Tagged", ownTagged},
		{"Modules", ownModules}, {"Guests", ownGuests}, {"Door", ownDoor}, {"PowerCut", ownPowerCut}, {"AddHost", ownAddHost},
		{"Down", ownDown},
	} {
		t.Run(part.name, func(t *testing.T) {
			begin := time.Now()
			part.test(t, l)
			t.Logf("%.1f s", time.Since(begin).Seconds())
		})
	}
}

func ownLayout(t *testing.T, l *Lab) {
	for host, want := range map[string]string{
		"fe1":    "eth0 10.40.0.11/24 eth1 203.0.113.2/24",
		"node1":  "eth0 10.40.0.21/24",
		"client": "eth0 203.0.113.100/24",
	} {
		if got := run(t, l, host, `echo $(ip -4 -br addr | grep -v ^lo | sed 's/@[^ ]*//; s/ \(UP\|UNKNOWN\) / /')`); got != want {
			t.Errorf("%s has %s, want %s", host, got, want)
		}
	}
	ours := run(t, l, "client", "uname -r")
	version, err := umlVersion()
	if got := run(t, l, "node1", "uname -r; hostname"); err != nil || got == ours || got != version+"\nnode1" {
		t.Errorf("kernel and name of node1: %q, %v", got, err)
	}
	text, err := os.ReadFile(l.Inventory())
	if err != nil || !strings.Contains(string(text), "vnet_mode: MANAGED\n") || strings.Contains(string(text), "vnet_bridge") {
		t.Errorf("the inventory: %v\n%s", err, text)
	}
}

func ownExec(t *testing.T, l *Lab) {
	cmd := l.Command("node1", "sh", "-c", `cat; printf '%s\n' "$@" >&2; exit 7`, "sh", "it's", `"$HOME"`, "")
	cmd.Stdin = bytes.NewReader([]byte{0, 1, 0xff, '\r', '\n'})
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	var exit *exec.ExitError
	if string(out) != "\x00\x01\xff\r\n" || !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("got %q, %v", out, err)
	}
	if got := words.String(); got != "it's\n\"$HOME\"\n\n" {
		t.Errorf("arguments arrive as %q", got)
	}
	if err := l.Command("node1", "sh", "-c", "kill -9 $$").Run(); !errors.As(err, &exit) || exit.ExitCode() != 128+9 {
		t.Errorf("a killed program: %v", err)
	}
	if got := run(t, l, "node1", "pwd; echo $HOME $PATH"); got != "/\n/root "+strings.TrimPrefix(hostEnv[0], "PATH=") {
		t.Errorf("a program finds itself in %q", got)
	}
	if err := l.Command("node1", "no-such-program").Run(); !errors.As(err, &exit) || exit.ExitCode() != 127 {
		t.Errorf("a program that is not there: %v", err)
	}
}

func ownLogin(t *testing.T, l *Lab) {
	h, err := l.Host("node1")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ user, command, want string }{
		{"root", "hostname; id -un; echo $SHELL $HOME", "node1\nroot\n/bin/sh /root"},
		{"ops", "id -un; sudo -n id -un; touch mine; stat -c %U mine", "ops\nroot\nops"},
	} {
		if got, err := sshRun(l, c.user, h, c.command); err != nil || got != c.want {
			t.Errorf("%s@node1: got %q, %v; want %q", c.user, got, err, c.want)
		}
	}
}

// ownVLAN joins the three hosts on VLAN 10 and leaves that for the parts after it.
func ownVLAN(t *testing.T, l *Lab) {
	run(t, l, "fe1", "vconfig add eth0 10 2>/dev/null && ip link set eth0.10 up && ip addr add 10.50.10.1/24 dev eth0.10")
	for i, node := range []string{"node1", "node2"} {
		run(t, l, node, fmt.Sprintf(`ip link add link eth0 name eth0.10 type vlan id 10
			ip link add eucabr10 type bridge stp_state 0 forward_delay 0 && ip link set eth0.10 master eucabr10 up && ip link set eucabr10 up
			ip link add link eth0 name eth0.11 type vlan id 11 && ip link set eth0.11 up
			ip addr add 10.50.10.25%d/24 dev eucabr10 && ip addr add 10.50.11.25%d/24 dev eth0.11`, i+1, i+1))
	}
	run(t, l, "node1", "ping -c 1 -W 5 10.50.10.1 && ping -c 1 -W 5 10.50.10.252 && ping -c 1 -W 5 10.50.11.252")
	if err := l.Command("fe1", "ping", "-c", "1", "-W", "1", "10.50.11.251").Run(); err == nil {
		t.Error("a host without the VLAN reaches it")
	}
}

func ownTagged(t *testing.T, l *Lab) {
	reaches := func(node, address string) bool {
		return l.Command(node, "ping", "-c", "1", "-W", "1", address).Run() == nil
	}
	for _, port := range []string{"node2", "."} {
		if err := l.DropTagged(port); err != nil {
			t.Fatal(err)
		}
		if reaches("node1", "10.50.11.252") {
			t.Errorf("with %s dropping, node2 has a tagged frame", port)
		}
		if !reaches("node1", "10.40.0.22") {
			t.Errorf("with %s dropping, frames without a tag get lost", port)
		}
		if other := reaches("node1", "10.50.10.1"); other != (port == "node2") {
			t.Errorf("with %s dropping, fe1 has a tagged frame: %v", port, other)
		}
		if err := l.PassTagged(port); err != nil {
			t.Fatal(err)
		}
		if !reaches("node1", "10.50.11.252") {
			t.Errorf("with %s passing again, node2 has no tagged frame", port)
		}
	}
}

func ownModules(t *testing.T, l *Lab) {
	run(t, l, "node2", `set -e
		iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		iptables -t nat -A PREROUTING -d 203.0.113.10 -j DNAT --to 10.50.10.2
		ipset create members hash:ip && ipset add members 10.50.10.2
		iptables -A FORWARD -m set --match-set members dst -j ACCEPT
		iptables-save | grep -q match-set
		iptables-legacy -S FORWARD | grep -q members`)
	run(t, l, "node2", `set -e
		nft add table bridge lab
		nft add set bridge lab senders '{ type ifname . ether_addr . ipv4_addr; }'
		nft add chain bridge lab in '{ type filter hook prerouting priority -300; }'
		nft add element bridge lab senders '{ "vnet0" . d0:0d:00:00:00:02 . 10.50.10.3 }'
		nft add rule bridge lab in iifname . ether saddr . ip saddr @senders accept
		nft add rule bridge lab in iifname . ether saddr . arp saddr ip @senders accept
		nft list table bridge lab | grep -q 'arp saddr ip'
		nft delete table bridge lab`)
	run(t, l, "node2", `set -e
		modprobe br_netfilter && [ "$(cat /proc/sys/net/bridge/bridge-nf-call-iptables)" = 1 ]
		echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables
		modprobe -a dm-snapshot loop aoe iscsi_tcp dummy && grep -q device-mapper /proc/devices && ip link add d0 type dummy`)
}

// ownGuests starts a guest on either node, whose links meet on VLAN 10 and which have their addresses from fe1.
func ownGuests(t *testing.T, l *Lab) {
	guests := []guest{
		{"i-00000001", "d0:0d:00:00:00:01", "10.50.10.2", "one", "node1", "eucabr10"},
		{"i-00000002", "d0:0d:00:00:00:02", "10.50.10.3", "two", "node2", "eucabr10"},
	}
	config := "authoritative;\nsubnet 10.50.10.0 netmask 255.255.255.0 { option routers 10.50.10.1; }\n"
	for _, g := range guests {
		config += fmt.Sprintf("host %s { hardware ethernet %s; fixed-address %s; }\n", g.id, g.mac, g.address)
	}
	put(t, l, "fe1", "/run/eucalyptus/dhcpd.conf", []byte(config))
	run(t, l, "fe1", "touch /run/eucalyptus/leases; dhcpd -q -cf /run/eucalyptus/dhcpd.conf -lf /run/eucalyptus/leases -pf /run/eucalyptus/pid eth0.10")
	key, err := os.ReadFile(l.Key() + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	put(t, l, "fe1", "/root/key", mustRead(t, l.Key()))
	run(t, l, "fe1", "chmod 600 /root/key")
	t.Run("Start", func(t *testing.T) {
		for _, g := range guests {
			t.Run(g.node, func(t *testing.T) {
				t.Parallel()
				disk, err := seed.Image(seed.Seed{InstanceID: g.id, Hostname: g.hostname, PublicKey: string(bytes.TrimSpace(key))})
				if err != nil {
					t.Fatal(err)
				}
				start(t, l, g, disk)
				waitConsole(t, l, g, "eucactl guest ready: "+g.hostname+" "+g.address, 1)
			})
		}
	})
	login := "ssh -i /root/key -o StrictHostKeyChecking=no -o LogLevel=ERROR root@"
	if got := run(t, l, "fe1", login+"10.50.10.2 'hostname; ping -c 1 -W 5 10.50.10.3 >/dev/null && echo met'"); got != "one\nmet" {
		t.Errorf("the first guest says %q", got)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ownDoor shuts everything but the lab's own door.
func ownDoor(t *testing.T, l *Lab) {
	h, _ := l.Host("node1")
	if err := l.StopSSHD("node1"); err != nil {
		t.Fatal(err)
	}
	if _, err := sshRun(l, "root", h, "true"); err == nil {
		t.Error("sshd answers while it is stopped")
	}
	if err := l.StartSSHD("node1"); err != nil {
		t.Fatal(err)
	}
	if got, err := sshRun(l, "root", h, "hostname"); err != nil || got != "node1" {
		t.Errorf("after sshd was started: %q, %v", got, err)
	}
	if err := l.StopLibvirtd("node1"); err != nil {
		t.Fatal(err)
	}
	if err := l.StartLibvirtd("node1"); err != nil {
		t.Fatal(err)
	}
	if got := run(t, l, "node1", "virsh -q list --name"); got != "i-00000001" {
		t.Errorf("guests after libvirtd was started again: %q", got)
	}
	run(t, l, "node1", "iptables -I INPUT -j DROP; ip link set eth0 down; ip link show vec9 2>/dev/null && exit 1; true")
	if got := run(t, l, "node1", "hostname"); got != "node1" {
		t.Errorf("a host cut off says %q", got)
	}
	run(t, l, "node1", "iptables -F INPUT; ip link set eth0 up")
}

func ownPowerCut(t *testing.T, l *Lab) {
	const lasting = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /etc/kept /var/lib/eucactl/kept; stat -c %U /home/ops/mine; ls /etc/motd"
	const passing = "cat /proc/sys/kernel/random/boot_id; ls /sys/class/net /run/kept /tmp/kept; iptables -S | grep -c DROP"
	run(t, l, "node2", "for d in /etc /run /tmp /var/lib/eucactl; do echo $d >$d/kept; done; rm /root/.ssh/authorized_keys; iptables -A INPUT -j DROP; touch /home/ops/mine; chown ops /home/ops/mine; echo new >/etc/motd")
	kept := run(t, l, "node2", lasting)
	before := run(t, l, "node2", passing+"; true")
	if err := l.Kill("node2"); err != nil {
		t.Fatal(err)
	}
	if l.Alive("node2") || l.Command("node2", "true").Run() == nil {
		t.Error("the host is alive after a power cut")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	h, _ := l.Host("node2")
	if conn, err := l.Dial(ctx, "tcp", h.Addr().String()+":22"); err == nil {
		conn.Close()
		t.Error("sshd answers after a power cut")
	}
	for range 2 {
		if err := l.Boot("node2"); err != nil {
			t.Fatal(err)
		}
	}
	if got := run(t, l, "node2", lasting); got != kept {
		t.Errorf("the disk changed from %q to %q", kept, got)
	}
	after := run(t, l, "node2", passing+"; true")
	if got := strings.Fields(after)[1:]; strings.Join(got, " ") != "/sys/class/net: eth0 lo 0" || after[:36] == before[:36] {
		t.Errorf("left over from before the power cut: %q, then %q", before, after)
	}
	if got, err := sshRun(l, "root", h, "hostname"); err != nil || got != "node2" {
		t.Errorf("after boot: %q, %v", got, err)
	}
}

func ownAddHost(t *testing.T, l *Lab) {
	h, err := l.AddHost("extra", Plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sshRun(l, "root", h, "hostname"); err != nil || got != "extra" {
		t.Errorf("added host: %q, %v", got, err)
	}
	if _, err := Up(Options{Name: l.Name, Mode: inventory.Static}); err == nil {
		t.Error("a standing lab changed its mode")
	}
}

func ownDown(t *testing.T, l *Lab) {
	pid, _ := l.process("extra")
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ids := inodes(t, l)
	if err := Down(l.Name, ""); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, l, ids); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
