package cloud

import "net/netip"

// Metadata is what an instance may know of itself.
type Metadata struct {
	Instance    InstanceID
	Reservation ReservationID
	LaunchIndex int
	Image       ImageID
	Kernel      ImageID // "" if the machine image boots itself
	Ramdisk     ImageID
	Type        string
	Zone        string
	Groups      []string
	Hostname    string // with its domain
	Private     netip.Addr
	Public      netip.Addr // zero: none
	KeyName     string     // "": none
	PublicKey   string
	UserData    Secret // "": none
}
