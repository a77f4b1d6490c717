package state

import "eucactl/cloud"

var claims = &table[cloud.Claim]{name: "claim", indexes: map[string]func(*cloud.Claim) []string{
	"holder": func(v *cloud.Claim) []string { return []string{v.Holder} },
}}

// Claim finds a claim by what it claims.
func (tx *Tx) Claim(name string) (cloud.Claim, bool) { return claims.get(tx, name) }

// Claims lists the claims whose names begin with the prefix ("vlan/one/").
func (tx *Tx) Claims(prefix string) []cloud.Claim {
	return claims.list(tx, idIndex+"_prefix", prefix)
}

// ClaimsOf lists what a record holds.
func (tx *Tx) ClaimsOf(holder string) []cloud.Claim { return claims.list(tx, "holder", holder) }

// PutClaim takes a scarce thing. If another record holds it the error is a
// *ClaimedError; a holder may claim again.
func (tx *Tx) PutClaim(v cloud.Claim) error {
	if now, ok := tx.Claim(v.Name); ok && now.Holder != v.Holder {
		return &ClaimedError{Name: now.Name, Holder: now.Holder}
	}
	claims.put(tx, v)
	return nil
}

// DeleteClaim gives a scarce thing back.
func (tx *Tx) DeleteClaim(name string) { claims.delete(tx, name) }
