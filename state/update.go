package state

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/go-memdb"
)

// Actor is who changes records, by which verb and when.
type Actor struct {
	User string
	Verb string
	Time time.Time
}

// Update runs fn and keeps what it changed, all or nothing: the disk first, then
// memory. An error from fn leaves both untouched. Without changes there is no commit
// and no new revision. It returns the revision that the store has afterwards. fn must
// not call Update or Observe.
func (s *Store) Update(a Actor, fn func(*Tx) error) (rev uint64, err error) {
	if err := s.use.enter(); err != nil {
		return 0, err
	}
	defer s.use.leave()
	s.write.Lock()
	defer s.write.Unlock()
	if broken := s.use.broken(); broken != nil {
		return 0, broken
	}

	tx := s.begin(a)
	defer tx.end()
	if err := fn(tx); err != nil {
		return s.Rev(), err
	}
	if tx.err != nil {
		return s.Rev(), fmt.Errorf("keep state: %w", tx.err)
	}
	changes := tx.changes()
	if len(changes) == 0 {
		return s.Rev(), nil
	}
	if err := s.keep(tx, a, changes); err != nil {
		return s.Rev(), err
	}
	return tx.rev, s.show(tx)
}

func (s *Store) begin(a Actor) *Tx {
	tx := &Tx{
		mem: s.mem.Txn(true), before: s.mem.Txn(false),
		writing: true, rev: s.Rev() + 1, when: a.Time, texts: map[any][]byte{},
	}
	tx.mem.TrackChanges()
	return tx
}

// end forgets what was not shown.
func (tx *Tx) end() {
	tx.done = true
	tx.mem.Abort()
}

// changes are the records that differ from before, in the order in which they got
// their last form.
func (tx *Tx) changes() memdb.Changes {
	var changes memdb.Changes
	for _, c := range tx.mem.Changes() {
		if c.Before != c.After {
			changes = append(changes, c)
		}
	}
	return changes
}

// keep writes the changes and their journal entry to the disk, as one batch.
func (s *Store) keep(tx *Tx, a Actor, changes memdb.Changes) error {
	batch := s.disk.NewBatch()
	if err := writeChanges(batch, tx, changes); err != nil {
		return err
	}
	if err := writeEntry(batch, tx, a, changes); err != nil {
		return err
	}
	if err := batch.Set([]byte(revisionKey), revisionBytes(tx.rev), nil); err != nil {
		return err
	}
	return s.commitSynced(batch)
}

// commitSynced also tells the crash tests.
func (s *Store) commitSynced(batch *pebble.Batch) error {
	s.commits++
	s.onCommit("before", s.commits)
	if err := s.commit(batch, pebble.Sync); err != nil {
		return err
	}
	s.onCommit("after", s.commits)
	return batch.Close()
}

func writeChanges(batch *pebble.Batch, tx *Tx, changes memdb.Changes) error {
	for _, c := range changes {
		key := recordKey(c.Table, keyOf(c))
		if c.Deleted() {
			if err := batch.Delete(key, nil); err != nil {
				return err
			}
			continue
		}
		if err := batch.Set(key, tx.texts[c.After], nil); err != nil {
			return err
		}
	}
	return nil
}

func keyOf(c memdb.Change) string {
	row := c.After
	if c.Deleted() {
		row = c.Before
	}
	k, _ := tableNamed(c.Table)
	return k.keyOf(row)
}

// show makes the transaction visible and wakes those who wait.
func (s *Store) show(tx *Tx) error {
	if err := tx.mem.Insert(revisionTable, &revision{tx.rev}); err != nil {
		return s.use.breakDown(fmt.Errorf("show revision %d: %w", tx.rev, err))
	}
	tx.mem.Commit()
	s.hub.wake()
	return nil
}
