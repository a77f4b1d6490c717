package preflight

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
)

const site = `all:
  vars:
    cluster: one
    hypervisor: qemu
    vnet_mode: MODE
    vnet_interface: eth0
    vnet_pubinterface: eth1
    vnet_subnet: 10.50.0.0
    vnet_netmask: 255.255.0.0
    vnet_dns: 192.0.2.53
    vnet_addrspernet: 32
    vnet_publicips: 203.0.113.10-203.0.113.17
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_bridge: br0
  children:
    frontends: {hosts: {fe1: {ansible_host: 192.0.2.1}}}
    nodes: {hosts: {n1: {ansible_host: 192.0.2.11, ansible_user: ops}, n2: {ansible_host: 192.0.2.12}}}
`

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// healthy are a frontend and two nodes that nothing is wrong with.
func healthy(t *testing.T, mode string) []*Host {
	t.Helper()
	inv, err := inventory.Parse("inventory.yml", []byte(strings.Replace(site, "MODE", mode, 1)))
	if err != nil {
		t.Fatal(err)
	}
	var list []*Host
	for i, of := range inv.Hosts() {
		cluster, _ := inv.Cluster(of.Cluster)
		h := &Host{
			Host: of, Network: cluster.Network, unknown: map[string]string{},
			Sent: noon, Received: noon.Add(time.Second), clock: noon.Add(time.Second),
			boot:     facts.Boot{ID: strings.Repeat(string(rune('a'+i)), 8), Time: noon},
			stable:   map[string]string{"os": "debian", "kernel": "6.1.0", "kvm": "no", "emulator": "/usr/bin/qemu-system-x86_64", "iptables": "nft"},
			machine:  strings.Repeat(string(rune('a'+i)), 32),
			modules:  map[string]string{"8021q": "loadable", "bridge": "loaded", "tun": "loaded", "ip_set": "loaded", "nf_conntrack": "loaded", "br_netfilter": "loaded"},
			settings: map[string]string{"ipv4/ip_forward": "1", "ipv4/conf/all/rp_filter": "0", "ipv4/conf/eth1/rp_filter": "0", "bridge/bridge-nf-call-iptables": "0"},
			capacity: facts.Capacity{Cores: 4, Memory: 4096, Disk: 100, DiskFree: 90},
			kinds:    []string{"qemu"},
		}
		h.tools = h.wanted()
		card := facts.Link{Name: "eth0", MAC: "02:00:00:00:00:0" + string(rune('1'+i)), MTU: 1500, Up: true, Carrier: true}
		h.links = []facts.Link{{Name: "lo", Up: true, MTU: 65536, MAC: "00:00:00:00:00:00"}, card}
		if h.Frontend {
			h.links = append(h.links, facts.Link{Name: "eth1", MAC: "02:00:00:00:01:01", MTU: 1500, Up: true, Carrier: true})
			h.serves()
		} else {
			h.links[1].Master = "br0"
			h.links = append(h.links, facts.Link{Name: "br0", Kind: "bridge", MAC: card.MAC, MTU: 1500, Up: true, Carrier: true})
		}
		list = append(list, h)
	}
	return list
}

// serves is a frontend with an active network.
func (h *Host) serves() {
	h.Plan.Frontend = &plan.Frontend{
		Active: true, DHCP: plan.DHCP{Interfaces: []string{"eth0"}, Subnets: []plan.DHCPSubnet{{}}},
		Filter: plan.Table{Hooks: []plan.Hook{{From: "FORWARD", To: "EUCA-FORWARD"}}},
		Nat:    plan.Table{Hooks: []plan.Hook{{From: "PREROUTING", To: "EUCA-PREROUTING"}}},
	}
	h.servers = servers("dhcpd", "/usr/sbin/dhcpd -cf /run/eucalyptus/net/eucactl-dhcpd.conf eth0")
	h.rules = ruleset("iptables", "*filter", ":FORWARD ACCEPT [0:0]", "-A FORWARD -j EUCA-FORWARD", "*nat", ":PREROUTING ACCEPT [0:0]", "-A PREROUTING -j EUCA-PREROUTING")
}

