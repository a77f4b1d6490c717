package lab

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// The lab's switches pass frames with VLAN tags untouched. A test of what happens where the real ones do not makes the
// private switch, or one host's port of it, drop them.

// taggedRules are nftables' in the lab's namespace. The set holds names of ports: not every kernel's nftables knows which
// switch a frame is in.
const taggedRules = `add table bridge lab
add set bridge lab untagged { type ifname; }
add chain bridge lab forward { type filter hook forward priority filter; }
flush chain bridge lab forward
add rule bridge lab forward ether type vlan iifname @untagged drop
add rule bridge lab forward ether type vlan oifname @untagged drop
add element bridge lab untagged { %[1]s }
`

// DropTagged makes a host's port of the private switch drop frames that carry a VLAN tag, both ways; "." means every
// port.
func (l *Lab) DropTagged(host string) error {
	return l.tagged(host, taggedRules)
}

// PassTagged undoes DropTagged for the same host, or (".") everywhere.
func (l *Lab) PassTagged(host string) error {
	if host == "." {
		return l.tagged(host, "add table bridge lab\ndelete table bridge lab\n")
	}
	return l.tagged(host, taggedRules+`delete element bridge lab untagged { %[1]s }`+"\n")
}

func (l *Lab) tagged(host, rules string) error {
	var ports []string
	for _, h := range l.hosts {
		if (host == "." || host == h.Name) && h.Private.IsValid() {
			ports = append(ports, `"`+cable(h.Name, 0)+`"`)
		}
	}
	if _, err := l.Host(host); err != nil && host != "." {
		return err
	}
	if len(ports) == 0 {
		return fmt.Errorf("host %s has no cable in the private switch", host)
	}
	if strings.Contains(rules, "%[") {
		rules = fmt.Sprintf(rules, strings.Join(ports, ", "))
	}
	cmd := exec.Command("nsenter", "--net="+filepath.Join(netnsDir, l.Name), "--", "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if words, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft in lab %s: %w: %s", l.Name, err, strings.TrimSpace(string(words)))
	}
	return nil
}
