// Package inventory reads Ansible's inventories and turns them into hosts,
// groups, variables and, for the cloud, the settings of each cluster's network.
//
// Load reads the cloud's, one YAML file, and is stricter than Ansible: whatever
// Ansible would skip with a warning, or would take to mean something its author
// hardly meant, is an error here that names the file and the line. Open reads
// those of users' playbooks, all that Ansible reads of files, and wants nothing
// that the cloud wants. Every inventory accepted by either means the same to
// ansible-inventory. The package knows nothing of SSH, of records, or of what a
// host looks like now, and it runs no programs.
package inventory

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Limits that keep a hostile or mistyped inventory from filling the memory.
const (
	maxFileSize     = 2 << 20
	maxHosts        = 10000
	maxGroups       = 1000
	maxEdges        = 10000  // pairs of a group and its child
	maxVariables    = 500000 // merged variables of all hosts together
	maxMembership   = 500000 // pairs of a host and a group it is in
	maxClusters     = 1000
	maxNodes        = 1000000
	maxAllPublicIPs = 1 << 18 // of all clusters together
	maxDepth        = 100
)

// Names of the groups that give a host its role.
const (
	FrontendsGroup = "frontends"
	NodesGroup     = "nodes"
	StorageGroup   = "storage"
)

// DefaultCluster is the cluster, and so the availability zone, of a host that
// names none.
const DefaultCluster = "default"

// Inventory is one inventory, read and checked. It is not changed after Parse or
// Open has returned it, and neither are the values in it.
type Inventory struct {
	file     string
	hosts    []*Host // in inventory order
	listed   []*Host // in the order of the file
	byName   map[string]*Host
	groups   []*Group
	byGroup  map[string]*Group
	clusters []Cluster
	notes    []string
	implicit []*Host  // localhost by its names, for users' playbooks
	secrets  []string // words of encrypted files
	users    *places  // of users' playbooks; nil: the cloud's
}

// Load reads and checks the inventory file at path.
func Load(path string) (*Inventory, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("inventory %s: no such file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("inventory: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("inventory %s is a directory; name one YAML file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("inventory: %w", err)
	}
	return data, nil
}

// Parse reads an inventory from data; name is the file name that errors show.
// The error is of type Errors: all that was found, in the order of the lines.
func Parse(name string, data []byte) (*Inventory, error) {
	r := newReader(name)
	inv := r.read(data)
	if err := r.problems.err(); err != nil {
		return nil, err
	}
	return inv, nil
}

// File is the name under which the inventory was read: of several, all of them.
func (inv *Inventory) File() string { return inv.file }

// Hosts lists all hosts in inventory order: those of a group before those of
// its children, otherwise as the file has them.
func (inv *Inventory) Hosts() []*Host { return append([]*Host(nil), inv.hosts...) }

// Host finds a host by its inventory name. For users' playbooks localhost is there
// unlisted.
func (inv *Inventory) Host(name string) (*Host, bool) {
	h, ok := inv.byName[name]
	if ok {
		return h, true
	}
	return inv.localhost(name)
}

// Secrets are the words that encrypted files hold, in no order: not to be shown.
func (inv *Inventory) Secrets() []string { return append([]string(nil), inv.secrets...) }

// Groups lists all groups in the order in which the file mentions them, after
// Ansible's own two, "all" and "ungrouped".
func (inv *Inventory) Groups() []*Group { return append([]*Group(nil), inv.groups...) }

// Group finds a group by name.
func (inv *Inventory) Group(name string) (*Group, bool) {
	g, ok := inv.byGroup[name]
	return g, ok
}

// Clusters lists the clusters in the order of their frontends.
func (inv *Inventory) Clusters() []Cluster { return append([]Cluster(nil), inv.clusters...) }

// Cluster finds a cluster by name.
func (inv *Inventory) Cluster(name string) (Cluster, bool) {
	for _, c := range inv.clusters {
		if c.Name == name {
			return c, true
		}
	}
	return Cluster{}, false
}

// Notes are sentences, each with file:line, about variables that are well
// known in Ansible, accepted, and without effect here.
func (inv *Inventory) Notes() []string { return append([]string(nil), inv.notes...) }
