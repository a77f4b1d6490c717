package inventory

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Whatever network a eucalyptus.conf means, in whatever spelling, the inventory made
// from it means the same to the reader of inventories.
func TestImportMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawNetwork(t)
		settings := spellNetwork(t, want)
		first, second := drawConf(t, settings)
		node := "VNET_MODE=" + string(want.Mode) + "\nVNET_BRIDGE=br0\n"
		if want.Mode == Managed {
			node = "VNET_INTERFACE=peth0 VNET_MODE=MANAGED"
		}
		from := Eucalyptus{
			Frontend: []ConfFile{{Name: "eucalyptus.conf", Data: []byte(first)}, {Name: "eucalyptus.local.conf", Data: []byte(second)}},
			Nodes:    []ConfFile{{Name: "node.conf", Data: []byte(node)}},
			Host:     NamedHost{Name: "fe1"}, Hosts: []NamedHost{{Name: "n1"}},
		}
		out, err := Import(from)
		if err != nil {
			t.Fatalf("%v\n%s\n--\n%s", err, first, second)
		}
		inv, err := Parse("inventory.yml", out.YAML)
		if err != nil {
			t.Fatalf("%v\n%s", err, out.YAML)
		}
		if diff := gocmp.Diff(want, inv.Clusters()[0].Network, sameAddress); diff != "" {
			t.Fatalf("%s\n%s\n--\n%s\n--\n%s", diff, first, second, out.YAML)
		}
		n1, _ := inv.Host("n1")
		if got := n1.Node; want.Mode == Managed && got.Interface != "peth0" || want.Mode != Managed && got.Bridge != "br0" {
			t.Fatalf("%+v", got)
		}
	})
}

// drawNetwork draws a network as the reader gives it.
func drawNetwork(t *rapid.T) Network {
	n := Network{Mode: Mode(rapid.SampledFrom(modes()).Draw(t, "mode")), FirewallPolicy: "preserve"}
	if rapid.Bool().Draw(t, "cloud ip") {
		n.CloudIP = netip.MustParseAddr("203.0.113.250")
	}
	if n.Mode == System {
		return n
	}
	device := rapid.SampledFrom([]string{"eth0", "eth1", "peth0", "br0", "em1", "bond0.7"})
	n.PubInterface, n.PrivInterface = device.Draw(t, "public"), device.Draw(t, "private")
	bits := rapid.IntRange(8, 22).Draw(t, "bits")
	n.Subnet = netip.PrefixFrom(netip.MustParseAddr("10.128.0.0"), bits).Masked()
	_, high := bounds(n.Subnet)
	n.Broadcast = fromNumber(high)
	for i := range rapid.IntRange(1, 3).Draw(t, "servers") {
		n.DNS = append(n.DNS, fromNumber(toNumber(netip.MustParseAddr("198.51.100.1"))+uint32(i)))
	}
	n.DHCPDaemon = rapid.SampledFrom([]string{"/usr/sbin/dhcpd3", "/usr/sbin/dhcpd"}).Draw(t, "daemon")
	n.DHCPUser = rapid.SampledFrom([]string{"", "dhcpd", "root"}).Draw(t, "user")
	if n.Mode == Static {
		n.Router = n.Subnet.Addr().Next()
		for i := range rapid.IntRange(1, 5).Draw(t, "pairs") {
			n.MACMap = append(n.MACMap, MACAddress{fmt.Sprintf("aa:dd:11:ce:ff:%02x", i), fromNumber(toNumber(n.Router) + 1 + uint32(i))})
		}
		return n
	}
	n.AddrsPerNet = 1 << rapid.IntRange(2, 32-bits-4).Draw(t, "addresses")
	n.AddrsPerNet = min(n.AddrsPerNet, 2048)
	for i := range rapid.IntRange(0, 40).Draw(t, "public addresses") {
		n.PublicIPs = append(n.PublicIPs, fromNumber(toNumber(netip.MustParseAddr("203.0.113.0"))+uint32(i)+3))
	}
	return n
}

