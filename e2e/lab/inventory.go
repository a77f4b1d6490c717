package lab

import (
	"bytes"
	"os"
	"path/filepath"
	"text/template"
)

// Inventory is an Ansible inventory in YAML with the lab's hosts, their groups and the cloud's settings. Up and AddHost
// write it anew; a test that wants another copies it.
func (l *Lab) Inventory() string { return filepath.Join(l.Dir, "inventory.yml") }

var inventoryText = template.Must(template.New("inventory").Parse(`all:
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: {{.Key}}
{{- if .Cloud}}
    cluster: lab1
    hypervisor: qemu
    vnet_mode: MANAGED-NOVLAN
    vnet_interface: eth0
    vnet_privinterface: eth0
    vnet_pubinterface: eth1
    vnet_bridge: br0
    vnet_subnet: 10.50.0.0
    vnet_netmask: 255.255.0.0
    vnet_addrspernet: 32
    vnet_dns: 10.40.0.1
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_publicips: "203.0.113.10-203.0.113.29"
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
	err := inventoryText.Execute(&text, map[string]any{"Key": l.Key(), "Cloud": l.hasCloud(), "Groups": groups})
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(l.Inventory()); err == nil && bytes.Equal(old, text.Bytes()) {
		return nil
	}
	return replaceFile(l.Inventory(), text.Bytes(), 0o644)
}
