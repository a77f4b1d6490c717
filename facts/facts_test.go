package facts

import (
	"encoding/base64"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"mvdan.cc/sh/v3/syntax"
)

// scripts are all that the package asks.
func scripts() map[string]string {
	all := map[string]string{
		"host": HostScript, "boot": BootScript, "capacity": CapacityScript, "domains": DomainsScript,
		"instances": InstancesScript, "links": LinksScript, "rules": RulesScript, "leases": LeasesScript,
		"ours": OursScript, "neighbours": NeighboursScript,
		"console": Console("/var/lib/eucalyptus/instances/admin/i-0000000a"),
		"clock":   ClockScript, "tools": Tools("ip", "/usr/sbin/dhcpd"), "accounts": Accounts("dhcpd"), "modules": ModulesScript,
		"routes": RoutesScript, "machine": MachineScript, "hypervisor": HypervisorScript,
		"governors": GovernorsScript, "others": OthersScript, "vlans": VLANsScript,
		"pings":     Pings("eth0", Peer{"node1", netip.MustParseAddr("192.0.2.1")}),
		"claimants": Claimants("eth1", netip.MustParseAddr("192.0.2.1")), "offers": Offers("br0"),
	}
	for _, q := range Support() {
		all["support "+q.Name] = q.Script
	}
	return all
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// reads compares what a reader makes of a file of testdata, the answer of a real
// host, with what is known of that host.
func reads[T any](t *testing.T, file string, read func(string) (T, error), want T) {
	t.Helper()
	got, err := read(testdata(t, file))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("%s:\n%s", file, diff)
	}
}

func TestReadHost(t *testing.T) {
	reads(t, "host-debian-12.txt", ReadHost, map[string]string{
		"arch": "x86_64", "kernel": "6.18.44-fc-v669", "os": "debian", "os_version": "12", "iptables": "nft", "kvm": "no",
		"emulator": "/usr/bin/qemu-system-x86_64",
		"tools": "ip bridge brctl iptables iptables-save iptables-restore ip6tables ebtables ipset conntrack dhcpd virsh" +
			" libvirtd qemu-img flock sha256sum timeout base64 sysctl systemctl",
	})
}

// The heading is none, and who never answered is not there either.
func TestNeighbours(t *testing.T) {
	table := filepath.Join(t.TempDir(), "arp")
	text := "IP address       HW type     Flags       HW address            Mask     Device\n" +
		"10.40.0.210      0x1         0x2         D2:0d:76:ef:0f:f2     *        eth0\n" +
		"10.40.0.9        0x1         0x0         00:00:00:00:00:00     *        eth0\n"
	if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, sh := range []string{"dash", "bash", "busybox"} {
		cmd := exec.Command(sh, "-c", strings.ReplaceAll(NeighboursScript, "/proc/net/arp", table))
		if sh == "busybox" {
			cmd.Args = []string{"busybox", "sh", "-c", cmd.Args[2]}
		}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(sh, err)
		}
		got, err := ReadNeighbours(string(out))
		want := map[string]netip.Addr{"d2:0d:76:ef:0f:f2": netip.MustParseAddr("10.40.0.210")}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); err != nil || diff != "" {
			t.Error(sh, err, diff)
		}
	}
}

func TestReadOurs(t *testing.T) {
	got, err := ReadOurs("eth0.10\neucabr10\n")
	if err != nil || !slices.Equal(got, []string{"eth0.10", "eucabr10"}) {
		t.Error(got, err)
	}
	if _, err := ReadOurs("eth0 10\n"); err == nil {
		t.Error("a name with a blank is none")
	}
}

func TestReadBootAndCapacity(t *testing.T) {
	const boot = "37e153fe-5bc3-4363-bb7d-1914b9010e8d 3440.35 1795306253\n"
	got, err := ReadBoot(boot)
	want := Boot{"37e153fe-5bc3-4363-bb7d-1914b9010e8d", 3440350 * time.Millisecond, time.Unix(1795306253, 0).UTC()}
	if err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	c, err := ReadCapacity("2 24684084 264212084 80603380\n")
	if want := (Capacity{Cores: 2, Memory: 24105, Disk: 251, DiskFree: 76}); err != nil || c != want {
		t.Errorf("%+v %v", c, err)
	}
}

