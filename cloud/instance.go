package cloud

import (
	"net/netip"
	"slices"
	"time"
)

// Want is what a record's owner asked for. It only ever moves forward.
type Want string

const (
	Running    Want = "running"
	Terminated Want = "terminated"
)

// States of an instance as users see them, derived and never stored. NotReported is
// its own state: its node did not say, and nothing is concluded from that.
const (
	StatePending      = "pending"
	StateUp           = "running"
	StateShuttingDown = "shutting-down"
	StateEnded        = "terminated"
	StateNotReported  = "not-reported"
)

// Instance is a virtual machine: what was asked, and what was chosen for it in the
// same transaction. What hosts report is elsewhere (Seen); states are derived.
type Instance struct {
	Meta
	ID          InstanceID    `json:"id"`
	Reservation ReservationID `json:"reservation"`
	LaunchIndex int           `json:"launch_index"`
	Owner       string        `json:"owner"`
	Image       ImageID       `json:"image"`
	Kernel      ImageID       `json:"kernel,omitempty"`
	Ramdisk     ImageID       `json:"ramdisk,omitempty"`
	KeyName     string        `json:"key_name,omitempty"`
	PublicKey   string        `json:"public_key,omitempty"`
	Type        InstanceType  `json:"type"`
	Groups      []GroupID     `json:"groups"`
	Cluster     string        `json:"cluster"`
	Host        string        `json:"host"`
	Port        PortID        `json:"port"`
	Public      netip.Addr    `json:"public,omitzero"`     // the address the world uses now: given at launch, or elastic
	Previous    netip.Addr    `json:"previous,omitzero"`   // the launch address that an elastic one replaced
	UserData    string        `json:"user_data,omitempty"` // id of the sealed user data
	Hostname    string        `json:"hostname"`
	SeedSum     string        `json:"seed_sum"` // sha256 of the seed disk that these make
	SeedSize    int64         `json:"seed_size"`
	Launched    time.Time     `json:"launched"`
	Reboots     int           `json:"reboots,omitempty"`

	Want       Want      `json:"want"`
	Reason     string    `json:"reason,omitempty"`      // why it is to be terminated
	Ended      time.Time `json:"ended,omitzero"`        // when terminating was asked
	Released   time.Time `json:"released,omitzero"`     // when hosts were seen without it and its claims went back
	DeclaredBy string    `json:"declared_by,omitempty"` // who declared its host dead, if that released it
}

func (i Instance) Key() string { return string(i.ID) }

// Clone returns a copy that shares nothing.
func (i Instance) Clone() Instance { i.Groups = slices.Clone(i.Groups); return i }

// InstanceType is a size: cores, memory in MiB, disk in GiB.
type InstanceType struct {
	Name   string `json:"name"`
	Cores  int    `json:"cores"`
	Memory int    `json:"memory"`
	Disk   int    `json:"disk"`
}

// DefaultTypes are the sizes that Eucalyptus 1.5 shipped with.
func DefaultTypes() []InstanceType {
	return []InstanceType{
		{"m1.small", 1, 128, 2},
		{"c1.medium", 1, 256, 5},
		{"m1.large", 2, 512, 10},
		{"m1.xlarge", 2, 1024, 20},
		{"c1.xlarge", 4, 2048, 20},
	}
}
