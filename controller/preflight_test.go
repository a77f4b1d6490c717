package controller

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
)

// healthy are a frontend and two nodes that nothing is wrong with.
func healthy(t *testing.T, mode string) []*look {
	t.Helper()
	text := strings.Replace(strings.Replace(twoNodes, "MANAGED-NOVLAN", mode, 1), "vnet_privinterface: eth0", "vnet_interface: eth0", 1)
	inv, err := inventory.Parse("inventory.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var list []*look
	for i, h := range inv.Hosts() {
		cluster, _ := inv.Cluster(h.Cluster)
		l := &look{
			host: h, network: cluster.Network, unknown: map[string]string{},
			sent: noon, received: noon.Add(time.Second), clock: noon.Add(time.Second),
			boot:     facts.Boot{ID: strings.Repeat(string(rune('a'+i)), 8), Time: noon},
			stable:   map[string]string{"os": "debian", "kernel": "6.1.0", "kvm": "no", "emulator": "/usr/bin/qemu-system-x86_64"},
			machine:  strings.Repeat(string(rune('a'+i)), 32),
			modules:  map[string]string{"8021q": "loadable", "bridge": "loaded", "tun": "loaded", "ip_set": "loaded", "nf_conntrack": "loaded", "br_netfilter": "loaded"},
			settings: map[string]string{"net/ipv4/ip_forward": "1", "net/ipv4/conf/all/rp_filter": "0", "net/ipv4/conf/eth1/rp_filter": "0", "net/bridge/bridge-nf-call-iptables": "0"},
			capacity: facts.Capacity{Cores: 4, Memory: 4096, Disk: 100, DiskFree: 90},
			kinds:    []string{"qemu"},
			firewall: facts.Firewall{Backend: "nft"},
		}
		l.tools = l.wanted()
		card := facts.Link{Name: "eth0", MAC: "02:00:00:00:00:0" + string(rune('1'+i)), MTU: 1500, Up: true, Carrier: true}
		l.links = []facts.Link{{Name: "lo", Up: true, MTU: 65536, MAC: "00:00:00:00:00:00"}, card}
		if h.Frontend {
			l.links = append(l.links, facts.Link{Name: "eth1", MAC: "02:00:00:00:01:01", MTU: 1500, Up: true, Carrier: true})
			l.serves()
		} else {
			l.links[1].Master = "br0"
			l.links = append(l.links, facts.Link{Name: "br0", Kind: "bridge", MAC: card.MAC, MTU: 1500, Up: true, Carrier: true})
		}
		list = append(list, l)
	}
	return list
}

// serves is a frontend with an active network.
func (l *look) serves() {
	l.plan.Frontend = &plan.Frontend{
		Active: true, DHCP: plan.DHCP{Interfaces: []string{"eth0"}, Subnets: []plan.DHCPSubnet{{}}},
		Filter: plan.Table{Hooks: []plan.Hook{{From: "FORWARD", To: "EUCA-FORWARD"}}},
		Nat:    plan.Table{Hooks: []plan.Hook{{From: "PREROUTING", To: "EUCA-PREROUTING"}}},
	}
	l.daemons = []facts.Daemon{{PID: 7, Name: "dhcpd", Ours: true, Command: strings.Fields("/usr/sbin/dhcpd -cf /run/eucalyptus/net/eucactl-dhcpd.conf eth0")}}
	l.firewall = firewallOf("nft", "*filter", ":FORWARD ACCEPT", "-A FORWARD -j EUCA-FORWARD", "*nat", ":PREROUTING ACCEPT", "-A PREROUTING -j EUCA-PREROUTING")
}

func firewallOf(backend string, lines ...string) facts.Firewall {
	f, err := facts.ReadFirewall("backend " + backend + "\ni " + strings.Join(lines, "\ni ") + "\n")
	if err != nil {
		panic(err)
	}
	return f
}

// drop removes a word from a list.
func drop(list []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == word })
}

