// Package cloud holds the nouns of the cloud (users, images, instances, groups,
// addresses, networks) and the requests and answers of its verbs. It decides
// nothing, keeps nothing and talks to nobody; it needs the standard library only.
package cloud

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Ids are lower-case: a type's prefix and 8 hex digits ("i-1a2b3c4d"). An id is
// never given twice, not even after its bearer was buried.
type (
	InstanceID    string
	ReservationID string
	ImageID       string
	GroupID       string
	NetworkID     string
	SubnetID      string
	PortID        string
)

// Prefixes of the ids, as users know them from Eucalyptus and EC2.
const (
	InstancePrefix    = "i-"
	ReservationPrefix = "r-"
	MachinePrefix     = "emi-"
	KernelPrefix      = "eki-"
	RamdiskPrefix     = "eri-"
	GroupPrefix       = "sg-"
	NetworkPrefix     = "net-"
	SubnetPrefix      = "subnet-"
	PortPrefix        = "port-"
)

var idForm = regexp.MustCompile(`^[a-z]+-[0-9a-f]{8}$`)

// ParseID folds an id typed by a user to lower case and checks its form. Errors
// are the caller's to name, because EC2 has a code for each kind of id.
func ParseID(s, prefix string) (string, bool) {
	id := strings.ToLower(s)
	return id, strings.HasPrefix(id, prefix) && idForm.MatchString(id)
}

// A Secret is text that must not appear in listings, logs or diffs. It prints as
// ***; only Reveal gives it away. It is kept in a table of its own.
type Secret string

const masked = "***"

func (Secret) String() string               { return masked }
func (Secret) GoString() string             { return masked }
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Meta is what every record carries. Rev is the store's revision at which the
// record last changed; state fills it in.
type Meta struct {
	V   int    `json:"v"`
	Rev uint64 `json:"rev"`
}

// Header gives state access to the Meta of any record that embeds it.
func (m *Meta) Header() *Meta { return m }

// Cloud is the one record that says which cloud this is. Networks are copied from
// the inventory with a cluster's first instance and are compared ever after.
type Cloud struct {
	Meta
	ID       string              `json:"id"` // 8 hex digits, in the mark of everything on hosts
	Created  time.Time           `json:"created"`
	Networks map[string]Settings `json:"networks,omitempty"` // by cluster
	Types    []InstanceType      `json:"types,omitempty"`    // as edited; empty = DefaultTypes
	// LastNode and LastPublic are the choices made last, by cluster: the next ones
	// come after them.
	LastNode   map[string]string     `json:"last_node,omitempty"`
	LastPublic map[string]netip.Addr `json:"last_public,omitempty"`
}

func (c Cloud) Key() string { return "cloud" }

// Settings are a cluster's network settings (the guide's VNET_* parameters) as
// they were when its first instance was placed.
type Settings struct {
	Mode          string       `json:"mode"`
	Subnet        netip.Prefix `json:"subnet"`
	AddrsPerNet   int          `json:"addrs_per_net"`
	DNS           []netip.Addr `json:"dns,omitempty"`
	Frontend      string       `json:"frontend"`
	PubInterface  string       `json:"pub_interface"`
	PrivInterface string       `json:"priv_interface"`
	// Left are interfaces by which the frontend led guests under earlier settings, and
	// does not any more: what it had there for that is to go.
	Left []string `json:"left,omitempty"`
}

// User owns records. Every user has a group "default", made with the user.
type User struct {
	Meta
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
}

func (u User) Key() string { return u.Name }

// Admin is the user who exists from the first day.
const Admin = "admin"

var userForm = regexp.MustCompile(`^[A-Za-z0-9_.]{1,64}$`)

// CheckText says why a text that only people read cannot be kept as it is.
func CheckText(what, s string) error {
	switch {
	case len(s) > 255:
		return Errorf("InvalidParameterValue", "%s %s is longer than 255 bytes", what, quoted(s))
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return Errorf("InvalidParameterValue", "%s %s: control characters and what is not UTF-8 cannot be kept", what, quoted(s))
	}
	return nil
}

// CheckUserName says why a name cannot be a user's.
func CheckUserName(name string) error {
	if !userForm.MatchString(name) || name == "." || name == ".." {
		return Errorf("InvalidParameterValue", "user name %s: use 1 to 64 of the characters A-Z a-z 0-9 _ .", quoted(name))
	}
	return nil
}

// quoted shows hostile text safely and shortly.
func quoted(s string) string {
	if len(s) > 64 {
		s = s[:64] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// An Error is a refusal in EC2's words. Code is one of EC2's error codes.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return fmt.Sprintf("(%s): %s", e.Code, e.Message) }

// Errorf makes an Error.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
