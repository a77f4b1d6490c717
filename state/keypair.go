package state

import "eucactl/cloud"

var keyPairs = &table[cloud.KeyPair]{name: "keypair", indexes: map[string]func(*cloud.KeyPair) []string{
	"owner": func(v *cloud.KeyPair) []string { return []string{v.Owner} },
}}

// KeyPair finds a user's key pair by its name.
func (tx *Tx) KeyPair(owner, name string) (cloud.KeyPair, bool) {
	return keyPairs.get(tx, cloud.KeyPair{Owner: owner, Name: name}.Key())
}

// KeyPairs lists all key pairs.
func (tx *Tx) KeyPairs() []cloud.KeyPair { return keyPairs.all(tx) }

// KeyPairsOf lists a user's key pairs.
func (tx *Tx) KeyPairsOf(owner string) []cloud.KeyPair { return keyPairs.list(tx, "owner", owner) }

// PutKeyPair adds or replaces a key pair.
func (tx *Tx) PutKeyPair(v cloud.KeyPair) { keyPairs.put(tx, v) }

// DeleteKeyPair removes a user's key pair.
func (tx *Tx) DeleteKeyPair(owner, name string) {
	keyPairs.delete(tx, cloud.KeyPair{Owner: owner, Name: name}.Key())
}
