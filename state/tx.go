package state

import (
	"time"

	"github.com/hashicorp/go-memdb"
)

// Tx is one moment of the cloud: all records as they were at one revision. Inside an
// Update it is also where they are changed, and ends with it. What it returns is the
// caller's to keep; lists are in the order of their keys.
type Tx struct {
	mem *memdb.Txn

	// Of an update only:
	writing bool
	done    bool
	rev     uint64     // the revision that it makes
	when    time.Time  // the actor's
	before  *memdb.Txn // what was before it
	texts   map[any][]byte
	err     error // the first misuse; the update fails with it
}

// View is the present moment. It never changes and needs no closing.
func (s *Store) View() *Tx { return &Tx{mem: s.mem.Txn(false)} }

// Rev is the revision that the view shows. Inside an update it is the one that the
// update makes if it changes anything.
func (tx *Tx) Rev() uint64 {
	if tx.writing {
		return tx.rev
	}
	row, err := tx.mem.First(revisionTable, idIndex, revisionTable)
	if err != nil || row == nil {
		return 0
	}
	return row.(*revision).Rev
}

func (tx *Tx) reader() *memdb.Txn {
	if tx.done {
		panic("state: an update's transaction is used after its end")
	}
	return tx.mem
}

func (tx *Tx) writer() *memdb.Txn {
	if !tx.writing {
		panic("state: a view is written to")
	}
	return tx.reader()
}

func (tx *Tx) fail(err error) {
	if tx.err == nil {
		tx.err = err
	}
}

func (tx *Tx) check(err error) {
	if err != nil {
		tx.fail(err)
	}
}
