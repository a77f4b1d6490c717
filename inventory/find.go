package inventory

import (
	"fmt"
	"strings"
)

// Sample is a minimal inventory: one frontend, two nodes, one cluster. It is
// what a newcomer without an inventory is shown.
const Sample = `all:
  vars:
    ansible_user: root
    vnet_mode: MANAGED-NOVLAN
    vnet_interface: eth0
    vnet_subnet: 10.20.0.0
    vnet_netmask: 255.255.0.0
    vnet_dns: 192.0.2.53
    vnet_addrspernet: 64
    vnet_publicips: 203.0.113.10-203.0.113.20
    vnet_dhcpdaemon: /usr/sbin/dhcpd
  children:
    frontends:
      hosts:
        fe1:
          ansible_host: 192.0.2.1
    nodes:
      hosts:
        node1:
          ansible_host: 192.0.2.11
        node2:
          ansible_host: 192.0.2.12
      vars:
        vnet_bridge: br0
`

// Find names the inventory file to read: the one given by the flag -i, else by
// EUCACTL_INVENTORY, else ./inventory.yml, else /etc/eucactl/inventory.yml. A
// file that was named and is not there is an error: the next one is not meant.
func Find(flag string, getenv func(string) string, exists func(string) bool) (string, error) {
	for _, named := range []struct{ by, path string }{{"-i", flag}, {"EUCACTL_INVENTORY", getenv("EUCACTL_INVENTORY")}} {
		if named.path == "" {
			continue
		}
		if !exists(named.path) {
			return "", fmt.Errorf("inventory %s, named by %s: no such file", named.path, named.by)
		}
		return named.path, nil
	}
	places := []string{"./inventory.yml", "/etc/eucactl/inventory.yml"}
	for _, path := range places {
		if exists(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no inventory: -i and EUCACTL_INVENTORY name none, and there is no %s; to begin, write one like this:\n\n%s",
		strings.Join(places, " and no "), Sample)
}
