package inventory

// Host is one machine of the inventory, with its variables merged.
type Host struct {
	Name   string
	Where  Position       // where the file first lists it
	Groups []string       // all groups it is in but "all", sorted
	Vars   map[string]any // merged: all < parent groups < child groups < host; not to be changed

	Address    string // ansible_host, or else the name
	Port       int    // ansible_port; 0 when the inventory has none
	User       string // ansible_user; "" when the inventory has none
	KeyFile    string // ansible_ssh_private_key_file as written
	Become     bool
	BecomeUser string // root unless the inventory has another
	Connection Connection
	Timeout    int // ansible_timeout: seconds within which it lets us in; 0 when the inventory has none

	Frontend bool
	IsNode   bool
	Storage  bool
	Cluster  string
	Node     NodeConf

	direct map[*Group]bool
	own    map[string]variable
	merged map[string]variable
	locked error // of users' playbooks: why not all variables could be read
}

// Connection is how a host is reached.
type Connection string

// The two connections: over SSH, or the machine itself.
const (
	SSH   Connection = "ssh"
	Local Connection = "local"
)

// NodeConf is what a node's own variables say about it.
type NodeConf struct {
	Bridge     string `json:"bridge" yaml:"bridge"`
	Interface  string `json:"interface" yaml:"interface"`   // vnet_privinterface or vnet_interface
	Hypervisor string `json:"hypervisor" yaml:"hypervisor"` // kvm or qemu
	Cores      int    `json:"cores" yaml:"cores"`           // that guests may have together, also more than there are; 0: as many as there are
	Memory     int    `json:"memory" yaml:"memory"`         // MiB, upper bound; 0 is none
	Disk       int    `json:"disk" yaml:"disk"`             // GiB
}

// WhereVar is the place a merged variable comes from.
func (h *Host) WhereVar(name string) (Position, bool) {
	v, ok := h.merged[name]
	return v.at, ok
}

// Is says whether the host is in the group, directly or through its children.
func (h *Host) Is(group string) bool {
	if group == allGroup {
		return true
	}
	for _, g := range h.Groups {
		if g == group {
			return true
		}
	}
	return false
}

// set reads the merged variable into *to if the host has it.
func set[T any](h *Host, name string, to *T) bool {
	v, ok := h.merged[name].parsed.(T)
	if ok {
		*to = v
	}
	return ok
}

// fill takes the host's own fields from its merged variables.
func (h *Host) fill() {
	h.Address, h.BecomeUser, h.Connection, h.Cluster = h.Name, "root", SSH, DefaultCluster
	set(h, "ansible_host", &h.Address)
	set(h, "ansible_port", &h.Port)
	set(h, "ansible_user", &h.User)
	set(h, "ansible_ssh_private_key_file", &h.KeyFile)
	set(h, "ansible_become", &h.Become)
	set(h, "ansible_become_user", &h.BecomeUser)
	set(h, "ansible_timeout", &h.Timeout)
	set(h, "cluster", &h.Cluster)
	connection := ""
	if set(h, "ansible_connection", &connection) && connection == string(Local) {
		h.Connection = Local
	}
	h.Frontend, h.IsNode, h.Storage = h.Is(FrontendsGroup), h.Is(NodesGroup), h.Is(StorageGroup)
	h.Node.Hypervisor = "kvm"
	set(h, "hypervisor", &h.Node.Hypervisor)
	set(h, "node_cores", &h.Node.Cores)
	set(h, "node_memory", &h.Node.Memory)
	set(h, "node_disk", &h.Node.Disk)
	set(h, "vnet_bridge", &h.Node.Bridge)
	_, h.Node.Interface = h.interfaces()
}

// interfaces are the public and the private one: each by its own variable, or
// by vnet_interface, which stands for both.
func (h *Host) interfaces() (public, private string) {
	set(h, "vnet_interface", &public)
	private = public
	set(h, "vnet_pubinterface", &public)
	set(h, "vnet_privinterface", &private)
	return public, private
}