func (l *look) change(t *testing.T, name string, f func(*facts.Link)) {
	t.Helper()
	for i := range l.links {
		if l.links[i].Name == name {
			f(&l.links[i])
			return
		}
	}
	t.Fatalf("no link %s", name)
}

// fault is something wrong with a healthy site, and all that is to be said about it.
type fault struct {
	name  string
	mode  string // MANAGED-NOVLAN unless said otherwise
	spoil func(t *testing.T, fe, n1, n2 *look)
	want  []string // the sentences, each with its beginning
}

func faults() []fault {
	return []fault{
		{"nothing", "", func(*testing.T, *look, *look, *look) {}, nil},
		{"nothing, with VLANs", "MANAGED", func(*testing.T, *look, *look, *look) {}, nil},
		{"link down", "", func(t *testing.T, _, _, n2 *look) { n2.change(t, "eth0", func(l *facts.Link) { l.Up = false }) },
			[]string{"error: n2: eth0 is down (ip link: not UP): ip link set eth0 up"}},
		{"no carrier", "", func(t *testing.T, fe, _, _ *look) { fe.change(t, "eth1", func(l *facts.Link) { l.Carrier = false }) },
			[]string{"error: fe1: eth1 has no carrier (ip link: NO-CARRIER)"}},
		{"no such interface", "", func(t *testing.T, fe, _, _ *look) { fe.change(t, "eth1", func(l *facts.Link) { l.Name = "ens1" }) },
			[]string{"error: fe1: there is no interface eth1 (the inventory names it) (ip link: eth0, ens1)"}},
		{"no bridge", "", func(t *testing.T, _, n1, _ *look) { n1.links = n1.links[:2] },
			[]string{"error: n1: there is no bridge br0 (vnet_bridge) (ip link: eth0): make it"}},
		{"no bridge, but an interface", "", func(t *testing.T, _, n1, _ *look) { n1.change(t, "br0", func(l *facts.Link) { l.Kind = "dummy" }) },
			[]string{"error: n1: br0 is not a bridge (vnet_bridge) (ip -d link: kind dummy)"}},
		{"bridge down", "", func(t *testing.T, _, n1, _ *look) { n1.change(t, "br0", func(l *facts.Link) { l.Up = false }) },
			[]string{"error: n1: br0 is down (ip link: not UP): ip link set br0 up"}},
		{"uplink outside", "", func(t *testing.T, _, n1, _ *look) { n1.change(t, "eth0", func(l *facts.Link) { l.Master = "" }) },
			[]string{"error: n1: eth0 is not in the bridge br0: guests cannot leave this host (bridge link: eth0 is in no bridge): put it there in the host's own network configuration, for a trial with: ip link set eth0 master br0"}},
		{"uplink elsewhere", "", func(t *testing.T, _, n1, _ *look) { n1.change(t, "eth0", func(l *facts.Link) { l.Master = "virbr0" }) },
			[]string{"error: n1: eth0 is not in the bridge br0: guests cannot leave this host (bridge link: eth0 is in virbr0)"}},
		{"a guest without a bridge", "", func(_ *testing.T, _, n1, _ *look) {
			n1.links = append(n1.links, facts.Link{Name: "vnet3", Kind: "tun", Up: true, MTU: 1500})
		},
			[]string{"warning: n1: the guest's interface vnet3 is in no bridge"}},
		{"libvirt's bridge", "", func(_ *testing.T, _, n1, _ *look) {
			n1.links = append(n1.links, facts.Link{Name: "virbr0", Kind: "bridge", Up: true, MTU: 1500})
		},
			[]string{"note: n1: libvirt's own bridge virbr0 is up; eucactl does not use it"}},
		{"a group's bridge without its VLAN", "MANAGED", func(_ *testing.T, _, n1, _ *look) {
			n1.links = append(n1.links, facts.Link{Name: "eucabr10", Kind: "bridge", Up: true, MTU: 1500})
		},
			[]string{"error: n1: the bridge eucabr10 lacks eth0.10: its guests cannot leave this host"}},
		{"MTU", "", func(t *testing.T, _, _, n2 *look) { n2.change(t, "br0", func(l *facts.Link) { l.MTU = 9000 }) },
			[]string{"warning: n2: br0 has an MTU of 9000, others on its segment one of 1500"}},
		{"one MAC twice", "", func(t *testing.T, fe, n1, _ *look) {
			n1.change(t, "eth0", func(l *facts.Link) { l.MAC = fe.links[1].MAC })
		},
			[]string{"error: n1: eth0 has the same MAC as eth0 of fe1 (ip link: 02:00:00:00:00:01)"}},
		{"one machine twice", "", func(_ *testing.T, _, n1, n2 *look) { n2.boot.ID = n1.boot.ID },
			[]string{"error: n2: is the same machine as n1 (boot id bbbbbbbb)"}},
		{"a copied disk", "", func(_ *testing.T, _, n1, n2 *look) { n2.machine = n1.machine },
			[]string{"note: n2: has the same machine id as n1"}},
		{"no tool", "", func(_ *testing.T, fe, _, _ *look) { fe.tools = drop(fe.tools, "conntrack") },
			[]string{"error: fe1: has no conntrack, which is needed: flows that lost their permission (command -v: not found): apt-get install conntrack"}},
		{"no dhcpd", "", func(_ *testing.T, fe, _, _ *look) { fe.tools = drop(fe.tools, "/usr/sbin/dhcpd") },
			[]string{"error: fe1: has no /usr/sbin/dhcpd, which is needed: vnet_dhcpdaemon"}},
		{"another system", "", func(_ *testing.T, _, n1, _ *look) { n1.tools, n1.stable["os"] = drop(n1.tools, "nft"), "alpine" },
			[]string{"error: n1: has no nft, which is needed: guests may not forge addresses (command -v: not found): install it (Debian's package is nftables)"}},
		{"not root", "", func(_ *testing.T, _, n1, _ *look) { n1.account.UID = 1000 },
			[]string{"error: n1: programs run as user ops, not as root (id -u: 1000): set ansible_become: true"}},
		{"no 8021q", "MANAGED", func(_ *testing.T, _, n1, _ *look) { n1.modules["8021q"] = "absent" },
			[]string{"error: n1: its kernel has no 8021q: MANAGED gives each group a VLAN (kernel 6.1.0): use a kernel with CONFIG_VLAN_8021Q, or use vnet_mode MANAGED-NOVLAN"}},
		{"8021q unknown", "MANAGED", func(_ *testing.T, _, n1, _ *look) { n1.modules["8021q"] = "unknown" },
			[]string{"note: n1: cannot tell whether its kernel has 8021q"}},
		{"8021q not needed", "", func(_ *testing.T, _, n1, _ *look) { n1.modules["8021q"] = "absent" }, nil},
		{"libvirt silent", "", func(_ *testing.T, _, n1, _ *look) { n1.unknown["hypervisor"] = "error: failed to connect" },
			[]string{"error: n1: its libvirt does not answer (error: failed to connect): systemctl start libvirtd"}},
		{"no KVM", "", func(_ *testing.T, _, n1, _ *look) { n1.host.Node.Hypervisor = "kvm" },
			[]string{"error: n1: it has no /dev/kvm"}},
		{"KVM unusable", "", func(_ *testing.T, _, n1, _ *look) { n1.host.Node.Hypervisor, n1.stable["kvm"] = "kvm", "yes" },
			[]string{"error: n1: its libvirt cannot start machines of hypervisor kvm (virsh capabilities: qemu)"}},
		{"clock ahead", "", func(_ *testing.T, _, n1, _ *look) {
			n1.boot.Time, n1.clock = noon.Add(4*time.Second), noon.Add(5*time.Second)
		},
			[]string{"warning: n1: its clock is 4s ahead of the controller's"}},
		{"clock behind", "", func(_ *testing.T, _, n1, _ *look) {
			n1.boot.Time, n1.clock = noon.Add(-10*time.Second), noon.Add(-9*time.Second)
		},
			[]string{"warning: n1: its clock is 9s behind the controller's"}},
		{"clock within what can be told", "", func(_ *testing.T, _, n1, _ *look) {
			n1.boot.Time, n1.clock = noon.Add(2*time.Second), noon.Add(3*time.Second)
		}, nil},
		{"our dhcpd is dead", "", func(_ *testing.T, fe, _, _ *look) { fe.daemons = nil },
			[]string{"error: fe1: our dhcpd does not run, so guests get no addresses"}},
		{"our dhcpd is elsewhere", "", func(_ *testing.T, fe, _, _ *look) { fe.plan.Frontend.DHCP.Interfaces = []string{"eth0.10"} },
			[]string{"error: fe1: our dhcpd does not listen on eth0.10"}},
		{"no user for dhcpd", "", func(_ *testing.T, fe, _, _ *look) { fe.network.DHCPUser = "dhcpd" },
			[]string{"error: fe1: there is no user dhcpd (vnet_dhcpuser)"}},
		{"another dhcpd", "", foreign("dhcpd", "/usr/sbin/dhcpd -4 -cf /etc/dhcp/dhcpd.conf eth0"),
			[]string{"error: fe1: another DHCP server runs, dhcpd, and answers guests on eth0 (ps: 99 /usr/sbin/dhcpd -4 -cf /etc/dhcp/dhcpd.conf eth0): systemctl disable --now isc-dhcp-server"}},
		{"another dhcpd, somewhere", "", foreign("dhcpd", "/usr/sbin/dhcpd -4"), []string{"warning: fe1: another DHCP server runs, dhcpd; it may answer guests on eth0"}},
		{"another dhcpd, elsewhere", "", foreign("dhcpd", "/usr/sbin/dhcpd -4 eth1"), []string{"note: fe1: another DHCP server runs, dhcpd, on eth1 only"}},
		{"libvirt's dnsmasq", "", foreign("dnsmasq", "/usr/sbin/dnsmasq --conf-file=/var/lib/libvirt/dnsmasq/default.conf"), []string{"note: fe1: libvirt's own network has a DHCP server"}},
		{"firewalld", "", foreign("firewalld", "/usr/bin/python3 /usr/sbin/firewalld --nofork"), []string{"warning: fe1: firewalld runs, and changes rules by itself"}},
		{"Docker", "", foreign("dockerd", "/usr/bin/dockerd -H fd://"), []string{"warning: fe1: Docker runs"}},
		{"everything accepted first", "", rules(":FORWARD ACCEPT", "-A FORWARD -j ACCEPT", "-A FORWARD -j EUCA-FORWARD"),
			[]string{"error: fe1: another firewall accepts guests' packets before the groups' rules are asked (iptables -t filter -S: -A FORWARD -j ACCEPT): eucactl reconcile fe1"}},
		{"accepted first, in a chain of its own", "", rules(":FORWARD ACCEPT", ":mine -", `-A FORWARD -m comment --comment "a -j b" -j mine`, "-A FORWARD -j EUCA-FORWARD", "-A mine -i eth+ -j ACCEPT"),
			[]string{"error: fe1: another firewall accepts guests' packets"}},
		{"dropped first", "", rules(":FORWARD ACCEPT", "-A FORWARD -s 10.0.0.0/8 -j REJECT --reject-with icmp-port-unreachable", "-A FORWARD -j EUCA-FORWARD"),
			[]string{"error: fe1: another firewall drops guests' packets"}},
		{"open connections accepted first", "", rules(":FORWARD ACCEPT", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A FORWARD -j EUCA-FORWARD"),
			[]string{"warning: fe1: another firewall lets connections live on whose permission was revoked"}},
		{"a rule for few", "", rules(":FORWARD ACCEPT", "-A FORWARD -s 192.0.2.77/32 -j DROP", "-A FORWARD -j EUCA-FORWARD"),
			[]string{"note: fe1: a rule of others stands before the groups' rules"}},
		{"a rule for others", "", rules(":FORWARD DROP", "-A FORWARD -i docker0 -o docker0 -j ACCEPT", "-A FORWARD -s 172.17.0.0/16 -d 172.17.0.0/16 -j ACCEPT", "-A FORWARD -j EUCA-FORWARD", "-A FORWARD -j DROP"), nil},
		{"no hook", "", rules(":FORWARD ACCEPT"), []string{"error: fe1: FORWARD does not lead to EUCA-FORWARD: groups' rules are not asked"}},
		{"a public address taken", "", func(_ *testing.T, fe, _, _ *look) {
			fe.firewall = firewallOf("nft", "*filter", ":FORWARD ACCEPT", "-A FORWARD -j EUCA-FORWARD", "*nat", ":PREROUTING ACCEPT",
				"-A PREROUTING -d 203.0.113.12/32 -j DNAT --to-destination 192.0.2.1", "-A PREROUTING -j EUCA-PREROUTING")
		},
			[]string{"error: fe1: another rule takes the public address 203.0.113.12 before ours"}},
		{"nftables drop", "", func(_ *testing.T, fe, _, _ *look) {
			fe.firewall.Native = []facts.NativeChain{{Family: "inet", Table: "site", Name: "fwd", Hook: "forward", Policy: "drop"}, {Family: "inet", Table: "site", Name: "in", Hook: "input", Policy: "drop"}}
		}, []string{"error: fe1: another firewall drops what it does not know, guests' packets too (nft list chain inet site fwd: policy drop)"}},
		{"both back ends", "", func(_ *testing.T, fe, _, _ *look) {
			fe.firewall.Other = []facts.RuleChain{{Table: "filter", Name: "INPUT", Policy: "ACCEPT", Rules: []string{"-A INPUT -j DROP"}}}
		}, []string{"warning: fe1: there are rules in both back ends of iptables, nft and legacy: each shows only its own (iptables-legacy-save: 1 rule)"}},
		{"the other back end drops", "", func(_ *testing.T, fe, _, _ *look) {
			fe.firewall.Other = []facts.RuleChain{{Table: "filter", Name: "FORWARD", Policy: "DROP"}}
		}, []string{"error: fe1: the back end legacy of iptables drops what is forwarded"}},
		{"bridged frames dropped", "", func(_ *testing.T, _, n1, _ *look) {
			n1.settings["net/bridge/bridge-nf-call-iptables"] = "1"
			n1.firewall = firewallOf("nft", "*filter", ":FORWARD DROP", "-A FORWARD -i docker0 -j ACCEPT")
		}, []string{"error: n1: its firewall drops what guests send over the bridge (sysctl net.bridge.bridge-nf-call-iptables: 1; iptables -S FORWARD: -P FORWARD DROP): sysctl -w net.bridge.bridge-nf-call-iptables=0"}},
		{"bridged frames not asked for", "", func(_ *testing.T, _, n1, _ *look) { n1.firewall = firewallOf("nft", "*filter", ":FORWARD DROP") }, nil},
		{"no forwarding", "", func(_ *testing.T, fe, _, _ *look) { fe.settings["net/ipv4/ip_forward"] = "0" },
			[]string{"error: fe1: it does not forward packets, so guests reach nobody"}},
		{"strict filter", "", func(_ *testing.T, fe, _, _ *look) {
			fe.settings["net/ipv4/conf/eth1/rp_filter"] = "1"
			fe.routes = []facts.Route{{Dev: "eth2", Dest: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("198.51.100.1")}}
		}, []string{"warning: fe1: what comes from far away to public addresses on eth1 is dropped, for answers would leave by eth2"}},
		{"a route into the guests' subnet", "", func(_ *testing.T, fe, _, _ *look) {
			fe.routes = []facts.Route{{Dev: "eth0", Dest: netip.MustParsePrefix("10.50.1.0/27")}, {Dev: "tun0", Dest: netip.MustParsePrefix("10.0.0.0/8")}}
		}, []string{"error: fe1: it has a route into the guests' subnet 10.50.0.0/16 that is not the cloud's (ip route: 10.0.0.0/8 dev tun0)"}},
		{"no room", "", func(_ *testing.T, _, n1, _ *look) { n1.capacity.DiskFree = 1 },
			[]string{"warning: n1: there is little room for instances' disks (df: 1 of 100 GiB are free"}},
		{"unknown", "", func(_ *testing.T, _, n1, _ *look) { n1.unknown["links"], n1.links = "ip: not found", nil },
			[]string{"warning: n1: cannot tell its links (ip: not found)"}},
		{"unreachable", "", func(_ *testing.T, _, n1, _ *look) { n1.err = unreachable("n1") },
			[]string{"unreachable: n1: does not answer (n1 (n1:22) is unreachable: connect: no route to host): ssh to it by hand"}},
		{"broken", "", func(_ *testing.T, _, n1, _ *look) { n1.err = errors.New("n1: the answer broke off") },
			[]string{"error: n1: did not answer (n1: the answer broke off)"}},
	}
}

func foreign(name, line string) func(*testing.T, *look, *look, *look) {
	return func(_ *testing.T, fe, _, _ *look) {
		fe.daemons = append(fe.daemons, facts.Daemon{PID: 99, Name: name, Command: strings.Fields(line)})
	}
}

func rules(lines ...string) func(*testing.T, *look, *look, *look) {
	return func(_ *testing.T, fe, _, _ *look) {
		fe.firewall = firewallOf("nft", slices.Concat([]string{"*filter"}, lines, []string{"*nat", ":PREROUTING ACCEPT", "-A PREROUTING -j EUCA-PREROUTING"})...)
	}
}

// Each fault is named, and nothing else is.
func TestHostFindings(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			if f.mode == "" {
				f.mode = "MANAGED-NOVLAN"
			}
			looks := healthy(t, f.mode)
			f.spoil(t, looks[0], looks[1], looks[2])
			out := judge(looks)
			for i, found := range out.Findings {
				if s := found.String(); i >= len(f.want) || !strings.HasPrefix(s, f.want[i]) {
					t.Errorf("said: %s", s)
				}
			}
			for _, want := range f.want[min(len(out.Findings), len(f.want)):] {
				t.Errorf("not said: %s", want)
			}
			if len(f.want) == 0 && (!strings.HasPrefix(out.Summary(), "nothing wrong found: ") || out.ExitCode() != 0) {
				t.Errorf("%s, %d", out.Summary(), out.ExitCode())
			}
		})
	}
}

func TestPreflightExitCode(t *testing.T) {
	for want, severities := range map[int][]string{
		0: {SeverityNote, SeverityWarning}, 1: {Unreachable, SeverityError}, 4: {SeverityWarning, Unreachable, SeverityNote},
	} {
		var p Preflighted
		for _, s := range severities {
			p.Findings = append(p.Findings, Finding{Severity: s})
		}
		equal(t, "exit code", p.ExitCode(), want)
	}
	p := Preflighted{Hosts: 1, Checks: 3, Findings: []Finding{{Severity: SeverityError}, {Severity: Unreachable}, {Severity: Unreachable}}}
	equal(t, "summary", p.Summary(), "3 checks on 1 host: 1 error, 2 hosts unreachable")
}
