package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"eucactl/inventory"
)

// Inventory is an Ansible inventory in YAML with the lab's hosts, their groups and the cloud's settings. Up and AddHost
// write it anew; a test that wants another copies it.
func (l *Lab) Inventory() string { return filepath.Join(l.Dir, "inventory.yml") }

var inventoryText = template.Must(template.New("inventory").Parse(`all:
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: {{.Key}}
{{- if .Slow}}
    ansible_timeout: 60
{{- end}}
{{- if .Cloud}}
    cluster: lab1
    hypervisor: qemu
{{- if .Cores}}
    node_cores: {{.Cores}}
{{- end}}
    vnet_mode: {{.Mode}}
{{- range .Settings}}
    {{.}}
{{- end}}
{{- end}}
  children:
{{- range .Groups}}
    {{.Name}}:
      hosts:
{{- range .Hosts}}
        {{.Name}}: {ansible_host: {{.Addr}}}
{{- end}}
{{- end}}
`))

// settings are what each mode wants to know, in the inventory's own words.
func (l *Lab) settings() []string {
	interfaces := []string{"vnet_interface: eth0", "vnet_privinterface: eth0", "vnet_pubinterface: eth1"}
	bridge := []string{"vnet_bridge: br0"}
	dhcp := []string{"vnet_dns: 10.40.0.1", "vnet_dhcpdaemon: /usr/sbin/dhcpd"}
	managed := []string{
		"vnet_subnet: 10.50.0.0", "vnet_netmask: 255.255.0.0", "vnet_addrspernet: 32", `vnet_publicips: "203.0.113.10-203.0.113.29"`,
	}
	switch l.mode {
	case inventory.System:
		return bridge
	case inventory.Static:
		return slices.Concat(interfaces, bridge, dhcp, []string{
			"vnet_subnet: 10.40.0.0", "vnet_netmask: 255.255.255.0", "vnet_broadcast: 10.40.0.255", "vnet_router: 10.40.0.1",
			`vnet_macmap: "` + macMap() + `"`,
		})
	case inventory.Managed:
		return slices.Concat(interfaces, dhcp, managed)
	}
	return slices.Concat(interfaces, bridge, dhcp, managed)
}

// sharedCores lets several guests share the one core that a host with its own kernel has.
func (l *Lab) sharedCores() int {
	if l.kernel == OwnKernel {
		return 4
	}
	return 0
}

// macMap gives STATIC mode six guests beside the hosts.
func macMap() string {
	var pairs []string
	for n := byte(200); n < 206; n++ {
		pairs = append(pairs, fmt.Sprintf("d0:0d:0a:28:00:%02x=%s", n, private(n)))
	}
	return strings.Join(pairs, " ")
}

// group is one of the inventory's.
type group struct {
	Name  string
	Hosts []Host
}

// writeInventory lists the hosts the controller can reach; the client is an outsider and no part of the cloud.
func (l *Lab) writeInventory() error {
	var groups []group
	for _, g := range []struct {
		name string
		role Role
	}{{"frontends", Frontend}, {"nodes", Node}, {"plain", Plain}} {
		var hosts []Host
		for _, h := range l.hosts {
			if h.Role == g.role {
				hosts = append(hosts, h)
			}
		}
		if len(hosts) > 0 {
			groups = append(groups, group{g.name, hosts})
		}
	}
	var text bytes.Buffer
	err := inventoryText.Execute(&text, map[string]any{
		"Key": l.Key(), "Cloud": l.hasCloud(), "Mode": l.mode, "Settings": l.settings(), "Groups": groups,
		"Cores": l.sharedCores(), "Slow": l.kernel == OwnKernel, // it forks in 30 ms, and shares this machine's cores
	})
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(l.Inventory()); err == nil && bytes.Equal(old, text.Bytes()) {
		return nil
	}
	return replaceFile(l.Inventory(), text.Bytes(), 0o644)
}
