package inventory

import (
	"fmt"
	"strings"

	"eucactl/spelling"
)

// Mode is how the guests of a cluster are attached to the network (VNET_MODE).
type Mode string

// The four modes of the guide.
const (
	System        Mode = "SYSTEM"
	Static        Mode = "STATIC"
	Managed       Mode = "MANAGED"
	ManagedNoVLAN Mode = "MANAGED-NOVLAN"
)

// modes lists them in the guide's order.
func modes() []string {
	return []string{string(System), string(Static), string(Managed), string(ManagedNoVLAN)}
}

// Groups says whether the mode has security groups, with a slice of the subnet
// for each, and public addresses.
func (m Mode) Groups() bool { return m == Managed || m == ManagedNoVLAN }

func parseMode(s string) (Mode, error) {
	for _, m := range modes() {
		if s == m {
			return Mode(m), nil
		}
	}
	switch meant := meantMode(s); {
	case meant == ManagedNoVLAN && spelled(s) == guidesNoVLAN:
		return "", fmt.Errorf("%s is not a network mode; did you mean %s? (the guide calls it so in places; the mode with VLANs is %s)", shown(s), meant, Managed)
	case meant != "":
		return "", fmt.Errorf("%s is not a network mode; did you mean %s?", shown(s), meant)
	}
	return "", fmt.Errorf("%s is not a network mode; it is one of %s", shown(s), strings.Join(modes(), ", "))
}

// guidesNoVLAN is what the guide itself calls the mode without VLANs in places.
const guidesNoVLAN = "MANAGED-VLAN"

func spelled(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "_", "-")) }

// meantMode guesses which mode a wrong word was meant to be; "" is no guess.
func meantMode(s string) Mode {
	if spelled(s) == guidesNoVLAN || strings.HasSuffix(strings.ReplaceAll(spelled(s), "-", ""), "NOVLAN") {
		return ManagedNoVLAN
	}
	return Mode(spelling.Nearest(spelled(s), modes()))
}

// frontendNeeds lists the settings without which a frontend cannot work in the
// mode, in the guide's order. vnet_interface stands for the two it is short for.
func (m Mode) frontendNeeds() []string {
	switch m {
	case Static:
		return []string{"vnet_pubinterface", "vnet_privinterface", "vnet_dhcpdaemon", "vnet_subnet", "vnet_netmask",
			"vnet_broadcast", "vnet_router", "vnet_dns", "vnet_macmap"}
	case Managed, ManagedNoVLAN:
		return []string{"vnet_pubinterface", "vnet_privinterface", "vnet_dhcpdaemon", "vnet_subnet", "vnet_netmask",
			"vnet_dns", "vnet_addrspernet"}
	}
	return nil
}

// nodeNeeds is the setting without which a node cannot attach a guest.
func (m Mode) nodeNeeds() string {
	if m == Managed {
		return "vnet_privinterface"
	}
	return "vnet_bridge"
}