func TestReadDomains(t *testing.T) {
	const boot = "37e153fe-5bc3-4363-bb7d-1914b9010e8d"
	machine := func(name, state, reason string) Domain {
		return Domain{Name: name, State: state, Reason: reason, Cloud: "c1000001", Boot: boot}
	}
	pending := machine("i-0000000a", "running", "booted")
	pending.Reboots, pending.PendingRestart = 2, true
	off := machine("i-0000000b", "shut off", "shutdown")
	off.PoweredOff = true
	crashed := machine("i-0000000c", "shut off", "crashed")
	others := []Domain{
		{Name: "i-0000000e", State: "shut off", Reason: "unknown", Cloud: "c1000001"},
		{Name: "i-0000000f", State: "shut off", Reason: "unknown"},
		{Name: "i-00000010", State: "shut off", Reason: "unknown", Cloud: "0badc10d"},
		{Name: "my vm, i-0000000a"},
	}
	paused := machine("i-0000000d", "paused", "user")
	reads(t, "domains-libvirt-9.0.0.txt", ReadDomains, append([]Domain{pending, paused, off, crashed}, others...))

	// libvirtd was restarted: what it forgot is in its log.
	off.Reason, crashed.Reason = "unknown", "unknown"
	reads(t, "domains-libvirt-9.0.0-restarted.txt", ReadDomains, append([]Domain{pending, paused, off, crashed}, others...))
}

func TestDomainsOfAnotherBootWereNotPoweredOff(t *testing.T) {
	text := testdata(t, "domains-libvirt-9.0.0.txt")
	list, err := ReadDomains(strings.Replace(text, "boot 37e153fe", "boot 00000000", 1))
	if err != nil || slices.ContainsFunc(list, func(d Domain) bool { return d.PoweredOff }) {
		t.Errorf("%+v %v", list, err)
	}
}

