package cloud

import (
	"net/netip"
	"time"
)

// The verbs' requests and answers. Doors (the command line, later the EC2 API)
// decode their protocol into these and print what comes back; the controller knows
// no other language.

// Empty is the answer of verbs that only do.
type Empty struct{}

// RunInstances starts between Min and Max instances of an image.
type RunInstances struct {
	Image    string   `json:"image"`
	Kernel   string   `json:"kernel,omitempty"`  // overrides the image's
	Ramdisk  string   `json:"ramdisk,omitempty"` // overrides the image's
	Min      int      `json:"min"`
	Max      int      `json:"max"`
	Key      string   `json:"key,omitempty"`
	Groups   []string `json:"groups,omitempty"` // names or ids; none = default
	Type     string   `json:"type,omitempty"`   // none = m1.small
	Zone     string   `json:"zone,omitempty"`   // none = the only cluster, or the first with room
	UserData []byte   `json:"user_data,omitempty"`
	Private  bool     `json:"private,omitempty"` // no public address
}

// Reservation is the instances of one launch.
type Reservation struct {
	ID        ReservationID  `json:"id"`
	Owner     string         `json:"owner"`
	Groups    []string       `json:"groups"` // names
	Instances []InstanceView `json:"instances"`
}

// InstanceView is an instance as users see it: its record, what was derived, and
// what hosts said.
type InstanceView struct {
	ID          InstanceID    `json:"id"`
	Reservation ReservationID `json:"reservation"`
	Owner       string        `json:"owner"`
	Image       ImageID       `json:"image"`
	Kernel      ImageID       `json:"kernel,omitempty"`
	Ramdisk     ImageID       `json:"ramdisk,omitempty"`
	State       string        `json:"state"`
	Why         string        `json:"why,omitempty"` // what it waits for, or why it ended
	Public      netip.Addr    `json:"public"`        // 0.0.0.0 if there is none
	Private     netip.Addr    `json:"private"`       // 0.0.0.0 if not known
	Elastic     bool          `json:"elastic"`
	Hostname    string        `json:"hostname"`
	Key         string        `json:"key,omitempty"`
	LaunchIndex int           `json:"launch_index"`
	Type        string        `json:"type"`
	Zone        string        `json:"zone"`
	Host        string        `json:"host,omitempty"` // shown to the admin only
	Groups      []string      `json:"groups"`
	Launched    time.Time     `json:"launched"`
	MAC         string        `json:"mac,omitempty"`
}

// DescribeInstances lists all of the user's instances, or those named. The admin
// sees everyone's with All.
type DescribeInstances struct {
	IDs []string `json:"ids,omitempty"`
	All bool     `json:"all,omitempty"`
}

// Reservations is the answer to DescribeInstances.
type Reservations struct {
	Reservations []Reservation `json:"reservations"`
}

// TerminateInstances and RebootInstances name instances.
type TerminateInstances struct {
	IDs []string `json:"ids"`
}

// RebootInstances restarts instances' machines.
type RebootInstances struct {
	IDs []string `json:"ids"`
}

// StateChanges is the answer to TerminateInstances.
type StateChanges struct {
	Changes []StateChange `json:"changes"`
}

// StateChange is an instance's state before and after a request.
type StateChange struct {
	ID  InstanceID `json:"id"`
	Was string     `json:"was"`
	Is  string     `json:"is"`
}

// GetConsoleOutput asks for the end of an instance's console.
type GetConsoleOutput struct {
	ID string `json:"id"`
}

// ConsoleOutput is what an instance wrote to its console, at most the last 64 KiB.
type ConsoleOutput struct {
	ID   InstanceID `json:"id"`
	At   time.Time  `json:"at"`
	Text []byte     `json:"text"`
}

// RegisterImage takes a file into the cloud. Path is on the controller's machine.
type RegisterImage struct {
	Path    string    `json:"path"`
	Name    string    `json:"name,omitempty"`
	Type    ImageType `json:"type,omitempty"` // none = machine
	Arch    string    `json:"arch,omitempty"`
	Kernel  string    `json:"kernel,omitempty"`
	Ramdisk string    `json:"ramdisk,omitempty"`
	Private bool      `json:"private,omitempty"`
	// Filled in by the controller before the transaction, from the file.
	Format      string `json:"format,omitempty"`
	Sum         string `json:"sum,omitempty"`
	Size        int64  `json:"size,omitempty"`
	VirtualSize int64  `json:"virtual_size,omitempty"`
}

