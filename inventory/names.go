package inventory

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
)

var (
	groupNameExpr     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	variableNameExpr  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	clusterNameExpr   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	interfaceNameExpr = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	userNameExpr      = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@\\-]*$`)
	systemUserExpr    = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)
	programPathExpr   = regexp.MustCompile(`^(/[A-Za-z0-9_.+-]+)+$`)
	hostLabelExpr     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$`)
	libvirtBridgeExpr = regexp.MustCompile(`^virbr[0-9]+$`)
	dottedQuadExpr    = regexp.MustCompile(`^[0-9]+(\.[0-9]+){3}$`)
)

// checkHostName accepts what is safe to print, to put into a file name and to
// hand to any program: labels of letters, digits, - and _ with dots between.
func checkHostName(name string) error {
	if len(name) > 253 {
		return fmt.Errorf("the host name %s is longer than 253 letters", shown(name))
	}
	for _, label := range strings.Split(name, ".") {
		if len(label) > 63 {
			return fmt.Errorf("the host name %s has a label longer than 63 letters", shown(name))
		}
		if !hostLabelExpr.MatchString(label) {
			return fmt.Errorf("%s is not a host name; letters, digits, - and _ with dots between, beginning and ending with a letter or digit", shown(name))
		}
	}
	if _, err := netip.ParseAddr(name); err != nil && dottedQuadExpr.MatchString(name) {
		return fmt.Errorf("%s looks like an IPv4 address and is none", shown(name))
	}
	return nil
}

func checkGroupName(name string) error {
	if len(name) > 63 || !groupNameExpr.MatchString(name) {
		return fmt.Errorf("%s is not a group name; letters, digits, _ and -, at most 63, beginning with a letter or _", shown(name))
	}
	return nil
}

// checkAnsibleHostName is checkHostName for inventories of users' playbooks, whose
// hosts may also be called by an IPv6 address.
func checkAnsibleHostName(name string) error {
	if a, err := netip.ParseAddr(name); err == nil && a.Zone() == "" {
		return nil
	}
	return checkHostName(name)
}

// checkAnsibleGroupName accepts what Ansible accepts, except what no pattern could
// name and what could lead out of group_vars.
func checkAnsibleGroupName(name string) error {
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`:,[]*?/\"'`+"`", r)
	})
	if bad || name == "" || len(name) > 255 || strings.ContainsRune("!&~@.-", rune(name[0])) {
		return fmt.Errorf("%s is not a group name that a pattern could name; use letters, digits and _", shown(name))
	}
	return nil
}

// checkInterface accepts the name of a network interface or bridge as Linux has
// them, without the characters that shells and file names give a meaning.
func checkInterface(name string) error {
	if len(name) > 15 {
		return fmt.Errorf("%s is longer than the 15 letters of an interface name", shown(name))
	}
	if !interfaceNameExpr.MatchString(name) {
		return fmt.Errorf("%s is not an interface name; letters, digits, _, . and -", shown(name))
	}
	return nil
}

// parseIPv4 reads one IPv4 address and says what is wrong with anything else.
func parseIPv4(s string) (netip.Addr, error) {
	if strings.Contains(s, "/") {
		return netip.Addr{}, fmt.Errorf("%s is a network, not an address", shown(s))
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s is not an IPv4 address", shown(s))
	}
	if !a.Is4() {
		return netip.Addr{}, fmt.Errorf("%s is an IPv6 address; only IPv4 works here", shown(s))
	}
	return a, nil
}

// parseUsableIPv4 is parseIPv4 for an address that one machine can have.
func parseUsableIPv4(s string) (netip.Addr, error) {
	a, err := parseIPv4(s)
	if err == nil {
		err = checkUsable(a)
	}
	return a, err
}

func checkUsable(a netip.Addr) error {
	first := a.As4()[0]
	switch {
	case first == 0:
		return fmt.Errorf("%s is of the network 0.0.0.0/8, which no machine can have", a)
	case first == 127:
		return fmt.Errorf("%s is a loopback address", a)
	case a.IsLinkLocalUnicast():
		return fmt.Errorf("%s is a link-local address", a)
	case first >= 224 && first < 240:
		return fmt.Errorf("%s is a multicast address", a)
	case first >= 240:
		return fmt.Errorf("%s is of the reserved network 240.0.0.0/4", a)
	}
	return nil
}
