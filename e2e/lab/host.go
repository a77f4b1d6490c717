package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"time"

	"eucactl/inventory"
)

// Role says which links and daemons a host has.
type Role string

// The roles of lab hosts.
const (
	Frontend Role = "frontend" // eth0 private, eth1 public
	Node     Role = "node"     // bridge br0 (uplink eth0) private; libvirtd
	Client   Role = "client"   // eth0 public: somebody out there
	Plain    Role = "plain"    // eth0 private
	DHCP     Role = "dhcp"     // eth0 private: somebody else's DHCP server
)

// The lab's two switches and what is where on them. The gateways of guests (10.50.0.0/16) are the cloud's own business.
const (
	privateBridge = "priv"
	publicBridge  = "pub"
	// ControllerAddress is the lab namespace's own, from where hosts are dialled.
	ControllerAddress = "10.40.0.1"
)

// Host is one machine of the lab.
type Host struct {
	Name    string     `json:"name"`
	Role    Role       `json:"role"`
	Private netip.Addr `json:"private,omitzero"`
	Public  netip.Addr `json:"public,omitzero"`
	Systemd bool       `json:"systemd,omitzero"`
	Kernel  Kernel     `json:"kernel,omitzero"`
}

var hostName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,11}$`)

// Addr is where the host's sshd is reached: on the private network, for an outside client on the public one.
func (h Host) Addr() netip.Addr {
	if h.Private.IsValid() {
		return h.Private
	}
	return h.Public
}

// Hosts lists the lab's hosts in the order they were added.
func (l *Lab) Hosts() []Host { return slices.Clone(l.hosts) }

// Host finds a host by name.
func (l *Lab) Host(name string) (Host, error) {
	for _, h := range l.hosts {
		if h.Name == name {
			return h, nil
		}
	}
	return Host{}, fmt.Errorf("lab %s has no host %s", l.Name, name)
}

func (l *Lab) hasCloud() bool {
	return slices.ContainsFunc(l.hosts, func(h Host) bool { return h.Role == Node })
}

// include adds the hosts that the options name and the records do not have yet.
func (l *Lab) include(o Options) error {
	nodes := o.Nodes
	if nodes == 0 && len(o.Hosts) == 0 && len(l.hosts) == 0 {
		nodes = 2
	}
	wanted := []Host{}
	if nodes > 0 {
		wanted = append(wanted, Host{Name: "fe1", Role: Frontend})
		for i := 1; i <= nodes; i++ {
			wanted = append(wanted, Host{Name: "node" + strconv.Itoa(i), Role: Node})
		}
		wanted = append(wanted, Host{Name: "client", Role: Client})
		if l.mode == inventory.System {
			wanted = append(wanted, Host{Name: "dhcp", Role: DHCP})
		}
	}
	for _, name := range o.Hosts {
		wanted = append(wanted, Host{Name: name, Role: Plain, Systemd: o.Systemd})
	}
	for _, h := range wanted {
		if _, err := l.Host(h.Name); err == nil {
			continue
		}
		if err := l.add(h); err != nil {
			return err
		}
	}
	return nil
}

// ranges are the last bytes of each role's addresses, first and last. The public ones between are the cloud's to give;
// the private ones from 200 on are guests' in the modes where guests are beside the hosts.
var ranges = map[Role]struct{ private, public [2]int }{
	Frontend: {private: [2]int{11, 19}, public: [2]int{2, 9}},
	Node:     {private: [2]int{21, 99}},
	Plain:    {private: [2]int{101, 199}},
	DHCP:     {private: [2]int{250, 254}},
	Client:   {public: [2]int{100, 109}},
}

// add gives a new host the next address of its role's range.
func (l *Lab) add(h Host) error {
	if !hostName.MatchString(h.Name) {
		return fmt.Errorf("host name %q: want lower-case letters, digits and '-', at most 12", h.Name)
	}
	r, ok := ranges[h.Role]
	if !ok {
		return fmt.Errorf("host %s: no such role %q", h.Name, h.Role)
	}
	n := 0
	for _, other := range l.hosts {
		if other.Role == h.Role {
			n++
		}
	}
	for _, side := range []struct {
		r     [2]int
		addr  *netip.Addr
		place func(byte) netip.Addr
	}{{r.private, &h.Private, private}, {r.public, &h.Public, public}} {
		if side.r[0] == 0 {
			continue
		}
		if side.r[0]+n > side.r[1] {
			return fmt.Errorf("host %s: no address left for another %s", h.Name, h.Role)
		}
		*side.addr = side.place(byte(side.r[0] + n))
	}
	h.Kernel = l.kernelFor(h.Role)
	l.hosts = append(l.hosts, h)
	return nil
}

func private(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 40, 0, n}) }
func public(n byte) netip.Addr  { return netip.AddrFrom4([4]byte{203, 0, 113, n}) }

// AddHost adds a host of that role to a standing lab and boots it.
func (l *Lab) AddHost(name string, role Role) (Host, error) {
	err := l.withRecords(func() error {
		if _, err := l.Host(name); err == nil {
			return fmt.Errorf("lab %s has a host %s already", l.Name, name)
		}
		if err := l.add(Host{Name: name, Role: role}); err != nil {
			return err
		}
		return l.raise()
	})
	if err != nil {
		return Host{}, err
	}
	return l.Host(name)
}

// Kill stops a host as a power cut does: every process at once, the links gone. Its disk stays. A dead host is fine.
func (l *Lab) Kill(name string) error {
	return l.withRecords(func() error { return l.kill(name) })
}

func (l *Lab) kill(name string) error {
	h, err := l.Host(name)
	if err != nil {
		return err
	}
	space := l.Net(name)
	if err := l.killInside([]string{space}); err != nil {
		return err
	}
	// Process 1 leaves its namespaces before it has taken in all that the kernel killed with it.
	for limit := time.Now().Add(bootLimit); l.Alive(name); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(limit) {
			return fmt.Errorf("host %s does not die", name)
		}
	}
	return errors.Join(l.unplug(name), deleteNamespaces([]string{space}), l.leaveGroup(h))
}

// Boot starts a host that was killed: same disk and host keys, empty /run and /tmp, a new boot id, nothing left of its
// routes, rules and sysctls. It returns when sshd listens. A host that stands is left alone.
func (l *Lab) Boot(name string) error {
	return l.withRecords(func() error {
		h, err := l.Host(name)
		if err != nil {
			return err
		}
		if l.Alive(name) {
			return nil
		}
		return l.bootAll([]Host{h})
	})
}

// Reboot is Kill and Boot.
func (l *Lab) Reboot(name string) error {
	if err := l.Kill(name); err != nil {
		return err
	}
	return l.Boot(name)
}

// withRecords runs fn under the lab's lock, with the records as they are now.
func (l *Lab) withRecords(fn func() error) error {
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := l.load(); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return fmt.Errorf("lab %s: %w", l.Name, err)
	}
	return nil
}

// uuid derives an identifier that stays the same for one host of one lab.
func (l *Lab) uuid(h Host, purpose string) [16]byte {
	sum := sha256.Sum256([]byte(l.Name + "\x00" + h.Name + "\x00" + purpose))
	return [16]byte(sum[:16])
}
