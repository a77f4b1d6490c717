package facts

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// same reads a text and compares what was made of it.
func same[T any](t *testing.T, what, text string, read func(string) (T, error), want T) {
	t.Helper()
	got, err := read(text)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	compare := cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	if diff := cmp.Diff(want, got, compare); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

func TestReadPreflight(t *testing.T) {
	same(t, "clock", "1795306253\n", ReadClock, time.Unix(1795306253, 0).UTC())
	same(t, "tools", "ip\n/usr/sbin/dhcpd\nend\n", ReadTools, []string{"ip", "/usr/sbin/dhcpd"})
	same(t, "no tools", "end\n", ReadTools, []string{})
	same(t, "accounts", "uid 0\nuser dhcpd\n", ReadAccounts, Account{UID: 0, Users: []string{"dhcpd"}})
	same(t, "modules", "8021q absent\nbridge loaded\n", ReadModules, map[string]string{"8021q": "absent", "bridge": "loaded"})
	same(t, "machine", "0123456789abcdef0123456789abcdef\n", ReadMachine, "0123456789abcdef0123456789abcdef")
	same(t, "no machine id", "none\n", ReadMachine, "")
	same(t, "hypervisor", "domain kvm\ndomain qemu\nend\n", ReadHypervisor, []string{"kvm", "qemu"})
	same(t, "governors", "12 dockerd /usr/bin/dockerd -H fd:// \n", ReadGovernors, []Process{{PID: 12, Name: "dockerd", Command: "/usr/bin/dockerd -H fd://"}})
	same(t, "vlans", "vlan 10 eth0.10\nleft eth0.4093\nend\n", ReadVLANs, VLANs{Tags: map[int]string{10: "eth0.10"}, Left: []string{"eth0.4093"}})
	same(t, "pings", "node1 yes no 02:00:00:00:00:01 \npublic no no - ping: connect: Network is unreachable\n", ReadPings,
		map[string]Ping{"node1": {Small: true, MAC: "02:00:00:00:00:01"}, "public": {Words: "ping: connect: Network is unreachable"}})
	same(t, "claimants", "203.0.113.5 02:00:00:00:00:01\nend\n", ReadClaimants, map[netip.Addr]string{netip.MustParseAddr("203.0.113.5"): "02:00:00:00:00:01"})
	same(t, "offer", "192.0.2.10 192.0.2.1\n", ReadOffer, Offer{"192.0.2.10", "192.0.2.1"})
	same(t, "no offer", "\n", ReadOffer, Offer{})
}

func TestReadRoutes(t *testing.T) {
	const table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"eth1\t007100CB\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
		"*\t0000000A\t00000000\t0200\t0\t0\t0\t000000FF\t0\t0\t0\n"
	same(t, "routes", table, ReadRoutes, []Route{
		{Dev: "eth0", Dest: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("192.168.2.1")},
		{Dev: "eth1", Dest: netip.MustParsePrefix("203.0.113.0/24")},
	})
}

func TestPreflightNonsenseIsRefused(t *testing.T) {
	for name, err := range map[string]error{
		"clock":             second(ReadClock("noon\n")),
		"tools, cut":        second(ReadTools("ip\n")),
		"tools, nothing":    second(ReadTools("")),
		"accounts, nothing": second(ReadAccounts("")),
		"accounts, odd":     second(ReadAccounts("uid x\n")),
		"accounts, twice":   second(ReadAccounts("uid 0\nuid 1\n")),
		"modules, nothing":  second(ReadModules("")),
		"modules, odd":      second(ReadModules("8021q perhaps\n")),
		"machine":           second(ReadMachine("x y\n")),
		"hypervisor, cut":   second(ReadHypervisor("domain kvm\n")),
		"governors":         second(ReadGovernors("x dockerd y\n")),
		"vlans, cut":        second(ReadVLANs("vlan 10 eth0.10\n")),
		"vlans, odd":        second(ReadVLANs("vlan x eth0.10\nend\n")),
		"pings":             second(ReadPings("node1 yes\n")),
		"claimants, cut":    second(ReadClaimants("")),
		"claimants, odd":    second(ReadClaimants("x y\nend\n")),
		"offer":             second(ReadOffer("x\n")),
		"routes, nothing":   second(ReadRoutes("")),
		"routes, odd":       second(ReadRoutes("Iface\neth0 1 2\n")),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What only reads the kernel and the files of this machine answers in every shell.
func TestPreflightScriptsAnswerHere(t *testing.T) {
	for name, sh := range shells {
		t.Run(name, func(t *testing.T) {
			for what, read := range map[string]func(string) error{
				ClockScript:                       func(s string) error { return second(ReadClock(s)) },
				Tools("sh", "no-such", "it's"):    func(s string) error { return second(ReadTools(s)) },
				Accounts("root", "no-such"):       func(s string) error { return second(ReadAccounts(s)) },
				ModulesScript:                     func(s string) error { return second(ReadModules(s)) },
				MachineScript:                     func(s string) error { return second(ReadMachine(s)) },
				RoutesScript:                      func(s string) error { return second(ReadRoutes(s)) },
				VLANsScript:                       func(s string) error { return second(ReadVLANs(s)) },
				GovernorsScript:                   func(s string) error { return second(ReadGovernors(s)) },
				Pings("lo", Peer{"me", loopback}): pinged(t),
			} {
				out, err := ask(t, sh, what, "RUN_DIR=/run/eucalyptus/net", "CLOUD=c10d0001")
				if err != nil {
					t.Errorf("%s: %v", what, err)
				} else if err := read(strings.TrimPrefix(out, "\n")); err != nil { // ask prints a newline after nothing
					t.Error(err)
				}
			}
			out, err := ask(t, sh, Tools("sh", "no-such"))
			if err != nil || out != "sh\nend\n" {
				t.Errorf("%q %v", out, err)
			}
		})
	}
}

var loopback = netip.MustParseAddr("127.0.0.1")

func pinged(t *testing.T) func(string) error {
	return func(s string) error {
		p, err := ReadPings(s)
		if !p["me"].Small || !p["me"].Full {
			t.Errorf("%q", s)
		}
		return err
	}
}

// However a tool of a bundle fails, the rest is said.
func TestSupportAnswersWithoutTools(t *testing.T) {
	for name, sh := range shells {
		for _, q := range Support() {
			out, err := ask(t, sh, q.Script, "PATH=/nonexistent", "RUN_DIR=/nonexistent", "HOST_DIR=/nonexistent")
			if err != nil && name != "busybox" {
				t.Errorf("%s, %s: %v", name, q.Name, err)
			}
			if name == "dash" && q.Name != "log" && strings.Contains(q.Script, "run ") && !strings.Contains(out, "not installed") {
				t.Errorf("%s does not say what is missing: %q", q.Name, out)
			}
		}
	}
}
