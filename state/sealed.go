package state

import "eucactl/cloud"

// Sealed records are plain text in a directory that only its owner can read; they
// are in no journal and no dump.
var sealed = &table[cloud.Sealed]{name: "sealed", silent: true, private: true}

// Sealed finds a secret by its id.
func (tx *Tx) Sealed(id string) (cloud.Sealed, bool) { return sealed.get(tx, id) }

// PutSealed adds or replaces a secret.
func (tx *Tx) PutSealed(v cloud.Sealed) { sealed.put(tx, v) }

// DeleteSealed forgets a secret.
func (tx *Tx) DeleteSealed(id string) { sealed.delete(tx, id) }