// spellNetwork writes a network down as settings, in one of the ways that there are.
func spellNetwork(t *rapid.T, n Network) map[string]string {
	all := map[string]string{"VNET_MODE": string(n.Mode)}
	put := func(name string, value any) {
		if text := fmt.Sprint(value); text != "" && text != "invalid IP" {
			all[name] = text
		}
	}
	put("VNET_CLOUDIP", n.CloudIP)
	if n.Mode == System {
		return all
	}
	put("VNET_PUBINTERFACE", n.PubInterface)
	put("VNET_PRIVINTERFACE", n.PrivInterface)
	switch rapid.IntRange(0, 4).Draw(t, "alias") {
	case 0:
		put("VNET_INTERFACE", "eth9")
	case 1:
		put("VNET_INTERFACE", n.PubInterface)
		delete(all, "VNET_PUBINTERFACE")
	case 2:
		put("VNET_INTERFACE", n.PrivInterface)
		delete(all, "VNET_PRIVINTERFACE")
	case 3:
		if n.PubInterface == n.PrivInterface {
			put("VNET_INTERFACE", n.PubInterface)
			delete(all, "VNET_PUBINTERFACE")
			delete(all, "VNET_PRIVINTERFACE")
		}
	}
	put("VNET_SUBNET", n.Subnet.Addr())
	put("VNET_NETMASK", netmask(n.Subnet.Bits()))
	put("VNET_DNS", strings.Trim(fmt.Sprint(n.DNS), "[]"))
	put("VNET_DHCPDAEMON", n.DHCPDaemon)
	put("VNET_DHCPUSER", n.DHCPUser)
	if n.Mode == Static {
		put("VNET_BROADCAST", n.Broadcast)
		put("VNET_ROUTER", n.Router)
		var pairs []string
		for _, p := range n.MACMap {
			pairs = append(pairs, strings.ToUpper(p.MAC)+"="+p.IP.String())
		}
		put("VNET_MACMAP", strings.Join(pairs, " "))
		return all
	}
	put("VNET_ADDRSPERNET", n.AddrsPerNet)
	if len(n.PublicIPs) > 0 && rapid.Bool().Draw(t, "as a range") {
		put("VNET_PUBLICIPS", fmt.Sprintf("%s-%s", n.PublicIPs[0], n.PublicIPs[len(n.PublicIPs)-1]))
	} else {
		put("VNET_PUBLICIPS", strings.Trim(fmt.Sprint(n.PublicIPs), "[]"))
	}
	return all
}

// drawConf writes settings into two files, of which the second one wins, between
// comments and settings without effect.
func drawConf(t *rapid.T, settings map[string]string) (string, string) {
	var names []string
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	files := []string{"EUCALYPTUS=/usr\n", "\n"}
	noise := []string{"# VNET_MODE=\"NONE\"\n", "\n", "CC_PORT=\"8774\" # as ever\n", "#\n", "   \t\n", "VNET_BRIDGE='xenbr0'\n", "SCHEDPOLICY=GREEDY;\n", "export LOGLEVEL\n"}
	for _, name := range rapid.Permutation(names).Draw(t, "order") {
		which := rapid.IntRange(0, 1).Draw(t, "file")
		if which == 1 && rapid.Bool().Draw(t, "replaced") {
			files[0] += name + "='of no account'\n"
		}
		files[which] += rapid.SampledFrom([]string{"", "export ", "  ", "\t"}).Draw(t, "before") + name + "=" + drawQuoted(t, settings[name]) +
			rapid.SampledFrom([]string{"\n", " # comment\n", ";\n", "\r\n", "  \n"}).Draw(t, "after") +
			rapid.SampledFrom(append(noise, "", "", "")).Draw(t, "noise")
	}
	return files[0], files[1]
}

// drawQuoted spells a value for a shell.
func drawQuoted(t *rapid.T, value string) string {
	if strings.HasPrefix(value, "/usr/") && rapid.Bool().Draw(t, "home") {
		return `"$EUCALYPTUS` + strings.TrimPrefix(value, "/usr") + `"`
	}
	var out strings.Builder
	for value != "" {
		n := rapid.IntRange(1, len(value)).Draw(t, "piece")
		piece := value[:n]
		value = value[n:]
		switch rapid.IntRange(0, 3).Draw(t, "quote") {
		case 0:
			out.WriteString("'" + piece + "'")
		case 1:
			out.WriteString(`"` + strings.ReplaceAll(piece, " ", " \\\n  ") + `"`)
		case 2:
			out.WriteString(`"` + strings.ReplaceAll(piece, " ", "\n") + `"`)
		default:
			out.WriteString(strings.ReplaceAll(piece, " ", `\ `))
		}
	}
	return out.String()
}

