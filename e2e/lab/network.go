package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// netnsDir is where iproute2 keeps named network namespaces.
const netnsDir = "/run/netns"

// Net names the network namespace of a host; "." is the lab's own, with the switches and the controller. The dot
// cannot occur in the names of labs or hosts, so no two labs can mean the same namespace.
func (l *Lab) Net(host string) string {
	if host == "." {
		return l.Name
	}
	return l.Name + "." + host
}

func namespaceExists(name string) bool {
	_, err := os.Stat(filepath.Join(netnsDir, name))
	return err == nil
}

// namespaces lists those of this lab that exist.
func (l *Lab) namespaces() []string {
	entries, err := os.ReadDir(netnsDir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.Name() == l.Name || strings.HasPrefix(e.Name(), l.Name+".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// spaces adds the names that should exist according to the records.
func (l *Lab) spaces() []string {
	names := l.namespaces()
	for _, h := range l.hosts {
		if name := l.Net(h.Name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func deleteNamespaces(names []string) error {
	var batch strings.Builder
	for _, name := range names {
		if namespaceExists(name) {
			fmt.Fprintf(&batch, "netns del %s\n", name)
		}
	}
	return ipBatch("", batch.String())
}

// raiseNetwork makes the lab's namespace and its two switches. They neither filter nor learn multicast groups, and
// forward a new port at once.
func (l *Lab) raiseNetwork() error {
	if namespaceExists(l.Name) && exec.Command("ip", "-n", l.Name, "link", "show", publicBridge).Run() == nil {
		return nil
	}
	if !namespaceExists(l.Name) {
		if err := ipBatch("", "netns add "+l.Name+"\n"); err != nil {
			return err
		}
	}
	var batch strings.Builder
	batch.WriteString("link set lo up\n")
	for _, name := range []string{privateBridge, publicBridge} {
		// Without an address of its own a bridge takes one of its ports', and changes it as ports come and go: hosts
		// would look for the controller in the wrong place.
		fmt.Fprintf(&batch, "link add %s address %s type bridge stp_state 0 forward_delay 0 mcast_snooping 0 nf_call_iptables 0 nf_call_ip6tables 0 nf_call_arptables 0\n", name, l.mac(Host{Name: "." + name}, 0))
		fmt.Fprintf(&batch, "link set %s up\n", name)
	}
	fmt.Fprintf(&batch, "addr add %s/24 dev %s\n", ControllerAddress, privateBridge)
	if err := ipBatch(l.Name, batch.String()); err != nil {
		return err
	}
	return l.inNetwork(".", quietBridges)
}

// quietBridges keeps the machine's br_netfilter, where it is loaded, from passing the lab's frames to iptables. A setting that this kernel does not have needs no change.
func quietBridges() error {
	for _, path := range []string{
		"net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables", "net/bridge/bridge-nf-call-arptables",
	} {
		err := os.WriteFile(filepath.Join("/proc/sys", path), []byte("0"), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// plug makes the hosts' namespaces anew with their cables in the switches.
func (l *Lab) plug(hosts []Host) error {
	var spaces, links strings.Builder
	for _, h := range hosts {
		fmt.Fprintf(&spaces, "netns add %s\n", l.Net(h.Name))
		for i, bridge := range h.cables() {
			address := " address " + l.mac(h, i)
			if h.ownKernel() {
				address = "" // that is for the link at the other end of its tap
			}
			fmt.Fprintf(&links, "link add %s type veth peer name eth%d%s netns %s\n", cable(h.Name, i), i, address, l.Net(h.Name))
			fmt.Fprintf(&links, "link set %s master %s up\n", cable(h.Name, i), bridge)
		}
	}
	if err := ipBatch("", spaces.String()); err != nil {
		return err
	}
	if err := ipBatch(l.Name, links.String()); err != nil {
		return err
	}
	for _, h := range hosts {
		if h.ownKernel() {
			if err := ipBatch(l.Net(h.Name), h.plugKernel()); err != nil {
				return err
			}
		}
	}
	return nil
}

// cable names a host's port of a switch.
func cable(host string, i int) string { return fmt.Sprintf("%s.%d", host, i) }

// awaitLinks returns when the switches forward to those hosts, and nodes' bridges outwards. The kernel tells a bridge
// that a cable has a carrier only some time after it has, seconds on a busy machine.
func (l *Lab) awaitLinks(hosts []Host) error {
	var cables []string
	for _, h := range hosts {
		for i := range h.cables() {
			cables = append(cables, cable(h.Name, i))
		}
	}
	if err := awaitPorts(l.Name, cables); err != nil {
		return err
	}
	for _, h := range hosts {
		var ports []string
		if h.ownKernel() {
			for i := range h.cables() {
				ports = append(ports, tap(i))
			}
		} else if h.Role == Node && l.bridged() {
			ports = []string{"eth0"}
		}
		if err := awaitPorts(l.Net(h.Name), ports); err != nil {
			return err
		}
	}
	return nil
}

func awaitPorts(space string, ports []string) error {
	if len(ports) == 0 {
		return nil
	}
	for limit := time.Now().Add(bootLimit); ; time.Sleep(10 * time.Millisecond) {
		out, err := exec.Command("bridge", "-n", space, "link", "show").CombinedOutput()
		if err != nil {
			return fmt.Errorf("bridge link in %s: %w: %s", space, err, out)
		}
		forwarding := map[string]bool{}
		for line := range strings.Lines(string(out)) {
			// 4: a.0@if2: <BROADCAST,...> mtu 1500 master priv state forwarding priority 32 cost 2
			if f := strings.Fields(line); len(f) > 1 && strings.Contains(line, " state forwarding ") {
				name, _, _ := strings.Cut(strings.TrimSuffix(f[1], ":"), "@")
				forwarding[name] = true
			}
		}
		ports = slices.DeleteFunc(ports, func(port string) bool { return forwarding[port] })
		if len(ports) == 0 {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("links %v in %s get no carrier:\n%s", ports, space, out)
		}
	}
}

// unplug removes a host's cables. The namespace would take them along, but only some time after its last process.
func (l *Lab) unplug(name string) error {
	h, err := l.Host(name)
	if err != nil || !namespaceExists(l.Name) {
		return err
	}
	for i := range h.cables() {
		// A cable that is not there is what is wanted; any other trouble shows when it is made again.
		_ = exec.Command("ip", "-n", l.Name, "link", "del", cable(h.Name, i)).Run()
	}
	return nil
}

// cables lists the switch behind eth0, eth1 ...
func (h Host) cables() []string {
	switch h.Role {
	case Frontend:
		return []string{privateBridge, publicBridge}
	case Client:
		return []string{publicBridge}
	default:
		return []string{privateBridge}
	}
}

func (l *Lab) mac(h Host, i int) string {
	id := l.uuid(h, "mac")
	return fmt.Sprintf("02:1a:b0:%02x:%02x:%02x", id[0], id[1], id[2]&0xf0|byte(i))
}

// configuration is what the host itself says to ip at boot: there is no default route anywhere.
func (l *Lab) configuration(h Host) string {
	var b strings.Builder
	b.WriteString("link set lo up\n")
	switch h.Role {
	case Frontend:
		fmt.Fprintf(&b, "link set eth0 up\naddr add %s/24 brd + dev eth0\n", h.Private)
		fmt.Fprintf(&b, "link set eth1 up\naddr add %s/24 brd + dev eth1\n", h.Public)
	case Node:
		if !l.bridged() {
			fmt.Fprintf(&b, "link set eth0 up\naddr add %s/24 brd + dev eth0\n", h.Private)
			break
		}
		fmt.Fprintf(&b, "link add br0 address %s type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n", l.mac(h, 0))
		fmt.Fprintf(&b, "link set eth0 master br0 up\nlink set br0 up\naddr add %s/24 brd + dev br0\n", h.Private)
	case Client:
		fmt.Fprintf(&b, "link set eth0 up\naddr add %s/24 brd + dev eth0\n", h.Public)
	default:
		fmt.Fprintf(&b, "link set eth0 up\naddr add %s/24 brd + dev eth0\n", h.Private)
	}
	return b.String()
}

// ipBatch runs many lines of ip in one process, inside the named namespace if there is one.
func ipBatch(space, lines string) error {
	if lines == "" {
		return nil
	}
	args := []string{"-batch", "-"}
	if space != "" {
		args = append([]string{"-n", space}, args...)
	}
	cmd := exec.Command("ip", args...)
	cmd.Stdin = strings.NewReader(lines)
	if words, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip -batch in %q: %w: %s\n%s", space, err, strings.TrimSpace(string(words)), lines)
	}
	return nil
}
