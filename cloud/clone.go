package cloud

import (
	"maps"
	"slices"
)

// Clone returns a copy that shares nothing. Every noun that state keeps has it,
// also those without slices or maps, so that one that gains such a field shows
// here what it must copy.
func (c Cloud) Clone() Cloud {
	c.Networks = maps.Clone(c.Networks)
	for cluster, s := range c.Networks {
		s.DNS, s.Left = slices.Clone(s.DNS), slices.Clone(s.Left)
		c.Networks[cluster] = s
	}
	c.Types = slices.Clone(c.Types)
	c.LastNode = maps.Clone(c.LastNode)
	c.LastPublic = maps.Clone(c.LastPublic)
	return c
}

// Clone returns a copy that shares nothing.
func (g Group) Clone() Group { g.Rules = slices.Clone(g.Rules); return g }

// Clone returns a copy that shares nothing.
func (i Image) Clone() Image { i.LaunchUsers = slices.Clone(i.LaunchUsers); return i }

// Clone returns a copy that shares nothing.
func (f Fence) Clone() Fence { f.Tokens = slices.Clone(f.Tokens); return f }

// Clone returns a copy that shares nothing.
func (a Answer) Clone() Answer { a.Body = slices.Clone(a.Body); return a }

// Clone returns a copy that shares nothing.
func (s Seen) Clone() Seen {
	s.Failed = slices.Clone(s.Failed)
	s.Facts = maps.Clone(s.Facts)
	s.Domains = slices.Clone(s.Domains)
	s.Folders = slices.Clone(s.Folders)
	s.Links = slices.Clone(s.Links)
	s.Neighbours = maps.Clone(s.Neighbours)
	s.Chains = slices.Clone(s.Chains)
	s.Warnings = slices.Clone(s.Warnings)
	return s
}

// Clone returns the user itself: it is a plain value.
func (u User) Clone() User { return u }

// Clone returns the key pair itself: it is a plain value.
func (k KeyPair) Clone() KeyPair { return k }

// Clone returns a copy that shares nothing.
func (n Network) Clone() Network { n.Uplinks = maps.Clone(n.Uplinks); return n }

// Clone returns the subnet itself: it is a plain value.
func (s Subnet) Clone() Subnet { return s }

// Clone returns the port itself: it is a plain value.
func (p Port) Clone() Port { return p }

// Clone returns the address itself: it is a plain value.
func (a Address) Clone() Address { return a }

// Clone returns the claim itself: it is a plain value.
func (c Claim) Clone() Claim { return c }

// Clone returns the record itself: it is a plain value.
func (d DeadHost) Clone() DeadHost { return d }

// Clone returns the secret itself: it is a plain value.
func (s Sealed) Clone() Sealed { return s }

// Clone returns the record itself: it is a plain value.
func (b Buried) Clone() Buried { return b }