// DeregisterImage makes an image unavailable; its file goes with its last instance.
type DeregisterImage struct {
	ID string `json:"id"`
}

// DescribeImages lists the images that the user may start, or those named.
type DescribeImages struct {
	IDs []string `json:"ids,omitempty"`
}

// Images is the answer to DescribeImages.
type Images struct {
	Images []Image `json:"images"`
}

// ImportKeyPair registers a public key. create-keypair makes the pair on the
// client's side and imports the public half: the private one never comes here.
type ImportKeyPair struct {
	Name      string `json:"name"`
	PublicKey string `json:"public_key"`
}

// DeleteKeyPair forgets a key pair.
type DeleteKeyPair struct {
	Name string `json:"name"`
}

// DescribeKeyPairs lists key pairs.
type DescribeKeyPairs struct {
	Names []string `json:"names,omitempty"`
}

// KeyPairs is the answer to DescribeKeyPairs.
type KeyPairs struct {
	KeyPairs []KeyPair `json:"key_pairs"`
}

// CreateGroup makes a security group.
type CreateGroup struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// DeleteGroup removes a group that nothing uses.
type DeleteGroup struct {
	Name string `json:"name"`
}

// DescribeGroups lists the user's groups, or those named.
type DescribeGroups struct {
	Names []string `json:"names,omitempty"`
}

// Groups is the answer to DescribeGroups.
type Groups struct {
	Groups []GroupView `json:"groups"`
}

// GroupView is a group with what is in use of it.
type GroupView struct {
	Group
	Networks []NetworkView `json:"networks,omitempty"` // where it is active
}

// NetworkView is an active group's network in a cluster.
type NetworkView struct {
	Cluster   string       `json:"cluster"`
	CIDR      netip.Prefix `json:"cidr"`
	Gateway   netip.Addr   `json:"gateway"`
	Instances int          `json:"instances"`
	Capacity  int          `json:"capacity"`
}

// Authorize lets traffic in; Revoke takes exactly such rules back.
type Authorize struct {
	Group       string       `json:"group"`
	Permissions []Permission `json:"permissions"`
}

// Revoke removes rules from a group.
type Revoke struct {
	Group       string       `json:"group"`
	Permissions []Permission `json:"permissions"`
}

// AllocateAddress reserves an elastic address.
type AllocateAddress struct {
	Zone string `json:"zone,omitempty"`
}

// AssociateAddress puts an elastic address in front of an instance.
type AssociateAddress struct {
	IP       string `json:"ip"`
	Instance string `json:"instance"`
}

// DisassociateAddress takes an elastic address from its instance.
type DisassociateAddress struct {
	IP string `json:"ip"`
}

// ReleaseAddress gives an elastic address back.
type ReleaseAddress struct {
	IP string `json:"ip"`
}

// AddressAnswer is the answer of the address verbs. Notes are what the user should
// know, such as a previous address that could not be had again.
type AddressAnswer struct {
	Address Address  `json:"address"`
	Notes   []string `json:"notes,omitempty"`
}

// DescribeAddresses lists the user's elastic addresses; All: every one in use.
type DescribeAddresses struct {
	IPs []string `json:"ips,omitempty"`
	All bool     `json:"all,omitempty"`
}

// Addresses is the answer to DescribeAddresses.
type Addresses struct {
	Addresses []Address `json:"addresses"`
}

// DescribeZones lists the clusters.
type DescribeZones struct {
	Names []string `json:"names,omitempty"`
}

// Zones is the answer to DescribeZones.
type Zones struct {
	Zones []Zone `json:"zones"`
}

// Zone is a cluster, and how many instances of each type it could still start.
type Zone struct {
	Name      string      `json:"name"`
	State     string      `json:"state"` // available, or impaired: some node does not report
	Frontend  string      `json:"frontend"`
	Nodes     int         `json:"nodes"`
	Reporting int         `json:"reporting"`
	Types     []TypeRoom  `json:"types"`
	Networks  NetworkRoom `json:"networks"`
}