func TestReadOthers(t *testing.T) {
	const home = "/var/lib/eucalyptus/instances/admin/"
	reads(t, "instances.txt", ReadInstances, []InstanceDir{
		{home + "i-0000000a", "c1000001", "i-0000000a"}, {home + "i-0000000b", "c1000001", "i-0000000b"},
		{home + "i-0000000c", "c1000001", "i-0000000c"}, {home + "i-0000000d", "c1000001", "i-0000000d"},
		{home + "i-0000000e", "c1000001", "i-0000000e"}, {home + "i-0000000f", "", ""},
		{home + "i-00000010", "c1000001", "i-00000010"}, {home + "i-00000011", "c1000001", "i-00000011"},
	})
	for _, backend := range []string{"nft", "legacy"} {
		reads(t, "rules-iptables-1.8.9-"+backend+".txt", ReadRules, []Chain{
			{"filter", "EUCA-FORWARD", "c1000001", "forward"},
			{"filter", "admin-default", "0badc10d", `group admin/default it\'s`},
			{"nat", "EUCA-PRE", "c1000001", "nat pre"},
		})
	}
	reads(t, "leases-dhcpd-4.4.3.txt", ReadLeases, []Lease{
		{Address: netip.MustParseAddr("10.1.2.10"), MAC: "d0:0d:00:00:00:0a", Host: "i-0000000a", Fixed: true},
		{Address: netip.MustParseAddr("10.1.2.11"), MAC: "d0:0d:00:00:00:0b", Host: "i-0000000b", Fixed: true},
		{Address: netip.MustParseAddr("10.1.2.50"), MAC: "9a:71:28:ab:fa:2d", State: "active"},
		{Address: netip.MustParseAddr("10.1.2.51"), MAC: "02:00:00:00:00:77", State: "active"},
	})
	links, err := ReadLinks(testdata(t, "links-iproute2-6.1.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Link{
		{Name: "eucabr172", Kind: "bridge", MTU: 1500, Up: true, Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.2.3/24"), netip.MustParsePrefix("10.1.2.4/32")}},
		{Name: "veth0", Kind: "veth", Master: "eucabr172", MTU: 1500, Up: true},
		{Name: "vnet0", Kind: "tun", Master: "eucabr172", MTU: 1500},
	} {
		i := slices.IndexFunc(links, func(l Link) bool { return l.Name == want.Name })
		if i < 0 {
			t.Errorf("%s is missing", want.Name)
			continue
		}
		links[i].MAC, links[i].Port = "", Port{}
		links[i].Addresses = slices.DeleteFunc(links[i].Addresses, func(p netip.Prefix) bool { return p.Addr().Is6() })
		if len(links[i].Addresses) == 0 {
			links[i].Addresses = nil
		}
		if diff := cmp.Diff(want, links[i], cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for name, err := range map[string]error{
		"host, no name":        second(ReadHost("arch=x\nkernel=y\nnonsense\n")),
		"host, twice":          second(ReadHost("arch=x\narch=y\nkernel=z\n")),
		"host, nothing":        second(ReadHost("")),
		"boot":                 second(ReadBoot("37e153fe 1 2")),
		"boot, nothing":        second(ReadBoot("")),
		"capacity":             second(ReadCapacity("2 x 3 4")),
		"capacity, no cores":   second(ReadCapacity("0 1 3 4")),
		"domains, cut":         second(ReadDomains("")),
		"domains, no boot":     second(ReadDomains("domain a\n")),
		"domains, odd":         second(ReadDomains("boot 37e153fe-5bc3-4363-bb7d-1914b9010e8d\nerror: x\n")),
		"domains, odd further": second(ReadDomains("boot 37e153fe-5bc3-4363-bb7d-1914b9010e8d\ndomain a\nerror: x\n")),
		"instances":            second(ReadInstances("/x\n")),
		"links":                second(ReadLinks("")),
		"links, address":       second(ReadLinks(`[{"ifname":"a","addr_info":[{"local":"x"}]}]`)),
		"rules":                second(ReadRules("filter A b c\n")),
		"others":               second(ReadOthers("chains x\n")),
		"others, count":        second(ReadOthers("other nft x\n")),
		"leases":               second(ReadLeases("x\n")),
		"leases, address":      second(ReadLeases("l lease x {\nl }\n")),
		"console":              second(ReadConsole("!")),
		"console, too much":    second(ReadConsole(base64.StdEncoding.EncodeToString(make([]byte, ConsoleSize+1)))),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// A list may be empty if it was asked for.
	if list, err := ReadDomains("boot 37e153fe-5bc3-4363-bb7d-1914b9010e8d\n"); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}

func second[T any](_ T, err error) error { return err }

// Every script is POSIX sh and clean for shellcheck. The names in RUN_DIR and
// unused words of a read line are the prelude's and the kernel's.
func TestScriptsArePosix(t *testing.T) {
	for name, script := range scripts() {
		if _, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(script), name); err != nil {
			t.Error(err)
		}
		cmd := exec.Command("shellcheck", "-s", "sh", "-e", "SC2154,SC2034,SC2086", "-")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
		if strings.Contains(script, "'@'") || strings.Contains(script, "<<") {
			t.Errorf("%s has a here-document", name)
		}
	}
}

var shells = map[string][]string{"dash": {"/bin/dash", "-s"}, "bash": {"/bin/bash", "--posix", "-s"}, "busybox": {"/bin/busybox", "sh", "-s"}}

// ask runs a script as a program's section does. stderr goes apart, as words do.
func ask(t *testing.T, shell []string, script string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(shell[0], shell[1:]...)
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}, env...)
	cmd.Stdin = strings.NewReader("text=$(eval '" + strings.ReplaceAll(script, "'", `'\''`) + "' </dev/null) || exit\nprintf '%s\\n' \"$text\"\n")
	out, err := cmd.Output()
	return string(out), err
}

// What only reads the kernel can be asked of any machine. Domains and rules are
// asked of real hosts where the kinds of tasks are tested.
func TestScriptsAnswerHere(t *testing.T) {
	for name, sh := range shells {
		t.Run(name, func(t *testing.T) {
			for what, read := range map[string]func(string) error{
				HostScript:     func(s string) error { return second(ReadHost(s)) },
				BootScript:     func(s string) error { return second(ReadBoot(s)) },
				CapacityScript: func(s string) error { return second(ReadCapacity(s)) },
				LinksScript:    func(s string) error { return second(ReadLinks(s)) },
			} {
				out, err := ask(t, sh, what)
				if err != nil {
					t.Errorf("%s: %v", what, err)
				} else if err := read(out); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A tool that is missing is an error, never an empty list.
func TestMissingToolsCannotTell(t *testing.T) {
	for name, sh := range shells {
		if name == "busybox" {
			continue // it is its own tools
		}
		for what, script := range map[string]string{
			"host": HostScript, "boot": BootScript, "capacity": CapacityScript, "domains": DomainsScript, "rules": RulesScript,
			"others": OthersScript,
		} {
			if out, err := ask(t, sh, script, "PATH=/nonexistent"); err == nil {
				t.Errorf("%s, %s without tools: %q", name, what, out)
			}
		}
	}
}

func TestConsole(t *testing.T) {
	for name, sh := range shells {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), `it's $(here) "so`)
			if _, err := ask(t, sh, Console(dir)); err == nil {
				t.Error("no console, and no error")
			}
			write := func(name, text string) {
				t.Helper()
				if err := os.MkdirAll(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			read := func() string {
				t.Helper()
				out, err := ask(t, sh, Console(dir))
				if err != nil {
					t.Fatal(err)
				}
				text, err := ReadConsole(out)
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			}
			odd := "a\x00b\xff\n@0123456789abcdef done\n\x1b[2J"
			write("console.log", odd)
			if got := read(); got != odd {
				t.Errorf("%q", got)
			}
			write("console.log.0", strings.Repeat("old ", 1<<15))
			if got := read(); len(got) != ConsoleSize || !strings.HasSuffix(got, "old "+odd) {
				t.Errorf("%d bytes of a rotated log, ends in %q", len(got), got[max(0, len(got)-40):])
			}
			write("console.log", "")
			if got := read(); len(got) != ConsoleSize {
				t.Errorf("%d bytes after rotation", len(got))
			}
		})
	}
}