// What is read without a complaint has the values that a shell gives it. This runs
// the file, which the importer never does: it is made of harmless pieces only.
func TestReadConfAsShellsDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "conf")
	for text, read := range map[string]bool{
		"A=1;B=2":                     true,
		";A=1":                        false,
		"A=1;;B=2":                    false,
		"A=1 ; # x":                   true,
		"A=#x":                        true,
		"A=x#y":                       true,
		"A=x\\\n#y":                   true,
		"A=x \\\n#y":                  true,
		"A=\\\n~":                     false,
		"A='~':x":                     true,
		"A=\\":                        false,
		"A=\\\n":                      true,
		"export A#":                   false,
		"export A # x":                true,
		"export A=1\nexport B":        true,
		"A=\"a\\b\\\\c\\\"d\\$e\\`\"": true,
		"A='a\\b\"'\"c'\"":            true,
		"A=\"1\n 2\\\n 3\"":           true,
		"A= B=2":                      true,
		"A=1 B=\"2 3\" C=4":           true,
		"A=a\\ b\\\tc":                true,
		"EUCALYPTUS=/x/\nA=$EUCALYPTUS B=${EUCALYPTUS}y C=\"$EUCALYPTUS.\"": true,
		"A='x\nB=1":      false,
		"A=1\nA=2":       true,
		"A=*[a-z]?{1,2}": true,
		"A=é%!^,@+":      true,
	} {
		if asShells(t, file, text) != read {
			t.Errorf("%q: read, or not, against expectation", text)
		}
	}
	pieces := []string{
		"A", "B", "C", "=", "=", "=", "A=", "B=", "\nC=", "\nA=", " B=", "export ", "\nexport A=", "EUCALYPTUS=/x\n", `"`, `"`, "'", "'", `\`, "\n", "\n", " ", "\t", "#", ";",
		"x", "y", "1.2.3.4", "/", `"$EUCALYPTUS/y"`, "${EUCALYPTUS}", "$EUCALYPTUS", `"q r"`, "'s t'", "\\\n", `\"`, `\$`, "$", "`", "~", "*", "!", "ü", "{", "}", "+=", ":", "[", "]", "%", "-", "?", ",",
	}
	read, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		all++
		if asShells(t, file, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 25).Draw(t, "pieces"), "")) {
			read++
		}
	})
	if t.Logf("%d of %d compared", read, all); read == 0 {
		t.Error("too few were read to compare anything")
	}
}

// asShells compares what a file sets with what it sets in shells; false means that
// the reader complains about it.
func asShells(t rapid.TB, file, text string) bool {
	p, home := &problems{}, "/home"
	r := readConf(ConfFile{Name: "conf", Data: []byte(text)}, &home, p)
	if !p.none() {
		return false
	}
	want := map[string]string{"A": "unset", "B": "unset", "C": "unset"}
	for _, a := range r.set {
		want[a.name] = a.value
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	script := "EUCALYPTUS=/home; . " + file + "\n" + `printf '%s\0%s\0%s\0' "${A-unset}" "${B-unset}" "${C-unset}"`
	for _, shell := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		cmd := exec.Command(shell[0], append(shell[1:], "-s")...)
		cmd.Env, cmd.Stdin = []string{"PATH=/nonexistent"}, strings.NewReader(script)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil || said.Len() > 0 {
			t.Fatalf("%s refuses what is read as %q: %v %s\n%s", shell[0], want, err, said.String(), text)
		}
		got := strings.Split(string(out), "\x00")
		if got[0] != want["A"] || got[1] != want["B"] || got[2] != want["C"] {
			t.Fatalf("%s has %q, we %q, for\n%s", shell[0], got, want, text)
		}
	}
	return true
}