// TypeRoom is how many instances of a type fit now, and would fit an idle zone.
type TypeRoom struct {
	Type InstanceType `json:"type"`
	Free int          `json:"free"`
	Max  int          `json:"max"`
}

// NetworkRoom is how many groups can be active, and how many instances each holds.
// Slices counts all that the subnet has; those before VLAN 10 are not given.
type NetworkRoom struct {
	Used      int `json:"used"`
	Slices    int `json:"slices"`
	First     int `json:"first"` // VLAN of the first that is given
	Max       int `json:"max"`
	Instances int `json:"instances"`
}

// DescribeTypes lists the instance types.
type DescribeTypes struct{}

// Types is the answer to DescribeTypes and ModifyType.
type Types struct {
	Types []InstanceType `json:"types"`
}

// ModifyType changes a type's size for instances to come. Zero leaves a part as is.
type ModifyType struct {
	Name   string `json:"name"`
	Cores  int    `json:"cores,omitempty"`
	Memory int    `json:"memory,omitempty"`
	Disk   int    `json:"disk,omitempty"`
}

// CreateUser makes a user with a group default.
type CreateUser struct {
	Name string `json:"name"`
}

// DescribeUsers lists the users.
type DescribeUsers struct{}

// Users is the answer to DescribeUsers.
type Users struct {
	Users []User `json:"users"`
}

// DescribeHosts lists hosts as they were last seen.
type DescribeHosts struct {
	Pattern string `json:"pattern,omitempty"`
}

// Hosts is the answer to DescribeHosts.
type Hosts struct {
	Hosts []HostView `json:"hosts"`
}

// HostView is a host of the inventory and what is known of it.
type HostView struct {
	Name      string   `json:"name"`
	Address   string   `json:"address"`
	Cluster   string   `json:"cluster"`
	Roles     []string `json:"roles"`
	State     string   `json:"state"` // ok, failed, not-reported, never-contacted, dead
	Why       string   `json:"why,omitempty"`
	Seen      Seen     `json:"seen"`
	Instances int      `json:"instances"`
	Free      Capacity `json:"free"`
	Strays    []string `json:"strays,omitempty"` // machines with our prefix that no record names
	Foreign   []string `json:"foreign,omitempty"`
	Metadata  string   `json:"metadata,omitempty"` // of a frontend: "served", or why its guests get none from 169.254.169.254
}

// DeclareDead is an operator's word that a host will not come back. Name repeats
// the host's name, typed again. Undo takes the word back.
type DeclareDead struct {
	Host string `json:"host"`
	Name string `json:"name"`
	Why  string `json:"why"`
	Undo bool   `json:"undo,omitempty"`
}

// TakeOver makes a host that another controller (or an older state of this one)
// holds ours with the next reconcile.
type TakeOver struct {
	Host string `json:"host"`
}

// Why asks what keeps an instance from being reached. Without From it is asked for
// anybody whom the instance's groups let in; without Protocol for whatever they let
// From do.
type Why struct {
	ID       string     `json:"id"`
	State    string     `json:"state,omitempty"` // of an instance that is to be explained: pending, not-reported; "" = unreachable
	From     netip.Addr `json:"from,omitzero"`
	Protocol string     `json:"protocol,omitempty"` // tcp, udp, icmp
	Port     int        `json:"port,omitempty"`     // of the instance
}

// Diagnosis is the answer to Why: the first broken link of the way, if one is.
type Diagnosis struct {
	ID     InstanceID `json:"id"`
	Way    string     `json:"way"` // whose way was walked: "tcp 22 from 203.0.113.7 to 203.0.113.10"
	Broken *Finding   `json:"broken"`
	Looked []string   `json:"looked"`           // at what, in order; nothing else was
	Unseen []string   `json:"unseen,omitempty"` // what could not be looked at, and why
	Doubts []string   `json:"doubts,omitempty"` // rules that may stop it: their conditions are not understood
}

// Finding is something that is not as it should be.
type Finding struct {
	Host     string   `json:"host,omitempty"` // where; "" is in the records
	Words    string   `json:"words"`
	Evidence []string `json:"evidence,omitempty"` // as the host's own tools say it
	Next     []string `json:"next,omitempty"`     // what to do
}
