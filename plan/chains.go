package plan

import (
	"crypto/sha256"
	"fmt"
	"regexp"

	"eucactl/cloud"
	"eucactl/inventory"
)

var chainForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,28}$`)

// builtin are names that a group's chain must not have: they mean something to
// iptables, to other firewalls or to us. <user>-<group> has a dash, so names
// without one need no mention.
var builtin = regexp.MustCompile(`^(EUCA|DOCKER|KUBE|CNI|CALI|cali|CILIUM|FLANNEL|WEAVE|NETAVARK|ufw|ufw6|f2b|fail2ban|ts|neutron|nova)-`)

// ChainName chooses the filter chain of a new group: <user>-<group> as the guide
// has it, or a hash where iptables could not bear that name, or another group or
// somebody else has a chain of it already.
func ChainName(user, group string, id cloud.GroupID, taken func(string) bool) string {
	name := user + "-" + group
	if chainForm.MatchString(name) && !builtin.MatchString(name) && !taken(name) {
		return name
	}
	return HashedChain(id)
}

// HashedChain is the chain of a group whose plain name cannot be used.
func HashedChain(id cloud.GroupID) string {
	return fmt.Sprintf("EUCA-g-%x", sha256.Sum256([]byte(id)))[:7+16]
}

// ForeignChains are the chains of others that frontends were last seen with.
func ForeignChains(r Records, inv *inventory.Inventory) map[string]bool {
	names := map[string]bool{}
	for _, c := range inv.Clusters() {
		seen, _ := r.Seen(c.Frontend.Name)
		for _, name := range seen.Chains {
			names[name] = true
		}
	}
	return names
}

// SetName is the ipset of a group's members.
func SetName(id cloud.GroupID) string { return "EUCA-" + string(id) }
