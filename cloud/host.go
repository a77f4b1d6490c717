package cloud

import (
	"net/netip"
	"time"
)

// Fence is what the controller knows of a host's token: the tokens under which the
// host may legitimately be found (the last confirmed and all sent since).
type Fence struct {
	Meta
	Host   string   `json:"host"`
	Tokens []string `json:"tokens"`
	From   string   `json:"from,omitempty"` // whom the operator takes it over from, "CLOUD TOKEN"
}

func (f Fence) Key() string { return f.Host }

// DeadHost records an operator's word that a host will never come back as it was.
type DeadHost struct {
	Meta
	Host string    `json:"host"`
	Who  string    `json:"who"`
	When time.Time `json:"when"`
	Why  string    `json:"why"`
}

func (d DeadHost) Key() string { return d.Host }

// Answer is what a mutating request was answered, kept with its client token so
// that a repeated request is answered alike.
type Answer struct {
	Meta
	Token   string    `json:"token"` // "<user>/<token>"
	Verb    string    `json:"verb"`
	Request string    `json:"request"` // sum of its parameters
	Body    []byte    `json:"body"`
	When    time.Time `json:"when"`
}

func (a Answer) Key() string { return a.Token }

// Sealed is a secret of a record, in a table that is never journaled or exported.
type Sealed struct {
	Meta
	ID   string `json:"id"`
	Text string `json:"text"` // user data is base64: it need not be UTF-8
}

func (s Sealed) Key() string { return s.ID }

// Seen is what a host said in its last answer, or the reason why it gave none. It
// is written by observation only.
type Seen struct {
	Meta
	Host     string    `json:"host"`
	Tried    time.Time `json:"tried"`              // last attempt
	Problem  string    `json:"problem,omitempty"`  // why the last attempt gave no answer
	At       time.Time `json:"at,omitzero"`        // last answer
	PlanRev  uint64    `json:"plan_rev,omitempty"` // the revision whose plan the host was given
	Failed   []string  `json:"failed,omitempty"`   // tasks that failed then: "name: words"
	Ran      bool      `json:"ran"`                // the last answer was complete, every task ok or changed
	Token    string    `json:"token,omitempty"`    // the fence token it holds
	Obeys    string    `json:"obeys,omitempty"`    // whom it obeys, "CLOUD TOKEN", if it refused us
	Unsent   string    `json:"unsent,omitempty"`   // the token of a program that surely never reached it
	Facts    HostFacts `json:"facts"`
	FactSum  string    `json:"fact_sum,omitempty"`
	BootID   string    `json:"boot_id,omitempty"`
	Capacity Capacity  `json:"capacity,omitzero"`
	// Domains is the complete list of virtual machines, valid only if DomainsAt is
	// set; DomainsRev is the plan revision under which it was taken.
	DomainsAt  time.Time    `json:"domains_at,omitzero"`
	DomainsRev uint64       `json:"domains_rev,omitempty"`
	Domains    []SeenDomain `json:"domains,omitempty"`
	// Folders are the machines that have a folder there, under a plan of FoldersRev.
	Folders    []string `json:"folders,omitempty"`
	FoldersRev uint64   `json:"folders_rev,omitempty"`
	// Links are the interfaces that bear this cloud's mark, under a plan of LinksRev.
	Links    []string `json:"links,omitempty"`
	LinksRev uint64   `json:"links_rev,omitempty"`
	// Neighbours are the addresses that guests of this cloud were seen to use, by MAC.
	Neighbours map[string]netip.Addr `json:"neighbours,omitempty"`
	// Chains are those of others in a frontend's filter; Warnings are about its firewall.
	Chains   []string `json:"chains,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// FrontRev: the frontend's part (gateways, firewall, dhcpd) was
	// wholly as planned at that revision.
	FrontRev uint64 `json:"front_rev,omitempty"`
}

func (s Seen) Key() string { return s.Host }

// HostFacts are the stable facts that programs are rendered with.
type HostFacts map[string]string

// Capacity is what a node has in all: cores, memory and disk in MiB and GiB.
type Capacity struct {
	Cores  int `json:"cores"`
	Memory int `json:"memory"`
	Disk   int `json:"disk"`
}

// SeenDomain is one line of a node's list of virtual machines.
type SeenDomain struct {
	Name       string `json:"name"`
	Cloud      string `json:"cloud,omitempty"`  // whose it is, by its metadata
	State      string `json:"state"`            // running, paused, shut off, crashed ...
	Reason     string `json:"reason,omitempty"` // libvirt's reason, if not running
	PoweredOff bool   `json:"powered_off,omitempty"`
	Pending    bool   `json:"pending_restart,omitempty"`
}

// Buried remembers an id that was given once, so that it is never given again.
type Buried struct {
	Meta
	ID   string    `json:"id"`
	When time.Time `json:"when"`
}

func (b Buried) Key() string { return b.ID }
