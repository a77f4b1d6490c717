package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"eucactl/controller"
	"eucactl/images"
	"eucactl/inventory"
)

// A small cloud, so that everything in it runs out now and then. The inventories are
// what an operator may edit it into.
const tight = `all:
  vars:
    cluster: one
    vnet_mode: MODE
    vnet_interface: eth0
    vnet_subnet: 10.50.0.0
    vnet_netmask: 255.255.255.128
    vnet_dns: DNS
    vnet_addrspernet: 8
    vnet_publicips: POOL
    vnet_dhcpdaemon: /usr/sbin/dhcpd
    vnet_bridge: br0
    firewall_policy: POLICY
  children:
    frontends: {hosts: {fe1: }}
    nodes: {hosts: {NODES}}
`

var edits = []struct{ dns, pool, nodes, policy string }{
	{"192.0.2.53", "203.0.113.10-203.0.113.14", "n1: , n2: , n3: ", inventory.Preserve},
	{"192.0.2.54", "203.0.113.10-203.0.113.14", "n1: , n2: , n3: ", inventory.Preserve},
	{"192.0.2.53", "203.0.113.10-203.0.113.12", "n1: , n2: , n3: ", inventory.Preserve},
	{"192.0.2.53", "203.0.113.10-203.0.113.14", "n1: , n2: ", inventory.Preserve},
	{"192.0.2.53", "203.0.113.10-203.0.113.14", "n1: , n2: , n3: ", inventory.Flush},
}

// preload is what the operator of the frontend has for firewall_policy: flush, and
// preloaded what is then there of others, table by table.
const preload = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [7:77]
:EUCA-INPUT - [0:0]
:site-log - [0:0]
-A INPUT -j EUCA-INPUT
-A INPUT -s 192.0.2.128/25 -p tcp -m tcp --dport 22 -j DROP
-A FORWARD -j site-log
-A FORWARD -j ACCEPT
-A EUCA-INPUT -m comment --comment "eucactl 0badc10d input"
-A site-log -j RETURN
COMMIT
*nat
-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
COMMIT
`

var preloaded = map[string]string{
	"filter": `chain filter FORWARD DROP
rule filter -A FORWARD -j site-log
rule filter -A FORWARD -j ACCEPT
chain filter INPUT ACCEPT
rule filter -A INPUT -s 192.0.2.128/25 -p tcp -m tcp --dport 22 -j DROP
chain filter OUTPUT ACCEPT
chain filter site-log 
rule filter -A site-log -j RETURN
`,
	"nat": `chain nat INPUT ACCEPT
chain nat OUTPUT ACCEPT
chain nat POSTROUTING ACCEPT
rule nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
chain nat PREROUTING ACCEPT
`,
}

// Stage is what all histories are played on: it is read once and never changes.
type Stage struct {
	dir         string
	names       []string // of all hosts, the frontend's first
	inventories []*inventory.Inventory
	sites       []*controller.Site
	images      images.Folder
	image       images.Info
	morning     *morning
	mirror      *Mirror // nil: none
	tagged      *Stage  // where every other history is played; nil: here
}

// Open is the stage of a small cloud of a frontend and three nodes: in MANAGED-NOVLAN
// for even seeds, in MANAGED for odd ones.
func Open() (*Stage, error) {
	st, err := openMode(inventory.ManagedNoVLAN)
	if err != nil {
		return nil, err
	}
	if st.tagged, err = openMode(inventory.Managed); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

func openMode(mode inventory.Mode) (*Stage, error) {
	var texts []string
	for _, e := range edits {
		texts = append(texts, strings.NewReplacer("MODE", string(mode), "DNS", e.dns, "POOL", e.pool, "NODES", e.nodes, "POLICY", e.policy).Replace(tight))
	}
	return OpenOn(texts...)
}

// of is the stage of a seed's history.
func (st *Stage) of(seed uint64) *Stage {
	if st.tagged != nil && seed%2 == 1 {
		return st.tagged
	}
	return st
}

// OpenOn reads the playbooks and the inventories of one cluster with one frontend; the
// first has all its hosts, the others are what its operator may edit it into.
func OpenOn(inventories ...string) (*Stage, error) {
	dir, err := os.MkdirTemp("", "eucactl-sim-")
	if err != nil {
		return nil, err
	}
	st := &Stage{dir: dir, images: images.Folder{Dir: filepath.Join(dir, "images")}}
	if err := st.read(inventories); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// Close removes its files.
func (st *Stage) Close() error {
	if st.tagged != nil {
		return errors.Join(st.tagged.Close(), os.RemoveAll(st.dir))
	}
	return os.RemoveAll(st.dir)
}

func (st *Stage) read(inventories []string) (err error) {
	for _, text := range inventories {
		inv, err := inventory.Parse("inventory.yml", []byte(text))
		if err != nil {
			return err
		}
		st.inventories = append(st.inventories, inv)
	}
	for _, h := range st.inventories[0].Hosts() {
		if h.Frontend {
			st.names = append([]string{h.Name}, st.names...)
		} else if h.IsNode {
			st.names = append(st.names, h.Name)
		}
	}
	if st.sites, err = sites(st.dir); err != nil {
		return err
	}
	path := filepath.Join(st.dir, "disk.img")
	if err := os.WriteFile(path, slices.Repeat([]byte("disk"), 1024), 0o600); err != nil {
		return err
	}
	if st.image, err = st.images.Take(context.Background(), path, images.Machine, false); err != nil {
		return err
	}
	st.morning, err = st.firstMorning()
	return err
}

// sites are the built-in playbooks, and two that an operator has edited.
func sites(dir string) ([]*controller.Site, error) {
	builtin, err := controller.OpenSite("")
	if err != nil {
		return nil, err
	}
	list := []*controller.Site{builtin}
	for i, edit := range [][3]string{
		{"dhcpd.conf.j2", "max-lease-time 1200;", "max-lease-time 1800;"},
		{"domain.xml.j2", `<memballoon model="none"/>`, `<memballoon model="virtio"/>`},
	} {
		own := filepath.Join(dir, fmt.Sprint(i))
		if err := controller.EjectSite(own); err != nil {
			return nil, err
		}
		path := filepath.Join(own, "templates", edit[0])
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		changed := strings.Replace(string(text), edit[1], edit[2], 1)
		if changed == string(text) {
			return nil, fmt.Errorf("template %s does not say %s any more", edit[0], edit[1])
		}
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			return nil, err
		}
		site, err := controller.OpenSite(own)
		if err != nil {
			return nil, err
		}
		list = append(list, site)
	}
	return list, nil
}