func ruleset(tool string, lines ...string) facts.Ruleset {
	r, err := facts.ReadRuleset("== " + tool + "\n" + strings.Join(lines, "\n") + "\n")
	if err != nil {
		panic(err)
	}
	return r
}

func servers(name, line string) []facts.DHCPServer {
	list, err := facts.ReadDHCPServers("server 99 S " + name + "\nword " + strings.ReplaceAll(line, " ", "\nword ") + "\n")
	if err != nil {
		panic(err)
	}
	return list
}

// drop removes a word from a list.
func drop(list []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == word })
}

func (h *Host) change(t *testing.T, name string, f func(*facts.Link)) {
	t.Helper()
	for i := range h.links {
		if h.links[i].Name == name {
			f(&h.links[i])
			return
		}
	}
	t.Fatalf("no link %s", name)
}

// fault is something wrong with a healthy site, and all that is to be said about it.
type fault struct {
	name  string
	mode  string // MANAGED-NOVLAN unless said otherwise
	spoil func(t *testing.T, fe, n1, n2 *Host)
	want  []string // the sentences, each with its beginning
}

func faults() []fault {
	return []fault{
		{"nothing", "", func(*testing.T, *Host, *Host, *Host) {}, nil},
		{"nothing, with VLANs", "MANAGED", func(*testing.T, *Host, *Host, *Host) {}, nil},
		{"link down", "", func(t *testing.T, _, _, n2 *Host) { n2.change(t, "eth0", func(l *facts.Link) { l.Up = false }) },
			[]string{"error: n2: eth0 is down (ip link: not UP): ip link set eth0 up"}},
		{"no carrier", "", func(t *testing.T, fe, _, _ *Host) { fe.change(t, "eth1", func(l *facts.Link) { l.Carrier = false }) },
			[]string{"error: fe1: eth1 has no carrier (ip link: NO-CARRIER)"}},
		{"no such interface", "", func(t *testing.T, fe, _, _ *Host) { fe.change(t, "eth1", func(l *facts.Link) { l.Name = "ens1" }) },
			[]string{"error: fe1: there is no interface eth1 (the inventory names it) (ip link: eth0, ens1)"}},
		{"no bridge", "", func(t *testing.T, _, n1, _ *Host) { n1.links = n1.links[:2] },
			[]string{"error: n1: there is no bridge br0 (vnet_bridge) (ip link: eth0): make it"}},
		{"no bridge, but an interface", "", func(t *testing.T, _, n1, _ *Host) { n1.change(t, "br0", func(l *facts.Link) { l.Kind = "dummy" }) },
			[]string{"error: n1: br0 is not a bridge (vnet_bridge) (ip -d link: kind dummy)"}},
		{"bridge down", "", func(t *testing.T, _, n1, _ *Host) { n1.change(t, "br0", func(l *facts.Link) { l.Up = false }) },
			[]string{"error: n1: br0 is down (ip link: not UP): ip link set br0 up"}},
		{"uplink outside", "", func(t *testing.T, _, n1, _ *Host) { n1.change(t, "eth0", func(l *facts.Link) { l.Master = "" }) },
			[]string{"error: n1: eth0 is not in the bridge br0: guests cannot leave this host (bridge link: eth0 is in no bridge): put it there in the host's own network configuration, for a trial with: ip link set eth0 master br0"}},
		{"uplink elsewhere", "", func(t *testing.T, _, n1, _ *Host) { n1.change(t, "eth0", func(l *facts.Link) { l.Master = "virbr0" }) },
			[]string{"error: n1: eth0 is not in the bridge br0: guests cannot leave this host (bridge link: eth0 is in virbr0)"}},
		{"a guest without a bridge", "", func(_ *testing.T, _, n1, _ *Host) {
			n1.links = append(n1.links, facts.Link{Name: "vnet3", Kind: "tun", Up: true, MTU: 1500})
		},
			[]string{"warning: n1: the guest's interface vnet3 is in no bridge"}},
		{"libvirt's bridge", "", func(_ *testing.T, _, n1, _ *Host) {
			n1.links = append(n1.links, facts.Link{Name: "virbr0", Kind: "bridge", Up: true, MTU: 1500})
		},
			[]string{"note: n1: libvirt's own bridge virbr0 is up; eucactl does not use it"}},
		{"a group's bridge without its VLAN", "MANAGED", func(_ *testing.T, _, n1, _ *Host) {
			n1.links = append(n1.links, facts.Link{Name: "eucabr10", Kind: "bridge", Up: true, MTU: 1500})
		},
			[]string{"error: n1: the bridge eucabr10 lacks eth0.10: its guests cannot leave this host"}},
		{"MTU", "", func(t *testing.T, _, _, n2 *Host) { n2.change(t, "br0", func(l *facts.Link) { l.MTU = 9000 }) },
			[]string{"warning: n2: br0 has an MTU of 9000, others on its segment one of 1500"}},
		{"one MAC twice", "", func(t *testing.T, fe, n1, _ *Host) {
			n1.change(t, "eth0", func(l *facts.Link) { l.MAC = fe.links[1].MAC })
		},
			[]string{"error: n1: eth0 has the same MAC as eth0 of fe1 (ip link: 02:00:00:00:00:01)"}},
		{"one machine twice", "", func(_ *testing.T, _, n1, n2 *Host) { n2.boot.ID = n1.boot.ID },
			[]string{"error: n2: is the same machine as n1 (boot id bbbbbbbb)"}},
		{"a copied disk", "", func(_ *testing.T, _, n1, n2 *Host) { n2.machine = n1.machine },
			[]string{"note: n2: has the same machine id as n1"}},
		{"no tool", "", func(_ *testing.T, fe, _, _ *Host) { fe.tools = drop(fe.tools, "conntrack") },
			[]string{"error: fe1: has no conntrack, which is needed: flows that lost their permission (command -v: not found): apt-get install conntrack"}},
		{"no dhcpd", "", func(_ *testing.T, fe, _, _ *Host) { fe.tools = drop(fe.tools, "/usr/sbin/dhcpd") },
			[]string{"error: fe1: has no /usr/sbin/dhcpd, which is needed: vnet_dhcpdaemon"}},
		{"another system", "", func(_ *testing.T, _, n1, _ *Host) { n1.tools, n1.stable["os"] = drop(n1.tools, "nft"), "alpine" },
			[]string{"error: n1: has no nft, which is needed: guests may not forge addresses (command -v: not found): install it (Debian's package is nftables)"}},
		{"not root", "", func(_ *testing.T, _, n1, _ *Host) { n1.account.UID = 1000 },
			[]string{"error: n1: programs run as user ops, not as root (id -u: 1000): set ansible_become: true"}},
		{"no 8021q", "MANAGED", func(_ *testing.T, _, n1, _ *Host) { n1.modules["8021q"] = "absent" },
			[]string{"error: n1: its kernel has no 8021q: MANAGED gives each group a VLAN (kernel 6.1.0): use a kernel with CONFIG_VLAN_8021Q, or use vnet_mode MANAGED-NOVLAN"}},
		{"8021q unknown", "MANAGED", func(_ *testing.T, _, n1, _ *Host) { n1.modules["8021q"] = "unknown" },
			[]string{"note: n1: cannot tell whether its kernel has 8021q"}},
		{"8021q not needed", "", func(_ *testing.T, _, n1, _ *Host) { n1.modules["8021q"] = "absent" }, nil},
		{"libvirt silent", "", func(_ *testing.T, _, n1, _ *Host) { n1.unknown["hypervisor"] = "error: failed to connect" },
			[]string{"error: n1: its libvirt does not answer (error: failed to connect): systemctl start libvirtd"}},
		{"no KVM", "", func(_ *testing.T, _, n1, _ *Host) { n1.Node.Hypervisor = "kvm" },
			[]string{"error: n1: it has no /dev/kvm"}},
		{"KVM unusable", "", func(_ *testing.T, _, n1, _ *Host) { n1.Node.Hypervisor, n1.stable["kvm"] = "kvm", "yes" },
			[]string{"error: n1: its libvirt cannot start machines of hypervisor kvm (virsh capabilities: qemu)"}},
		{"clock ahead", "", func(_ *testing.T, _, n1, _ *Host) {
			n1.boot.Time, n1.clock = noon.Add(4*time.Second), noon.Add(5*time.Second)
		},
			[]string{"warning: n1: its clock is 4s ahead of the controller's"}},
		{"clock behind", "", func(_ *testing.T, _, n1, _ *Host) {
			n1.boot.Time, n1.clock = noon.Add(-10*time.Second), noon.Add(-9*time.Second)
		},
			[]string{"warning: n1: its clock is 9s behind the controller's"}},
		{"clock within what can be told", "", func(_ *testing.T, _, n1, _ *Host) {
			n1.boot.Time, n1.clock = noon.Add(2*time.Second), noon.Add(3*time.Second)
		}, nil},
		{"our dhcpd is dead", "", func(_ *testing.T, fe, _, _ *Host) { fe.servers = nil },
			[]string{"error: fe1: our dhcpd does not run, so guests get no addresses"}},
		{"our dhcpd is elsewhere", "", func(_ *testing.T, fe, _, _ *Host) { fe.Plan.Frontend.DHCP.Interfaces = []string{"eth0.10"} },
			[]string{"error: fe1: our dhcpd does not listen on eth0.10"}},
		{"no user for dhcpd", "", func(_ *testing.T, fe, _, _ *Host) { fe.Network.DHCPUser = "dhcpd" },
			[]string{"error: fe1: there is no user dhcpd (vnet_dhcpuser)"}},
		{"another dhcpd", "", foreign("dhcpd", "/usr/sbin/dhcpd -4 -cf /etc/dhcp/dhcpd.conf eth0"),
			[]string{"error: fe1: another DHCP server runs, dhcpd, and answers guests on eth0 (ps: 99 /usr/sbin/dhcpd -4 -cf /etc/dhcp/dhcpd.conf eth0): systemctl disable --now isc-dhcp-server"}},
		{"another dhcpd, somewhere", "", foreign("dhcpd", "/usr/sbin/dhcpd -4"), []string{"warning: fe1: another DHCP server runs, dhcpd; it may answer guests on eth0"}},
		{"another dhcpd, elsewhere", "", foreign("dhcpd", "/usr/sbin/dhcpd -4 eth1"), []string{"note: fe1: another DHCP server runs, dhcpd, on eth1 only"}},
		{"libvirt's dnsmasq", "", foreign("dnsmasq", "/usr/sbin/dnsmasq --interface=virbr0 --dhcp-range=192.168.122.2,192.168.122.254"), []string{"note: fe1: another DHCP server runs, dnsmasq, on virbr0 only"}},
		{"a dnsmasq for names only", "", foreign("dnsmasq", "/usr/sbin/dnsmasq --interface=eth0"), nil},
		{"firewalld", "", governs("firewalld", "/usr/bin/python3 /usr/sbin/firewalld --nofork"), []string{"warning: fe1: firewalld runs, and changes rules by itself"}},
		{"Docker", "", governs("dockerd", "/usr/bin/dockerd -H fd://"), []string{"warning: fe1: Docker runs"}},
		{"ufw", "", func(_ *testing.T, _, n1, _ *Host) {
			n1.rules = ruleset("iptables", "*filter", ":FORWARD DROP [0:0]", ":ufw-before-forward - [0:0]", "-A FORWARD -j ufw-before-forward")
		}, []string{"warning: n1: ufw governs its firewall"}},
		{"ebtables", "", func(_ *testing.T, _, n1, _ *Host) { n1.rules = ruleset("ebtables", "*filter", ":FORWARD DROP") },
			[]string{"error: n1: another firewall drops what it does not know, guests' packets too (ebtables -t filter -L FORWARD: policy drop)"}},
		{"our own guards", "", func(_ *testing.T, _, n1, _ *Host) {
			n1.rules.Tables = []facts.FilterTable{{Tool: "nft", Family: "bridge", Name: "eucactl_c10d0001", Chains: []facts.FilterChain{
				{Name: "forward", Hook: "forward", Rules: []facts.Rule{{Do: facts.Drop}}},
			}}}
		}, nil},
		{"everything accepted first", "", rules(":FORWARD ACCEPT [0:0]", "-A FORWARD -j ACCEPT", "-A FORWARD -j EUCA-FORWARD"),
			[]string{"error: fe1: another firewall accepts guests' packets before the groups' rules are asked (iptables -S: -A FORWARD -j ACCEPT): eucactl reconcile fe1"}},
		{"accepted first, in a chain of its own", "", rules(":FORWARD ACCEPT [0:0]", ":mine - [0:0]", `-A FORWARD -m comment --comment "a -j b" -j mine`, "-A FORWARD -j EUCA-FORWARD", "-A mine -i eth+ -j ACCEPT"),
			[]string{"error: fe1: another firewall accepts guests' packets"}},
		{"dropped first", "", rules(":FORWARD ACCEPT [0:0]", "-A FORWARD -s 10.0.0.0/8 -j REJECT --reject-with icmp-port-unreachable", "-A FORWARD -j EUCA-FORWARD"),
			[]string{"error: fe1: another firewall drops guests' packets"}},
		{"open connections accepted first", "", rules(":FORWARD ACCEPT [0:0]", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-A FORWARD -j EUCA-FORWARD"),
			[]string{"warning: fe1: another firewall lets connections live on whose permission was revoked"}},
		{"a rule for few", "", rules(":FORWARD ACCEPT [0:0]", "-A FORWARD -s 192.0.2.77/32 -j DROP", "-A FORWARD -j EUCA-FORWARD"),
			[]string{"note: fe1: a rule of others stands before the groups' rules"}},
		{"a rule for others", "", rules(":FORWARD DROP [0:0]", "-A FORWARD -i docker0 -o docker0 -j ACCEPT", "-A FORWARD -s 172.17.0.0/16 -d 172.17.0.0/16 -j ACCEPT", "-A FORWARD -j EUCA-FORWARD", "-A FORWARD -j DROP"), nil},
		{"no hook", "", rules(":FORWARD ACCEPT [0:0]"), []string{"error: fe1: FORWARD does not lead to EUCA-FORWARD: groups' rules are not asked"}},
		{"a public address taken", "", func(_ *testing.T, fe, _, _ *Host) {
			fe.rules = ruleset("iptables", "*filter", ":FORWARD ACCEPT [0:0]", "-A FORWARD -j EUCA-FORWARD", "*nat", ":PREROUTING ACCEPT [0:0]",
				"-A PREROUTING -d 203.0.113.12/32 -j DNAT --to-destination 192.0.2.1", "-A PREROUTING -j EUCA-PREROUTING")
		},
			[]string{"error: fe1: another rule takes the public address 203.0.113.12 before ours"}},
		{"nftables drop", "", func(_ *testing.T, fe, _, _ *Host) {
			fe.rules.Tables = append(fe.rules.Tables, facts.FilterTable{Tool: "nft", Family: "inet", Name: "site", Chains: []facts.FilterChain{
				{Name: "fwd", Hook: "forward", Drop: true}, {Name: "in", Hook: "input", Drop: true},
			}})
		}, []string{"error: fe1: another firewall drops what it does not know, guests' packets too (nft list chain inet site fwd: policy drop)"}},
		{"both back ends", "", func(_ *testing.T, fe, _, _ *Host) {
			fe.rules.Tables = append(fe.rules.Tables, ruleset("iptables-legacy", "*filter", ":INPUT ACCEPT [0:0]", "-A INPUT -j DROP").Tables...)
		}, []string{"warning: fe1: there are rules in both back ends of iptables, nft and legacy: each shows only its own (iptables-legacy-save: 1 rule)"}},
		{"the other back end drops", "", func(_ *testing.T, fe, _, _ *Host) {
			fe.rules.Tables = append(fe.rules.Tables, ruleset("iptables-legacy", "*filter", ":FORWARD DROP [0:0]").Tables...)
		}, []string{"error: fe1: the other back end of iptables drops what is forwarded"}},
		{"bridged frames dropped", "", func(_ *testing.T, _, n1, _ *Host) {
			n1.settings["bridge/bridge-nf-call-iptables"] = "1"
			n1.rules = ruleset("iptables", "*filter", ":FORWARD DROP [0:0]", "-A FORWARD -i docker0 -j ACCEPT")
		}, []string{"error: n1: its firewall drops what guests send over the bridge (sysctl net.bridge.bridge-nf-call-iptables: 1; iptables -S FORWARD: -P FORWARD DROP): sysctl -w net.bridge.bridge-nf-call-iptables=0"}},
		{"bridged frames not asked for", "", func(_ *testing.T, _, n1, _ *Host) { n1.rules = ruleset("iptables", "*filter", ":FORWARD DROP [0:0]") }, nil},
		{"no forwarding", "", func(_ *testing.T, fe, _, _ *Host) { fe.settings["ipv4/ip_forward"] = "0" },
			[]string{"error: fe1: it does not forward packets, so guests reach nobody"}},
		{"strict filter", "", func(_ *testing.T, fe, _, _ *Host) {
			fe.settings["ipv4/conf/eth1/rp_filter"] = "1"
			fe.routes = []facts.Route{{Dev: "eth2", Dest: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("198.51.100.1")}}
		}, []string{"warning: fe1: what comes from far away to public addresses on eth1 is dropped, for answers would leave by eth2"}},
		{"a route into the guests' subnet", "", func(_ *testing.T, fe, _, _ *Host) {
			fe.routes = []facts.Route{{Dev: "eth0", Dest: netip.MustParsePrefix("10.50.1.0/27")}, {Dev: "tun0", Dest: netip.MustParsePrefix("10.0.0.0/8")}}
		}, []string{"error: fe1: it has a route into the guests' subnet 10.50.0.0/16 that is not the cloud's (ip route: 10.0.0.0/8 dev tun0)"}},
		{"no room", "", func(_ *testing.T, _, n1, _ *Host) { n1.capacity.DiskFree = 1 },
			[]string{"warning: n1: there is little room for instances' disks (df: 1 of 100 GiB are free"}},
		{"unknown", "", func(_ *testing.T, _, n1, _ *Host) { n1.unknown["links"], n1.links = "ip: not found", nil },
			[]string{"warning: n1: cannot tell its links (ip: not found)"}},
		{"unreachable", "", func(_ *testing.T, _, n1, _ *Host) {
			silent := Found(Unreachable, "n1", "does not answer", "no route to host", "ssh to it by hand")
			n1.Silent = &silent
		},
			[]string{"unreachable: n1: does not answer (no route to host): ssh to it by hand"}},
	}
}

func foreign(name, line string) func(*testing.T, *Host, *Host, *Host) {
	return func(_ *testing.T, fe, _, _ *Host) { fe.servers = append(fe.servers, servers(name, line)...) }
}

func governs(name, line string) func(*testing.T, *Host, *Host, *Host) {
	return func(_ *testing.T, fe, _, _ *Host) { fe.governs = []facts.Process{{PID: 99, Name: name, Command: line}} }
}

func rules(lines ...string) func(*testing.T, *Host, *Host, *Host) {
	return func(_ *testing.T, fe, _, _ *Host) {
		fe.rules = ruleset("iptables", slices.Concat([]string{"*filter"}, lines, []string{"*nat", ":PREROUTING ACCEPT [0:0]", "-A PREROUTING -j EUCA-PREROUTING"})...)
	}
}

// Each fault is named, and nothing else is.
func TestHostFindings(t *testing.T) {
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			if f.mode == "" {
				f.mode = "MANAGED-NOVLAN"
			}
			hosts := healthy(t, f.mode)
			f.spoil(t, hosts[0], hosts[1], hosts[2])
			out := Judge(hosts)
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

func TestExitCode(t *testing.T) {
	for want, severities := range map[int][]string{
		0: {Note, Warning}, 1: {Unreachable, Error}, 4: {Warning, Unreachable, Note},
	} {
		var p Result
		for _, s := range severities {
			p.Findings = append(p.Findings, Finding{Severity: s})
		}
		if got := p.ExitCode(); got != want {
			t.Errorf("%v: exit code %d, want %d", severities, got, want)
		}
	}
	p := Result{Hosts: 1, Checks: 3, Findings: []Finding{{Severity: Error}, {Severity: Unreachable}, {Severity: Unreachable}}}
	if got := p.Summary(); got != "3 checks on 1 host: 1 error, 2 hosts unreachable" {
		t.Error(got)
	}
}
